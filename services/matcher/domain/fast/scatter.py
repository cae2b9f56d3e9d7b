"""Sums over inverted lists: what each document of a segment has in common with a query.

What a document has beside its lists, and what the sums are good for, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.fit import skill_points
from services.matcher.domain.fast.growing import Array, Int


@inlined
def _bits_set(word: Int) -> Int:
    """How many bits of 64 are set (Warren, Hacker's Delight, 5-1)."""
    one = np.uint64(1)
    v = word - ((word >> one) & np.uint64(0x5555555555555555))
    v = (v & np.uint64(0x3333333333333333)) + ((v >> np.uint64(2)) & np.uint64(0x3333333333333333))
    v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((v * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def _row_of(rows: Array, number: Int) -> Int:
    """The row of a number in a set kept as bits and ranks; -1 where it is not in the set."""
    word = rows[number >> 6, 0]
    bit = np.uint64(number & 63)
    if not (word >> bit) & np.uint64(1):
        return -1
    below = word & ((np.uint64(1) << bit) - np.uint64(1))
    return np.int64(rows[number >> 6, 1]) + _bits_set(below)


@inlined
def _root_up(square: Int) -> Int:
    """The square root, rounded up."""
    root = np.int64(np.sqrt(np.float64(square)))
    while root * root < square:
        root += 1
    return root


@compiled
def scatter_terms(
    sums: Array,
    rows: Array,
    start: Array,
    entries: Array,
    q_buckets: Array,
    q_impacts: Array,
    lists: Array,
) -> Int:
    """Add the products of the rarer terms to each document that has them; how many there were.

    lists: int64 (≥ n_terms, 3), scratch. All lists are found before the first is read: the memory
    then looks for many at once, where it would wait for each.
    """
    found, touched = 0, np.int64(0)
    ready: Int = np.uint32(0)
    for at in range(len(q_buckets)):
        row = _row_of(rows, q_buckets[at])
        if row >= 0:
            lists[found, 0] = start[row]
            lists[found, 1] = start[row + 1]
            lists[found, 2] = q_impacts[at]
            ready |= entries[start[row]]
            found += 1
    for which in range(found):
        said = np.int32(lists[which, 2])
        for entry in range(lists[which, 0], lists[which, 1]):
            both = entries[entry]
            sums[both & np.uint32(0xFFFF)] += said * np.int32(both >> np.uint32(16))
        touched += lists[which, 1] - lists[which, 0]
    # Said so that what was read ahead counts as used.
    return touched + np.int64(ready == np.uint32(0xFFFFFFFF))


@compiled
def frequent_of_query(frequent: Array, q_buckets: Array, q_impacts: Array, in_query: Array) -> Int:
    """Where the query has the segment's frequent terms; the length of that part, rounded up.

    frequent, q_buckets: ascending. in_query: int32 (≥ n_frequent,), filled.
    """
    square = np.int64(0)
    at = 0
    for term in range(len(frequent)):
        in_query[term] = 0
        while at < len(q_buckets) and q_buckets[at] < frequent[term]:
            at += 1
        if at < len(q_buckets) and q_buckets[at] == frequent[term]:
            in_query[term] = q_impacts[at]
            square += np.int64(q_impacts[at]) * np.int64(q_impacts[at])
    return _root_up(square)


@compiled
def scatter_skills(
    side: Int,
    skills: Array,
    marks: Array,
    stamp: Int,
    spellings: Int,
    rows: Array,
    start: Array,
    ids: Array,
    weighs: Array,
    q_skills: Array,
    numbers: Array,
    weight_rows: Array,
) -> Int:
    """Add what the query's skills are worth to each document that has one near enough.

    q_skills: int32 (n, 3): group, spelling, worth; within a group the worth falls, so the first
    spelling of a group that a document has is its best. Returns the stamp after the last group.
    """
    group = -1
    for at in range(len(q_skills)):
        if q_skills[at, 0] != group:
            group = q_skills[at, 0]
            stamp += 1
        spelling = q_skills[at, 1]
        if spelling >= spellings:
            continue
        row = _row_of(rows, spelling)
        if row < 0:
            continue
        for entry in range(start[row], start[row + 1]):
            doc = ids[entry]
            if marks[doc] != stamp:
                marks[doc] = stamp
                worth = np.int64(q_skills[at, 2])
                if side == lay.POSTINGS:
                    worth = skill_points(worth, weighs[entry], numbers, doc, weight_rows)
                skills[doc] += worth
    return stamp
