"""Weighing documents: which may belong to an answer, and what those score.

Where the sums over their lists come from, and which blocks are looked into, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.fit import pair_rest, pay_and_years, seeker_rest
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.heap import offer
from services.matcher.domain.fast.memory import prefetch
from services.matcher.domain.vector import ONE_BITS

NEVER = np.int64(1) << 40
"""More than any document reaches."""

# How many documents before one is weighed the memory is asked for where its parts begin, and for
# the parts.
_FAR_AHEAD, _AHEAD = 12, 6

LADDER = 256
RUNG_BITS = 12
"""Reaches are put in order by rungs of 1 << RUNG_BITS millionths; the last takes all above it."""


@inlined
def gather(
    block: Int,
    rest: Int,
    surely: Int,
    certifiable: Int,
    side: Int,
    bound: Int,
    hits_wanted: bool,
    n_docs: Int,
    alive: Array,
    slots: Array,
    sums: Array,
    skills: Array,
    q_norm: Int,
    norms: Array,
    numbers: Array,
    q: Array,
    weight_rows: Array,
    remote_points: Int,
    near_of: Array,
    closeness_of: Array,
    thresholds: Array,
    reaches: Array,
    maybe: Array,
    counters: Array,
) -> Int:
    """Note the documents of a block that may belong to the answer; returns the least threshold.

    rest, surely, certifiable: bounds of the block's. bound: what the best wanted so far reach.
    reaches: int64 (BLOCK,), scratch.
    """
    least = NEVER
    first_doc = np.int64(block) * lay.BLOCK
    here = min(np.int64(n_docs) - first_doc, np.int64(lay.BLOCK))
    row = np.int64(q[lay.WEIGHTS])
    least_asked = q[lay.PACKED] >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    # How far each may reach is worked out for all without a branch, and most then fall short.
    for at in range(here):
        doc = first_doc + at
        first = doc * lay.N_NUMBERS
        packed = np.int64(numbers[first + lay.PACKED])
        if side == lay.POSTINGS:
            row = np.int64(numbers[first + lay.WEIGHTS])
        most = np.int64(sums[doc]) + q_norm * np.int64(norms[doc])
        most = min(most, np.int64(1) << ONE_BITS)
        reach = (weight_rows[row, lay.W_TEXT] * most >> ONE_BITS) + np.int64(skills[doc])
        fits = np.int64(alive[doc])
        fits *= (packed & q[lay.PACKED]) >> lay.EMPLOYMENT_AT & lay.EMPLOYMENT_MASK
        if side == lay.SEEKERS:
            fits *= np.int64(packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK >= least_asked)
            reach += seeker_rest(
                np.int64(numbers[first + lay.HOME]), packed, np.int64(numbers[first + lay.ONLY]),
                certifiable, q, weight_rows[row], remote_points, near_of, closeness_of,
            )  # fmt: skip
        else:
            reach += rest
        reaches[at] = reach if fits else -NEVER
    for at in range(here):
        doc = first_doc + at
        need = bound
        if hits_wanted and alive[doc]:
            threshold = np.int64(thresholds[slots[doc]])
            least = min(least, threshold)
            need = min(need, threshold)
        reach = reaches[at]
        if reach + surely < need:
            continue
        first = doc * lay.N_NUMBERS
        packed = np.int64(numbers[first + lay.PACKED])
        low_pay = np.int64(numbers[first + lay.PAY_LOW])
        mine, asking = packed & lay.YEARS_MASK, q[lay.PACKED] & lay.YEARS_MASK
        if side == lay.SEEKERS:
            points = pay_and_years(
                q[lay.PAY_LOW], q[lay.PAY_HIGH], asking, low_pay, mine, weight_rows[row]
            )
        else:
            row = np.int64(numbers[first + lay.WEIGHTS])
            high_pay = np.int64(numbers[first + lay.PAY_HIGH])
            points = pay_and_years(
                low_pay, high_pay, mine, q[lay.PAY_LOW], asking, weight_rows[row]
            )
        if reach + points < need:
            continue
        noted = counters[lay.C_MAYBE]
        maybe[lay.MAYBE_DOC, noted] = doc
        maybe[lay.MAYBE_MOST, noted] = reach + points
        maybe[lay.MAYBE_POINTS, noted] = points
        counters[lay.C_MAYBE] = noted + 1
    return least


@compiled
def weigh(
    side: Int,
    tau: Int,
    k: Int,
    hits_wanted: bool,
    slots: Array,
    sums: Array,
    skills: Array,
    in_query: Array,
    q_norm: Int,
    f_start: Array,
    f_term: Array,
    f_impact: Array,
    norms: Array,
    t_start: Array,
    tags: Array,
    numbers: Array,
    q: Array,
    q_tags: Array,
    weight_rows: Array,
    paths: Array,
    prefectures: Array,
    beside: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    maybe: Array,
    ladder: Array,
    heap_scores: Array,
    heap_slots: Array,
    hit_scores: Array,
    hit_slots: Array,
    counters: Array,
) -> None:
    """Score the documents noted, those that may reach most first, while they may yet belong.

    So the bound rises fast, and few are scored that do not belong to the answer: scoring one means
    to fetch half a dozen things from far away in memory.
    """
    noted = counters[lay.C_MAYBE]
    counters[lay.C_MAYBE] = 0
    ladder[:] = 0
    for at in range(noted):
        ladder[LADDER - 1 - min(maybe[lay.MAYBE_MOST, at] >> RUNG_BITS, LADDER - 1)] += 1
    before = np.int32(0)
    for rung in range(LADDER):
        before, ladder[rung] = before + ladder[rung], before
    for at in range(noted):
        rung = LADDER - 1 - min(maybe[lay.MAYBE_MOST, at] >> RUNG_BITS, LADDER - 1)
        maybe[lay.MAYBE_NEXT, ladder[rung]] = at
        ladder[rung] += 1
    row = q[lay.WEIGHTS]
    # Numbers of one type wherever a kernel is called, or it would be compiled for each type.
    none, n_tags = np.int64(0), np.int64(len(q_tags))
    for turn in range(noted):
        if turn + _FAR_AHEAD < noted:
            soon = np.int64(maybe[lay.MAYBE_DOC, maybe[lay.MAYBE_NEXT, turn + _FAR_AHEAD]])
            prefetch(slots, soon)
            prefetch(t_start, soon)
            prefetch(f_start, soon)
        if turn + _AHEAD < noted:
            soon = np.int64(maybe[lay.MAYBE_DOC, maybe[lay.MAYBE_NEXT, turn + _AHEAD]])
            prefetch(tags, np.int64(t_start[soon]))
            prefetch(f_term, np.int64(f_start[soon]))
            prefetch(f_impact, np.int64(f_start[soon]))
        at = maybe[lay.MAYBE_NEXT, turn]
        doc = np.int64(maybe[lay.MAYBE_DOC, at])
        slot = np.int64(slots[doc])
        need = np.int64(tau)
        if counters[lay.C_HEAP] == k:
            need = max(need, np.int64(heap_scores[0])) if k else NEVER
        if hits_wanted:
            need = min(need, np.int64(thresholds[slot]))
        if maybe[lay.MAYBE_MOST, at] < need:
            continue
        first = doc * lay.N_NUMBERS
        if side == lay.POSTINGS:
            row = np.int64(numbers[first + lay.WEIGHTS])
        packed = np.int64(numbers[first + lay.PACKED])
        counters[lay.C_DOCS] += 1
        begins, ends = np.int64(t_start[doc]), np.int64(t_start[doc + 1])
        if side == lay.SEEKERS:
            fits = pair_rest(
                q_tags, none, n_tags, q[lay.PACKED], weight_rows[row], tags, begins, ends, packed,
                paths, prefectures, beside,
            )  # fmt: skip
        else:
            fits = pair_rest(
                tags, begins, ends, packed, weight_rows[row], q_tags, none, n_tags, q[lay.PACKED],
                paths, prefectures, beside,
            )  # fmt: skip
        if fits < 0:
            continue
        points = np.int64(maybe[lay.MAYBE_POINTS, at]) + fits
        weight = weight_rows[row, lay.W_TEXT]
        most = min(np.int64(sums[doc]) + q_norm * np.int64(norms[doc]), np.int64(1) << ONE_BITS)
        if (weight * most >> ONE_BITS) + skills[doc] + points < need:
            continue
        dot = np.int64(sums[doc])
        for entry in range(f_start[doc], f_start[doc + 1]):
            dot += np.int64(in_query[f_term[entry]]) * np.int64(f_impact[entry])
        dot = min(dot, np.int64(1) << ONE_BITS)
        score = (weight * dot >> ONE_BITS) + skills[doc] + points
        counters[lay.C_SCORED] += 1
        if score < tau:
            continue
        counters[lay.C_HEAP] = offer(
            heap_scores, heap_slots, counters[lay.C_HEAP], k, score, slot, high, low
        )
        if hits_wanted and score >= thresholds[slot]:
            hit_scores[counters[lay.C_HITS]] = score
            hit_slots[counters[lay.C_HITS]] = slot
            counters[lay.C_HITS] += 1
