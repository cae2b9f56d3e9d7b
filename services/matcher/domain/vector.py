"""The integer form of a text: which terms, and how much each of them says about it.

A vector is put together finely, and rounded when the document is whole: to a byte a term.

Everything is integer from here on, so a score never depends on the order of a sum or on a
machine's floating point, and a replay gives the same bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled

SCALE_BITS = 14
SCALE = 1 << SCALE_BITS
"""The whole, while a vector is put together."""

ONE_BITS = 16
ONE = 1 << ONE_BITS
"""The dot product of a document with itself is about ONE, but for rounding."""

UNIT = 1 << ONE_BITS // 2
"""The whole of a document, as it is kept and compared: its impacts are bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class TermVector:
    """A text as a vector. buckets: int32 (n,), ascending, distinct. impacts: int32 (n,), ≥ 1.

    While it is put together, impacts are in units of 1/SCALE; of a document, of 1/UNIT.
    """

    buckets: NDArray[np.int32]
    impacts: NDArray[np.int32]

    def to_bytes(self) -> bytes:
        """A document's, 5 bytes a term: little-endian uint32 buckets, then uint8 impacts."""
        return self.buckets.astype("<u4").tobytes() + self.impacts.astype(np.uint8).tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "TermVector":
        """The vector that `to_bytes` wrote. Raises ValueError where the length cannot be right."""
        n_terms, rest = divmod(len(stored), TERM_BYTES)
        if rest:
            raise ValueError(f"{len(stored)} bytes are not a term vector")
        buckets = np.frombuffer(stored, "<u4", n_terms).astype(np.int32)
        impacts = np.frombuffer(stored, np.uint8, n_terms, 4 * n_terms).astype(np.int32)
        return cls(buckets, impacts)


TERM_BYTES = 5


def blended(parts: Iterable[tuple[TermVector, int]], length: int = SCALE) -> TermVector:
    """The weighted sum of vectors, made as long as `length` and rounded down.

    parts: each with its weight, 0 … 1,000. What is too little to be said is left out.
    """
    return TermVector(*_as_long(*_sums(parts), length))


@compiled
def _as_long(
    buckets: NDArray[np.int32], sums: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The buckets and impacts of a sum made so long."""
    square = np.int64(0)
    for each in sums:
        square += each * each
    # The length is rounded up, so no vector is longer than it should be.
    whole = max(root_up(int(square)), 1)
    said, impacts = np.empty(len(sums), np.int32), np.empty(len(sums), np.int32)
    n = 0
    for term in range(len(sums)):
        impact = sums[term] * length // whole
        if impact > 0:
            said[n], impacts[n] = buckets[term], impact
            n += 1
    return said[:n].copy(), impacts[:n].copy()


@compiled
def root_up(square: int) -> int:
    """The square root of a number ≥ 0, rounded up. The float's is off by one at most."""
    root = int(np.sqrt(np.float64(square)))
    while root * root < square:
        root += 1
    while root and (root - 1) * (root - 1) >= square:
        root -= 1
    return root


def stacked(parts: Iterable[TermVector], most: int | None = None) -> TermVector:
    """The sum of vectors as they are, but no impact above `most`."""
    buckets, sums = _sums((part, 1) for part in parts)
    return TermVector(buckets, np.minimum(sums, sums if most is None else most).astype(np.int32))


def strongest(vector: TermVector, most: int) -> TermVector:
    """The terms of the greatest impacts, of equal ones the lower buckets."""
    if len(vector.buckets) <= most:
        return vector
    kept = np.sort(np.argsort(-vector.impacts, kind="stable")[:most])
    return TermVector(vector.buckets[kept], vector.impacts[kept])


def rounded(vector: TermVector, least: int) -> TermVector:
    """As a document has it: in units of 1/UNIT, those below `least` left out, none above a byte."""
    return TermVector(*_rounded(vector.buckets, vector.impacts, least))


@compiled
def _rounded(
    buckets: NDArray[np.int32], impacts: NDArray[np.int32], least: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The buckets and impacts of a document."""
    said, bytes_of = np.empty(len(impacts), np.int32), np.empty(len(impacts), np.int32)
    n = 0
    for term in range(len(impacts)):
        impact = min((int(impacts[term]) * UNIT + SCALE // 2) // SCALE, UNIT - 1)
        if impact >= least:
            said[n], bytes_of[n] = buckets[term], impact
            n += 1
    return said[:n].copy(), bytes_of[:n].copy()


def _sums(
    parts: Iterable[tuple[TermVector, int]],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The weighted sum of vectors: buckets ascending, and what each adds up to."""
    entries = [(part, weight) for part, weight in parts if len(part.buckets)]
    if not entries:
        return np.zeros(0, np.int32), np.zeros(0, np.int64)
    if len(entries) == 1:
        part, weight = entries[0]
        return part.buckets, part.impacts.astype(np.int64) * weight
    buckets = np.concatenate([part.buckets for part, _ in entries])
    impacts = np.concatenate([part.impacts for part, _ in entries])
    lengths = np.array([(len(part.buckets), weight) for part, weight in entries], np.int64)
    return _added(buckets, impacts, lengths)


@compiled
def _added(
    buckets: NDArray[np.int32], impacts: NDArray[np.int32], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Vectors one after the other, added up. lengths: int64 (n, 2), of each its length, weight."""
    into, sums = np.empty(len(buckets), np.int32), np.empty(len(buckets), np.int64)
    n, begin = 0, 0
    for part in range(len(lengths)):
        end, weight = begin + lengths[part, 0], lengths[part, 1]
        # Both ascend. What is there goes to the back, so that it is not written over.
        left = len(buckets) - n
        for at in range(n - 1, -1, -1):
            into[left + at], sums[left + at] = into[at], sums[at]
        n = 0
        while left < len(buckets) or begin < end:
            bucket = into[left] if left < len(buckets) else buckets[begin]
            if begin < end:
                bucket = min(bucket, buckets[begin])
            more = np.int64(0)
            if left < len(buckets) and into[left] == bucket:
                more += sums[left]
                left += 1
            if begin < end and buckets[begin] == bucket:
                more += np.int64(impacts[begin]) * weight
                begin += 1
            into[n], sums[n] = bucket, more
            n += 1
    return into[:n].copy(), sums[:n].copy()


def dot(left: TermVector, right: TermVector) -> int:
    """The dot product; of two documents, their cosine in units of ONE."""
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


def shared_terms(
    left: TermVector, right: TermVector
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The buckets that both hold, ascending; the product of the two impacts in each; their order.

    Order: places in the other two, of the greatest product first, of equal ones the lower bucket.
    """
    return _shared(left.buckets, left.impacts, right.buckets, right.impacts)


@compiled
def _shared(
    left: NDArray[np.int32],
    its: NDArray[np.int32],
    right: NDArray[np.int32],
    theirs: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    most = min(len(left), len(right))
    buckets, products = np.empty(most, np.int32), np.empty(most, np.int64)
    order = np.empty(most, np.int64)
    n, i, j = 0, 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            buckets[n], products[n] = left[i], np.int64(its[i]) * theirs[j]
            # Few terms are shared: each is put behind those that are worth as much or more.
            at = n
            while at and products[order[at - 1]] < products[n]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = n
            n += 1
            i += 1
            j += 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return buckets[:n], products[:n], order[:n]
