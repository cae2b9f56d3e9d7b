"""What one writes first: scikit-learn's X @ q, rapidfuzz over everyone's skills, then the fit.

With `Refitting` even the vectors are made anew at each event. The score is the whole one, in
floating point.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.process import cdist
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import shown_skills, texts
from bench.exact import Asking
from bench.kernels import fit_all
from bench.population import Population
from bench.queries import Query
from bench.wording import Vectors
from contracts.values import PPM
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.scoring import SKILL_CUTOFF_PPM
from services.matcher.domain.vector import UNIT

_CUTOFF = SKILL_CUTOFF_PPM * 100 / PPM
_MOST_QUERIES = 10
_MOST_REFITS = 2


class Scan(Contender):
    """A row of X for each seeker, and everyone's skills in one list."""

    name = "scan"

    def load(self, population: Population) -> float:
        self._population = population
        began = time.perf_counter()
        self._load_skills(population)
        terms, words = _matrix(population.terms), _matrix(population.shown)
        # Who shows a skill twice has its words once.
        named = csr_array(
            (np.ones(len(self._shown), np.float32), self._shown.copy(), self._ends.copy()),
            shape=(len(population), words.shape[0]),
        )
        named.sum_duplicates()
        named.data[:] = 1
        self._vectors = terms + named @ words
        return time.perf_counter() - began

    def ways(self) -> list[Way]:
        name = "scikit-learn X @ q + rapidfuzz scan"
        return [Way(name, lambda query: query, self._search, _rows, fused=True, most=_MOST_QUERIES)]

    def held_bytes(self) -> int:
        held = self._vectors
        vectors = held.data.nbytes + held.indices.nbytes + held.indptr.nbytes
        return int(vectors + 8 * len(self._skills) + self._starts.nbytes)

    def close(self) -> None:
        del self._vectors, self._skills, self._starts, self._asking, self._population

    def _load_skills(self, population: Population) -> None:
        spellings = population.world.skills.spellings
        self._ends, self._shown = shown_skills(population)
        starts, shown = self._ends, self._shown
        self._starts = starts[:-1]
        self._skills = [spellings[number] for number in shown.tolist()]
        self._asking = Asking(population)

    def _search(self, query: Query) -> NDArray[np.int64]:
        terms = query.posting.terms
        question = np.zeros(BUCKETS, np.float32)
        question[terms.buckets] = terms.impacts.astype(np.float32) / UNIT
        return self._ranked(query, self._vectors @ question)

    def _ranked(self, query: Query, cosines: NDArray[Any]) -> NDArray[np.int64]:
        """Rows of the best by cosine, skills and fit together. cosines: float (n,)."""
        posting = query.posting
        points = np.empty(len(cosines), np.int64)
        asking = self._asking
        weights, job = asking.weights(posting), asking.job(posting)
        fit_all(job, weights, asking.tree, asking.people, points)
        eligible = points >= 0
        score = points + posting.weights.text * np.minimum(cosines, 1)
        whole = sum(asked.weighs for asked in posting.skills)
        for asked in posting.skills:
            alike = cdist(
                [asked.spelling],
                self._skills,
                scorer=fuzz.ratio,
                score_cutoff=_CUTOFF,
                dtype=np.float32,
                workers=1,
            )[0]
            best = np.maximum.reduceat(alike, self._starts) / 100
            score += posting.weights.skills * asked.weighs / whole * best
        score[~eligible] = -1
        n = min(TOP, int(eligible.sum()))
        rows = np.argpartition(-score, n - 1)[:n] if n else np.zeros(0, np.int64)
        ranked: NDArray[np.int64] = rows[np.argsort(-score[rows], kind="stable")]
        return ranked


class Refitting(Scan):
    """The toy: each event fits TF-IDF to all texts again, and then scans."""

    name = "re-fit"

    def load(self, population: Population) -> float:
        self._population = population
        self._texts = list(texts(population))
        self._spelled = population.world.vocabulary.words
        began = time.perf_counter()
        self._load_skills(population)
        return time.perf_counter() - began

    def ways(self) -> list[Way]:
        name = "re-fit TF-IDF at each event, then scan"
        return [Way(name, self._ready, self._refit, _rows, fused=True, most=_MOST_REFITS)]

    def held_bytes(self) -> int:
        return int(8 * len(self._skills) + self._starts.nbytes)

    def close(self) -> None:
        del self._texts, self._skills, self._starts, self._asking, self._population

    def _ready(self, query: Query) -> tuple[Query, str]:
        return query, " ".join(self._spelled[word] for word in query.words)

    def _refit(self, question: tuple[Query, str]) -> NDArray[np.int64]:
        query, text = question
        vectorizer = TfidfVectorizer(
            analyzer=str.split, sublinear_tf=True, norm="l2", dtype=np.float32
        )
        vectors = vectorizer.fit_transform(self._texts)
        asked = vectorizer.transform([text]).toarray()[0]
        return self._ranked(query, vectors @ asked)


def _matrix(vectors: Vectors) -> csr_array:
    values = vectors.impacts.astype(np.float32) / UNIT
    return csr_array(
        (values, vectors.buckets, vectors.starts), shape=(len(vectors.starts) - 1, BUCKETS)
    )


def _rows(answer: NDArray[np.int64]) -> list[int]:
    rows: list[int] = answer.tolist()
    return rows
