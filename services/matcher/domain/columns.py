"""Documents of one side in columns, kept in step with the documents: what both sides share.

What the columns of postings and of seekers are, and how they are scored, does not live here.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
from scipy.sparse import csr_array

from contracts.values import Employment
from services.matcher.domain.growing import Column, Flags, Ints
from services.matcher.domain.text import BUCKETS
from services.matcher.domain.vector import TermVector

T = TypeVar("T")
UNKNOWN = -1
"""Stands for "none" in a column of codes; equal to no code."""

LEVELS_OF_TREE = 4
EMPLOYMENT_BIT: dict[Employment, int] = {kind: 1 << at for at, kind in enumerate(Employment)}

# Dead rows cost time in every scan; below this many they are not worth rebuilding for.
_DEAD_ROWS_BORNE = 256


class Codes:
    """Numbers for strings that are only ever compared for equality. A new string gets the next."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, code: str | None) -> int:
        """The number of a code; UNKNOWN for none."""
        return UNKNOWN if code is None else self._numbers.setdefault(code, len(self._numbers))

    def path(self, code: str | None) -> tuple[int, ...]:
        """Numbers of the code's first 1 … 4 levels; UNKNOWN where it has no more.

        Two codes share as many levels as their paths share numbers.
        """
        parts = [] if code is None else code.split("-")[:LEVELS_OF_TREE]
        known = [self.number("-".join(parts[: at + 1]) + "-") for at in range(len(parts))]
        return tuple(known + [UNKNOWN] * (LEVELS_OF_TREE - len(known)))


class Terms:
    """Term vectors as rows of one CSR matrix."""

    def __init__(self) -> None:
        self._buckets = Column(np.int32)
        self._impacts = Column(np.int32)
        self._ends = Column(np.int32)
        self._ends.extend([0])
        self._query = np.zeros(BUCKETS, np.int32)

    def append(self, vector: TermVector) -> None:
        """Add a row."""
        self._buckets.extend(vector.buckets)
        self._impacts.extend(vector.impacts)
        self._ends.extend([len(self._buckets)])

    def dots(self, query: TermVector) -> Ints:
        """The dot product of each row with the query, as `vector.dot`. Returns int64 (n_rows,).

        32 bits hold every sum: no vector is longer than SCALE, so none exceeds ONE = 2**30.
        """
        rows = csr_array(
            (self._impacts.values, self._buckets.values, self._ends.values),
            shape=(len(self._ends) - 1, BUCKETS),
        )
        # One dense vector is kept and cleaned after use: a new one a query costs more than the sum.
        self._query[query.buckets] = query.impacts
        dots: Ints = (rows @ self._query).astype(np.int64)
        self._query[query.buckets] = 0
        return dots


class Columns(ABC, Generic[T]):
    """The documents of one side, one row each; a replaced row stays behind, dead, until rebuilt."""

    def __init__(self) -> None:
        self._documents: dict[int, T] = {}
        self._begin()

    def put(self, key: int, document: T) -> None:
        """Add the document, in place of the one under this key."""
        self.drop(key)
        self._documents[key] = document
        self._add(key, document)

    def drop(self, key: int) -> None:
        """Remove the document under this key, if there is one."""
        if self._documents.pop(key, None) is None:
            return
        self._alive.values[self._row_of.pop(key)] = 0
        dead = len(self._keys) - len(self._documents)
        if dead > _DEAD_ROWS_BORNE and dead > len(self._documents):
            self._rebuild()

    def get(self, key: int) -> T | None:
        """The document under this key."""
        return self._documents.get(key)

    def listed(self, eligible: Flags, points: Ints, tau_ppm: int) -> Iterator[tuple[int, int]]:
        """(key, score) of the live rows that are eligible and reach τ. Both: (n_rows,)."""
        rows = np.flatnonzero(eligible & (points >= tau_ppm) & (self._alive.values == 1))
        for row, score in zip(rows.tolist(), points[rows].tolist(), strict=True):
            yield self._keys[row], score

    @abstractmethod
    def _clear(self) -> None:
        """Begin with empty columns."""

    @abstractmethod
    def _append(self, document: T) -> None:
        """Add the document to each column."""

    def _begin(self) -> None:
        self._keys: list[int] = []
        self._row_of: dict[int, int] = {}
        self._alive = Column()
        self._clear()

    def _add(self, key: int, document: T) -> None:
        self._row_of[key] = len(self._keys)
        self._keys.append(key)
        self._alive.extend([1])
        self._append(document)

    def _rebuild(self) -> None:
        self._begin()
        for key, document in self._documents.items():
            self._add(key, document)
