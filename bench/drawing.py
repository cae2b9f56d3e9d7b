"""How seekers are drawn: a page of them at a time, in columns.

What the columns weigh under a model does not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bench.names import TITLES, title_rows
from bench.words import drawn
from bench.world import TOPIC, World
from contracts.values import Employment

PAGE = 10_000
"""Seekers drawn at once, each page from a seed of its own: a smaller population is the beginning
of a larger one."""

NONE = -1

EMPLOYMENTS: tuple[tuple[Employment, ...], ...] = (
    (),
    (Employment.FULL_TIME,),
    (Employment.FULL_TIME, Employment.PART_TIME),
    (Employment.PART_TIME, Employment.TEMPORARY),
)
EDUCATION_SHARES = (0.05, 0.05, 0.20, 0.25, 0.20, 0.18, 0.06, 0.01)

_TOKENS, _TOKENS_SPREAD, _TOKENS_LEAST, _TOKENS_MOST = 60, 18, 15, 140
_SKILLS, _SKILLS_LEAST, _SKILLS_MOST = 7, 1, 14
TOPIC_SHARE = 0.25
_COMMON_SHARE = 0.15
TYPO_SHARE = 0.08
_COMMUTING_SHARE = 0.3
_SECOND_TITLE_SHARE = 0.5
_LOG_OF_USUAL_PAY = float(np.log(5_200))


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Seekers in columns, one row each; ragged ones with starts (n + 1,).

    id_high, id_low: the two halves of the id. term_starts, buckets, times: the terms of each text,
    ascending, and how often it says them. skill_starts, skills: numbers of spellings as named.
    titles (n, 2): rows of names, NONE for none. occupations (n, 2), certified (n, 2): numbers of
    occupations, NONE for none; levels (n, 2): of the certificates, 0 for none. homes, places
    (n, 4): numbers of places, home first, NONE for none. pay_floors: CNY a month, 0 for none.
    educations: 0 for none. employments: which of EMPLOYMENTS. remote: whether remote work is
    wanted. commute: whether what borders home is.
    """

    id_high: NDArray[np.uint64]
    id_low: NDArray[np.uint64]
    term_starts: NDArray[np.int64]
    buckets: NDArray[np.int32]
    times: NDArray[np.uint8]
    skill_starts: NDArray[np.int64]
    skills: NDArray[np.int32]
    titles: NDArray[np.int16]
    occupations: NDArray[np.int16]
    certified: NDArray[np.int16]
    levels: NDArray[np.int8]
    homes: NDArray[np.int16]
    places: NDArray[np.int16]
    pay_floors: NDArray[np.int32]
    years: NDArray[np.int8]
    educations: NDArray[np.int8]
    employments: NDArray[np.int8]
    remote: NDArray[np.bool_]
    commute: NDArray[np.bool_]

    def first(self, n: int) -> "Page":
        """The first n rows, as views."""
        cut = {each.name: getattr(self, each.name)[:n] for each in fields(self)}
        for starts, entries in _RAGGED.items():
            cut[starts] = getattr(self, starts)[: n + 1]
            end = cut[starts][-1]
            cut |= {name: getattr(self, name)[:end] for name in entries}
        return Page(**cut)

    @staticmethod
    def joined(pages: Sequence["Page"]) -> "Page":
        """All rows of these pages, in order."""
        whole = {}
        for each in fields(Page):
            columns = [getattr(page, each.name) for page in pages]
            if each.name in _RAGGED:
                ends = np.cumsum([0, *(column[-1] for column in columns)])
                columns = [column[1:] + end for column, end in zip(columns, ends, strict=False)]
                columns.insert(0, np.zeros(1, np.int64))
            whole[each.name] = np.concatenate(columns)
        return Page(**whole)


_RAGGED = {"term_starts": ("buckets", "times"), "skill_starts": ("skills",)}


def draw_page(rng: np.random.Generator, world: World) -> Page:
    """PAGE seekers."""
    occupations = _occupations(rng, world)
    lengths = np.rint(rng.normal(_TOKENS, _TOKENS_SPREAD, PAGE)).astype(np.int64)
    lengths = np.clip(lengths, _TOKENS_LEAST, _TOKENS_MOST)
    tokens = draw_tokens(rng, world, np.repeat(occupations[:, 0], lengths))
    term_starts, buckets, times = counted(world, np.repeat(np.arange(PAGE), lengths), tokens, PAGE)
    skill_starts, skills = _skills(rng, world, occupations[:, 0])
    certified, levels = _certificates(rng, world, occupations[:, 0])
    homes, places = _places(rng, world)
    educations = rng.choice(len(EDUCATION_SHARES), PAGE, p=EDUCATION_SHARES).astype(np.int8)
    pay_floors = usual_pay(rng, educations)
    pay_floors[rng.random(PAGE) < 0.15] = 0
    return Page(
        id_high=rng.integers(0, 1 << 64, PAGE, np.uint64),
        id_low=rng.integers(0, 1 << 64, PAGE, np.uint64),
        term_starts=term_starts,
        buckets=buckets,
        times=times,
        skill_starts=skill_starts,
        skills=skills,
        occupations=occupations,
        certified=certified,
        levels=levels,
        homes=homes,
        places=places,
        pay_floors=pay_floors,
        years=np.minimum(rng.gamma(1.6, 5.0, PAGE), 40).astype(np.int8),
        educations=educations,
        employments=rng.choice(len(EMPLOYMENTS), PAGE, p=(0.6, 0.3, 0.06, 0.04)).astype(np.int8),
        remote=rng.random(PAGE) < 0.2,
        commute=rng.random(PAGE) < _COMMUTING_SHARE,
        titles=_titles(rng, occupations),
    )


def draw_tokens(
    rng: np.random.Generator, world: World, occupations: NDArray[np.int16]
) -> NDArray[np.int32]:
    """One word for each entry: everybody's by Zipf's law, or one that marks its occupation."""
    words = world.vocabulary.drawn(rng, len(occupations))
    marked = np.flatnonzero(rng.random(len(words)) < TOPIC_SHARE)
    at = drawn(rng, world.by_topic, len(marked))
    words[marked] = world.topics[occupations[marked], np.minimum(at, TOPIC - 1)]
    return words


def counted(
    world: World, documents: NDArray[np.int64], words: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """Terms of each of n documents, ascending, and how often: starts, buckets, times."""
    keys = (documents << 32) | world.vocabulary.buckets[words]
    distinct, times = np.unique(keys, return_counts=True)
    starts = np.searchsorted(distinct, np.arange(n + 1, dtype=np.int64) << 32)
    buckets = (distinct & 0xFFFFFFFF).astype(np.int32)
    return starts.astype(np.int64), buckets, np.minimum(times, 255).astype(np.uint8)


def draw_skills(
    rng: np.random.Generator, world: World, occupations: NDArray[np.int16]
) -> NDArray[np.int32]:
    """One skill for each entry, rightly spelled: of the occupation's pool, or everybody's."""
    at = drawn(rng, world.by_pool, len(occupations))
    skills = world.skills.pools[occupations, at]
    common = np.flatnonzero(rng.random(len(skills)) < _COMMON_SHARE)
    skills[common] = world.common[drawn(rng, world.by_common, len(common))]
    return skills


def usual_pay(rng: np.random.Generator, educations: NDArray[np.int8]) -> NDArray[np.int32]:
    """CNY a month, in hundreds."""
    usual = rng.lognormal(_LOG_OF_USUAL_PAY, 0.3, len(educations)) * (1 + 0.1 * (educations - 3))
    return (np.rint(usual / 100) * 100).astype(np.int32)


def _occupations(rng: np.random.Generator, world: World) -> NDArray[np.int16]:
    first = drawn(rng, world.by_occupation, PAGE)
    second = drawn(rng, world.by_occupation, PAGE)
    kind = rng.random(PAGE)
    near = np.flatnonzero(kind < 0.2)
    at = rng.random(len(near))
    for row, share in zip(near.tolist(), at.tolist(), strict=True):
        siblings = world.siblings[world.groups[first[row]]]
        second[row] = siblings[int(share * len(siblings))]
    second[(kind > 0.3) | (second == first)] = NONE
    return np.stack((first, second), axis=1).astype(np.int16)


def _titles(rng: np.random.Generator, occupations: NDArray[np.int16]) -> NDArray[np.int16]:
    """A title of the first occupation, and often one of the second, or another of the first."""
    of_second = np.where(occupations[:, 1] == NONE, occupations[:, 0], occupations[:, 1])
    nth = rng.integers(0, TITLES, (2, PAGE))
    first = title_rows(occupations[:, 0], nth[0])
    second = title_rows(of_second, nth[1])
    second[(rng.random(PAGE) >= _SECOND_TITLE_SHARE) | (second == first)] = NONE
    return np.stack((first, second), axis=1)


def _skills(
    rng: np.random.Generator, world: World, occupations: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Distinct skills of each, in the order named: starts, spellings."""
    counts = np.clip(rng.poisson(_SKILLS, PAGE), _SKILLS_LEAST, _SKILLS_MOST)
    # Some are drawn twice and then dropped, so more are drawn.
    rows = np.repeat(np.arange(PAGE, dtype=np.int64), counts + 4)
    skills = draw_skills(rng, world, occupations[rows])
    _, firsts = np.unique((rows << 32) | skills, return_index=True)
    firsts.sort()
    rows, skills = rows[firsts], skills[firsts]
    starts = np.searchsorted(rows, np.arange(PAGE))
    kept = np.arange(len(rows)) - starts[rows] < counts[rows]
    rows, skills = rows[kept], skills[kept]
    skills = world.skills.misspelled(rng, skills, TYPO_SHARE)
    return np.searchsorted(rows, np.arange(PAGE + 1)).astype(np.int64), skills


def _certificates(
    rng: np.random.Generator, world: World, occupations: NDArray[np.int16]
) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    kind = rng.random(PAGE)
    certified = np.stack((occupations, drawn(rng, world.by_occupation, PAGE)), axis=1)
    levels = rng.choice(np.arange(2, 6), (PAGE, 2), p=(0.3, 0.4, 0.2, 0.1))
    missing = np.stack((kind > 0.3, kind > 0.06), axis=1)
    certified[missing] = NONE
    levels[missing] = 0
    return certified.astype(np.int16), levels.astype(np.int8)


def _places(rng: np.random.Generator, world: World) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Home; often its prefecture; for many outside it the capital; for some another county."""
    homes = world.counties[drawn(rng, world.by_county, PAGE)]
    prefectures = world.prefecture[homes]
    others = world.counties[drawn(rng, world.by_county, PAGE)]
    kind = rng.random((PAGE, 3))
    places = np.full((PAGE, 4), NONE, np.int16)
    places[:, 0] = homes
    places[:, 1] = np.where(kind[:, 0] < 0.7, prefectures, NONE)
    to_capital = (kind[:, 1] < 0.4) & (prefectures != world.capital)
    places[:, 2] = np.where(to_capital, world.capital, NONE)
    places[:, 3] = np.where((kind[:, 2] < 0.15) & (others != homes), others, NONE)
    return homes, places
