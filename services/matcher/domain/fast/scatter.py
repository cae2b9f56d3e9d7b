"""Sums over inverted lists: what each document of a segment has in common with a query.

What a document has beside its lists, and what the sums are good for, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.fit import skill_points
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import prefetch

# Columns of the lists that are found: where one begins, ends; what the query says of it. A list's
# row stands where its end will.
_FROM, _TO, _SAID = range(3)
_ROW = _TO
# So many entries are passed over at once at least; a power of two.
_STRIDE = 8
# The memory is asked for the lists so many before they are read, for so many of their entries; the
# processor sees by itself that more of a long one will be wanted. So many fit a line of memory.
_AHEAD, _ENTRIES_AHEAD, _A_LINE = 4, 256, 16


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
def _doc(entry: Int) -> Int:
    return entry & np.uint32(0xFFFF)


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
    spans: Array,
    n_spans: Int,
) -> Int:
    """Add the products of the rarer terms to each document that has them; how many there were.

    Only within the spans, which ascend as the documents of a list do. spans: int64 (≥ n_spans, 2),
    each from one document to before another. lists: int64 (≥ n_terms, 3), scratch. Each step asks
    the memory for what the next one reads, of all terms at once, where it would otherwise wait for
    each.
    """
    for at in range(len(q_buckets)):
        prefetch(rows, np.int64(q_buckets[at] >> 6) * 2)
    found, touched = 0, np.int64(0)
    for at in range(len(q_buckets)):
        row = _row_of(rows, q_buckets[at])
        if row >= 0:
            lists[found, _ROW] = row
            lists[found, _SAID] = q_impacts[at]
            prefetch(start, np.int64(row))
            found += 1
    for which in range(found):
        row = lists[which, _ROW]
        lists[which, _FROM] = start[row]
        lists[which, _TO] = start[row + 1]
        prefetch(entries, np.int64(start[row]))
    for which in range(found):
        if which + _AHEAD < found:
            soon = lists[which + _AHEAD, _FROM]
            until = min(lists[which + _AHEAD, _TO], soon + _ENTRIES_AHEAD)
            while soon < until:
                prefetch(entries, soon)
                soon += _A_LINE
        said = np.int32(lists[which, _SAID])
        entry, end = lists[which, _FROM], lists[which, _TO]
        for span in range(n_spans):
            first, last = np.uint32(spans[span, 0]), np.uint32(spans[span, 1])
            # By strides that double while they fall short, and are halved from there.
            stride = _STRIDE
            while entry + stride < end and _doc(entries[entry + stride]) < first:
                entry += stride
                stride *= 2
            while stride > _STRIDE:
                stride >>= 1
                if entry + stride < end and _doc(entries[entry + stride]) < first:
                    entry += stride
            while entry < end and _doc(entries[entry]) < first:
                entry += 1
            touched -= entry
            while entry < end:
                both = entries[entry]
                if _doc(both) >= last:
                    break
                sums[_doc(both)] += said * np.int32(both >> np.uint32(16))
                entry += 1
            touched += entry
    return touched


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
    lists: Array,
) -> Int:
    """Add what the query's skills are worth to each document that has one near enough.

    q_skills: int32 (n, 3): group, spelling, worth; within a group the worth falls, so the first
    spelling of a group that a document has is its best. lists: int64 (≥ n, 3), scratch. Returns the
    stamp after the last group.
    """
    for at in range(len(q_skills)):
        if q_skills[at, 1] < spellings:
            prefetch(rows, np.int64(q_skills[at, 1] >> 6) * 2)
    found = 0
    for at in range(len(q_skills)):
        if q_skills[at, 1] < spellings:
            row = _row_of(rows, q_skills[at, 1])
            if row >= 0:
                lists[found, _ROW] = row
                lists[found, _SAID] = at
                prefetch(start, np.int64(row))
                found += 1
    for which in range(found):
        row = lists[which, _ROW]
        lists[which, _FROM] = start[row]
        lists[which, _TO] = start[row + 1]
        prefetch(ids, np.int64(start[row]))
    group = -1
    for which in range(found):
        at = lists[which, _SAID]
        if q_skills[at, 0] != group:
            group = q_skills[at, 0]
            stamp += 1
        for entry in range(lists[which, _FROM], lists[which, _TO]):
            doc = ids[entry]
            if marks[doc] != stamp:
                marks[doc] = stamp
                worth = np.int64(q_skills[at, 2])
                if side == lay.POSTINGS:
                    worth = skill_points(worth, weighs[entry], numbers, doc, weight_rows)
                skills[doc] += worth
    return stamp
