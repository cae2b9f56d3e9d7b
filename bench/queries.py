"""Postings to be asked for: drawn from a seed, with what text engines are asked beside them.

The seekers they are asked of are `population`'s.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from bench.drawing import draw_skills, draw_tokens, usual_pay
from bench.population import Population, weighed
from bench.skills import typo
from bench.words import drawn
from contracts.values import Education, EmployerId, Employment, PayUnit, PostingId
from services.matcher.domain.documents import CertificateWanted, Pay, Posting, SkillWanted
from services.matcher.domain.prepare import PreparedPosting, prepare_posting
from services.matcher.domain.vector import TermVector

_TERMS, _TERMS_SPREAD, _TERMS_LEAST, _TERMS_MOST = 107, 25, 40, 200
_SKILLS = (4, 5, 6, 6, 6, 7, 8)
_REQUIRED_SHARE = 0.7
_TYPO_SHARE = 0.02
_DRAWN_AT_ONCE = 600
_EMPLOYMENTS = (
    Employment.FULL_TIME,
    Employment.PART_TIME,
    Employment.TEMPORARY,
    Employment.DISPATCH,
)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A posting made ready, and its distinct words by number: what a text engine is asked."""

    posting: PreparedPosting
    words: tuple[int, ...]


def make_queries(seed: int, population: Population, n: int) -> list[Query]:
    """n postings under the population's model; the first are the same for every n."""
    rng = np.random.default_rng((seed, 2))
    return [_query(rng, population) for _ in range(n)]


def with_unseen_skills(seed: int, population: Population, queries: Sequence[Query]) -> list[Query]:
    """The same queries, each with its first skill under a spelling that nobody has used yet."""
    rng = random.Random(seed)
    known = set(population.world.skills.spellings)
    changed = []
    for query in queries:
        doc = query.posting.doc
        spelling = doc.skills[0].name
        while spelling in known:
            spelling = typo(rng, typo(rng, spelling))
        known.add(spelling)
        skills = (SkillWanted(spelling, required=doc.skills[0].required), *doc.skills[1:])
        doc = replace(doc, skills=skills)
        posting = prepare_posting(population.model, doc, query.posting.terms)
        changed.append(Query(posting, query.words))
    return changed


def _query(rng: np.random.Generator, population: Population) -> Query:
    world = population.world
    occupation = drawn(rng, world.by_occupation, 1).astype(np.int16)
    words, terms = _text(rng, population, occupation)
    education = rng.choice((0, 2, 3, 4, 5, 6), 1, p=(0.4, 0.1, 0.2, 0.18, 0.11, 0.01))
    low = max(1, int(usual_pay(rng, education.astype(np.int8))[0]))
    code = world.occupations[int(occupation[0])]
    certificate = rng.random()
    doc = Posting(
        posting_id=PostingId(UUID(bytes=rng.bytes(16))),
        employer_id=EmployerId("bench"),
        version=1,
        open=True,
        title="",
        county=world.places[world.counties[drawn(rng, world.by_county, 1)[0]]],
        pay=Pay(low, int(low * rng.uniform(1.0, 1.6)), PayUnit.MONTH),
        occupation=code,
        remote=bool(rng.random() < 0.04),
        skills=_skills(rng, population, occupation),
        certificates=(
            (CertificateWanted(code, int(rng.integers(2, 5)), required=certificate < 0.08),)
            if certificate < 0.3
            else ()
        ),
        education=Education(int(education[0])) if education[0] else None,
        experience_years=int(rng.choice((0, 1, 2, 3, 5), p=(0.4, 0.25, 0.15, 0.15, 0.05))),
        employment=_EMPLOYMENTS[int(rng.choice(4, p=(0.88, 0.06, 0.04, 0.02)))],
    )
    return Query(prepare_posting(population.model, doc, terms), words)


def _text(
    rng: np.random.Generator, population: Population, occupation: NDArray[np.int16]
) -> tuple[tuple[int, ...], TermVector]:
    """Words until enough of them are distinct, and their vector."""
    world = population.world
    wanted = int(np.clip(rng.normal(_TERMS, _TERMS_SPREAD), _TERMS_LEAST, _TERMS_MOST))
    tokens = draw_tokens(rng, world, np.repeat(occupation, _DRAWN_AT_ONCE))
    firsts = np.sort(np.unique(tokens, return_index=True)[1])
    if len(firsts) > wanted:
        tokens = tokens[: firsts[wanted]]
    words, times = np.unique(tokens, return_counts=True)
    order = np.argsort(world.vocabulary.buckets[words])
    words, said = words[order], np.minimum(times[order], 255).astype(np.uint8)
    buckets = world.vocabulary.buckets[words]
    impacts = weighed(population.model, buckets, said, np.array([0, len(words)], np.int64))
    return tuple(words.tolist()), TermVector(buckets, impacts.astype(np.int32))


def _skills(
    rng: np.random.Generator, population: Population, occupation: NDArray[np.int16]
) -> tuple[SkillWanted, ...]:
    world = population.world
    count = int(rng.choice(_SKILLS))
    drawn_skills = draw_skills(rng, world, np.repeat(occupation, 4 * count))
    firsts = np.sort(np.unique(drawn_skills, return_index=True)[1])[:count]
    spelled = world.skills.misspelled(rng, drawn_skills[firsts], _TYPO_SHARE)
    return tuple(
        SkillWanted(world.skills.spellings[number], required=bool(rng.random() < _REQUIRED_SHARE))
        for number in spelled.tolist()
    )
