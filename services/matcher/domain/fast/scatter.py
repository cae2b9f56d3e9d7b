"""Sums over inverted lists: what each document of a segment has in common with a query.

What a document has beside its lists, and what the sums are good for, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.directory import FROM, ROW, SAID, TO, find_lists, row_of
from services.matcher.domain.fast.fit import skill_points
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import bits_set, prefetch, uncounted
from services.matcher.domain.vector import root_up

# The memory is asked for the lists so many before they are read, for so many of their entries; the
# processor sees by itself that more of a long one will be wanted. So many fit a line of memory.
_AHEAD, _ENTRIES_AHEAD, _A_LINE = 4, 256, 32
# Most lists of what is shown are short: the memory is asked for where so many later ones begin.
_LISTS_AHEAD = 12
# A list of fewer entries is read in less time than it takes to find which of them are wanted.
_WORTH_SEEKING = 128


@inlined
def _ask_for(ids: Array, impacts: Array, entry: Int, end: Int) -> None:
    """Ask the memory for where a list begins."""
    until = min(end, entry + _ENTRIES_AHEAD)
    while entry < until:
        prefetch(ids, entry)
        prefetch(impacts, entry)
        entry += _A_LINE


@inlined
def first_from(ids: Array, first: Int, end: Int, doc: Int) -> Int:
    """The first place, first ≤ place ≤ end, from which on ascending ids are not below doc.

    Without a branch that depends on an id: which way that would go follows no pattern.
    """
    left = end - first
    while left > 0:
        half = (left + 1) >> 1
        first += half * np.int64(ids[first + half - 1] < doc)
        left -= half
    return first


@inlined
def _add_products(sums: Array, ids: Array, impacts: Array, said: Int) -> None:
    for at in range(len(ids)):
        sums[ids[at]] += said * np.int32(impacts[at])


@compiled
def scatter_terms(
    sums: Array,
    runs: Array,
    n_runs: Int,
    rows: Array,
    start: Array,
    counted_ids: Array,
    counted_impacts: Array,
    q_buckets: Array,
    q_impacts: Array,
    lists: Array,
) -> Int:
    """Add the products of the rarer terms to each document that has them; how many there were.

    runs: int64 (≥ n_runs, 2), ascending: first documents and ends of what is wanted. All others may
    be left out. lists: int64 (≥ n_terms, 3), scratch.
    """
    ids, impacts = uncounted(counted_ids), uncounted(counted_impacts)
    found, read = find_lists(rows, start, q_buckets, q_impacts, lists), np.int64(0)
    everywhere = n_runs == 1 and runs[0, 1] - runs[0, 0] >= len(sums)
    for which in range(min(_AHEAD, found)):
        _ask_for(ids, impacts, lists[which, FROM], lists[which, TO])
    for which in range(found):
        if which + _AHEAD < found:
            _ask_for(ids, impacts, lists[which + _AHEAD, FROM], lists[which + _AHEAD, TO])
        said = np.int32(lists[which, SAID])
        entry, end = lists[which, FROM], lists[which, TO]
        if everywhere or end - entry < _WORTH_SEEKING:
            _add_products(sums, ids[entry:end], impacts[entry:end], said)
            read += end - entry
            continue
        for run in range(n_runs):
            entry = first_from(ids, entry, end, runs[run, 0])
            until = first_from(ids, entry, end, runs[run, 1])
            _add_products(sums, ids[entry:until], impacts[entry:until], said)
            read += until - entry
            entry = until
    return read


@compiled
def frequent_of_query(frequent: Array, q_buckets: Array, q_impacts: Array, in_query: Array) -> Int:
    """Where the query has the segment's frequent terms; the length of that part, rounded up.

    frequent, q_buckets: ascending. in_query: uint8 (≥ n_frequent,), filled.
    """
    square, term, end = np.int64(0), np.int64(0), np.int64(len(frequent))
    in_query[:end] = 0
    for at in range(len(q_buckets)):
        term = first_from(frequent, term, end, np.int64(q_buckets[at]))
        if term < end and frequent[term] == q_buckets[at]:
            in_query[term] = q_impacts[at]
            square += np.int64(q_impacts[at]) * np.int64(q_impacts[at])
    return root_up(int(square))


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
    loud: Array,
    kept: Int,
    lists: Array,
) -> Int:
    """Add to each document what the words of each loud spelling it shows are worth; how many there
    were.

    spellings: so many the rows are for. active, ranks, added: as `shown.Worth` has them. loud: as
    `faint.mark_loud` fills it. kept: words of bits whose names are kept with the documents, too; of
    the others all names count as loud. lists: int64 (≥ n, 3), scratch.
    """
    ids, found, read, one = uncounted(counted_ids), 0, np.int64(0), np.uint64(1)
    for word in range(min(spellings >> 6, len(active))):
        held = rows[word, 0]
        both = held & (loud[word] if word < kept else active[word])
        while both:
            below = (both & (~both + one)) - one
            row = np.int64(rows[word, 1]) + bits_set(held & below)
            lists[found, ROW] = row
            lists[found, SAID] = added[ranks[word] + bits_set(active[word] & below)]
            prefetch(start, row)
            found += 1
            both &= both - one
    for which in range(found):
        if which + _LISTS_AHEAD < found:
            prefetch(ids, np.int64(start[lists[which + _LISTS_AHEAD, ROW]]))
        row, said = lists[which, ROW], np.int32(lists[which, SAID])
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
            row = row_of(rows, q_skills[at, 1])
            if row >= 0:
                lists[found, ROW] = row
                lists[found, SAID] = at
                prefetch(start, np.int64(row))
                found += 1
    for which in range(found):
        row = lists[which, ROW]
        lists[which, FROM] = start[row]
        lists[which, TO] = start[row + 1]
        prefetch(ids, np.int64(start[row]))
    group = -1
    for which in range(found):
        at = lists[which, SAID]
        if q_skills[at, 0] != group:
            group = q_skills[at, 0]
            stamp += 1
        for entry in range(lists[which, FROM], lists[which, TO]):
            doc = ids[entry]
            if marks[doc] != stamp:
                marks[doc] = stamp
                worth = np.int64(q_skills[at, 2])
                if side == lay.POSTINGS:
                    worth = skill_points(worth, weighs[entry], numbers, doc, weight_rows)
                skills[doc] += worth
    return stamp
