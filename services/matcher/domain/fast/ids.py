"""Slots for ids: a document's small number, for as long as the index knows it.

128-bit ids in a table of 24 bytes each, where a dictionary of Python would take 150. What is kept
by slot does not live here.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast.growing import Array, Growing, Int

_EMPTY, _GONE = -1, -2
_LOW = (1 << 64) - 1


class Slots:
    """Slots from 0, dense; one that was freed is given again."""

    def __init__(self) -> None:
        self._high, self._low = Growing(np.uint64), Growing(np.uint64)
        self._table = np.full(64, _EMPTY, np.int32)
        self._used = 0  # places of the table that are not empty, gone ones too
        self._free: list[int] = []

    @property
    def high(self) -> Array:
        """uint64 (≥ n_slots,): the upper halves of the ids."""
        return self._high.held

    @property
    def low(self) -> Array:
        """uint64 (≥ n_slots,): the lower halves of the ids."""
        return self._low.held

    def __len__(self) -> int:
        """How many slots there are, free ones too."""
        return self._high.n

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._high.nbytes + self._low.nbytes + int(self._table.nbytes)

    def find(self, key: UUID) -> int:
        """The slot of an id; -1 where it has none."""
        high, low = _halves(key)
        return int(_find(self._table, self.high, self.low, high, low))

    def find_all(self, high: Array, low: Array) -> Array:
        """The slots of many ids, given by their halves. Returns int32 (n,), -1 where unknown."""
        found: Array = _find_all(self._table, self.high, self.low, high, low)
        return found

    def take(self, key: UUID) -> int:
        """The slot of an id, a new one where it has none."""
        slot = self.find(key)
        if slot >= 0:
            return slot
        high, low = _halves(key)
        if self._free:
            slot = self._free.pop()
            self.high[slot], self.low[slot] = high, low
        else:
            slot = self._high.n
            self._high.extend([high])
            self._low.extend([low])
        self._used += 1
        if 3 * self._used > 2 * len(self._table):
            self._grow(np.array([slot], np.int32))
        else:
            _put(self._table, slot, high, low)
        return slot

    def take_all(self, keys: Sequence[UUID]) -> list[int]:
        """The slots of many ids, new to this table, in order."""
        if self._free or not keys:
            return [self.take(key) for key in keys]
        high = np.array([key.int >> 64 for key in keys], np.uint64)
        low = np.array([key.int & _LOW for key in keys], np.uint64)
        slots: list[int] = self.take_halves(high, low).tolist()
        return slots

    def take_halves(self, high: Array, low: Array) -> Array:
        """Likewise, of ids given by their halves, where no slot was ever freed. int32 (n,)."""
        if self._free:
            raise ValueError("slots were freed that would have to be given again")
        first = self._high.n
        self._high.extend(high)
        self._low.extend(low)
        self._used += len(high)
        slots = np.arange(first, first + len(high), dtype=np.int32)
        if 3 * self._used > 2 * len(self._table):
            self._grow(slots)
        else:
            _put_all(self._table, slots, self.high, self.low)
        return slots

    def free(self, slot: int) -> None:
        """Forget the id of a slot."""
        _remove(self._table, self.high, self.low, slot)
        self._free.append(slot)

    def id_of(self, slot: int) -> UUID:
        """The id of a slot."""
        return UUID(int=int(self.high[slot]) << 64 | int(self.low[slot]))

    def _grow(self, newest: Array) -> None:
        """Have room for these slots too, and for as many again."""
        held = np.concatenate([self._table[self._table >= 0], newest])
        size = len(self._table)
        while 2 * len(held) > size:
            size *= 2
        self._table = np.full(size, _EMPTY, np.int32)
        _put_all(self._table, held, self.high, self.low)
        self._used = len(held)


def _halves(key: UUID) -> tuple[np.uint64, np.uint64]:
    number = key.int
    return np.uint64(number >> 64), np.uint64(number & _LOW)


@compiled
def _place(high: Any, low: Any, size: int) -> Int:
    """Where an id is looked for first (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = np.uint64(high) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(low)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((mixed ^ (mixed >> np.uint64(31))) & np.uint64(size - 1))


@compiled
def _find(table: Array, highs: Array, lows: Array, high: Any, low: Any) -> Int:
    high, low = np.uint64(high), np.uint64(low)
    at = _place(high, low, len(table))
    while table[at] != _EMPTY:
        slot = table[at]
        if slot >= 0 and highs[slot] == high and lows[slot] == low:
            return np.int64(slot)
        at = (at + 1) & (len(table) - 1)
    return -1


@compiled
def _find_all(table: Array, highs: Array, lows: Array, high: Array, low: Array) -> Array:
    found = np.empty(len(high), np.int32)
    for at in range(len(high)):
        found[at] = _find(table, highs, lows, high[at], low[at])
    return found


@compiled
def _put(table: Array, slot: int, high: Any, low: Any) -> None:
    at = _place(np.uint64(high), np.uint64(low), len(table))
    while table[at] >= 0:
        at = (at + 1) & (len(table) - 1)
    table[at] = slot


@compiled
def _put_all(table: Array, slots: Array, highs: Array, lows: Array) -> None:
    for slot in slots:
        _put(table, slot, highs[slot], lows[slot])


@compiled
def _remove(table: Array, highs: Array, lows: Array, slot: int) -> None:
    at = _place(highs[slot], lows[slot], len(table))
    while table[at] != slot:
        at = (at + 1) & (len(table) - 1)
    table[at] = _GONE
