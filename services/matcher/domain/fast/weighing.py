"""Weighing documents: which may belong to an answer, and what those score.

Where the sums over their lists come from, and which blocks are looked into, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Asked, Best, Desk, Laid, Rules
from services.matcher.domain.fast.bounding import reach_of
from services.matcher.domain.fast.faint import ask_for_names, names_of, said_by_faint
from services.matcher.domain.fast.fit import pair_rest, pay_and_years, seeker_rest
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.heap import offer
from services.matcher.domain.fast.memory import bits_set, prefetch

NEVER = np.int64(1) << 40
"""More than any document reaches."""

LADDER = 256
RUNG_BITS = 12
"""Reaches are put in order by rungs of 1 << RUNG_BITS millionths; the last takes all above it."""


@inlined
def rung_of(reach: Int) -> Int:
    """The rung of a reach, in millionths."""
    return min(np.int64(reach) >> RUNG_BITS, np.int64(LADDER - 1))


@inlined
def bound_of(q: Asked, best: Best) -> Int:
    """What a document must reach to be among the best."""
    if best.counters[lay.C_HEAP] < q.k:
        return np.int64(q.tau)
    return max(np.int64(q.tau), np.int64(best.heap_scores[0])) if q.k else NEVER


@inlined
def gather(
    block: Int,
    bits: Int,
    rest: Int,
    certifiable: Int,
    q_norm: Int,
    faint: Int,
    bound: Int,
    remote_points: Int,
    q: Asked,
    rules: Rules,
    s: Laid,
    sums: Array,
    skills: Array,
    desk: Desk,
    best: Best,
) -> None:
    """Note the documents of a block that may belong to the answer.

    bits: of those to be looked at. rest, certifiable: bounds of the block's. q_norm: the length of
    the query's frequent terms. faint: the most that a faint name adds; 0: none is left out of the
    sums. bound: what the best wanted so far reach.
    """
    q_packed = q.numbers[lay.PACKED]
    least_asked = q_packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    asking, one = q_packed & lay.YEARS_MASK, np.int64(1)
    row = np.int64(q.numbers[lay.WEIGHTS])
    while bits:
        at = bits_set(np.uint64((bits & -bits) - one))
        bits &= bits - one
        doc = block * lay.BLOCK + at
        if doc >= s.n_docs:
            break
        first = doc * lay.N_NUMBERS
        packed = np.int64(s.numbers[first + lay.PACKED])
        if not s.alive[doc]:
            continue
        if not (packed & q_packed) >> lay.EMPLOYMENT_AT & lay.EMPLOYMENT_MASK:
            continue
        need = bound
        if q.hits:
            need = min(need, np.int64(best.thresholds[s.slots[doc]]))
        if q.side == lay.POSTINGS:
            row = np.int64(s.numbers[first + lay.WEIGHTS])
        weights = rules.weight_rows[row]
        most = np.int64(sums[doc]) + q_norm * np.int64(s.norms[doc])
        if faint:
            most += faint * names_of(s, doc)
        text = reach_of(weights[lay.W_TEXT], most, np.int64(skills[doc]))
        fit = rest
        if q.side == lay.SEEKERS:
            if packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK < least_asked:
                continue
            fit = seeker_rest(
                np.int64(s.numbers[first + lay.HOME]), packed,
                np.int64(s.numbers[first + lay.ONLY]), certifiable, q.numbers, weights,
                remote_points, rules.near_of, rules.closeness_of,
            )  # fmt: skip
        if text + fit + weights[lay.W_PAY] + weights[lay.W_YEARS] < need:
            continue
        low_pay, mine = np.int64(s.numbers[first + lay.PAY_LOW]), packed & lay.YEARS_MASK
        if q.side == lay.SEEKERS:
            low, high = q.numbers[lay.PAY_LOW], q.numbers[lay.PAY_HIGH]
            points = pay_and_years(low, high, asking, low_pay, mine, weights)
        else:
            high_pay, floor = np.int64(s.numbers[first + lay.PAY_HIGH]), q.numbers[lay.PAY_LOW]
            points = pay_and_years(low_pay, high_pay, mine, floor, asking, weights)
        if text + fit + points < need:
            continue
        noted = best.counters[lay.C_MAYBE]
        desk.maybe[lay.MAYBE_DOC, noted] = doc
        desk.maybe[lay.MAYBE_MOST, noted] = text + fit + points
        desk.maybe[lay.MAYBE_POINTS, noted] = points
        best.counters[lay.C_MAYBE] = noted + 1
        # Where its parts begin travels until it is weighed, and then they do.
        prefetch(s.slots, doc)
        prefetch(s.t_start, doc)
        prefetch(s.f_start, doc)
        if faint:
            prefetch(s.shown, np.int64(s.shown_start[doc]))


@inlined
def least_threshold(block: Int, s: Laid, thresholds: Array) -> Int:
    """The least threshold of a living document of the block; `NEVER` where none lives."""
    least = NEVER
    for doc in range(block * lay.BLOCK, min(np.int64(s.n_docs), (block + 1) * lay.BLOCK)):
        if s.alive[doc]:
            least = min(least, np.int64(thresholds[s.slots[doc]]))
    return least


@inlined
def weigh(
    q_norm: Int,
    faint: Int,
    q: Asked,
    rules: Rules,
    s: Laid,
    sums: Array,
    skills: Array,
    desk: Desk,
    best: Best,
    ladder: Array,
) -> None:
    """Score the documents noted, those that may reach most first, while they may yet belong.

    So the bound rises fast, and few are scored that do not belong to the answer: scoring one means
    to fetch half a dozen things from far away in memory. ladder: int32 (LADDER,), scratch.
    """
    counters, maybe = best.counters, desk.maybe
    noted = counters[lay.C_MAYBE]
    counters[lay.C_MAYBE] = 0
    ladder[:] = 0
    for at in range(noted):
        ladder[LADDER - 1 - rung_of(maybe[lay.MAYBE_MOST, at])] += 1
        doc = np.int64(maybe[lay.MAYBE_DOC, at])
        prefetch(s.tags, np.int64(s.t_start[doc]))
        prefetch(s.f_term, np.int64(s.f_start[doc]))
        prefetch(s.f_impact, np.int64(s.f_start[doc]))
        if faint:
            ask_for_names(s, doc)
    before = np.int32(0)
    for rung in range(LADDER):
        before, ladder[rung] = before + ladder[rung], before
    for at in range(noted):
        rung = LADDER - 1 - rung_of(maybe[lay.MAYBE_MOST, at])
        maybe[lay.MAYBE_NEXT, ladder[rung]] = at
        ladder[rung] += 1
    row = q.numbers[lay.WEIGHTS]
    # Numbers of one type wherever a kernel is called, or it would be compiled for each type.
    none, n_tags = np.int64(0), np.int64(len(q.tags))
    for turn in range(noted):
        at = maybe[lay.MAYBE_NEXT, turn]
        doc = np.int64(maybe[lay.MAYBE_DOC, at])
        slot = np.int64(s.slots[doc])
        need = bound_of(q, best)
        if q.hits:
            need = min(need, np.int64(best.thresholds[slot]))
        if maybe[lay.MAYBE_MOST, at] < need:
            continue
        first = doc * lay.N_NUMBERS
        if q.side == lay.POSTINGS:
            row = np.int64(s.numbers[first + lay.WEIGHTS])
        weights = rules.weight_rows[row]
        packed = np.int64(s.numbers[first + lay.PACKED])
        counters[lay.C_DOCS] += 1
        begins, ends = np.int64(s.t_start[doc]), np.int64(s.t_start[doc + 1])
        if q.side == lay.SEEKERS:
            fits = pair_rest(
                q.tags, none, n_tags, q.numbers[lay.PACKED], weights, s.tags, begins, ends, packed,
                rules.paths, rules.prefectures, rules.beside,
            )  # fmt: skip
        else:
            fits = pair_rest(
                s.tags, begins, ends, packed, weights, q.tags, none, n_tags, q.numbers[lay.PACKED],
                rules.paths, rules.prefectures, rules.beside,
            )  # fmt: skip
        if fits < 0:
            continue
        points = np.int64(maybe[lay.MAYBE_POINTS, at]) + fits
        dot = np.int64(sums[doc])
        if faint:
            dot += said_by_faint(s, doc, q, desk.loud)
        most = dot + q_norm * np.int64(s.norms[doc])
        if reach_of(weights[lay.W_TEXT], most, np.int64(skills[doc])) + points < need:
            continue
        for entry in range(s.f_start[doc], s.f_start[doc + 1]):
            dot += np.int64(desk.in_query[s.f_term[entry]]) * np.int64(s.f_impact[entry])
        score = reach_of(weights[lay.W_TEXT], dot, np.int64(skills[doc])) + points
        counters[lay.C_SCORED] += 1
        if score < q.tau:
            continue
        counters[lay.C_HEAP] = offer(
            best.heap_scores, best.heap_slots, counters[lay.C_HEAP], q.k, score, slot, best.high,
            best.low,
        )  # fmt: skip
        if q.hits and score >= best.thresholds[slot]:
            best.hit_scores[counters[lay.C_HITS]] = score
            best.hit_slots[counters[lay.C_HITS]] = slot
            counters[lay.C_HITS] += 1
