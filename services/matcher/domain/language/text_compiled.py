"""Terms found, hashed, counted and weighed by compiled code: the same bits as `text` and `Model`.

What a term is and weighs is defined there, in plain Python, and does not live here.
"""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.language.code_points import (
    KIND_DOT,
    KIND_HAN,
    KIND_SIGN,
    KIND_SMALL,
    KIND_WORD,
    CodePoints,
    Kinds,
)
from services.matcher.domain.language.text import (
    BUCKETS,
    HASH_BASIS,
    HASH_MIXERS,
    HASH_PRIME,
    LATIN_GRAM,
)
from services.matcher.domain.vector import SCALE

# In kernels the hash is uint64 throughout: with a signed operand numba would go on in floats.
_BASIS, _PRIME = np.uint64(HASH_BASIS), np.uint64(HASH_PRIME)
_MIXER_1, _MIXER_2 = (np.uint64(mixer) for mixer in HASH_MIXERS)
_SHIFT = np.uint64(33)
_BUCKET_MASK = np.uint64(BUCKETS - 1)
_SPACE = 32
# For a bare 0 numba compiles a kernel that is called with it once more, as one of a constant.
_ZERO = cast(int, np.int64(0))

_DIGIT_BITS = BUCKETS.bit_length() // 2
_DIGITS = 1 << _DIGIT_BITS
_DIGIT_MASK = _DIGITS - 1


@compiled
def _bucket(state: np.uint64) -> np.int32:
    state = (state ^ (state >> _SHIFT)) * _MIXER_1
    state = (state ^ (state >> _SHIFT)) * _MIXER_2
    return np.int32((state ^ (state >> _SHIFT)) & _BUCKET_MASK)


@compiled
def _then(state: np.uint64, code: np.int32) -> np.uint64:
    return (state ^ np.uint64(code)) * _PRIME


@compiled
def _end_of_word(codes: CodePoints, at: int, kinds: Kinds) -> int:
    """Where the word that begins at `at` ends; `at` itself where none begins."""
    n = len(codes)
    kind = kinds[codes[at]]
    if kind == KIND_DOT:
        after_word = at > 0 and kinds[codes[at - 1]] >= KIND_WORD
        if after_word or at + 1 == n or kinds[codes[at + 1]] != KIND_SMALL:
            return at
    elif kind < KIND_WORD:
        return at
    end = at + 1
    while end < n:
        kind = kinds[codes[end]]
        inside = (
            kind == KIND_DOT
            and kinds[codes[end - 1]] == KIND_SMALL
            and end + 1 < n
            and kinds[codes[end + 1]] >= KIND_WORD
        )
        if kind < KIND_WORD and not inside:
            break
        end += 1
    while end < n and kinds[codes[end]] == KIND_SIGN:
        end += 1
    return end


@compiled
def _find_word(codes: CodePoints, begin: int, end: int, into: NDArray[np.int32], n: int) -> int:
    """The buckets of one Latin word; returns how many there are then."""
    whole = _BASIS
    for at in range(begin, end):
        whole = _then(whole, codes[at])
    into[n] = _bucket(whole)
    n += 1
    if end - begin + 2 <= LATIN_GRAM:
        return n
    for first in range(begin - 1, end + 2 - LATIN_GRAM):
        gram = _BASIS
        for at in range(first, first + LATIN_GRAM):
            gram = _then(gram, codes[at] if begin <= at < end else np.int32(_SPACE))
        into[n] = _bucket(gram)
        n += 1
    return n


@compiled
def _room(length: int) -> int:
    """No text of so many code points has more terms."""
    return 2 * length


@compiled
def _find(codes: CodePoints, kinds: Kinds, into: NDArray[np.int32], n: int) -> int:
    """Put the bucket of each term behind the n that are there; returns how many are there then.

    into: with `_room` for them. In no order: they are counted next.
    """
    at = _ZERO
    while at < len(codes):
        if kinds[codes[at]] == KIND_HAN:
            one = _then(_BASIS, codes[at])
            into[n] = _bucket(one)
            n += 1
            at += 1
            if at < len(codes) and kinds[codes[at]] == KIND_HAN:
                into[n] = _bucket(_then(one, codes[at]))
                n += 1
            continue
        end = _end_of_word(codes, at, kinds)
        if end > at:
            n = _find_word(codes, at, end, into, n)
            at = end
        else:
            at += 1
    return n


@compiled
def _sort(buckets: NDArray[np.int32]) -> NDArray[np.int32]:
    """Ascending, by two passes over half of the bits each. Destroys what it is given."""
    other = np.empty(len(buckets), np.int32)
    for shift in (0, _DIGIT_BITS):
        place = np.zeros(_DIGITS + 1, np.int32)
        for bucket in buckets:
            place[((bucket >> shift) & _DIGIT_MASK) + 1] += 1
        for digit in range(_DIGITS):
            place[digit + 1] += place[digit]
        for bucket in buckets:
            digit = (bucket >> shift) & _DIGIT_MASK
            other[place[digit]] = bucket
            place[digit] += 1
        buckets, other = other, buckets
    return buckets


@compiled
def _root(square: np.int64) -> np.int64:
    """math.isqrt: the float's root is off by one at most."""
    root = np.int64(math.sqrt(square))
    while root * root > square:
        root -= 1
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root


@compiled
def sorted_terms(
    codes: CodePoints, heading_length: int, heading_times: int, kinds: Kinds
) -> NDArray[np.int32]:
    """The bucket of each term, ascending, with repetitions; int32 (n,).

    codes, heading_length: as `code_points` gives them. Terms of the heading count heading_times.
    """
    room = _room(len(codes)) + _room(heading_length) * (heading_times - 1)
    found = np.empty(room, np.int32)
    n_heading = _find(codes[:heading_length], kinds, found, _ZERO)
    n = n_heading
    for _ in range(heading_times - 1):
        for term in range(n_heading):
            found[n + term] = found[term]
        n += n_heading
    n = _find(codes[heading_length:], kinds, found, n)
    return _sort(found[:n])


@compiled
def weighed(
    found: NDArray[np.int32], idf: NDArray[np.uint16], sublinear: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The buckets and impacts of a `TermVector`, of terms as `sorted_terms` gives them.

    sublinear: int64 (> n,), the weight of each number of times.
    """
    n = len(found)
    buckets = np.empty(n, np.int32)
    weights = np.empty(n, np.int64)
    squares = np.int64(0)
    n_distinct = 0
    at = 0
    while at < n:
        bucket = found[at]
        begin = at
        while at < n and found[at] == bucket:
            at += 1
        weight = sublinear[at - begin] * np.int64(idf[bucket])
        squares += weight * weight
        buckets[n_distinct] = bucket
        weights[n_distinct] = weight
        n_distinct += 1

    length = _root(squares - 1) + 1 if squares else np.int64(1)
    n_said = 0
    for term in range(n_distinct):
        impact = weights[term] * SCALE // length
        if impact > 0:
            buckets[n_said] = buckets[term]
            weights[n_said] = impact
            n_said += 1
    return buckets[:n_said].copy(), weights[:n_said].astype(np.int32)


@compiled
def count_document(
    codes: CodePoints,
    number: int,
    kinds: Kinds,
    df: NDArray[np.int64],
    last_in: NDArray[np.int64],
) -> None:
    """Add one to df of each bucket this document has.

    number: of the document, from 1 on. df, last_in: int64 (BUCKETS,), zero at first; last_in is
    the last document that had the bucket.
    """
    found = np.empty(_room(len(codes)), np.int32)
    n = _find(codes, kinds, found, _ZERO)
    for bucket in found[:n]:
        if last_in[bucket] != number:
            last_in[bucket] = number
            df[bucket] += 1
