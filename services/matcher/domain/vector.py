"""The integer form of a text: which terms, and how much each of them says about it.

Everything is integer from here on, so a score never depends on the order of a sum or on a
machine's floating point, and a replay gives the same bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE_BITS = 15
SCALE = 1 << SCALE_BITS
ONE = SCALE * SCALE
"""The dot product of a text with itself would be ONE, were nothing rounded down."""


@dataclass(frozen=True, slots=True, eq=False)
class TermVector:
    """A text as a vector of length at most SCALE.

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


def shared_terms(
    left: TermVector, right: TermVector
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The buckets that both hold, ascending, and the product of the two impacts in each."""
    if len(left.buckets) > len(right.buckets):
        left, right = right, left
    if not len(left.buckets):
        return left.buckets, np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(right.buckets, left.buckets), len(right.buckets) - 1)
    both = right.buckets[at] == left.buckets
    products = left.impacts[both].astype(np.int64) * right.impacts[at[both]]
    return left.buckets[both], products


def dot(left: TermVector, right: TermVector) -> int:
    """Cosine in units of ONE. At most ONE: both lengths are rounded down (Cauchy-Schwarz)."""
    return int(shared_terms(left, right)[1].sum())
