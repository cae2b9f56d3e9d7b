"""Documents in forward form, one after the other: what segments are built from and come back to.

How they are searched does not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from services.matcher.domain.fast.growing import Array, Growing
from services.matcher.domain.fast.layout import N_NUMBERS


@dataclass(frozen=True, slots=True)
class Row:
    """A document in numbers.

    tags, numbers: see `layout`. skills: (spelling, weight in the mean) of each. buckets, impacts:
    its term vector, buckets ascending.
    """

    tags: list[int]
    numbers: tuple[int, int, int, int]
    skills: list[tuple[int, int]]
    buckets: Array
    impacts: Array


@dataclass(frozen=True, slots=True)
class Documents:
    """n documents. slots: int32 (n,). numbers: int32 (n, 4). The rest is ragged: starts, values."""

    slots: Array
    numbers: Array
    t_start: Array
    tags: Array
    v_start: Array
    buckets: Array
    impacts: Array
    k_start: Array
    spellings: Array
    weighs: Array

    def __len__(self) -> int:
        return len(self.slots)


class Batch:
    """Documents that are still being added to."""

    def __init__(self) -> None:
        self.slots = Growing(np.int32)
        self.numbers = Growing(np.int32, N_NUMBERS)
        # As a segment has it: a search is compiled once for both.
        self.t_start, self.tags = Growing(np.uint32), Growing(np.int32)
        self.v_start, self.buckets = Growing(np.int64), Growing(np.int32)
        self.impacts = Growing(np.uint8)
        self.k_start, self.spellings = Growing(np.int64), Growing(np.int32)
        self.weighs = Growing(np.uint8)
        for start in (self.t_start, self.v_start, self.k_start):
            start.extend([0])

    def __len__(self) -> int:
        return self.slots.n

    def append(self, slot: int, row: Row) -> None:
        """Add a document."""
        self.extend([slot], [row])

    def extend(self, slots: Sequence[int], rows: Sequence[Row]) -> None:
        """Add documents: many at once cost a tenth each."""
        if not rows:
            return
        self.slots.extend(slots)
        self.numbers.extend([row.numbers for row in rows])
        self.tags.extend(_flat([row.tags for row in rows]))
        self.buckets.extend(np.concatenate([row.buckets for row in rows]))
        self.impacts.extend(np.concatenate([row.impacts for row in rows]))
        skills = [skill for row in rows for skill in row.skills]
        self.spellings.extend([spelling for spelling, _ in skills])
        self.weighs.extend([weighs for _, weighs in skills])
        self.t_start.extend(_ends(self.t_start, [len(row.tags) for row in rows]))
        self.v_start.extend(_ends(self.v_start, [len(row.buckets) for row in rows]))
        self.k_start.extend(_ends(self.k_start, [len(row.skills) for row in rows]))

    def take(self, documents: Documents) -> None:
        """Add documents that are in columns already."""
        for kept, starts in (
            (self.t_start, documents.t_start),
            (self.v_start, documents.v_start),
            (self.k_start, documents.k_start),
        ):
            kept.extend(starts[1:] + kept.values[-1])
        self.slots.extend(documents.slots)
        self.numbers.extend(documents.numbers)
        self.tags.extend(documents.tags)
        self.buckets.extend(documents.buckets)
        self.impacts.extend(documents.impacts)
        self.spellings.extend(documents.spellings)
        self.weighs.extend(documents.weighs)

    def renumber(self, numbers: Array) -> None:
        """Give each spelling its new number. numbers: by the old ones."""
        self.spellings.values[:] = numbers[self.spellings.values]

    @property
    def documents(self) -> Documents:
        """All of them, as views where they can be."""
        return Documents(
            self.slots.values,
            self.numbers.values,
            self.t_start.values.astype(np.int64),
            self.tags.values,
            self.v_start.values,
            self.buckets.values,
            self.impacts.values,
            self.k_start.values,
            self.spellings.values,
            self.weighs.values,
        )


def _flat(parts: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(parts))


def _ends(starts: Growing, lengths: list[int]) -> Array:
    """Where each of the next entries ends."""
    ends: Array = np.cumsum(lengths) + starts.values[-1]
    return ends


def joined(parts: list[Documents]) -> Documents:
    """All documents of the parts, in order."""
    return Documents(
        np.concatenate([each.slots for each in parts]),
        np.concatenate([each.numbers for each in parts]),
        _starts([each.t_start for each in parts]),
        np.concatenate([each.tags for each in parts]),
        _starts([each.v_start for each in parts]),
        np.concatenate([each.buckets for each in parts]),
        np.concatenate([each.impacts for each in parts]),
        _starts([each.k_start for each in parts]),
        np.concatenate([each.spellings for each in parts]),
        np.concatenate([each.weighs for each in parts]),
    )


def _starts(parts: list[Array]) -> Array:
    begun, moved = 0, [np.zeros(1, np.int64)]
    for start in parts:
        moved.append(start[1:] + begun)
        begun += int(start[-1])
    return np.concatenate(moved)
