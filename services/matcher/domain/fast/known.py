"""Documents and live pairs as an engine is loaded with them: as stored, or just made.

How they are numbered and laid out does not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from contracts.values import PostingId, SeekerId
from services.matcher.domain.compiled import compiled
from services.matcher.domain.facts import PostingFacts, SeekerFacts, astuple_flat
from services.matcher.domain.fast.growing import Array
from services.matcher.domain.vector import TERM_BYTES, TermVector

_LOW = (1 << 64) - 1
_COMMA, _OPEN, _CLOSE = ord(","), ord("["), ord("]")


@dataclass(frozen=True, slots=True)
class KnownPosting:
    """A posting as it is loaded: its facts and terms, as stored or just made."""

    posting_id: PostingId
    facts: PostingFacts
    terms: TermVector


@dataclass(frozen=True, slots=True)
class KnownSeeker:
    """A seeker as it is loaded."""

    seeker_id: SeekerId
    facts: SeekerFacts
    terms: TermVector


@dataclass(frozen=True, slots=True, eq=False)
class KnownSeekers:
    """Many seekers in columns, which cost a tenth of as many objects.

    high, low: uint64 (n,), halves of the ids. facts: the fields of each one's `SeekerFacts`, in
    their order. t_start: int64 (n + 1,) into buckets, int32, and impacts, uint8, of their terms.
    """

    high: Array
    low: Array
    facts: Sequence[Sequence[Any]]
    t_start: Array
    buckets: Array
    impacts: Array

    def __len__(self) -> int:
        return len(self.high)

    @classmethod
    def of(cls, seekers: Sequence[KnownSeeker]) -> "KnownSeekers":
        """These, in order."""
        keys = [each.seeker_id.int for each in seekers]
        none = [np.zeros(0, np.int32)]
        return cls(
            np.array([key >> 64 for key in keys], np.uint64),
            np.array([key & _LOW for key in keys], np.uint64),
            [astuple_flat(each.facts) for each in seekers],
            np.cumsum([0, *(len(each.terms.buckets) for each in seekers)]),
            np.concatenate(none + [each.terms.buckets for each in seekers]),
            np.concatenate(none + [each.terms.impacts for each in seekers]).astype(np.uint8),
        )

    @classmethod
    def stored(
        cls, high: Array, low: Array, data: Array, terms: "Places", facts: "Places"
    ) -> "KnownSeekers":
        """As `TermVector.to_bytes` and `SeekerFacts.to_bytes` wrote them, somewhere in data.

        data: uint8. Raises ValueError where a length cannot be right, or facts are no JSON.
        """
        if (terms.lengths % TERM_BYTES).any():
            raise ValueError("among these bytes are some that are not a term vector")
        t_start = np.zeros(len(high) + 1, np.int64)
        np.cumsum(terms.lengths // TERM_BYTES, out=t_start[1:])
        buckets, impacts = _terms(data, terms.starts, t_start)
        read = orjson.loads(_joined(data, facts.starts, facts.lengths).tobytes())
        if len(read) != len(high):
            raise ValueError("among these bytes are some that are not facts")
        return cls(high, low, read, t_start, buckets, impacts)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where byte strings lie. starts, lengths: int64 (n,)."""

    starts: Array
    lengths: Array


@dataclass(frozen=True, slots=True, eq=False)
class KnownLive:
    """Live pairs as they were stored, in columns: halves of both ids, scores, sides."""

    seeker_high: Array
    seeker_low: Array
    posting_high: Array
    posting_low: Array
    scores: Array
    for_seeker: Array
    for_posting: Array

    @classmethod
    def joined(cls, parts: Sequence["KnownLive"]) -> "KnownLive":
        """All of the parts."""
        kinds = (np.uint64,) * 4 + (np.int32, np.bool_, np.bool_)
        return cls(
            *(
                np.concatenate([np.zeros(0, kind), *(getattr(each, name) for each in parts)])
                for name, kind in zip(cls.__slots__, kinds, strict=True)
            )
        )


@compiled
def _terms(data: Array, starts: Array, t_start: Array) -> tuple[Array, Array]:
    """Buckets and impacts of all vectors, one after the other."""
    buckets = np.empty(t_start[-1], np.int32)
    impacts = np.empty(t_start[-1], np.uint8)
    for row in range(len(starts)):
        at, n = starts[row], t_start[row + 1] - t_start[row]
        weights = at + 4 * n
        for term in range(n):
            place = t_start[row] + term
            buckets[place] = (
                np.int32(data[at])
                | np.int32(data[at + 1]) << 8
                | np.int32(data[at + 2]) << 16
                | np.int32(data[at + 3]) << 24
            )
            impacts[place] = data[weights]
            at, weights = at + 4, weights + 1
    return buckets, impacts


@compiled
def _joined(data: Array, starts: Array, lengths: Array) -> Array:
    """JSON texts as one array of JSON. uint8."""
    whole = np.empty(lengths.sum() + len(lengths) + 2, np.uint8)
    whole[0], at = _OPEN, 1
    for row in range(len(starts)):
        if row:
            whole[at], at = _COMMA, at + 1
        whole[at : at + lengths[row]] = data[starts[row] : starts[row] + lengths[row]]
        at += lengths[row]
    whole[at] = _CLOSE
    return whole[: at + 1]
