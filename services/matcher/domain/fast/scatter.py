"""Sums over inverted lists: what each document of a segment has in common with a query.

What a document has beside its lists, and what the sums are good for, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.fit import skill_points
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import bits_set, prefetch, uncounted

# Columns of the lists that are found: where one begins, ends; what the query says of it. A list's
# row stands where its end will.
_FROM, _TO, _SAID = range(3)
_ROW = _TO
# The memory is asked for the lists so many before they are read, for so many of their entries; the
# processor sees by itself that more of a long one will be wanted. So many fit a line of memory.
_AHEAD, _ENTRIES_AHEAD, _A_LINE = 4, 256, 32
# Most lists of what is shown are short: the memory is asked for where so many later ones begin.
_LISTS_AHEAD = 12


@inlined
def _row_of(rows: Array, number: Int) -> Int:
    """The row of a number in a set kept as bits and ranks; -1 where it is not in the set."""
    word = rows[number >> 6, 0]
    bit = np.uint64(number & 63)
    if not (word >> bit) & np.uint64(1):
        return -1
    below = word & ((np.uint64(1) << bit) - np.uint64(1))
    return np.int64(rows[number >> 6, 1]) + bits_set(below)


@inlined
def _root_up(square: Int) -> Int:
    """The square root, rounded up."""
    root = np.int64(np.sqrt(np.float64(square)))
    while root * root < square:
        root += 1
    return root


@inlined
def _find_lists(rows: Array, start: Array, q_buckets: Array, q_impacts: Array, lists: Array) -> Int:
    """Note where the list of each term lies that has one; how many there are.

    Each step asks the memory for what the next one reads, of all terms at once, where it would
    otherwise wait for each.
    """
    for at in range(len(q_buckets)):
        prefetch(rows, np.int64(q_buckets[at] >> 6) * 2)
    found = 0
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
    return found


@inlined
def _ask_for(ids: Array, impacts: Array, entry: Int, end: Int) -> None:
    """Ask the memory for where a list begins."""
    until = min(end, entry + _ENTRIES_AHEAD)
    while entry < until:
        prefetch(ids, entry)
        prefetch(impacts, entry)
        entry += _A_LINE


@compiled
def scatter_terms(
    sums: Array,
    rows: Array,
    start: Array,
    counted_ids: Array,
    counted_impacts: Array,
    q_buckets: Array,
    q_impacts: Array,
    lists: Array,
) -> Int:
    """Add the products of the rarer terms to each document that has them; how many there were.

    lists: int64 (≥ n_terms, 3), scratch.
    """
    ids, impacts = uncounted(counted_ids), uncounted(counted_impacts)
    found, read = _find_lists(rows, start, q_buckets, q_impacts, lists), np.int64(0)
    for which in range(min(_AHEAD, found)):
        _ask_for(ids, impacts, lists[which, _FROM], lists[which, _TO])
    for which in range(found):
        if which + _AHEAD < found:
            _ask_for(ids, impacts, lists[which + _AHEAD, _FROM], lists[which + _AHEAD, _TO])
        said = np.int32(lists[which, _SAID])
        here = ids[lists[which, _FROM] : lists[which, _TO]]
        impacts_here = impacts[lists[which, _FROM] : lists[which, _TO]]
        for at in range(len(here)):
            sums[here[at]] += said * np.int32(impacts_here[at])
        read += len(here)
    return read


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
def scatter_shown(
    sums: Array,
    spellings: Int,
    rows: Array,
    start: Array,
    counted_ids: Array,
    active: Array,
    ranks: Array,
    added: Array,
    lists: Array,
) -> Int:
    """Add to each document what the words of each spelling it shows are worth; how many there were.

    spellings: so many the rows are for. active, ranks, added: as `shown.Worth` has them. lists:
    int64 (≥ n, 3), scratch.
    """
    ids, found, read, one = uncounted(counted_ids), 0, np.int64(0), np.uint64(1)
    for word in range(min(spellings >> 6, len(active))):
        held = rows[word, 0]
        both = held & active[word]
        while both:
            below = (both & (~both + one)) - one
            row = np.int64(rows[word, 1]) + bits_set(held & below)
            lists[found, _ROW] = row
            lists[found, _SAID] = added[ranks[word] + bits_set(active[word] & below)]
            prefetch(start, row)
            found += 1
            both &= both - one
    for which in range(found):
        if which + _LISTS_AHEAD < found:
            prefetch(ids, np.int64(start[lists[which + _LISTS_AHEAD, _ROW]]))
        row, said = lists[which, _ROW], np.int32(lists[which, _SAID])
        here = ids[start[row] : start[row + 1]]
        for at in range(len(here)):
            sums[here[at]] += said
        read += len(here)
    return read


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
