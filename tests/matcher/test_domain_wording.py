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
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.domain.vector import (
    LONGEST,
    ONE,
    SCALE,
    TermVector,
    blended,
    dot,
    highest,
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
    whole = math.sqrt(sum(value * value for value in sums.values())) or 1
    blend = blended(parts, wanted)
    assert length(blend) <= wanted
    ours = impacts(blend)
    for bucket, value in sums.items():
        assert abs(ours.get(bucket, 0) - value * wanted / whole) <= 1 + 1e-6
    assert blend.buckets.tolist() == sorted(ours)


@given(st.lists(vectors, max_size=4), st.integers(1, 2 * SCALE))
def test_a_stack_adds_up_to_a_limit(parts: list[TermVector], most: int) -> None:
    sums: dict[int, int] = {}
    for part in parts:
        for bucket, impact in impacts(part).items():
            sums[bucket] = sums.get(bucket, 0) + impact
    assert impacts(stacked(parts, most)) == {key: min(most, sums[key]) for key in sums}


@given(st.lists(vectors, max_size=4))
def test_the_highest_of_each_term_is_kept(parts: list[TermVector]) -> None:
    wanted: dict[int, int] = {}
    for part in parts:
        for bucket, impact in impacts(part).items():
            wanted[bucket] = max(impact, wanted.get(bucket, 0))
    assert impacts(highest(parts)) == wanted


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
    # Each part is rounded by itself; two parts may share a bucket by chance.
    assert length(vector) <= SCALE * 1.01


@given(st.lists(SAID, max_size=3), SAID, st.lists(SAID, max_size=30))
def test_no_profile_is_longer_than_the_longest(
    titles: list[str], text: str, skills: list[str]
) -> None:
    vector = wording.of_seeker(
        MODEL, a_seeker(titles=tuple(titles), text=text, skills=tuple(skills))
    )
    assert length(vector) <= LONGEST
    assert vector.impacts.max(initial=0) <= SCALE


def test_the_same_skill_in_thirty_spellings_is_not_longer_than_the_longest() -> None:
    skills = tuple(f"java开发{'经验' * (nth % 3)}{nth}" for nth in range(30))
    vector = wording.of_seeker(MODEL, a_seeker(titles=("java开发",), text="java", skills=skills))
    assert length(vector) <= LONGEST


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
    assert dot(job.terms, person.terms) > ONE
    assert score(job, person).text_ppm == job.weights.text
