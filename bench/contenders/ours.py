"""The matcher's own engine, asked as the matcher asks it: the exact best by the whole score.

How it finds them lives in `services.matcher.domain.fast`.
"""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import Making
from bench.documents import Seekers
from bench.population import Population
from bench.queries import Query
from services.matcher.domain.engine import Change
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.side import Ranked

_LISTS = ".lists"


class Ours(Contender):
    """`FastEngine` with all seekers and no postings: what is measured is the search."""

    name = "rengang"

    def load(self, population: Population, n: int | None = None) -> float:
        """n: only the first so many rows; the others are to come."""
        self._population = population
        # What a start reads from the store; reading it is not the engine's.
        known = Making(Seekers(population).known(0, len(population) if n is None else n))
        self.engine = FastEngine(population.model)
        began = time.perf_counter()
        for page in known:
            self.engine.take_known(page)
        self.engine.lay_out()
        seconds = time.perf_counter() - began - known.seconds
        high = population.page.id_high
        self._order = np.argsort(high, kind="stable")
        self._sorted = high[self._order]
        return seconds

    def ways(self) -> list[Way]:
        return [Way("rengang, exact", self._ready, self._search, self._rows, fused=True)]

    def held_bytes(self) -> int:
        held = self.engine.nbytes
        return sum(
            size
            for name, size in held.items()
            if name.startswith("seekers.") and not name.endswith(_LISTS)
        )

    def lists_bytes(self) -> int:
        """What the top lists hold, of both sides."""
        return sum(size for name, size in self.engine.nbytes.items() if name.endswith(_LISTS))

    def close(self) -> None:
        del self.engine, self._population, self._order, self._sorted

    def apply(self, changes: Iterable[Change]) -> None:
        """Take changes, as they come in events."""
        self.engine.apply(changes)

    def _ready(self, query: Query) -> Any:
        return query.posting

    def _search(self, question: Any) -> Ranked:
        return self.engine.best_seekers(question, TOP)

    def _rows(self, answer: Ranked) -> list[int]:
        rows: list[int] = self._order[np.searchsorted(self._sorted, answer.high)].tolist()
        return rows
