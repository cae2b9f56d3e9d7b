"""The search: the best documents of one side for a document of the other, exactly.

Everything a search calls is in this file, since compiled code is kept by file. How an index is
built and changed does not live here.

A document's score is its text, its skills and its fit. The first two come from inverted lists, the
frequent terms of the text and the fit only from the document itself. So sums are scattered over a
segment first; then each block of documents is looked into only where the sum of its best document,
a bound on its frequent terms (Cauchy-Schwarz) and a bound on its fit reach what is still wanted.
All is integer, and each bound is rounded up, so nothing that belongs to the answer is passed over.
"""

from typing import Any

import numpy as np
from numba import carray as view  # type: ignore[attr-defined]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from contracts.values import PPM
from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.scoring import CLOSENESS_PPM, HALF, LEVELS, PLACE_PPM, Near
from services.matcher.domain.vector import SCALE_BITS

_ONE_BITS = 2 * SCALE_BITS
_HOME, _REMOTE = PLACE_PPM[Near.HOME], PLACE_PPM[Near.REMOTE]
_PREFECTURE, _ACCEPTED = PLACE_PPM[Near.PREFECTURE], PLACE_PPM[Near.ACCEPTED]
_DEPTH = len(CLOSENESS_PPM) - 1
_CERTIFIED = HALF
_IMPOSSIBLE = -1
_NEVER = np.int64(1) << 40
# Block bounds in 32 bits: text is cut by so many bits, its weight by so many, each rounded up.
_CUT_TEXT, _CUT_WEIGHT = 14, 7
_CUT_REST = _ONE_BITS - _CUT_TEXT - _CUT_WEIGHT
_LADDER = 256
_RUNG_BITS = 12
# So many blocks are looked into before the others for each document wanted: enough to find a bound
# near the final one, few enough to cost little.
_BLOCKS_FIRST = 4


@intrinsic
def _at(typing_context: Any, address: Any) -> Any:
    """An address as a pointer: a segment is a dozen arrays, and there are dozens of segments."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


# A kernel calls it without the context, which numba adds.
_pointer: Any = _at


@inlined
def _bits_set(word: Any) -> Int:
    """How many bits of 64 are set (Warren, Hacker's Delight, 5-1)."""
    one = np.uint64(1)
    v = word - ((word >> one) & np.uint64(0x5555555555555555))
    v = (v & np.uint64(0x3333333333333333)) + ((v >> np.uint64(2)) & np.uint64(0x3333333333333333))
    v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((v * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def _row_of(rows: Array, number: Int) -> Int:
    """The row of a number in a set that is kept as bits and ranks; -1 where it is not in the set."""
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


@inlined
def _over(part: Int, whole: Int) -> Int:
    """part // whole, for 0 ≤ part < 2**53 and 0 < whole ≤ 10**9, at a tenth of the time.

    The quotient of two doubles is off by less than one part in 2**52, and one that is no whole
    number is at least 1 / whole away from the next.
    """
    return np.int64(np.float64(part) / np.float64(whole))


# The fractions of `scoring` that a pair of numbers makes; each equals its namesake.


@inlined
def _pay(low: Int, high: Int, floor: Int) -> Int:
    if floor <= low:
        return PPM
    if floor <= high:
        return HALF + _over(HALF * (high - floor), high - low)
    return _over(HALF * max(0, 4 * high - 3 * floor), floor)


@inlined
def _years(asked: Int, years: Int) -> Int:
    return PPM if years >= asked else _over(PPM * years, asked)


@inlined
def _depth(paths: Array, leaf: Int, other: Int) -> Int:
    """How many levels of the tree two occupations share."""
    shared = 0
    while (
        shared < _DEPTH and paths[leaf, shared] >= 0 and paths[leaf, shared] == paths[other, shared]
    ):
        shared += 1
    return shared


@inlined
def _pair_rest(
    p_tags: Array,
    p_from: Int,
    p_to: Int,
    p_packed: Int,
    weights: Array,
    s_tags: Array,
    s_from: Int,
    s_to: Int,
    s_packed: Int,
    paths: Array,
    prefectures: Array,
) -> Int:
    """How a pair fits in place, occupation and certificate, in millionths; -1: not eligible.

    As `scoring.score` and `eligibility.broken_rules` have it, for a posting that is open and a
    seeker who is looking. tags: int32, of the posting in p_from … p_to, of the seeker in s_from …
    s_to. weights: int64 (7,), the posting's. paths: int32 (n_occupations, 4). prefectures: int32
    (n_places,), the prefecture of each place.
    """
    if not (p_packed & s_packed) >> lay.EMPLOYMENT_AT & lay.EMPLOYMENT_MASK:
        return _IMPOSSIBLE
    if (s_packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK) < (
        p_packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    ):
        return _IMPOSSIBLE
    county, leaf, rank = -1, -1, 0
    for at in range(p_from, p_to):
        kind, value = p_tags[at] >> lay.TAG_BITS, p_tags[at] & lay.TAG_VALUE
        if kind == lay.PLACE:
            county = value
        elif kind == lay.OCCUPATION:
            leaf = value
        elif kind == lay.CERTIFICATE:
            held = 0
            for other in range(s_from, s_to):
                if s_tags[other] >> lay.TAG_BITS == lay.CERTIFICATE:
                    mine = s_tags[other] & lay.TAG_VALUE
                    if mine >> lay.LEVEL_BITS == value >> lay.LEVEL_BITS:
                        held = max(held, mine & 15)
            if held < value & 15:
                return _IMPOSSIBLE
        else:
            for other in range(s_from, s_to):
                if s_tags[other] >> lay.TAG_BITS == lay.CERTIFICATE:
                    mine = s_tags[other] & lay.TAG_VALUE
                    if mine >> lay.LEVEL_BITS == value:
                        rank = max(rank, 1 + (mine & 15))
    remote = (p_packed & s_packed) >> lay.REMOTE_AT & 1
    prefecture = prefectures[county]
    home, accepted, depth = -1, False, 0
    for other in range(s_from, s_to):
        kind, value = s_tags[other] >> lay.TAG_BITS, s_tags[other] & lay.TAG_VALUE
        if kind == lay.PLACE:
            if home < 0:
                home = value
            if value == county or value == prefecture:
                accepted = True
        elif kind == lay.OCCUPATION and leaf >= 0:
            depth = max(depth, _depth(paths, leaf, value))
    if accepted and home == county:
        near = _HOME
    elif remote:
        near = _REMOTE
    elif not accepted:
        return _IMPOSSIBLE
    elif prefecture == prefectures[home]:
        near = _PREFECTURE
    else:
        near = _ACCEPTED
    certificate = HALF + _over(HALF * min(rank - 1, LEVELS), LEVELS) if rank else 0
    return (
        _over(weights[lay.W_PLACE] * near, PPM)
        + _over(weights[lay.W_OCCUPATION] * CLOSENESS_PPM[depth], PPM)
        + _over(weights[lay.W_CERTIFICATE] * certificate, PPM)
    )


@inlined
def _block_rest(
    side: Int, masks: Array, bounds: Array, q: Array, q_masks: Array, weights: Array
) -> Int:
    """No document of the block fits better than this in place, occupation and certificate.

    -1 where none can be eligible.
    """
    near = _REMOTE if bounds[lay.B_REMOTE] & (q[lay.PACKED] >> lay.REMOTE_AT) else 0
    if masks[lay.M_PLACE] & q_masks[lay.M_PLACE]:
        if masks[lay.M_HOME] & q_masks[lay.M_HOME]:
            near = _HOME
        elif masks[lay.M_AROUND] & q_masks[lay.M_AROUND]:
            near = max(near, _PREFECTURE)
        else:
            near = max(near, _ACCEPTED)
    elif not near:
        return _IMPOSSIBLE
    if not bounds[lay.B_EMPLOYMENT] & (q[lay.PACKED] >> lay.EMPLOYMENT_AT) & lay.EMPLOYMENT_MASK:
        return _IMPOSSIBLE
    education = q[lay.PACKED] >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    if side == lay.SEEKERS:
        if bounds[lay.B_EDUCATION] < education:
            return _IMPOSSIBLE
        if masks[lay.M_CERTIFICATE] & q_masks[lay.M_REQUIRED] != q_masks[lay.M_REQUIRED]:
            return _IMPOSSIBLE
    elif education < bounds[lay.B_EDUCATION]:
        return _IMPOSSIBLE
    depth = _DEPTH
    while depth and not masks[lay.M_PATH + depth - 1] & q_masks[lay.M_PATH + depth - 1]:
        depth -= 1
    certified = PPM if masks[lay.M_CERTIFICATE] & q_masks[lay.M_CERTIFICATE] else 0
    return (
        _over(weights[lay.W_PLACE] * near, PPM)
        + _over(weights[lay.W_OCCUPATION] * CLOSENESS_PPM[depth], PPM)
        + _over(weights[lay.W_CERTIFICATE] * certified, PPM)
    )


@inlined
def _pay_and_years(low: Int, high: Int, asked: Int, floor: Int, years: Int, weights: Array) -> Int:
    """What pay and years add, of a pair or at most of a block."""
    return _over(weights[lay.W_PAY] * _pay(low, high, floor), PPM) + _over(
        weights[lay.W_YEARS] * _years(asked, years), PPM
    )


@compiled
def _tabulate(
    q: Array,
    q_tags: Array,
    weights: Array,
    paths: Array,
    prefectures: Array,
    near_of: Array,
    closeness_of: Array,
) -> None:
    """What a posting gives for each home at most, and for each occupation. int32, by number.

    near_of: its last entry is for those without a home. closeness_of: ends with NO_OTHER's.
    """
    county = q_tags[0] & lay.TAG_VALUE
    for place in range(len(prefectures)):
        near = _ACCEPTED
        if place == county:
            near = _HOME
        elif prefectures[place] == prefectures[county]:
            near = _PREFECTURE
        near_of[place] = _over(weights[lay.W_PLACE] * near, PPM)
    near_of[-1] = 0
    known = len(q_tags) > 1 and q_tags[1] >> lay.TAG_BITS == lay.OCCUPATION
    for occupation in range(len(paths)):
        depth = _depth(paths, q_tags[1] & lay.TAG_VALUE, occupation) if known else 0
        closeness_of[occupation] = _over(weights[lay.W_OCCUPATION] * CLOSENESS_PPM[depth], PPM)
    closeness_of[lay.NO_OTHER] = 0


@inlined
def _seeker_rest(
    numbers: Array,
    first: Int,
    packed: Int,
    certifiable: Int,
    q: Array,
    weights: Array,
    near_of: Array,
    closeness_of: Array,
) -> Int:
    """A seeker fits a posting no better than this in place, occupation and certificate.

    Seen from the numbers alone: which places are accepted and what is certified is in the tags.
    certifiable: 1 where a certificate of its block may count.
    """
    near = np.int64(near_of[numbers[first + lay.HOME]])
    if (packed & q[lay.PACKED]) >> lay.REMOTE_AT & 1:
        near = max(near, _over(weights[lay.W_PLACE] * _REMOTE, PPM))
    only = numbers[first + lay.ONLY]
    if only == lay.SEVERAL:
        close = weights[lay.W_OCCUPATION]
    else:
        close = np.int64(max(closeness_of[only & 0xFFFF], closeness_of[only >> 16]))
    certified = certifiable & packed >> lay.CERTIFIED_AT
    return near + close + weights[lay.W_CERTIFICATE] * certified


@inlined
def _block_pay_and_years(side: Int, bounds: Array, q: Array, weights: Array) -> Int:
    low, high = np.int64(bounds[lay.B_LOW]), np.int64(bounds[lay.B_HIGH])
    years = np.int64(bounds[lay.B_YEARS])
    if side == lay.SEEKERS:
        asked = q[lay.PACKED] & lay.YEARS_MASK
        return _pay_and_years(q[lay.PAY_LOW], q[lay.PAY_HIGH], asked, low, years, weights)
    mine = q[lay.PACKED] & lay.YEARS_MASK
    return _pay_and_years(low, high, years, q[lay.PAY_LOW], mine, weights)


@inlined
def _worse(score: Int, slot: Int, than_score: Int, than_slot: Int, high: Array, low: Array) -> Any:
    """Whether the first comes after the second: lower score, of equal scores the higher id."""
    if score != than_score:
        return score < than_score
    if high[slot] != high[than_slot]:
        return high[slot] > high[than_slot]
    return low[slot] > low[than_slot]


@inlined
def _offer(
    scores: Array, slots: Array, held: Int, k: Int, score: Int, slot: Int, high: Array, low: Array
) -> Int:
    """Take a document into a heap of the k best, the worst of them at its root.

    Of equal scores the lower id is better. Returns how many are held.
    """
    if held < k:
        at = held
        while at > 0:
            above = (at - 1) >> 1
            if not _worse(score, slot, scores[above], slots[above], high, low):
                break
            scores[at], slots[at] = scores[above], slots[above]
            at = above
        scores[at], slots[at] = score, slot
        return held + 1
    if not k or _worse(score, slot, scores[0], slots[0], high, low):
        return held
    at = 0
    while True:
        below = 2 * at + 1
        if below >= k:
            break
        if below + 1 < k and _worse(
            scores[below + 1], slots[below + 1], scores[below], slots[below], high, low
        ):
            below += 1
        if not _worse(scores[below], slots[below], score, slot, high, low):
            break
        scores[at], slots[at] = scores[below], slots[below]
        at = below
    scores[at], slots[at] = score, slot
    return held


@compiled
def _scatter_terms(
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
def _frequent_of_query(frequent: Array, q_buckets: Array, q_impacts: Array, in_query: Array) -> Int:
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


@inlined
def _points(similar: Int, weighs: Int, numbers: Array, doc: Int, weight_rows: Array) -> Int:
    """What a similarity is worth to a posting, by its own weights."""
    weights = weight_rows[numbers[doc * lay.N_NUMBERS + lay.WEIGHTS]]
    whole = np.int64(numbers[doc * lay.N_NUMBERS + lay.PACKED]) >> lay.WHOLE_AT
    return _over(weights[lay.W_SKILLS] * weighs * similar, PPM * whole)


@compiled
def _scatter_skills(
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
                    worth = _points(worth, weighs[entry], numbers, doc, weight_rows)
                skills[doc] += worth
    return stamp


@inlined
def _look_into(
    block: Int,
    rest: Int,
    surely: Int,
    certifiable: Int,
    side: Int,
    tau: Int,
    k: Int,
    hits_wanted: bool,
    n_docs: Int,
    alive: Array,
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
    near_of: Array,
    closeness_of: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    heap_scores: Array,
    heap_slots: Array,
    hit_scores: Array,
    hit_slots: Array,
    counters: Array,
) -> Int:
    """Score the documents of a block that may belong to the answer; returns the least threshold."""
    least = _NEVER
    row = q[lay.WEIGHTS]
    for doc in range(block * lay.BLOCK, min(n_docs, (block + 1) * lay.BLOCK)):
        need = np.int64(tau)
        if counters[lay.C_HEAP] == k:
            need = max(need, np.int64(heap_scores[0])) if k else _NEVER
        if hits_wanted and alive[doc]:
            least = min(least, np.int64(thresholds[slots[doc]]))
            need = min(need, np.int64(thresholds[slots[doc]]))
        first = doc * lay.N_NUMBERS
        if side == lay.POSTINGS:
            row = np.int64(numbers[first + lay.WEIGHTS])
        weight = weight_rows[row, lay.W_TEXT]
        most = np.int64(sums[doc]) + q_norm * np.int64(norms[doc])
        reach = (weight * most >> _ONE_BITS) + skills[doc]
        if reach + rest + surely < need or not alive[doc]:
            continue
        slot = np.int64(slots[doc])
        packed = np.int64(numbers[first + lay.PACKED])
        if not (packed & q[lay.PACKED]) >> lay.EMPLOYMENT_AT & lay.EMPLOYMENT_MASK:
            continue
        if side == lay.SEEKERS:
            least_asked = q[lay.PACKED] >> lay.EDUCATION_AT & lay.EDUCATION_MASK
            if packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK < least_asked:
                continue
            mine_rest = _seeker_rest(
                numbers, first, packed, certifiable, q, weight_rows[row], near_of, closeness_of
            )
            if reach + mine_rest + surely < need:
                continue
        low_pay = np.int64(numbers[first + lay.PAY_LOW])
        mine = packed & lay.YEARS_MASK
        asking = q[lay.PACKED] & lay.YEARS_MASK
        # Divisions cost more than all that went before, so they come late.
        if side == lay.SEEKERS:
            points = _pay_and_years(
                q[lay.PAY_LOW], q[lay.PAY_HIGH], asking, low_pay, mine, weight_rows[row]
            )
            if reach + mine_rest + points < need:
                continue
        else:
            high_pay = np.int64(numbers[first + lay.PAY_HIGH])
            points = _pay_and_years(
                low_pay, high_pay, mine, q[lay.PAY_LOW], asking, weight_rows[row]
            )
            if reach + rest + points < need:
                continue
        counters[lay.C_DOCS] += 1
        if side == lay.SEEKERS:
            fits = _pair_rest(
                q_tags, 0, len(q_tags), q[lay.PACKED], weight_rows[row], tags, t_start[doc],
                t_start[doc + 1], packed, paths, prefectures,
            )  # fmt: skip
        else:
            fits = _pair_rest(
                tags, t_start[doc], t_start[doc + 1], packed, weight_rows[row], q_tags, 0,
                len(q_tags), q[lay.PACKED], paths, prefectures,
            )  # fmt: skip
        points += fits
        if fits < 0 or reach + points < need:
            continue
        dot = np.int64(sums[doc])
        for entry in range(f_start[doc], f_start[doc + 1]):
            dot += np.int64(in_query[f_term[entry]]) * np.int64(f_impact[entry])
        score = (weight * dot >> _ONE_BITS) + skills[doc] + points
        counters[lay.C_SCORED] += 1
        if score < tau:
            continue
        counters[lay.C_HEAP] = _offer(
            heap_scores, heap_slots, counters[lay.C_HEAP], k, score, slot, high, low
        )
        if hits_wanted and score >= thresholds[slot]:
            hit_scores[counters[lay.C_HITS]] = score
            hit_slots[counters[lay.C_HITS]] = slot
            counters[lay.C_HITS] += 1
    return least


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
    weight_rows: Array,
    most_weights: Array,
    paths: Array,
    prefectures: Array,
    near_of: Array,
    closeness_of: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    sums: Array,
    skills: Array,
    marks: Array,
    block_rest: Array,
    block_most: Array,
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
    ladder = np.zeros(_LADDER, np.int32)
    weights = most_weights if side == lay.POSTINGS else weight_rows[q[lay.WEIGHTS]]
    most_fit = (
        weights[lay.W_PAY]
        + weights[lay.W_PLACE]
        + weights[lay.W_YEARS]
        + weights[lay.W_OCCUPATION]
        + weights[lay.W_CERTIFICATE]
    )
    if side == lay.SEEKERS and len(table):
        _tabulate(q, q_tags, weights, paths, prefectures, near_of, closeness_of)
    for segment in range(len(table)):
        f = table[segment]
        # A length that nobody asks for: only rows that exist are read.
        far = 1 << 40
        n_docs = f[lay.S_DOCS]
        n_blocks = (n_docs + lay.BLOCK - 1) // lay.BLOCK
        masks = view(_pointer(f[lay.S_MASKS]), (n_blocks, lay.N_MASKS), np.uint64)
        bounds = view(_pointer(f[lay.S_BOUNDS]), (n_blocks, lay.N_BOUNDS), np.int32)
        thresholds_low = view(_pointer(f[lay.S_THRESHOLD]), (n_blocks,), np.int32)
        n_regions = (n_blocks + lay.REGION - 1) // lay.REGION
        regions = view(_pointer(f[lay.S_REGIONS]), (n_regions,), np.uint64)
        anywhere = q[lay.PACKED] >> lay.REMOTE_AT & 1
        possible = 0
        for region in range(n_regions):
            possible += anywhere or (regions[region] & q_masks[lay.M_PLACE]) != 0
        if not possible:
            continue
        counters[lay.C_SEGMENTS] += 1
        slots = view(_pointer(f[lay.S_SLOT]), (n_docs,), np.int32)
        alive = view(_pointer(f[lay.S_ALIVE]), (n_docs,), np.uint8)
        rows = view(_pointer(f[lay.S_ROWS]), (far, 2), np.uint64)
        start = view(_pointer(f[lay.S_START]), (far,), np.uint32)
        entries = view(_pointer(f[lay.S_ENTRIES]), (far,), np.uint32)
        n_frequent = f[lay.S_N_FREQUENT]
        frequent = view(_pointer(f[lay.S_FREQUENT]), (n_frequent,), np.int32)
        f_start = view(_pointer(f[lay.S_F_START]), (n_docs + 1,), np.uint32)
        f_term = view(_pointer(f[lay.S_F_TERM]), (far,), np.uint8)
        f_impact = view(_pointer(f[lay.S_F_IMPACT]), (far,), np.uint16)
        norms = view(_pointer(f[lay.S_NORM]), (n_docs,), np.uint16)
        spellings = f[lay.S_SPELLINGS]
        k_rows = view(_pointer(f[lay.S_K_ROWS]), (far, 2), np.uint64)
        k_start = view(_pointer(f[lay.S_K_START]), (far,), np.uint32)
        k_ids = view(_pointer(f[lay.S_K_IDS]), (far,), np.uint16)
        k_weighs = view(_pointer(f[lay.S_K_WEIGHS]), (far,), np.uint8)
        t_start = view(_pointer(f[lay.S_T_START]), (n_docs + 1,), np.uint32)
        tags = view(_pointer(f[lay.S_TAGS]), (far,), np.int32)
        numbers = view(_pointer(f[lay.S_NUMBERS]), (n_docs * lay.N_NUMBERS,), np.int32)
        for region in range(n_regions):
            if anywhere or regions[region] & q_masks[lay.M_PLACE]:
                first = region * lay.REGION * lay.BLOCK
                end = min(n_docs, first + lay.REGION * lay.BLOCK)
                sums[first:end] = 0
                skills[first:end] = 0
        counters[lay.C_POSTINGS] += _scatter_terms(
            sums, rows, start, entries, q_buckets, q_impacts, lists
        )
        q_norm = _frequent_of_query(frequent, q_buckets, q_impacts, in_query)
        counters[lay.C_STAMP] = _scatter_skills(
            side, skills, marks, counters[lay.C_STAMP], spellings, k_rows, k_start, k_ids,
            k_weighs, q_skills, numbers, weight_rows,
        )  # fmt: skip
        # What the best of each block can reach, and how many blocks reach how much. The fit is
        # looked at last: where text and skills fall short of what is wanted, any fit does.
        ladder[:] = 0
        bound = np.int64(tau)
        if counters[lay.C_HEAP] == k:
            bound = max(bound, np.int64(heap_scores[0])) if k else _NEVER
        for region in range(n_regions):
            here = anywhere or (regions[region] & q_masks[lay.M_PLACE]) != 0
            for block in range(region * lay.REGION, min(n_blocks, (region + 1) * lay.REGION)):
                block_rest[block] = _IMPOSSIBLE
                if not here:
                    continue
                first, end = block * lay.BLOCK, min(n_docs, (block + 1) * lay.BLOCK)
                weight = np.int64(
                    bounds[block, lay.B_TEXT] if side == lay.POSTINGS else weights[lay.W_TEXT]
                )
                cut = np.int32((weight >> _CUT_WEIGHT) + 1)
                most = np.int32(0)
                for doc in range(first, end):
                    text = ((sums[doc] >> _CUT_TEXT) + np.int32(1)) * cut >> _CUT_REST
                    most = max(most, text + skills[doc])
                need = bound
                if hits_wanted:
                    need = min(need, np.int64(thresholds_low[block]))
                frequently = weight * (q_norm * np.int64(bounds[block, lay.B_NORM])) >> _ONE_BITS
                reach = np.int64(most) + frequently + 2
                if reach + most_fit < need:
                    continue
                rest = _block_rest(side, masks[block], bounds[block], q, q_masks, weights)
                if rest < 0:
                    continue
                block_rest[block] = rest
                reach += rest + _block_pay_and_years(side, bounds[block], q, weights)
                block_most[block] = reach
                ladder[min(reach >> _RUNG_BITS, _LADDER - 1)] += 1
        rung, above = _LADDER - 1, ladder[_LADDER - 1]
        while rung > 0 and above * lay.BLOCK < _BLOCKS_FIRST * k:
            rung -= 1
            above += ladder[rung]
        first_bound = np.int64(rung) << _RUNG_BITS
        for turn in range(2):
            for block in range(n_blocks):
                reach = np.int64(block_most[block])
                if block_rest[block] < 0 or (turn == 0) != (reach >= first_bound):
                    continue
                need = np.int64(tau)
                if counters[lay.C_HEAP] == k:
                    need = max(need, np.int64(heap_scores[0])) if k else _NEVER
                if hits_wanted:
                    need = min(need, np.int64(thresholds_low[block]))
                if reach < need:
                    continue
                counters[lay.C_BLOCKS] += 1
                surely = _block_pay_and_years(side, bounds[block], q, weights)
                shared = masks[block, lay.M_CERTIFICATE] & q_masks[lay.M_CERTIFICATE]
                least = _look_into(
                    block, block_rest[block], surely, np.int64(shared != 0), side, tau, k,
                    hits_wanted, n_docs, alive, slots, sums, skills, in_query, q_norm, f_start,
                    f_term, f_impact, norms, t_start, tags, numbers, q, q_tags, weight_rows,
                    paths, prefectures, near_of, closeness_of, high, low, thresholds,
                    heap_scores, heap_slots, hit_scores, hit_slots, counters,
                )  # fmt: skip
                if hits_wanted:
                    # Thresholds rise as lists fill; seen again, the block's least rises with them.
                    thresholds_low[block] = min(least, np.int64(PPM + 1))


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
    weight_rows: Array,
    most_weights: Array,
    paths: Array,
    prefectures: Array,
    near_of: Array,
    closeness_of: Array,
    high: Array,
    low: Array,
    thresholds: Array,
    sums: Array,
    skills: Array,
    marks: Array,
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
                worth = np.int64(q_skills[at, 2])
                if side == lay.POSTINGS:
                    worth = _points(worth, k_weighs[entry], numbers, doc, weight_rows)
                skills[doc] += worth
            entry = k_next[entry]
    counters[lay.C_STAMP] = stamp
    weights = most_weights if side == lay.POSTINGS else weight_rows[q[lay.WEIGHTS]]
    rest = weights[lay.W_PLACE] + weights[lay.W_OCCUPATION] + weights[lay.W_CERTIFICATE]
    surely = weights[lay.W_PAY] + weights[lay.W_YEARS]
    if side == lay.SEEKERS:
        _tabulate(q, q_tags, weights, paths, prefectures, near_of, closeness_of)
    no_bytes = nothing.view(np.uint8)
    no_query = nothing.view(np.int32)
    for block in range((n_docs + lay.BLOCK - 1) // lay.BLOCK):
        _look_into(
            block, rest, surely, 1, side, tau, k, hits_wanted, n_docs, alive, slots, sums, skills,
            no_query, 0, no_starts, no_bytes, nothing, nothing, t_start, tags, numbers, q, q_tags, weight_rows,
            paths, prefectures, near_of, closeness_of, high, low, thresholds, heap_scores,
            heap_slots, hit_scores, hit_slots, counters,
        )  # fmt: skip
