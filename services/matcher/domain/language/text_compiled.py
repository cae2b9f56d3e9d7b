"""Terms found, hashed, counted and weighed by compiled code: the same bits as `terms` defines.

What a term is and weighs is defined there, in plain Python, and does not live here.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.language.code_points import KIND_HAN, CodePoints, Kinds
from services.matcher.domain.language.phrases_compiled import (
    BASIS,
    PhraseTable,
    bucket,
    end_of_word,
    read_phrases,
    then,
)
from services.matcher.domain.language.text import BUCKETS, LATIN_GRAM
from services.matcher.domain.vector import SCALE, root_up

_SPACE, _NEW_LINE = ord(" "), ord("\n")
# For a bare 0 numba compiles a kernel that is called with it once more, as one of a constant.
_ZERO = cast(int, np.int64(0))

_DIGIT_BITS = BUCKETS.bit_length() // 2
_DIGITS = 1 << _DIGIT_BITS
_DIGIT_MASK = _DIGITS - 1


@compiled
def _find_word(codes: CodePoints, begin: int, end: int, into: NDArray[np.int32], n: int) -> int:
    """The buckets of one Latin word; returns how many there are then."""
    whole = BASIS
    for at in range(begin, end):
        whole = then(whole, codes[at])
    into[n] = bucket(whole)
    n += 1
    if end - begin + 2 <= LATIN_GRAM:
        return n
    for first in range(begin - 1, end + 2 - LATIN_GRAM):
        gram = BASIS
        for at in range(first, first + LATIN_GRAM):
            gram = then(gram, codes[at] if begin <= at < end else np.int32(_SPACE))
        into[n] = bucket(gram)
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
            one = then(BASIS, codes[at])
            into[n] = bucket(one)
            n += 1
            at += 1
            if at < len(codes) and kinds[codes[at]] == KIND_HAN:
                into[n] = bucket(then(one, codes[at]))
                n += 1
            continue
        end = end_of_word(codes, at, kinds)
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
        for each in buckets:
            place[((each >> shift) & _DIGIT_MASK) + 1] += 1
        for digit in range(_DIGITS):
            place[digit + 1] += place[digit]
        for each in buckets:
            digit = (each >> shift) & _DIGIT_MASK
            other[place[digit]] = each
            place[digit] += 1
        buckets, other = other, buckets
    return buckets


@compiled
def _all_found(codes: CodePoints, kinds: Kinds, phrases: PhraseTable) -> NDArray[np.int32]:
    """The bucket of each term of a text, in no order. Blots out of codes what is hidden."""
    added = read_phrases(codes, kinds, phrases)
    found = np.empty(_room(len(codes)) + len(added), np.int32)
    n = _find(codes, kinds, found, _ZERO)
    for each in added:
        found[n] = each
        n += 1
    return found[:n]


@compiled
def sorted_terms(codes: CodePoints, kinds: Kinds, phrases: PhraseTable) -> NDArray[np.int32]:
    """The bucket of each term, ascending, with repetitions; int32 (n,). Spoils codes."""
    return _sort(_all_found(codes, kinds, phrases))


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
        number = found[at]
        begin = at
        while at < n and found[at] == number:
            at += 1
        weight = sublinear[at - begin] * np.int64(idf[number])
        squares += weight * weight
        buckets[n_distinct] = number
        weights[n_distinct] = weight
        n_distinct += 1

    length = max(root_up(int(squares)), 1)
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
    kinds: Kinds,
    phrases: PhraseTable,
    number: int,
    counted: NDArray[np.int64],
) -> None:
    """Count one more document for each bucket this one has. Spoils codes.

    number: of the document, from 1 on. counted: int64 (BUCKETS, 2), zero at first: how many
    documents had the bucket, and the last that had it.
    """
    for each in _all_found(codes, kinds, phrases):
        if counted[each, 1] != number:
            counted[each, 0] += 1
            counted[each, 1] = number


@compiled
def count_lines(
    codes: CodePoints, kinds: Kinds, phrases: PhraseTable, counted: NDArray[np.int64]
) -> int:
    """As `count_document`, of each line as a document; returns how many there are."""
    number = 0
    for begin, end in _lines(codes):
        number += 1
        count_document(codes[begin:end].copy(), kinds, phrases, number, counted)
    return number


@compiled
def weighed_lines(
    codes: CodePoints,
    kinds: Kinds,
    phrases: PhraseTable,
    idf: NDArray[np.uint16],
    sublinear: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """As `weighed`, of each line: the number of the line, bucket and impact of each term."""
    lines = [np.zeros(0, np.int32)]
    buckets = [np.zeros(0, np.int32)]
    impacts = [np.zeros(0, np.int32)]
    number = np.int32(0)
    for begin, end in _lines(codes):
        found = sorted_terms(codes[begin:end].copy(), kinds, phrases)
        its_buckets, its_impacts = weighed(found, idf, sublinear)
        lines.append(np.full(len(its_buckets), number, np.int32))
        buckets.append(its_buckets)
        impacts.append(its_impacts)
        number += np.int32(1)
    return _joined(lines), _joined(buckets), _joined(impacts)


@compiled
def _lines(codes: CodePoints) -> list[tuple[int, int]]:
    """Where each line begins and ends."""
    found = []
    begin = 0
    for at in range(len(codes)):
        if codes[at] == _NEW_LINE:
            found.append((begin, at))
            begin = at + 1
    found.append((begin, len(codes)))
    return found


@compiled
def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    length = 0
    for part in parts:
        length += len(part)
    whole = np.empty(length, np.int32)
    at = 0
    for part in parts:
        whole[at : at + len(part)] = part
        at += len(part)
    return whole
