"""The search: the best documents of one side for a document of the other, exactly.

How an index is built and changed does not live here.

A document's score is its text, its skills and its fit. The first two come from inverted lists, the
frequent terms of the text and the fit only from the document itself. So sums are scattered over a
segment first; then each block of documents is looked into only where the sum of its best document,
a bound on its frequent terms (Cauchy-Schwarz) and a bound on its fit reach what is still wanted.
All is integer, and each bound is rounded up, so nothing that belongs to the answer is passed over.
"""

import numpy as np
from numba import carray as view  # type: ignore[attr-defined]

from contracts.values import PPM
from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.bounding import best_of_blocks
from services.matcher.domain.fast.fit import (
    AT_REMOTE,
    IMPOSSIBLE,
    N_POINTS,
    block_pay_and_years,
    block_rest,
    skill_points,
    tabulate,
    tabulate_blocks,
)
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import pointer, prefetch
from services.matcher.domain.fast.scatter import (
    frequent_of_query,
    scatter_shown,
    scatter_skills,
    scatter_terms,
)
from services.matcher.domain.fast.weighing import LADDER, NEVER, RUNG_BITS, gather, weigh
from services.matcher.domain.vector import ONE_BITS

# Documents that are cheaper to add up for nothing than to pass over.
_SHORT_GAP = 2048
# A line of memory is 64 bytes (x86-64, and most of ARM).
_INTS_A_LINE = 16
_LINES_OF_NUMBERS = lay.BLOCK * lay.N_NUMBERS // _INTS_A_LINE
# So many blocks are looked into before what they held is weighed.
_BLOCKS_AT_ONCE = 32


@inlined
def _by_address(array: Array) -> Array:
    """int32: an array that is not counted where it is sliced.

    The other must outlive it: be an argument, since what is made here is freed when it was last
    named.
    """
    return view(pointer(np.int64(array.ctypes.data)), (len(array),), np.int32)


@compiled
def search_segments(
    side: Int,
    table: Array,
    tau: Int,
    k: Int,
    hits_wanted: bool,
    q: Array,
    q_masks: Array,
    q_tags: Array,
    q_buckets: Array,
    q_impacts: Array,
    q_skills: Array,
    active: Array,
    worth: Array,
    weight_rows: Array,
    most_weights: Array,
    paths: Array,
    prefectures: Array,
    beside: Array,
    near_of: Array,
    closeness_of: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    sums: Array,
    skills: Array,
    marks: Array,
    maybe: Array,
    rests: Array,
    block_most: Array,
    turns: Array,
    in_query: Array,
    lists: Array,
    heap_scores: Array,
    heap_slots: Array,
    hit_scores: Array,
    hit_slots: Array,
    counters: Array,
) -> None:
    """Go through the segments of a table; what is found goes into the heap and the hits.

    The heap holds the k best from τ up; hits are all documents that reach their own threshold.
    The scratch arrays may hold anything, but for marks, whose stamps only grow. Sums of blocks that
    cannot hold an answer are added up from whatever was there, and never read.
    """
    ladder, rungs = np.zeros(LADDER, np.int32), np.zeros(LADDER, np.int32)
    # Turns are only filled when the bests are no longer needed.
    bests = _by_address(turns)
    all_sums, all_skills = _by_address(sums), _by_address(skills)
    most_here = np.empty(lay.REGION, np.int32)
    reaches, points = np.empty(lay.BLOCK, np.int64), np.empty(N_POINTS, np.int64)
    region_docs = np.int64(lay.REGION * lay.BLOCK)
    spans = np.empty((lay.MAX_SEGMENT // (lay.REGION * lay.BLOCK), 2), np.int64)
    weights = most_weights if side == lay.POSTINGS else weight_rows[q[lay.WEIGHTS]]
    tabulate_blocks(weights, points)
    most_easy = weights[lay.W_PAY] + weights[lay.W_YEARS]
    most_fit = (
        most_easy + weights[lay.W_PLACE] + weights[lay.W_OCCUPATION] + weights[lay.W_CERTIFICATE]
    )
    if side == lay.SEEKERS and len(table):
        tabulate(q, q_tags, weights, paths, prefectures, beside, near_of, closeness_of)
    for segment in range(len(table)):
        f = table[segment]
        # A length that nobody asks for: only rows that exist are read.
        far = 1 << 40
        n_docs = f[lay.S_DOCS]
        n_blocks = (n_docs + lay.BLOCK - 1) // lay.BLOCK
        masks = view(pointer(f[lay.S_MASKS]), (n_blocks, lay.N_MASKS), np.uint64)
        bounds = view(pointer(f[lay.S_BOUNDS]), (n_blocks, lay.N_BOUNDS), np.int32)
        thresholds_low = view(pointer(f[lay.S_THRESHOLD]), (n_blocks,), np.int32)
        n_regions = (n_blocks + lay.REGION - 1) // lay.REGION
        regions = view(pointer(f[lay.S_REGIONS]), (n_regions,), np.uint64)
        anywhere = q[lay.PACKED] >> lay.REMOTE_AT & 1
        # Where an answer can be at all; what lies between such places and is short is taken along.
        n_spans = np.int64(0)
        for region in range(n_regions):
            if anywhere or regions[region] & q_masks[lay.M_PLACE]:
                start_doc = region * lay.REGION * lay.BLOCK
                if not n_spans or start_doc > spans[n_spans - 1, 1] + _SHORT_GAP:
                    spans[n_spans, 0] = start_doc
                    n_spans += 1
                spans[n_spans - 1, 1] = min(n_docs, start_doc + lay.REGION * lay.BLOCK)
        if not n_spans:
            continue
        counters[lay.C_SEGMENTS] += 1
        slots = view(pointer(f[lay.S_SLOT]), (n_docs,), np.int32)
        alive = view(pointer(f[lay.S_ALIVE]), (n_docs,), np.uint8)
        rows = view(pointer(f[lay.S_ROWS]), (far, 2), np.uint64)
        start = view(pointer(f[lay.S_START]), (far,), np.uint32)
        ids = view(pointer(f[lay.S_IDS]), (far,), np.uint16)
        impacts = view(pointer(f[lay.S_IMPACTS]), (far,), np.uint8)
        n_frequent = f[lay.S_N_FREQUENT]
        frequent = view(pointer(f[lay.S_FREQUENT]), (n_frequent,), np.int32)
        f_start = view(pointer(f[lay.S_F_START]), (n_docs + 1,), np.uint32)
        f_term = view(pointer(f[lay.S_F_TERM]), (far,), np.uint8)
        f_impact = view(pointer(f[lay.S_F_IMPACT]), (far,), np.uint8)
        norms = view(pointer(f[lay.S_NORM]), (n_docs,), np.uint16)
        spellings = f[lay.S_SPELLINGS]
        k_rows = view(pointer(f[lay.S_K_ROWS]), (far, 2), np.uint64)
        k_start = view(pointer(f[lay.S_K_START]), (far,), np.uint32)
        k_ids = view(pointer(f[lay.S_K_IDS]), (far,), np.uint16)
        k_weighs = view(pointer(f[lay.S_K_WEIGHS]), (far,), np.uint8)
        t_start = view(pointer(f[lay.S_T_START]), (n_docs + 1,), np.uint32)
        tags = view(pointer(f[lay.S_TAGS]), (far,), np.int32)
        numbers = view(pointer(f[lay.S_NUMBERS]), (n_docs * lay.N_NUMBERS,), np.int32)
        for span in range(n_spans):
            # Of a whole region, though the last may not be.
            end_doc = (spans[span, 1] + region_docs - 1) // region_docs * region_docs
            sums[spans[span, 0] : end_doc] = 0
            skills[spans[span, 0] : end_doc] = 0
        counters[lay.C_POSTINGS] += scatter_terms(
            sums, rows, start, ids, impacts, q_buckets, q_impacts, lists, spans, n_spans
        )
        if side == lay.SEEKERS:
            counters[lay.C_POSTINGS] += scatter_shown(
                sums, spellings, k_rows, k_start, k_ids, active, worth, lists, spans, n_spans
            )
        q_norm = frequent_of_query(frequent, q_buckets, q_impacts, in_query)
        counters[lay.C_STAMP] = scatter_skills(
            side, skills, marks, counters[lay.C_STAMP], spellings, k_rows, k_start, k_ids,
            k_weighs, q_skills, numbers, weight_rows, lists,
        )  # fmt: skip
        # What the best of each block can reach, and how many blocks reach how much. The fit is
        # looked at last: where text and skills fall short of what is wanted, any fit does.
        ladder[:] = 0
        bound = np.int64(tau)
        if counters[lay.C_HEAP] == k:
            bound = max(bound, np.int64(heap_scores[0])) if k else NEVER
        for region in range(n_regions):
            first_block = region * lay.REGION
            end_block = min(n_blocks, first_block + lay.REGION)
            for block in range(first_block, end_block):
                rests[block] = IMPOSSIBLE
            if not (anywhere or regions[region] & q_masks[lay.M_PLACE]):
                continue
            weight = np.int64(weights[lay.W_TEXT])
            if side == lay.POSTINGS:
                weight = np.int64(0)
                for block in range(first_block, end_block):
                    weight = max(weight, np.int64(bounds[block, lay.B_TEXT]))
            best_of_blocks(all_sums, all_skills, np.int64(first_block), weight, bests, most_here)
            # What no block here has more of: most fall short of it, and are not asked for more.
            surely = (weight * (q_norm * f[lay.S_MOST_NORM]) >> ONE_BITS) + 2 + most_fit
            for block in range(first_block, end_block):
                reach = np.int64(most_here[block - first_block])
                if not hits_wanted and reach + surely < bound:
                    continue
                if side == lay.POSTINGS:
                    weight = np.int64(bounds[block, lay.B_TEXT])
                need = bound
                if hits_wanted:
                    need = min(need, np.int64(thresholds_low[block]))
                frequently = weight * (q_norm * np.int64(bounds[block, lay.B_NORM])) >> ONE_BITS
                reach += frequently + 2
                if reach + most_fit < need:
                    continue
                rest = block_rest(side, masks, bounds, np.int64(block), q, q_masks, points)
                if rest < 0 or reach + rest + most_easy < need:
                    continue
                rests[block] = rest
                reach += rest + block_pay_and_years(side, bounds, np.int64(block), q, weights)
                block_most[block] = reach
                ladder[min(reach >> RUNG_BITS, LADDER - 1)] += 1
        # The blocks that reach most come first, and after some what they held is weighed: so the
        # bound rises before the many are looked into that would have passed under the old one.
        before = np.int32(0)
        for rung in range(LADDER - 1, -1, -1):
            before, ladder[rung] = before + ladder[rung], before
        for block in range(n_blocks):
            if rests[block] >= 0:
                rung = min(block_most[block] >> RUNG_BITS, LADDER - 1)
                turns[ladder[rung]] = block
                ladder[rung] += 1
        first_turn: Int = np.int64(0)
        asked: Int = np.int64(0)
        while first_turn < before:
            if counters[lay.C_HEAP] == k:
                bound = max(bound, np.int64(heap_scores[0])) if k else NEVER
            next_rung = (np.int64(block_most[turns[first_turn]]) >> RUNG_BITS) + 1
            if not hits_wanted and next_rung << RUNG_BITS <= bound:
                break
            end_turn: Int = min(np.int64(before), first_turn + _BLOCKS_AT_ONCE)
            # What comes next travels while this is worked on.
            while asked < min(np.int64(before), end_turn + _BLOCKS_AT_ONCE):
                head = np.int64(turns[asked]) * lay.BLOCK
                for line in range(_LINES_OF_NUMBERS):
                    prefetch(numbers, head * lay.N_NUMBERS + line * _INTS_A_LINE)
                prefetch(norms, head)
                prefetch(alive, head)
                asked += 1
            for turn in range(first_turn, end_turn):
                chosen = np.int64(turns[turn])
                need = bound
                if hits_wanted:
                    need = min(need, np.int64(thresholds_low[chosen]))
                if block_most[chosen] < need:
                    continue
                counters[lay.C_BLOCKS] += 1
                surely = block_pay_and_years(side, bounds, chosen, q, weights)
                shared = masks[chosen, lay.M_CERTIFICATE] & q_masks[lay.M_CERTIFICATE]
                least = gather(
                    chosen, rests[chosen], surely, np.int64(shared != 0), side, bound, hits_wanted,
                    n_docs, alive, slots, sums, skills, q_norm, norms, numbers, q, weight_rows,
                    points[AT_REMOTE], near_of, closeness_of, thresholds, reaches, maybe, counters,
                )  # fmt: skip
                if hits_wanted:
                    # Thresholds rise as lists fill; seen again, the block's least rises with them.
                    thresholds_low[chosen] = min(least, np.int64(PPM + 1))
            first_turn = end_turn
            weigh(
                side, tau, k, hits_wanted, slots, sums, skills, in_query, q_norm, f_start, f_term,
                f_impact, norms, t_start, tags, numbers, q, q_tags, weight_rows, paths, prefectures,
                beside, high, low, thresholds, maybe, rungs, heap_scores, heap_slots, hit_scores,
                hit_slots, counters,
            )  # fmt: skip


@compiled
def search_head(
    side: Int,
    n_docs: Int,
    alive: Array,
    slots: Array,
    t_chains: Array,
    t_next: Array,
    t_bucket: Array,
    t_impact: Array,
    t_doc: Array,
    k_chains: Array,
    k_next: Array,
    k_spelling: Array,
    k_weighs: Array,
    k_doc: Array,
    n_shown: Int,
    t_start: Array,
    tags: Array,
    numbers: Array,
    tau: Int,
    k: Int,
    hits_wanted: bool,
    q: Array,
    q_tags: Array,
    q_buckets: Array,
    q_impacts: Array,
    q_skills: Array,
    active: Array,
    worth: Array,
    weight_rows: Array,
    most_weights: Array,
    paths: Array,
    prefectures: Array,
    beside: Array,
    near_of: Array,
    closeness_of: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    sums: Array,
    skills: Array,
    marks: Array,
    maybe: Array,
    nothing: Array,
    no_starts: Array,
    heap_scores: Array,
    heap_slots: Array,
    hit_scores: Array,
    hit_slots: Array,
    counters: Array,
) -> None:
    """Go through the documents that are in no segment yet: all their terms are in chained lists.

    nothing: uint16 zeros; no_starts: uint32 zeros: these documents have no frequent terms.
    """
    sums[:n_docs] = 0
    skills[:n_docs] = 0
    for at in range(len(q_buckets)):
        entry = t_chains[q_buckets[at] & (len(t_chains) - 1)]
        while entry >= 0:
            if t_bucket[entry] == q_buckets[at]:
                sums[t_doc[entry]] += q_impacts[at] * np.int32(t_impact[entry])
                counters[lay.C_POSTINGS] += 1
            entry = t_next[entry]
    if side == lay.SEEKERS:
        for entry in range(n_shown):
            shown = np.int64(k_spelling[entry])
            if active[shown >> 6] >> np.uint64(shown & 63) & np.uint64(1):
                sums[k_doc[entry]] += worth[shown]
        counters[lay.C_POSTINGS] += n_shown
    group, stamp = -1, counters[lay.C_STAMP]
    for at in range(len(q_skills)):
        if q_skills[at, 0] != group:
            group = q_skills[at, 0]
            stamp += 1
        entry = k_chains[q_skills[at, 1] & (len(k_chains) - 1)]
        while entry >= 0:
            doc = k_doc[entry]
            if k_spelling[entry] == q_skills[at, 1] and marks[doc] != stamp:
                marks[doc] = stamp
                more = np.int64(q_skills[at, 2])
                if side == lay.POSTINGS:
                    more = skill_points(more, k_weighs[entry], numbers, doc, weight_rows)
                skills[doc] += more
            entry = k_next[entry]
    counters[lay.C_STAMP] = stamp
    reaches, points = np.empty(lay.BLOCK, np.int64), np.empty(N_POINTS, np.int64)
    weights = most_weights if side == lay.POSTINGS else weight_rows[q[lay.WEIGHTS]]
    tabulate_blocks(weights, points)
    rest = weights[lay.W_PLACE] + weights[lay.W_OCCUPATION] + weights[lay.W_CERTIFICATE]
    surely = weights[lay.W_PAY] + weights[lay.W_YEARS]
    if side == lay.SEEKERS:
        tabulate(q, q_tags, weights, paths, prefectures, beside, near_of, closeness_of)
    no_bytes = nothing.view(np.uint8)
    no_query = nothing.view(np.int32)
    none, one = np.int64(0), np.int64(1)
    bound = np.int64(tau)
    if counters[lay.C_HEAP] == k:
        bound = max(bound, np.int64(heap_scores[0])) if k else NEVER
    for block in range((n_docs + lay.BLOCK - 1) // lay.BLOCK):
        gather(
            block, rest, surely, one, side, bound, hits_wanted, n_docs, alive, slots, sums, skills,
            none, nothing, numbers, q, weight_rows, points[AT_REMOTE], near_of, closeness_of,
            thresholds, reaches, maybe, counters,
        )  # fmt: skip
    weigh(
        side, tau, k, hits_wanted, slots, sums, skills, no_query, none, no_starts, no_bytes,
        no_bytes, nothing, t_start, tags, numbers, q, q_tags, weight_rows, paths, prefectures,
        beside, high, low, thresholds, maybe, np.zeros(LADDER, np.int32), heap_scores, heap_slots,
        hit_scores, hit_slots, counters,
    )  # fmt: skip
