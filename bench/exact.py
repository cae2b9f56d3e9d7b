"""The exact answer, found plainly: every seeker scored, nothing indexed, nothing skipped.

It shares no code with the engine that is measured, and is itself held to `scoring` by a test.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from bench.drawing import EMPLOYMENTS, NONE
from bench.kernels import (
    N_PEOPLE,
    NOT_ELIGIBLE,
    P_CERTIFIED,
    P_COMMUTE,
    P_EDUCATION,
    P_EMPLOYMENT,
    P_LEVELS,
    P_OCCUPATIONS,
    P_PAY_FLOOR,
    P_PLACES,
    P_REMOTE,
    P_YEARS,
    Tree,
    score_all,
)
from bench.population import Population
from bench.queries import Query
from bench.wording import Vectors
from contracts.values import PPM
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.prepare import PreparedPosting
from services.matcher.domain.scoring import CLOSENESS_PPM, SKILL_CUTOFF_PPM

_LEVELS_OF_TREE = 4
_AT_ONCE = 64

Ints = NDArray[np.int64]


class Asking:
    """What the kernels read: of a population once, and of each posting."""

    def __init__(self, population: Population) -> None:
        page, world = population.page, population.world
        self._place = {code: at for at, code in enumerate(world.places)}
        self._occupation = {code: at for at, code in enumerate(world.occupations)}
        closeness = np.array(CLOSENESS_PPM, np.int64)
        self.tree = Tree(_paths(world.occupations), closeness, world.prefecture, world.beside)
        self.people = np.empty((len(page.homes), N_PEOPLE), np.int32)
        for column, values in (
            (P_EDUCATION, page.educations),
            (P_EMPLOYMENT, page.employments),
            (P_REMOTE, page.remote),
            (P_COMMUTE, page.commute),
            (P_PAY_FLOOR, page.pay_floors),
            (P_YEARS, page.years),
        ):
            self.people[:, column] = values
        for column, pairs in (
            (P_OCCUPATIONS, page.occupations),
            (P_CERTIFIED, page.certified),
            (P_LEVELS, page.levels),
            (P_PLACES, page.places),
        ):
            self.people[:, column : column + pairs.shape[1]] = pairs

    def job(self, posting: PreparedPosting) -> Ints:
        """The numbers of a posting. One of the bench names one certificate at most."""
        doc = posting.doc
        must = next((wanted for wanted in doc.certificates if wanted.required), None)
        # `wanted` holds the posting's occupation, and its one certificate is in that.
        (wanted,) = posting.wanted
        accepting = sum(
            1 << at for at, kinds in enumerate(EMPLOYMENTS) if not kinds or doc.employment in kinds
        )
        return np.array(
            [
                self._place[doc.county],
                self._place[posting.prefecture],
                int(doc.remote),
                doc.education or 0,
                posting.experience_years,
                posting.pay_low,
                posting.pay_high,
                self._occupation[posting.occupation or ""],
                self._occupation[must.occupation] if must else NONE,
                must.level if must else 0,
                self._occupation[wanted],
                accepting,
            ],
            np.int64,
        )

    def weights(self, posting: PreparedPosting) -> Ints:
        """The weights of a posting."""
        of = posting.weights
        return np.array(
            [of.text, of.skills, of.pay, of.place, of.experience, of.occupation, of.certificate],
            np.int64,
        )


class Near:
    """How alike spellings are to every spelling there is: all of them compared, results kept."""

    def __init__(self, spellings: tuple[str, ...]) -> None:
        self._spellings = list(spellings)
        self._lengths = np.fromiter(map(len, spellings), np.int64, len(spellings))
        self._near: dict[str, tuple[Ints, Ints]] = {}

    def learn(self, spellings: Iterable[str]) -> None:
        """Compare these with all, many at once: reading the others is most of what it takes."""
        new = [each for each in dict.fromkeys(spellings) if each not in self._near]
        for at in range(0, len(new), _AT_ONCE):
            some = new[at : at + _AT_ONCE]
            distances = cdist(some, self._spellings, scorer=Indel.distance, dtype=np.int32)
            for spelling, row in zip(some, distances, strict=True):
                lengths = self._lengths + len(spelling)
                similar = PPM * (lengths - row) // lengths
                near = np.flatnonzero(similar >= SKILL_CUTOFF_PPM)
                self._near[spelling] = near, similar[near]

    def near(self, spelling: str) -> tuple[Ints, Ints]:
        """The spellings within the cut-off, and how alike they are, in millionths."""
        self.learn([spelling])
        return self._near[spelling]

    def similarities(self, spelling: str) -> Ints:
        """int64 (n_spellings,), in millionths, 0 below the cut-off."""
        similar = np.zeros(len(self._spellings), np.int64)
        numbers, worth = self.near(spelling)
        similar[numbers] = worth
        return similar


class Exact:
    """Scores of all rows, and the best of them, for one posting at a time."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._asking = Asking(population)
        self._near = Near(population.world.skills.spellings)
        self._dense = np.zeros(BUCKETS, np.int64)

    def learn(self, queries: Iterable[Query]) -> None:
        """Find what is near the skills of all these: sooner than one query after another."""
        self._near.learn(skill.spelling for query in queries for skill in query.posting.skills)

    def scores(self, posting: PreparedPosting) -> Ints:
        """int64 (n,): the score of each row, NOT_ELIGIBLE where the two may not meet."""
        page = self._population.page
        self._near.learn(skill.spelling for skill in posting.skills)
        self._dense[posting.terms.buckets] = posting.terms.impacts
        scores = np.empty(len(page.homes), np.int64)
        score_all(
            self._asking.job(posting),
            self._asking.weights(posting),
            self._asking.tree,
            self._asking.people,
            self._dense,
            *self._population.terms,
            worth_of(self._population.shown, self._dense),
            np.array([self._near.similarities(each.spelling) for each in posting.skills]),
            np.array([each.weighs for each in posting.skills], np.int64),
            page.skill_starts,
            page.skills,
            self._population.world.skills.names,
            scores,
        )
        self._dense[posting.terms.buckets] = 0
        return scores

    def best(
        self, query: Query, k: int, alive: NDArray[np.bool_] | None = None
    ) -> tuple[Ints, Ints]:
        """Rows and scores of the k best, equal scores by id. alive: the rows that count."""
        scores = self.scores(query.posting)
        if alive is not None:
            scores[~alive] = NOT_ELIGIBLE
        page = self._population.page
        rows = np.flatnonzero(scores >= 0)
        if len(rows) > k:
            least = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
            rows = rows[scores[rows] >= least]
        order = np.lexsort((page.id_low[rows], page.id_high[rows], -scores[rows]))[:k]
        return rows[order], scores[rows[order]]


def worth_of(words: Vectors, dense: Ints) -> Ints:
    """The dot product of each of these with a document. dense: its impacts by bucket."""
    sums = np.cumsum(dense[words.buckets] * words.impacts)
    ends = np.concatenate(([0], sums))[words.starts]
    worth: Ints = np.diff(ends)
    return worth


def _paths(codes: tuple[str, ...]) -> NDArray[np.int32]:
    """int32 (n, 4): a number for the first 1 … 4 levels of each code."""
    numbers: dict[str, int] = {}
    parts = [code.split("-") for code in codes]
    return np.array(
        [
            [
                numbers.setdefault("-".join(part[: level + 1]), len(numbers))
                for level in range(_LEVELS_OF_TREE)
            ]
            for part in parts
        ],
        np.int32,
    )
