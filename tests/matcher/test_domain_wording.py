"""Vectors of postings and profiles: their lengths, and what a skill more does to them."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.domain import wording
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker, SkillWanted
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.language import lexicon
from services.matcher.domain.language.synonyms import plain_skill
from services.matcher.domain.language.text import bucket_of
from services.matcher.domain.language.trades import trades_of
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.domain.vector import (
    ONE,
    SCALE,
    UNIT,
    TermVector,
    blended,
    dot,
    root_up,
    rounded,
    stacked,
)
from tests.matcher.documents import a_posting, a_seeker, certificates_held, postings, seekers

MODEL = base_model()

# Names, skills and phrases as the lexicon has them, and whatever else may be written.
SAID = st.one_of(
    st.sampled_from([name for trade in lexicon.trades()[::9] for name in trade.names[:3]]),
    st.sampled_from([concept.phrases[0] for concept in lexicon.concepts()[::5]]),
    st.text(max_size=12),
)
vectors = st.dictionaries(st.integers(0, 40), st.integers(1, SCALE), max_size=12).map(
    lambda found: TermVector(
        np.array(sorted(found), np.int32), np.array([found[key] for key in sorted(found)], np.int32)
    )
)


def length(vector: TermVector) -> float:
    return math.sqrt(dot(vector, vector))


def impacts(vector: TermVector) -> dict[int, int]:
    return dict(zip(vector.buckets.tolist(), vector.impacts.tolist(), strict=True))


@given(st.lists(st.tuples(vectors, st.integers(0, 1000)), max_size=4), st.integers(0, SCALE))
def test_a_blend_is_the_weighted_sum_made_as_long_as_wanted(
    parts: list[tuple[TermVector, int]], wanted: int
) -> None:
    sums: dict[int, int] = {}
    for part, weight in parts:
        for bucket, impact in impacts(part).items():
            sums[bucket] = sums.get(bucket, 0) + impact * weight
    # Rounded up, so that the blend is no longer than it should be.
    whole = math.isqrt(max(sum(value * value for value in sums.values()) - 1, 0)) + 1
    blend = blended(parts, wanted)
    assert length(blend) <= wanted
    ours = impacts(blend)
    parts_of_it = {bucket: value * wanted // whole for bucket, value in sums.items()}
    assert ours == {bucket: impact for bucket, impact in parts_of_it.items() if impact}
    assert blend.buckets.tolist() == sorted(ours)


@given(st.integers(0, (1 << 62) - 1))
def test_a_root_is_the_integer_root_rounded_up(square: int) -> None:
    near = math.isqrt(square) ** 2
    for number in (square, near, max(near - 1, 0)):
        assert root_up(number) == math.isqrt(max(number - 1, 0)) + (number > 0)


@given(st.lists(vectors, max_size=4), st.integers(1, 2 * SCALE))
def test_a_stack_adds_up_to_a_limit(parts: list[TermVector], most: int) -> None:
    sums: dict[int, int] = {}
    for part in parts:
        for bucket, impact in impacts(part).items():
            sums[bucket] = sums.get(bucket, 0) + impact
    assert impacts(stacked(parts, most)) == {key: min(most, sums[key]) for key in sums}


@given(vectors, st.integers(1, 20))
def test_a_document_is_rounded_to_bytes(vector: TermVector, least: int) -> None:
    near = {bucket: impact * UNIT / SCALE for bucket, impact in impacts(vector).items()}
    ours = impacts(rounded(vector, least))
    for bucket, impact in near.items():
        if bucket in ours:
            assert least <= ours[bucket] < UNIT
            assert abs(ours[bucket] - min(impact, UNIT - 1)) <= 0.5
        else:
            assert impact < least
    assert set(ours) <= set(near)


@given(vectors, st.integers(1, 20))
def test_a_document_is_read_as_it_was_stored(vector: TermVector, least: int) -> None:
    document = rounded(vector, least)
    assert impacts(TermVector.from_bytes(document.to_bytes())) == impacts(document)


@given(SAID, SAID, st.lists(SAID, max_size=6), st.sampled_from([None, "6-18-02-04", "0-00-00-00"]))
def test_no_posting_is_longer_than_one(
    title: str, text: str, skills: list[str], occupation: str | None
) -> None:
    doc = a_posting(
        title=title,
        text=text,
        skills=tuple(SkillWanted(name) for name in skills),
        occupation=occupation,
    )
    vector = wording.of_posting(MODEL, doc)
    # Rounded to the nearest, and two parts may share a bucket by chance.
    assert length(vector) <= UNIT * 1.03


LONG = "\n".join(name for trade in lexicon.trades()[::5] for name in trade.names[:4])


@given(st.sampled_from([name for trade in lexicon.trades()[::9] for name in trade.names[:3]]))
def test_a_long_posting_keeps_its_strongest_words(title: str) -> None:
    """The fewer, the surer its trade is; of a profile all are kept."""
    words = [(MODEL.vector_of(title), wording._TITLE), (MODEL.vector_of(LONG), wording._TEXT)]
    vague, sure = [(trades_of(title), 500)], [(trades_of(title), 1000)]
    kept = []
    for spoken in ([], vague, sure):
        some, *_ = wording._parts(words, spoken, wording._MOST_WORDS, 4, 4)
        whole, *_ = wording._parts(words, spoken, None, 4, 4)
        said, left_out = impacts(some), impacts(whole)
        for bucket in said:
            assert said[bucket] == left_out.pop(bucket)
        assert min(said.values()) >= max(left_out.values())
        kept.append(len(said))
    # Words have two fifths of the squared length at least.
    assert wording._MOST_WORDS == kept[0] > kept[1] > kept[2] >= wording._MOST_WORDS * 3 // 20


def test_a_short_posting_keeps_all_its_words() -> None:
    words = [(MODEL.vector_of("电焊工"), wording._TITLE), (MODEL.vector_of("焊接管道"), 5)]
    sure = [(trades_of("电焊工"), 1000)]
    some, *_ = wording._parts(words, sure, wording._MOST_WORDS, 4, 4)
    whole, *_ = wording._parts(words, sure, None, 4, 4)
    assert impacts(some) == impacts(whole)


@given(st.lists(SAID, max_size=3), SAID, st.lists(SAID, max_size=30))
def test_skills_lengthen_a_profile_up_to_a_limit(
    titles: list[str], text: str, skills: list[str]
) -> None:
    doc = a_seeker(titles=tuple(titles), text=text, skills=())
    without = impacts(wording.of_seeker(MODEL, doc))
    limits = wording._MOST_OF_A_TRADE, wording._MOST_OF_A_FIELD
    # Two claims may share a bucket by chance; one unit for each rounding.
    most = UNIT * sum(limits) // 1000 + 2
    for bucket, impact in impacts(
        wording.of_seeker(MODEL, replace(doc, skills=tuple(skills)))
    ).items():
        least = max(without.get(bucket, 0), wording._LEAST - 1)
        assert impact <= min(least + most, UNIT - 1)


@given(st.lists(SAID, min_size=1, max_size=4))
def test_what_is_shown_is_said_once(names: list[str]) -> None:
    once = prepare_seeker(MODEL, a_seeker(skills=tuple(dict.fromkeys(names))))
    twice = prepare_seeker(MODEL, a_seeker(skills=(*names, *reversed(names))))
    assert twice.said.to_bytes() == once.said.to_bytes()
    words = [wording.shown(MODEL, name) for name in dict.fromkeys(map(plain_skill, names)) if name]
    assert impacts(once.said) == impacts(stacked([once.terms, *words]))


def test_the_words_of_a_skill_are_no_single_characters() -> None:
    pair = set(impacts(wording.shown(MODEL, "电工")))
    assert not pair & {bucket_of("电"), bucket_of("工")}
    assert bucket_of("电工") in pair
    assert set(impacts(wording.shown(MODEL, "车"))) == {bucket_of("车")}
    assert bucket_of("python") in impacts(wording.shown(MODEL, "python"))


def test_a_trait_has_no_words() -> None:
    assert not impacts(wording.shown(MODEL, "男"))


@given(st.lists(SAID, max_size=3), st.lists(SAID, max_size=24), SAID)
def test_a_skill_more_lowers_no_term(titles: list[str], skills: list[str], more: str) -> None:
    profile = a_seeker(titles=tuple(titles), skills=tuple(skills))
    before = impacts(wording.of_seeker(MODEL, profile))
    after = impacts(wording.of_seeker(MODEL, replace(profile, skills=(*skills, more))))
    assert all(after.get(bucket, 0) >= impact for bucket, impact in before.items())


@given(postings(1), seekers(1), certificates_held, SAID)
def test_a_skill_more_lowers_no_score(
    posting: Posting, profile: Seeker, held: tuple[HeldCertificate, ...], more: str
) -> None:
    job = prepare_posting(MODEL, posting)
    before = prepare_seeker(MODEL, profile, held)
    after = prepare_seeker(MODEL, replace(profile, skills=(*profile.skills, more)), held)
    assert score(job, after).score_ppm >= score(job, before).score_ppm


@given(postings(1), seekers(1), certificates_held)
def test_a_certificate_more_lowers_no_score_and_breaks_no_rule(
    posting: Posting, profile: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    job = prepare_posting(MODEL, posting)
    for count in range(len(held)):
        before = prepare_seeker(MODEL, profile, held[:count])
        after = prepare_seeker(MODEL, profile, held[: count + 1])
        assert score(job, after).score_ppm >= score(job, before).score_ppm
        assert set(broken_rules(job, after)) <= set(broken_rules(job, before))


def test_a_text_that_says_more_than_all_scores_no_more_than_all() -> None:
    skills = ("焊工", "电焊", "氩弧焊", "二保焊", "焊接")
    job = prepare_posting(MODEL, a_posting(title="焊工", text="", skills=(), occupation=None))
    person = prepare_seeker(MODEL, a_seeker(titles=("焊工",), text="", skills=skills))
    assert dot(job.terms, person.said) > ONE
    assert score(job, person).text_ppm == job.weights.text
