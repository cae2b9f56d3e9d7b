"""The search: the best documents of one side for a document of the other, exactly.

How an index is built and changed does not live here.

A document's score is its text, its skills and its fit. The first two come from inverted lists; the
frequent terms of the text, the names that say little (`faint`) and the fit only from the document
itself. So sums are scattered over all segments first; then the regions whose best documents have
most are looked into before the others, so that it is soon known how much is wanted, and a document
only where its sum, a bound on its frequent terms (Cauchy-Schwarz), one on its faint names and one
on its fit reach that. All is integer, and each bound is rounded up, so nothing that belongs to the
answer is passed over.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Asked, Best, Desk, Laid, Rules, taken
from services.matcher.domain.fast.choosing import look_into
from services.matcher.domain.fast.faint import mark_loud
from services.matcher.domain.fast.fit import (
    AT_REMOTE,
    N_POINTS,
    skill_points,
    tabulate,
    tabulate_blocks,
)
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.heap import in_order
from services.matcher.domain.fast.memory import bits_set
from services.matcher.domain.fast.opening import UNASKED, open_segment
from services.matcher.domain.fast.weighing import LADDER, bound_of, gather, rung_of, weigh
from services.matcher.domain.vector import ONE_BITS

# While fewer are found than wanted, documents are looked into that have as much as the best of
# about so many regions, then of so many times as many.
_REGIONS_FIRST, _TIMES_MORE = 80, 4


@inlined
def _tabulated(q: Asked, rules: Rules, points: Array) -> Array:
    """The weights no document has more of; fills points, and what the rules have for a posting."""
    weights = rules.most_weights
    if q.side == lay.SEEKERS:
        weights = rules.weight_rows[q.numbers[lay.WEIGHTS]]
        tabulate(
            q.numbers, q.tags, weights, rules.paths, rules.prefectures, rules.beside, rules.near_of,
            rules.closeness_of,
        )  # fmt: skip
    tabulate_blocks(weights, points)
    return weights


@compiled
def search_segments(
    table: Array, asked: Asked, compared: Rules, written: Desk, found: Best, last: bool
) -> None:
    """Go through the segments of a table; what is found goes into the heap and the hits.

    last: nothing is searched after them, and the heap is put in order.
    """
    q, rules, desk, best = taken(asked, compared, written, found)
    points = np.empty(N_POINTS, np.int64)
    weights = _tabulated(q, rules, points)
    faint = mark_loud(q, desk.loud)
    first_doc = np.int64(0)
    first_docs = np.empty(len(table), np.int64)
    for segment in range(len(table)):
        desk.norms[segment] = open_segment(table[segment], first_doc, q, rules, desk, best)
        first_docs[segment] = first_doc
        # Of whole regions, though the last may not be.
        n_regions = (table[segment, lay.S_DOCS] + lay.REGION_DOCS - 1) // lay.REGION_DOCS
        first_doc += n_regions * lay.REGION_DOCS
    ladder = np.zeros(LADDER, np.int32)
    text = np.int64(weights[lay.W_TEXT])
    for region in range(first_doc // lay.REGION_DOCS):
        said = np.int64(desk.said[region])
        if said != UNASKED:
            ladder[rung_of((text * said >> ONE_BITS) + np.int64(desk.skilled[region]))] += 1
    # All at once, where it is known what an answer must reach.
    least, at_once = np.int64(LADDER), _REGIONS_FIRST
    while least > 0:
        count = 0
        while least > 0 and count < at_once:
            least -= 1
            count += ladder[least]
        if best.counters[lay.C_HEAP] == q.k:
            least = np.int64(0)
        at_once *= _TIMES_MORE
        for segment in range(len(table)):
            look_into(
                table[segment], first_docs[segment], desk.norms[segment], faint, least, points, q,
                rules, desk, best,
            )  # fmt: skip
    if last:
        _put_in_order(best)


@inlined
def _put_in_order(best: Best) -> None:
    held = best.counters[lay.C_HEAP]
    in_order(best.heap_scores, best.heap_slots, held, best.high, best.low)


@compiled
def search_head(
    s: Laid,
    t_chains: Array,
    t_next: Array,
    t_bucket: Array,
    t_impact: Array,
    t_doc: Array,
    k_chains: Array,
    k_next: Array,
    k_spelling: Array,
    k_doc: Array,
    n_shown: Int,
    asked: Asked,
    compared: Rules,
    written: Desk,
    found: Best,
) -> None:
    """Go through the documents that are in no segment yet, and put the heap in order.

    All their terms are in chained lists.
    """
    q, rules, desk, best = taken(asked, compared, written, found)
    counters, sums, skills = best.counters, desk.sums, desk.skills
    sums[: s.n_docs] = 0
    skills[: s.n_docs] = 0
    for at in range(len(q.buckets)):
        entry = t_chains[q.buckets[at] & (len(t_chains) - 1)]
        while entry >= 0:
            if t_bucket[entry] == q.buckets[at]:
                sums[t_doc[entry]] += q.impacts[at] * np.int32(t_impact[entry])
                counters[lay.C_POSTINGS] += 1
            entry = t_next[entry]
    if q.side == lay.SEEKERS:
        for entry in range(n_shown):
            word = np.int64(k_spelling[entry] >> 6)
            bit = np.uint64(1) << np.uint64(k_spelling[entry] & 63)
            if q.active[word] & bit:
                below = bits_set(q.active[word] & (bit - np.uint64(1)))
                sums[k_doc[entry]] += q.added[q.ranks[word] + below]
        counters[lay.C_POSTINGS] += n_shown
    group, stamp = -1, counters[lay.C_STAMP]
    for at in range(len(q.skills)):
        if q.skills[at, 0] != group:
            group = q.skills[at, 0]
            stamp += 1
        entry = k_chains[q.skills[at, 1] & (len(k_chains) - 1)]
        while entry >= 0:
            doc = k_doc[entry]
            if k_spelling[entry] == q.skills[at, 1] and desk.marks[doc] != stamp:
                desk.marks[doc] = stamp
                more = np.int64(q.skills[at, 2])
                if q.side == lay.POSTINGS:
                    more = skill_points(more, s.k_weighs[entry], s.numbers, doc, rules.weight_rows)
                skills[doc] += more
            entry = k_next[entry]
    counters[lay.C_STAMP] = stamp
    points = np.empty(N_POINTS, np.int64)
    weights = _tabulated(q, rules, points)
    rest = weights[lay.W_PLACE] + weights[lay.W_OCCUPATION] + weights[lay.W_CERTIFICATE]
    none, one, whole = np.int64(0), np.int64(1), np.int64(lay.WHOLE)
    bound = bound_of(q, best)
    for block in range(s.n_blocks):
        gather(
            np.int64(block), whole, np.int64(rest), one, none, none, bound, points[AT_REMOTE], q,
            rules, s, sums, skills, desk, best,
        )  # fmt: skip
    weigh(none, none, q, rules, s, sums, skills, desk, best, np.zeros(LADDER, np.int32))
    _put_in_order(best)
