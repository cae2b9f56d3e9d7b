"""The score of a pair: its leaves, its bounds, and that more never counts for less."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from contracts.values import PPM, PayUnit
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    Pay,
    Posting,
    Seeker,
    SkillWanted,
)
from services.matcher.domain.model import Weights
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import (
    PLACE_PPM,
    Leaves,
    Near,
    experience_fraction,
    pay_fraction,
    score,
    similarity_ppm,
)
from tests.matcher.documents import (
    COOK,
    FITTER,
    HONGTA,
    JINNING,
    KUNMING,
    PANLONG,
    SKILLS,
    WELDER,
    WUHUA,
    a_certificate,
    a_posting,
    a_seeker,
    certificate_id,
    certificates_held,
    postings,
    seekers,
)

MODEL = base_model()


def scored(posting: Posting, seeker: Seeker, *held: HeldCertificate) -> Leaves:
    return score(prepare_posting(MODEL, posting), prepare_seeker(MODEL, seeker, held))


@given(postings(1), seekers(1), certificates_held)
def test_a_score_is_between_nothing_and_one(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    leaves = scored(posting, seeker, *held)
    assert 0 <= leaves.score_ppm <= PPM


@given(postings(1), seekers(1), certificates_held, st.sampled_from(SKILLS) | st.text(max_size=8))
def test_a_skill_more_never_lowers_a_score(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...], skill: str
) -> None:
    richer = replace(seeker, skills=(*seeker.skills, skill))
    assert scored(posting, richer, *held).score_ppm >= scored(posting, seeker, *held).score_ppm


@given(postings(1), seekers(1), certificates_held, st.data())
def test_a_certificate_more_never_lowers_a_score(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...], data: st.DataObject
) -> None:
    more = data.draw(certificates_held)
    new = tuple(replace(c, certificate_id=certificate_id(10 + n)) for n, c in enumerate(more))
    assert (
        scored(posting, seeker, *held, *new).score_ppm >= scored(posting, seeker, *held).score_ppm
    )


@given(postings(1), seekers(1), certificates_held)
def test_certificates_count_the_same_in_any_order(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    assert scored(posting, seeker, *held) == scored(posting, seeker, *reversed(held))


def test_of_equal_certificates_the_first_id_counts_in_any_order() -> None:
    posting, seeker = a_posting(skills=(SkillWanted("焊工"),)), a_seeker()
    first, second = a_certificate(1), a_certificate(2)
    leaves = scored(posting, seeker, second, first)
    assert leaves == scored(posting, seeker, first, second)
    assert leaves.certificate == first
    assert leaves.skills[0].evidence is not None
    assert leaves.skills[0].evidence.certificate_id == first.certificate_id


def test_a_skill_asked_twice_is_one_and_required_where_it_is_once() -> None:
    asked = (SkillWanted("JavaScript"), SkillWanted("js", required=False), SkillWanted(" "))
    (skill,) = prepare_posting(MODEL, a_posting(skills=asked)).skills
    assert (skill.name, skill.weighs) == ("JavaScript", 2)


@given(st.text(max_size=12), st.text(max_size=12))
def test_similarity_is_rapidfuzz_ratio_in_integers(left: str, right: str) -> None:
    similar = similarity_ppm(left, right)
    if left or right:
        exact = fuzz.ratio(left, right) * 10_000
        assert similar == (pytest.approx(exact, abs=1.01) if exact > 749_999 else 0)


@pytest.mark.parametrize(
    ("left", "right", "similar"),
    [("数据分析师", "数据分析", 888_888), ("mysql", "sql", 750_000), ("java", "javascript", 0)],
)
def test_spellings_count_from_the_cut_off(left: str, right: str, similar: int) -> None:
    assert similarity_ppm(left, right) == similar


def test_a_required_skill_weighs_twice_a_nice_one() -> None:
    posting = a_posting(skills=(SkillWanted("氩弧焊"), SkillWanted("读图", required=False)))
    leaves = scored(posting, a_seeker(skills=("氩弧焊", "读图")))
    required, nice = (leaf.points_ppm for leaf in leaves.skills)
    assert nice > 0
    assert required in {2 * nice, 2 * nice + 1}  # each is rounded down


def test_skills_weigh_more_the_more_of_them_are_asked() -> None:
    full = Weights().skills
    weighed = [
        prepare_posting(
            MODEL, a_posting(skills=tuple(SkillWanted(f"技能{nth}") for nth in range(count)))
        ).weights.skills
        for count in (0, 1, 4, 20)
    ]
    assert weighed == [0, full * 2 // 10, full * 8 // 16, full * 40 // 48]


def test_a_posting_is_matched_on_what_it_says() -> None:
    silent = prepare_posting(MODEL, a_posting(title="普工", skills=(), occupation=None)).weights
    full = Weights()
    assert silent.text == full.text + full.skills + full.occupation + full.certificate
    assert silent.skills == silent.occupation == silent.certificate == 0


def test_an_everyday_title_stands_for_the_occupation() -> None:
    unsaid = a_posting(title="高级电焊工（五华）", occupation=None)
    assert scored(unsaid, a_seeker(), a_certificate(occupation=WELDER)).certificate is not None
    titled = a_seeker(titles=("电焊工",), occupations=())
    assert scored(a_posting(occupation=WELDER), titled).levels_shared == 4


@pytest.mark.parametrize(
    ("floor", "fraction"),
    [(0, PPM), (6000, PPM), (7000, 750_000), (8000, 500_000), (9000, 277_777), (11_000, 0)],
)
def test_pay_counts_for_what_it_leaves_above_the_floor(floor: int, fraction: int) -> None:
    assert pay_fraction(6000, 8000, floor) == fraction


@given(*[st.integers(0, 10**8)] * 3)
def test_less_wanted_is_never_worth_less(low: int, more: int, floor: int) -> None:
    assert 0 <= pay_fraction(low, low + more, floor + 1) <= pay_fraction(low, low + more, floor)
    assert pay_fraction(low, low + more, floor) <= PPM


def test_pay_is_compared_by_the_month() -> None:
    posting = prepare_posting(MODEL, a_posting(pay=Pay(20, 30, PayUnit.HOUR)))
    assert (posting.pay_low, posting.pay_high) == (3480, 5220)


def test_pay_the_wrong_way_round_is_turned() -> None:
    posting = prepare_posting(MODEL, a_posting(pay=Pay(9000, 6000, PayUnit.MONTH)))
    assert (posting.pay_low, posting.pay_high) == (6000, 9000)


def test_experience_counts_by_its_share() -> None:
    assert [experience_fraction(3, years) for years in (0, 1, 3, 9)] == [0, 333_333, PPM, PPM]
    assert experience_fraction(0, 0) == PPM


@pytest.mark.parametrize(
    ("places", "remote", "near"),
    [
        ((WUHUA,), False, Near.HOME),
        ((WUHUA,), True, Near.HOME),
        ((PANLONG, KUNMING), False, Near.NEIGHBOUR),
        ((PANLONG, KUNMING), True, Near.NEIGHBOUR),
        ((PANLONG,), True, Near.REMOTE),
        ((PANLONG,), False, Near.NOWHERE),
        ((JINNING, KUNMING), False, Near.PREFECTURE),
        ((JINNING, KUNMING), True, Near.REMOTE),
        ((HONGTA, WUHUA), False, Near.ACCEPTED),
        ((HONGTA,), True, Near.REMOTE),
        ((HONGTA,), False, Near.NOWHERE),
        ((), False, Near.NOWHERE),
    ],
)
def test_the_nearer_place_is_worth_more(
    places: tuple[str, ...],
    remote: bool,
    near: Near,
) -> None:
    seeker = a_seeker(counties=places, remote_ok=remote)
    assert scored(a_posting(remote=True), seeker).near is near


@pytest.mark.parametrize(
    ("home", "county", "commute", "near"),
    [
        ((HONGTA,), JINNING, True, Near.NEIGHBOUR),
        ((HONGTA, KUNMING), JINNING, False, Near.NEIGHBOUR),
        ((HONGTA, KUNMING), WUHUA, True, Near.ACCEPTED),
        ((HONGTA,), WUHUA, True, Near.NOWHERE),
    ],
)
def test_what_borders_home_is_near_in_whatever_prefecture(
    home: tuple[str, ...], county: str, commute: bool, near: Near
) -> None:
    seeker = a_seeker(counties=home, commute=commute)
    assert scored(a_posting(county=county), seeker).near is near


def test_places_are_worth_less_the_farther_they_are() -> None:
    assert list(PLACE_PPM) == list(Near)
    assert list(PLACE_PPM.values()) == sorted(PLACE_PPM.values(), reverse=True)


@pytest.mark.parametrize(
    ("code", "levels"),
    [(WELDER, 4), ("6-18-02-03", 3), ("6-18", 2), (FITTER, 1), (COOK, 0), ("nonsense", 0)],
)
def test_occupations_are_close_by_their_codes(code: str, levels: int) -> None:
    seeker = a_seeker(titles=(), occupations=(code,))
    assert scored(a_posting(), seeker).levels_shared == levels


def test_a_higher_certificate_counts_more() -> None:
    points = [
        scored(a_posting(), a_seeker(), a_certificate(level=level)).certificate_ppm
        for level in (None, 1, 4, 8)
    ]
    assert points == [15_000, 16_875, 22_500, 30_000]


def test_a_certificate_in_any_occupation_listed_counts() -> None:
    posting = a_posting(certificates=(CertificateWanted(FITTER, 3, required=False),))
    electrician = a_certificate(occupation=FITTER, name=None)
    assert scored(posting, a_seeker(), electrician).certificate == electrician
    assert scored(posting, a_seeker(), a_certificate(occupation=COOK)).certificate is None


@pytest.mark.parametrize(
    "certificate",
    [
        a_certificate(occupation=WELDER, name=None),
        a_certificate(occupation=None, level=None, name="焊工证"),
    ],
)
def test_a_certificate_proves_the_skill_it_is_named_after(certificate: HeldCertificate) -> None:
    posting = a_posting(skills=(SkillWanted("焊工"),))
    claimed = scored(posting, a_seeker(skills=("焊工",)), certificate).skills[0]
    assert claimed.evidence is not None
    assert claimed.evidence.certificate_id == certificate.certificate_id
    assert claimed.similarity_ppm == PPM
