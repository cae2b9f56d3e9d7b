"""bm25s with its numba backend: BM25 over the words of the texts.

It ranks by text alone.
"""

import time
from typing import Any

import bm25s

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import said_words
from bench.population import Population
from bench.queries import Query


class Bm25s(Contender):
    """Scores of every word in every document, computed beforehand."""

    name = "bm25s"

    def load(self, population: Population) -> float:
        documents = list(said_words(population))
        n_words = len(population.world.vocabulary.words)
        began = time.perf_counter()
        self._engine = bm25s.BM25(backend="numba")
        self._engine.index(
            (documents, {str(word): word for word in range(n_words)}), show_progress=False
        )
        return time.perf_counter() - began

    def ways(self) -> list[Way]:
        return [Way("bm25s, numba", self._ready, self._search, self._rows, fused=False)]

    def held_bytes(self) -> int:
        return sum(self._engine.scores[column].nbytes for column in ("data", "indices", "indptr"))

    def close(self) -> None:
        del self._engine

    def _ready(self, query: Query) -> Any:
        return [list(query.words)]

    def _search(self, question: Any) -> Any:
        return self._engine.retrieve(question, k=TOP, show_progress=False)

    def _rows(self, answer: Any) -> list[int]:
        rows: list[int] = answer.documents[0].tolist()
        return rows
