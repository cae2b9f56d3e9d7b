"""The integer form of a text: which terms, and how much each of them says about it.

Everything is integer from here on, so a score never depends on the order of a sum or on a
machine's floating point, and a replay gives the same bits.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled

SCALE_BITS = 14
SCALE = 1 << SCALE_BITS
ONE = SCALE * SCALE
"""The dot product of a text with itself would be ONE, were nothing rounded down."""

LONGEST = 7 * SCALE // 2
"""No vector is longer: so dot products stay in 32 bits, and the parts of a length in 16."""


@dataclass(frozen=True, slots=True, eq=False)
class TermVector:
    """A text as a vector: of length at most SCALE, or with a profile's skills at most LONGEST.

    buckets: int32 (n,), ascending, distinct. impacts: int32 (n,), 1 … SCALE.
    """

    buckets: NDArray[np.int32]
    impacts: NDArray[np.int32]

    def to_bytes(self) -> bytes:
        """6 bytes a term: little-endian uint32 buckets, then uint16 impacts."""
        return self.buckets.astype("<u4").tobytes() + self.impacts.astype("<u2").tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "TermVector":
        """The vector that `to_bytes` wrote. Raises ValueError where the length cannot be right."""
        n_terms, rest = divmod(len(stored), 6)
        if rest:
            raise ValueError(f"{len(stored)} bytes are not a term vector")
        buckets = np.frombuffer(stored, "<u4", n_terms).astype(np.int32)
        impacts = np.frombuffer(stored, "<u2", n_terms, 4 * n_terms).astype(np.int32)
        return cls(buckets, impacts)


def blended(parts: Iterable[tuple[TermVector, int]], length: int = SCALE) -> TermVector:
    """The weighted sum of vectors, made as long as `length` and rounded down.

    parts: each with its weight, 0 … 1,000. What is too little to be said is left out.
    """
    buckets, sums = np.zeros(0, np.int32), np.zeros(0, np.int64)
    for part, weight in parts:
        buckets, sums = _added(buckets, sums, part.buckets, part.impacts, weight)
    # The length is rounded up, so no vector is longer than it should be.
    whole = math.isqrt(max(int((sums * sums).sum()) - 1, 0)) + 1
    impacts = (sums * length // whole).astype(np.int32)
    said = impacts > 0
    return TermVector(buckets[said], impacts[said])


def stacked(parts: Iterable[TermVector], most: int = SCALE) -> TermVector:
    """The sum of vectors as they are, but no impact above `most`."""
    buckets, sums = np.zeros(0, np.int32), np.zeros(0, np.int64)
    for part in parts:
        buckets, sums = _added(buckets, sums, part.buckets, part.impacts, 1)
    return TermVector(buckets, np.minimum(sums, most).astype(np.int32))


def strongest(vector: TermVector, most: int) -> TermVector:
    """The terms of the greatest impacts, of equal ones the lower buckets."""
    if len(vector.buckets) <= most:
        return vector
    kept = np.sort(np.argsort(-vector.impacts, kind="stable")[:most])
    return TermVector(vector.buckets[kept], vector.impacts[kept])


def highest(parts: Iterable[TermVector]) -> TermVector:
    """Of each term the greatest impact that any of the vectors has."""
    entries = [TermVector(np.zeros(0, np.int32), np.zeros(0, np.int32)), *parts]
    buckets, where = np.unique(
        np.concatenate([each.buckets for each in entries]), return_inverse=True
    )
    impacts = np.zeros(len(buckets), np.int32)
    np.maximum.at(impacts, where, np.concatenate([each.impacts for each in entries]))
    return TermVector(buckets, impacts)


@compiled
def _added(
    left: NDArray[np.int32],
    sums: NDArray[np.int64],
    right: NDArray[np.int32],
    impacts: NDArray[np.int32],
    weight: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Two vectors, one of them weighted, added up: buckets ascending, and their sums."""
    buckets = np.empty(len(left) + len(right), np.int32)
    both = np.empty(len(buckets), np.int64)
    n, i, j = 0, 0, 0
    while i < len(left) or j < len(right):
        if j == len(right) or (i < len(left) and left[i] <= right[j]):
            buckets[n], both[n] = left[i], sums[i]
            if j < len(right) and left[i] == right[j]:
                both[n] += np.int64(impacts[j]) * weight
                j += 1
            i += 1
        else:
            buckets[n], both[n] = right[j], np.int64(impacts[j]) * weight
            j += 1
        n += 1
    return buckets[:n].copy(), both[:n].copy()


def dot(left: TermVector, right: TermVector) -> int:
    """Cosine in units of ONE, where both are SCALE long; then at most ONE (Cauchy-Schwarz)."""
    return int(_dot(left.buckets, left.impacts, right.buckets, right.impacts))


@compiled
def _dot(
    left: NDArray[np.int32],
    its: NDArray[np.int32],
    right: NDArray[np.int32],
    theirs: NDArray[np.int32],
) -> int:
    whole, i, j = np.int64(0), 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            whole += np.int64(its[i]) * theirs[j]
            i += 1
            j += 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return int(whole)
