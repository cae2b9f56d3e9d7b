"""Columns of integers that grow at the end: what a scan reads in one stroke.

What the columns mean does not live here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Column:
    """One growing column. Appending is amortised constant; `values` is a view, not a copy."""

    def __init__(self, dtype: type[np.int32 | np.int64] = np.int64) -> None:
        self._held = np.zeros(64, dtype)
        self._n = 0

    def extend(self, values: Sequence[int] | NDArray[Any]) -> None:
        """Append values at the end."""
        end = self._n + len(values)
        if end > len(self._held):
            grown = np.zeros(max(end, 2 * len(self._held)), self._held.dtype)
            grown[: self._n] = self._held[: self._n]
            self._held = grown
        self._held[self._n : end] = values
        self._n = end

    @property
    def values(self) -> NDArray[Any]:
        """All values, in order."""
        return self._held[: self._n]

    def __len__(self) -> int:
        return self._n


class Ragged:
    """Rows of differing length, in parallel columns.

    A row without entries gets the filler as its one entry, because `reduceat` would take the next
    row's first value for a row that is empty (NumPy, ufunc.reduceat, on equal indices).
    """

    def __init__(self, *filler: int) -> None:
        self._filler = filler
        self._columns = [Column() for _ in filler]
        self._starts = Column()

    def append(self, row: Sequence[tuple[int, ...]]) -> None:
        """Add a row: its entries, each with a value for every column."""
        self._starts.extend([len(self._columns[0])])
        for column, values in zip(
            self._columns, zip(*(row or [self._filler]), strict=True), strict=True
        ):
            column.extend(values)

    def __getitem__(self, column: int) -> Ints:
        return self._columns[column].values

    def most(self, entries: Ints) -> Ints:
        """The greatest value of each row. entries: (n_entries,). Returns (n_rows,)."""
        return self._reduced(np.maximum, entries)

    def total(self, entries: Ints) -> Ints:
        """The sum of each row. entries: (n_entries,). Returns (n_rows,)."""
        return self._reduced(np.add, entries)

    def any(self, entries: Flags) -> Flags:
        """Whether an entry of the row is true. entries: (n_entries,). Returns (n_rows,)."""
        flags: Flags = self._reduced(np.logical_or, entries)
        return flags

    def _reduced(self, ufunc: np.ufunc, entries: NDArray[Any]) -> NDArray[Any]:
        starts = self._starts.values
        return ufunc.reduceat(entries, starts) if len(starts) else entries[:0]
