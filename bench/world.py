"""The region of the made-up market: its occupations, its places, and how they are spread.

The people and postings drawn from it are `population`'s and `queries`'.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.names import Names, make_names
from bench.skills import COMMON, TYPOS, Skills, make_skills
from bench.words import Vocabulary, vocabulary, zipf
from contracts.vocabulary.counties import places
from contracts.vocabulary.neighbours import neighbours_of
from contracts.vocabulary.occupations import occupations

WORDS = 200_000
WORD_EXPONENT = 0.8
TOPIC = 120
"""Words that mark an occupation: half its own, half shared with its neighbours in the tree."""

_CAPITAL = "530100"
_CAPITAL_SHARE = 0.45
# The ten largest occupations then have 20 % of all. In the United States it was "more than 20 %"
# of 800 occupations (Bureau of Labor Statistics, Occupational Employment and Wages, May 2009), and
# the forty largest had 46 %, for 34 here: a real market is rather more uneven than this one.
_OCCUPATION_EXPONENT = 0.8
_FIRST_TOPIC_WORD = 500


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What is the same for every size of population.

    occupations: codes; groups: int32, the number of each one's group (N-NN). siblings: the
    occupations of each group. topics: int32 (n_occupations, TOPIC), words. cumulated
    distributions: occupations, counties, topic words, pool skills, common skills. places: codes of
    prefectures and counties; counties: int16, which places are counties; prefecture: int16, each
    place's; beside: bool (n_places, n_places), which border each other. capital: the place that is
    昆明市.
    """

    vocabulary: Vocabulary
    skills: Skills
    names: Names
    occupations: tuple[str, ...]
    groups: NDArray[np.int32]
    siblings: tuple[NDArray[np.int32], ...]
    topics: NDArray[np.int32]
    by_occupation: NDArray[np.float64]
    by_topic: NDArray[np.float64]
    by_pool: NDArray[np.float64]
    by_common: NDArray[np.float64]
    common: NDArray[np.int32]
    places: tuple[str, ...]
    counties: NDArray[np.int16]
    prefecture: NDArray[np.int16]
    beside: NDArray[np.bool_]
    by_county: NDArray[np.float64]
    capital: int


@cache
def make_world(seed: int, n_words: int = WORDS, n_typos: int = TYPOS) -> World:
    """The world of a seed, the same every time. Some seconds, then at hand."""
    rng = np.random.default_rng((seed, 0))
    codes = [code for code, _ in occupations()]
    weights = rng.permutation(np.arange(1, len(codes) + 1, dtype=np.float64))
    weights **= -_OCCUPATION_EXPONENT
    weights /= weights.sum()
    group_of = {name: at for at, name in enumerate(dict.fromkeys(code[:4] for code in codes))}
    groups = np.array([group_of[code[:4]] for code in codes], np.int32)
    known = places()
    at_place = {place.code: at for at, place in enumerate(known)}
    counties = [at for at, place in enumerate(known) if place.code != place.prefecture]
    skills = make_skills(seed, weights, n_typos)
    topics = _topics(rng, groups, n_words)
    return World(
        vocabulary=vocabulary(n_words, WORD_EXPONENT),
        skills=skills,
        names=make_names(np.random.default_rng((seed, 3)), skills, topics),
        occupations=tuple(codes),
        groups=groups,
        siblings=tuple(
            np.flatnonzero(groups == group).astype(np.int32) for group in range(len(group_of))
        ),
        topics=topics,
        by_occupation=_cumulated(weights),
        by_topic=zipf(TOPIC, 0.7),
        by_pool=zipf(skills.pools.shape[1], 0.7),
        by_common=zipf(COMMON, 0.8),
        common=rng.choice(skills.n_skills, COMMON, replace=False).astype(np.int32),
        places=tuple(place.code for place in known),
        counties=np.array(counties, np.int16),
        prefecture=np.array([at_place[place.prefecture] for place in known], np.int16),
        beside=np.array(
            [[other.code in neighbours_of(place.code) for other in known] for place in known]
        ),
        by_county=_by_county([known[at].prefecture == _CAPITAL for at in counties], rng),
        capital=at_place[_CAPITAL],
    )


def _topics(rng: np.random.Generator, groups: NDArray[np.int32], n_words: int) -> NDArray[np.int32]:
    """Words that are neither everybody's nor nobody's, evenly over the orders of magnitude."""

    def words(count: int) -> NDArray[np.int32]:
        low, high = np.log(min(_FIRST_TOPIC_WORD, n_words // 4)), np.log(n_words // 2)
        return np.exp(rng.uniform(low, high, count)).astype(np.int32)

    half = TOPIC // 2
    shared = [words(half) for _ in range(int(groups.max()) + 1)]
    rows = [rng.permutation(np.concatenate((words(half), shared[group]))) for group in groups]
    return np.array(rows, np.int32)


def _by_county(in_capital: list[bool], rng: np.random.Generator) -> NDArray[np.float64]:
    """A large share lives around the capital, the others anywhere, some counties being larger."""
    capital = np.array(in_capital)
    sizes = rng.lognormal(0.0, 0.7, len(capital))
    sizes[capital] *= _CAPITAL_SHARE / sizes[capital].sum()
    sizes[~capital] *= (1 - _CAPITAL_SHARE) / sizes[~capital].sum()
    return _cumulated(sizes)


def _cumulated(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    cumulated = np.cumsum(weights / weights.sum())
    cumulated[-1] = 1.0
    return cumulated
