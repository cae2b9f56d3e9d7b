"""A directory of lists: which numbers have a list, and where it lies.

What the lists hold, and how they are read, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import bits_set, prefetch

FROM, TO, SAID = range(3)
"""Columns of the lists that are found: where one begins, ends; what the query says of it."""

ROW = TO
"""A list's row stands where its end will."""


@compiled
def rows_of(numbers: Array, n_words: int) -> Array:
    """A set of numbers as bits, each word followed by how many come before it.

    numbers: int32, each 0 ≤ number < 64 n_words. Returns uint64 (n_words, 2): what is asked for
    together lies together.
    """
    rows = np.zeros((n_words, 2), np.uint64)
    for number in numbers:
        rows[number >> 6, 0] |= np.uint64(1) << np.uint64(number & 63)
    rank_words(rows)
    return rows


@inlined
def rank_words(rows: Array) -> None:
    """Note after each word of bits how many come before it."""
    before = np.int64(0)
    for word in range(len(rows)):
        rows[word, 1] = before
        before += bits_set(rows[word, 0])


def numbers_of(rows: Array) -> Array:
    """The numbers of a set that is kept as `rows_of` does, ascending. int32."""
    words = np.flatnonzero(rows[:, 0])
    bits = np.unpackbits(rows[words, 0].view(np.uint8), bitorder="little").reshape(-1, 64)
    which, bit = np.nonzero(bits)
    return (words[which] * 64 + bit).astype(np.int32)


@inlined
def row_of(rows: Array, number: Int) -> Int:
    """The row of a number in a set kept as bits and ranks; -1 where it is not in the set."""
    word = rows[number >> 6, 0]
    bit = np.uint64(number & 63)
    if not (word >> bit) & np.uint64(1):
        return -1
    below = word & ((np.uint64(1) << bit) - np.uint64(1))
    return np.int64(rows[number >> 6, 1]) + bits_set(below)


@inlined
def find_lists(rows: Array, start: Array, q_buckets: Array, q_impacts: Array, lists: Array) -> Int:
    """Note where the list of each term lies that has one; how many there are.

    Each step asks the memory for what the next one reads, of all terms at once, where it would
    otherwise wait for each.
    """
    for at in range(len(q_buckets)):
        prefetch(rows, np.int64(q_buckets[at] >> 6) * 2)
    found = 0
    for at in range(len(q_buckets)):
        row = row_of(rows, q_buckets[at])
        if row >= 0:
            lists[found, ROW] = row
            lists[found, SAID] = q_impacts[at]
            prefetch(start, np.int64(row))
            found += 1
    for which in range(found):
        row = lists[which, ROW]
        lists[which, FROM] = start[row]
        lists[which, TO] = start[row + 1]
    return found
