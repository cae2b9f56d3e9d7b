"""The hard requirements, one by one, and what the rules cannot know."""

from dataclasses import fields

import pytest

from contracts.values import Education, Employment
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    Posting,
    Seeker,
)
from services.matcher.domain.eligibility import Rule, broken_rules, places_accepted
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from tests.matcher.documents import (
    COOK,
    FITTER,
    HONGTA,
    JINNING,
    KUNMING,
    PANLONG,
    WELDER,
    WUHUA,
    a_certificate,
    a_posting,
    a_seeker,
)


def broken(posting: Posting, seeker: Seeker, *held: HeldCertificate) -> tuple[Rule, ...]:
    model = base_model()
    return broken_rules(prepare_posting(model, posting), prepare_seeker(model, seeker, held))


def test_a_good_pair_breaks_no_rule() -> None:
    assert broken(a_posting(), a_seeker()) == ()


def test_each_broken_rule_is_named() -> None:
    posting = a_posting(
        open=False,
        certificates=(CertificateWanted(WELDER, 3),),
        education=Education.DOCTOR,
        employment=Employment.DISPATCH,
    )
    seeker = a_seeker(looking=False, counties=(HONGTA,), employment=(Employment.FULL_TIME,))
    assert broken(posting, seeker) == tuple(Rule)


@pytest.mark.parametrize(
    ("places", "accepted"),
    [((WUHUA,), True), ((HONGTA, KUNMING), True), ((PANLONG,), False), ((), False)],
)
def test_a_place_is_named_by_county_or_prefecture(
    places: tuple[str, ...],
    accepted: bool,
) -> None:
    rules = () if accepted else (Rule.PLACE,)
    assert broken(a_posting(), a_seeker(counties=places)) == rules


@pytest.mark.parametrize(
    ("county", "places", "commute", "accepted"),
    [
        (PANLONG, (WUHUA,), True, True),
        (PANLONG, (WUHUA,), False, False),
        (JINNING, (HONGTA,), True, True),
        (JINNING, (HONGTA, WUHUA), True, True),
        # Only home counts, and a prefecture is no home to go out from.
        (JINNING, (WUHUA, HONGTA), True, False),
        (JINNING, ("530400",), True, False),
        (JINNING, (), True, False),
        # 呈贡 lies beyond 官渡.
        ("530114", (WUHUA,), True, False),
    ],
)
def test_a_commuter_accepts_what_borders_home(
    county: str, places: tuple[str, ...], commute: bool, accepted: bool
) -> None:
    rules = () if accepted else (Rule.PLACE,)
    assert broken(a_posting(county=county), a_seeker(counties=places, commute=commute)) == rules


@pytest.mark.parametrize(
    ("named", "added"),
    [
        ((HONGTA,), (JINNING, "530403", "530423", "530426")),
        ((HONGTA, JINNING), ("530403", "530423", "530426")),
        ((HONGTA, "530400"), (JINNING,)),
        ((HONGTA, "530400", KUNMING), ()),
    ],
)
def test_no_place_is_accepted_twice(named: tuple[str, ...], added: tuple[str, ...]) -> None:
    assert places_accepted(a_seeker(counties=named, commute=True)) == (*named, *added)


def test_remote_work_needs_no_place_but_both_must_want_it() -> None:
    far = a_seeker(counties=(), remote_ok=True)
    assert broken(a_posting(remote=True), far) == ()
    assert broken(a_posting(remote=False), far) == (Rule.PLACE,)
    assert broken(a_posting(remote=True), a_seeker(counties=())) == (Rule.PLACE,)


@pytest.mark.parametrize(
    ("held", "rules"),
    [
        ((), (Rule.CERTIFICATE,)),
        ((a_certificate(level=4),), ()),
        ((a_certificate(level=8),), ()),
        ((a_certificate(level=3),), (Rule.CERTIFICATE,)),
        ((a_certificate(level=None),), (Rule.CERTIFICATE,)),
        ((a_certificate(occupation=COOK, level=8),), (Rule.CERTIFICATE,)),
        ((a_certificate(1, level=2), a_certificate(2, level=5)), ()),
    ],
)
def test_a_required_certificate_is_held_at_its_level_or_above(
    held: tuple[HeldCertificate, ...], rules: tuple[Rule, ...]
) -> None:
    posting = a_posting(certificates=(CertificateWanted(WELDER, 4),))
    assert broken(posting, a_seeker(), *held) == rules


def test_all_required_certificates_are_needed_and_no_nice_one() -> None:
    wanted = (CertificateWanted(WELDER, 4), CertificateWanted(FITTER, 3))
    posting = a_posting(certificates=(*wanted, CertificateWanted(COOK, 8, required=False)))
    welding, electric = a_certificate(1), a_certificate(2, occupation=FITTER, level=3)
    assert broken(posting, a_seeker(), welding) == (Rule.CERTIFICATE,)
    assert broken(posting, a_seeker(), welding, electric) == ()


def test_unknown_education_meets_only_a_posting_that_asks_for_none() -> None:
    assert broken(a_posting(), a_seeker(education=None)) == ()
    asking = a_posting(education=Education.PRIMARY)
    assert broken(asking, a_seeker(education=None)) == (Rule.EDUCATION,)


def test_naming_no_kind_of_employment_accepts_all() -> None:
    for kind in Employment:
        assert broken(a_posting(employment=kind), a_seeker(employment=())) == ()


def test_the_rules_are_blind_to_protected_traits() -> None:
    # Promise 7, by the names of everything a rule can read. A new field is added here knowingly.
    assert {field.name for document in (Seeker, HeldCertificate) for field in fields(document)} == {
        "seeker_id",
        "version",
        "looking",
        "titles",
        "text",
        "occupations",
        "skills",
        "education",
        "experience_years",
        "counties",
        "commute",
        "remote_ok",
        "pay_floor",
        "employment",
        "certificate_id",
        "occupation",
        "level",
        "name",
    }
