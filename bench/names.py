"""What the made-up market calls things: each title, occupation and skill with its words and trades.

A title speaks of the trades that a real name of its occupation speaks of, and a skill of those of a
title of its occupation, less surely; their words are made up as all words are. What that makes of a
profile lives in `wording`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.skills import OWN, Skills
from contracts.vocabulary.occupations import occupations
from services.matcher.domain.language import lexicon
from services.matcher.domain.language.trades import Trades, trades_of, trades_of_occupation
from services.matcher.domain.vector import SCALE, TermVector

TITLES = 3
"""Titles that people of one occupation go by."""

SAID = 5
"""A name speaks of so many occupations at most, and of so many fields."""

WORDS = 8
"""Terms in a name: of 146 titles and 217 skills of the generated market, 8.4 and 8.3 on average."""

SKILL_WORDS = 5
"""Of those of a skill, the rarer: there 5.1 on average are no single character."""

# There most titles are surely like a name of an occupation; skills are from .36 on, .69 on average.
_SURE_SHARE, _LESS_SURE = 0.85, 0.85
_SKILL_LEAST, _SKILL_MOST = 0.36, 1.0


class Names(NamedTuple):
    """A row for each title, then each occupation, then each spelling of a skill.

    words: int32 (n, WORDS), numbers of words, the rarest last; -1 for none. speaks: (n,), the row
    of the others that it speaks of. likeness: (n,), how surely, 0 … SCALE. trade_buckets,
    trade_impacts, field_buckets, field_impacts: (n_spoken, SAID), each a vector of length SCALE;
    impacts are 0 beyond its end. All int64 but for words.
    """

    words: NDArray[np.int32]
    speaks: NDArray[np.int64]
    likeness: NDArray[np.int64]
    trade_buckets: NDArray[np.int64]
    trade_impacts: NDArray[np.int64]
    field_buckets: NDArray[np.int64]
    field_impacts: NDArray[np.int64]

    def said(self, rows: NDArray[np.signedinteger]) -> NDArray[np.int32]:
        """The words of these rows, one after the other; rows of -1 have none."""
        words: NDArray[np.int32] = self.words[rows[rows >= 0]]
        return words[words >= 0]

    def trades(self, row: int) -> Trades:
        """What a row speaks of, in the language's own form."""
        at = self.speaks[row]
        return Trades(
            _vector(self.trade_buckets[at], self.trade_impacts[at]),
            _vector(self.field_buckets[at], self.field_impacts[at]),
            int(self.likeness[row]),
        )


def title_rows(occupations: NDArray[np.int16], nth: NDArray[np.int64]) -> NDArray[np.int16]:
    """The rows of the nth titles of these occupations."""
    return (occupations * TITLES + nth).astype(np.int16)


def occupation_rows(numbers: NDArray[np.int16]) -> NDArray[np.int32]:
    """The rows of these occupations, -1 where there is none."""
    rows = numbers.astype(np.int32) + len(occupations()) * TITLES
    return np.where(numbers < 0, np.int32(-1), rows)


def skill_rows(spellings: NDArray[np.int32]) -> NDArray[np.int32]:
    """The rows of these spellings."""
    return spellings + len(occupations()) * (TITLES + 1)


def make_names(rng: np.random.Generator, skills: Skills, topics: NDArray[np.int32]) -> Names:
    """Names for everything. topics: (n_occupations, TOPIC), the words that mark an occupation."""
    n, n_spellings = len(topics), len(skills.spellings)
    called = {trade.occupation: trade.names for trade in lexicon.trades()}
    spoken = [
        trades_of(names[at % len(names)])
        for names in (called[code] for code, _ in occupations())
        for at in range(TITLES)
    ]
    spoken += [trades_of_occupation(code) for code, _ in occupations()]
    of_skill = _occupation_of_each(skills, n)
    speaks_skill = TITLES * of_skill + rng.integers(0, TITLES, n_spellings)
    sure = np.where(rng.random(n * TITLES) < _SURE_SHARE, 1, _LESS_SURE)
    alike = rng.uniform(_SKILL_LEAST, _SKILL_MOST, n_spellings)
    return Names(
        np.concatenate(
            (
                _words(rng, topics, np.repeat(np.arange(n), TITLES)),
                np.full((n, WORDS), -1, np.int32),
                _words(rng, topics, of_skill),
            )
        ),
        np.concatenate((np.arange(len(spoken)), speaks_skill)),
        (SCALE * np.concatenate((sure, np.ones(n), alike))).astype(np.int64),
        *_table([each.occupations for each in spoken]),
        *_table([each.fields for each in spoken]),
    )


def _occupation_of_each(skills: Skills, n: int) -> NDArray[np.int64]:
    """The occupation of each spelling: a typo's is that of the skill."""
    of = np.zeros(len(skills.spellings), np.int64)
    of[: skills.n_skills] = np.arange(skills.n_skills) // OWN
    of[skills.typos] = np.repeat(of[: skills.n_skills], np.diff(skills.typo_starts))
    of[skills.names] = np.arange(n)
    return of


def _words(
    rng: np.random.Generator, topics: NDArray[np.int32], of: NDArray[np.int64]
) -> NDArray[np.int32]:
    """WORDS of the words that mark each occupation, as they follow one another somewhere."""
    first = rng.integers(0, topics.shape[1], (len(of), 1))
    words: NDArray[np.int32] = topics[of[:, None], (first + np.arange(WORDS)) % topics.shape[1]]
    # A word that marks an occupation twice is said once.
    words.sort(axis=1)
    words[:, 1:][words[:, 1:] == words[:, :-1]] = -1
    return words


def _table(vectors: list[TermVector]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    buckets, impacts = np.zeros((2, len(vectors), SAID), np.int64)
    for row, vector in enumerate(vectors):
        buckets[row, : len(vector.buckets)] = vector.buckets
        impacts[row, : len(vector.buckets)] = vector.impacts
    return buckets, impacts


def _vector(buckets: NDArray[np.int64], impacts: NDArray[np.int64]) -> TermVector:
    said = impacts > 0
    return TermVector(buckets[said].astype(np.int32), impacts[said].astype(np.int32))
