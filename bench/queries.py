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
from bench.names import TITLES, occupation_rows, skill_rows, title_rows
from bench.population import Population, rarity
from bench.skills import typo
from bench.wording import POSTING, Said, Vectors, worded
from bench.words import drawn
from bench.world import World
from contracts.values import Education, EmployerId, Employment, PayUnit, PostingId
from services.matcher.domain.documents import CertificateWanted, Pay, Posting, SkillWanted
from services.matcher.domain.prepare import PreparedPosting, prepare_posting

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
    """A posting made ready, and the distinct words of its title and text by number: what a text
    engine is asked.
    """

    posting: PreparedPosting
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A posting before it is worded. words, times: of its text. title: a row of names, in one.
    occupation: its number, in one. skills: spellings.
    """

    doc: Posting
    words: NDArray[np.int32]
    times: NDArray[np.uint8]
    title: NDArray[np.int16]
    occupation: NDArray[np.int16]
    skills: NDArray[np.int32]


def make_queries(seed: int, population: Population, n: int) -> list[Query]:
    """n postings under the population's model; the first are the same for every n."""
    rng = np.random.default_rng((seed, 2))
    everything = [_drawn(rng, population.world) for _ in range(n)]
    vectors = _vectors(population, everything)
    names = population.world.names
    return [
        Query(
            prepare_posting(population.model, each.doc, vectors.vector(nth)),
            tuple(np.union1d(each.words, names.said(each.title)).tolist()),
        )
        for nth, each in enumerate(everything)
    ]


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


def _drawn(rng: np.random.Generator, world: World) -> _Drawn:
    occupation = drawn(rng, world.by_occupation, 1).astype(np.int16)
    title = title_rows(occupation, rng.integers(0, TITLES, 1))
    education = rng.choice((0, 2, 3, 4, 5, 6), 1, p=(0.4, 0.1, 0.2, 0.18, 0.11, 0.01))
    low = max(1, int(usual_pay(rng, education.astype(np.int8))[0]))
    skills = _skills(rng, world, occupation)
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
        skills=tuple(
            SkillWanted(
                world.skills.spellings[number], required=bool(rng.random() < _REQUIRED_SHARE)
            )
            for number in skills.tolist()
        ),
        certificates=(
            (CertificateWanted(code, int(rng.integers(2, 5)), required=certificate < 0.08),)
            if certificate < 0.3
            else ()
        ),
        education=Education(int(education[0])) if education[0] else None,
        experience_years=int(rng.choice((0, 1, 2, 3, 5), p=(0.4, 0.25, 0.15, 0.15, 0.05))),
        employment=_EMPLOYMENTS[int(rng.choice(4, p=(0.88, 0.06, 0.04, 0.02)))],
    )
    return _Drawn(doc, *_text(rng, world, occupation), title, occupation, skills)


def _text(
    rng: np.random.Generator, world: World, occupation: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Words until enough of them are distinct, and how often each is said."""
    wanted = int(np.clip(rng.normal(_TERMS, _TERMS_SPREAD), _TERMS_LEAST, _TERMS_MOST))
    tokens = draw_tokens(rng, world, np.repeat(occupation, _DRAWN_AT_ONCE))
    firsts = np.sort(np.unique(tokens, return_index=True)[1])
    if len(firsts) > wanted:
        tokens = tokens[: firsts[wanted]]
    words, times = np.unique(tokens, return_counts=True)
    return words, np.minimum(times, 255).astype(np.uint8)


def _vectors(population: Population, everything: Sequence[_Drawn]) -> Vectors:
    world = population.world
    said = Said(
        _starts([each.words for each in everything]),
        world.vocabulary.buckets[np.concatenate([each.words for each in everything])],
        np.concatenate([each.times for each in everything]),
        np.array([each.title for each in everything], np.int32),
        occupation_rows(np.array([each.occupation for each in everything])),
        _starts([each.skills for each in everything]),
        skill_rows(np.concatenate([each.skills for each in everything])),
    )
    return worded(said, world.names, rarity(world, population.model), POSTING)


def _starts(columns: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    return np.cumsum([0, *map(len, columns)], dtype=np.int64)


def _skills(
    rng: np.random.Generator, world: World, occupation: NDArray[np.int16]
) -> NDArray[np.int32]:
    """Distinct skills, some of them misspelled: spellings."""
    count = int(rng.choice(_SKILLS))
    drawn_skills = draw_skills(rng, world, np.repeat(occupation, 4 * count))
    firsts = np.sort(np.unique(drawn_skills, return_index=True)[1])[:count]
    return world.skills.misspelled(rng, drawn_skills[firsts], _TYPO_SHARE)
