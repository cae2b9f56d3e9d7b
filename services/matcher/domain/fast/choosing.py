"""The second look at a segment: the documents that may hold an answer by what its lists say.

What the lists say, `opening` finds; scores are `weighing`'s.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Asked, Best, Desk, Laid, Rules, laid, taken
from services.matcher.domain.fast.bounding import best_of_block, reach_of, reaching
from services.matcher.domain.fast.fit import AT_REMOTE, block_rest
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import prefetch, uncounted
from services.matcher.domain.fast.scatter import frequent_of_query
from services.matcher.domain.fast.weighing import (
    LADDER,
    RUNG_BITS,
    bound_of,
    gather,
    least_threshold,
    rung_of,
    weigh,
)
from services.matcher.domain.vector import ONE_BITS

# A line of memory is 64 bytes (x86-64, and most of ARM).
_INTS_A_LINE = 16
_LINES_OF_NUMBERS = lay.BLOCK * lay.N_NUMBERS // _INTS_A_LINE
# The memory is asked for a block so many before it is looked into.
_BLOCKS_AHEAD = 8
# So many documents are weighed together at least, those first that may reach most.
_WEIGHED_AT_ONCE = 512


@inlined
def _need(block: Int, bound: Int, q: Asked, s: Laid) -> Int:
    """What a document of this block must reach at least."""
    return min(bound, np.int64(s.threshold[block])) if q.hits else bound


@compiled
def look_into(
    f: Array,
    first_doc: Int,
    q_norm: Int,
    faint: Int,
    least: Int,
    all_points: Array,
    asked: Asked,
    compared: Rules,
    written: Desk,
    found: Best,
) -> None:
    """Find what the documents are worth that reach a rung, least, by what the lists say of them.

    q_norm: the length of the query's frequent terms here. faint: the most that a faint name adds.
    all_points: as `fit.tabulate_blocks` fills it. No document is looked into twice.
    """
    q, rules, desk, best = taken(asked, compared, written, found)
    s, points = laid(f), uncounted(all_points)
    end_doc = first_doc + len(s.regions) * lay.REGION_DOCS
    sums, skills = desk.sums[first_doc:end_doc], desk.skills[first_doc:end_doc]
    n_turns = _choose(
        f, s, first_doc, least, q_norm, faint, points, q, rules, desk, best, sums, skills
    )
    if not n_turns:
        return
    frequent_of_query(s.frequent, q.buckets, q.impacts, desk.in_query)
    bound, rungs = bound_of(q, best), np.empty(LADDER, np.int32)
    for turn in range(n_turns):
        if turn + _BLOCKS_AHEAD < n_turns:
            _ask_for_block(s, np.int64(desk.turns[turn + _BLOCKS_AHEAD]))
        block = np.int64(desk.turns[turn])
        best.counters[lay.C_BLOCKS] += 1
        shared = s.masks[block, lay.M_CERTIFICATE] & q.masks[lay.M_CERTIFICATE]
        gather(
            block, np.int64(desk.wanted[block]), np.int64(desk.rests[block]), np.int64(shared != 0),
            q_norm, faint, bound, points[AT_REMOTE], q, rules, s, sums, skills, desk, best,
        )  # fmt: skip
        if q.hits:
            # Thresholds rise as lists fill; seen again, the block's least rises, too.
            here = least_threshold(block, s, best.thresholds)
            s.threshold[block] = min(here, np.int64(PPM + 1))
        if best.counters[lay.C_MAYBE] >= _WEIGHED_AT_ONCE or turn == n_turns - 1:
            weigh(q_norm, faint, q, rules, s, sums, skills, desk, best, rungs)
            bound = bound_of(q, best)


@inlined
def _ask_for_block(s: Laid, block: Int) -> None:
    """Ask the memory for what is looked at of each document of a block."""
    head = block * lay.BLOCK
    for line in range(_LINES_OF_NUMBERS):
        prefetch(s.numbers, head * lay.N_NUMBERS + line * _INTS_A_LINE)
    prefetch(s.norms, head)
    prefetch(s.alive, head)
    prefetch(s.shown_start, head)


@inlined
def _choose(
    f: Array,
    s: Laid,
    first_doc: Int,
    least: Int,
    q_norm: Int,
    faint: Int,
    points: Array,
    q: Asked,
    rules: Rules,
    desk: Desk,
    best: Best,
    sums: Array,
    skills: Array,
) -> Int:
    """Mark the documents that are to be looked into, and note their blocks; how many those are.

    The fit is looked at last: where text and skills fall short of what is wanted, any fit does.
    """
    weights = rules.most_weights
    if q.side == lay.SEEKERS:
        weights = rules.weight_rows[q.numbers[lay.WEIGHTS]]
    easy = weights[lay.W_PAY] + weights[lay.W_YEARS]
    most_fit = easy + weights[lay.W_PLACE] + weights[lay.W_OCCUPATION] + weights[lay.W_CERTIFICATE]
    most_text = np.int64(weights[lay.W_TEXT])
    # What no block here has more of: most fall short of it, and are not asked for more.
    most_unread = q_norm * f[lay.S_MOST_NORM] + faint * f[lay.S_MOST_SHOWN]
    bound, halves = bound_of(q, best), np.empty(lay.BLOCK, np.int32)
    first_region, n_turns = first_doc // lay.REGION_DOCS, np.int64(0)
    for region in range(len(s.regions)):
        said = np.int64(desk.said[first_region + region])
        skilled = np.int64(desk.skilled[first_region + region])
        if said < 0 or rung_of((most_text * said >> ONE_BITS) + skilled) < least:
            continue
        first, end = region * lay.REGION, min(s.n_blocks, (region + 1) * lay.REGION)
        need = bound
        if q.hits:
            for block in range(first, end):
                need = min(need, np.int64(s.threshold[block]))
        if reach_of(most_text, said + most_unread, skilled) + most_fit < need:
            continue
        for block in range(first, end):
            prefetch(sums, np.int64(block) * lay.BLOCK)
            prefetch(s.masks, np.int64(block) * lay.N_MASKS)
        for block in range(first, end):
            need = _need(block, bound, q, s)
            said = best_of_block(sums, np.int64(block), halves)
            if reach_of(most_text, said + most_unread, skilled) + most_fit < need:
                continue
            best_skilled = best_of_block(skills, np.int64(block), halves)
            bounds = np.int64(s.masks[block, lay.M_BOUNDS])
            unread = q_norm * (bounds >> lay.B_NORM_AT & 0xFFFF)
            unread += faint * (bounds >> lay.B_SHOWN_AT & lay.MOST_SHOWN)
            text = bounds >> lay.B_TEXT_AT if q.side == lay.POSTINGS else most_text
            reach = reach_of(text, said + unread, best_skilled)
            if reach + most_fit < need:
                continue
            rest = block_rest(
                q.side, s.places, s.masks, np.int64(block), q.numbers, q.masks, points
            )
            if rest < 0 or reach + rest + easy < need:
                continue
            bits = reaching(
                sums, np.int64(block), text, need - rest - easy - best_skilled, unread
            ) & ~np.int64(desk.done[first_region * lay.REGION + block])
            if least:
                rung = np.int64(least << RUNG_BITS) - best_skilled
                bits &= reaching(sums, np.int64(block), most_text, rung, np.int64(0))
            if bits:
                desk.done[first_region * lay.REGION + block] |= np.uint16(bits)
                desk.wanted[block] = bits
                desk.rests[block] = rest
                desk.turns[n_turns] = block
                n_turns += 1
    return n_turns
