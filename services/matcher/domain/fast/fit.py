"""How a posting and a seeker fit, and bounds on it: of a pair, of a seeker half seen, of a block.

Each fraction equals its namesake in `scoring`. Texts do not live here.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.scoring import CLOSENESS_PPM, HALF, LEVELS, PLACE_PPM, Near

IMPOSSIBLE = -1
"""In place of a fit: the pair, or every pair of the block, is not eligible."""

_HOME, _NEIGHBOUR = PLACE_PPM[Near.HOME], PLACE_PPM[Near.NEIGHBOUR]
_REMOTE, _PREFECTURE = PLACE_PPM[Near.REMOTE], PLACE_PPM[Near.PREFECTURE]
_ACCEPTED = PLACE_PPM[Near.ACCEPTED]
_DEPTH = len(CLOSENESS_PPM) - 1
_PPM = np.uint64(PPM)

# What `tabulate_blocks` fills.
AT_REMOTE, _AT_HOME, _AT_NEIGHBOUR, _AT_PREFECTURE, _AT_ACCEPTED, _AT_CERTIFIED = range(6)
_AT_DEPTH = 6
N_POINTS = _AT_DEPTH + _DEPTH + 1


@inlined
def _over(part: Int, whole: Int) -> Int:
    """part // whole, for 0 ≤ part < 2**53 and 0 < whole ≤ 10**9, at a tenth of the time.

    The quotient of two doubles is off by less than one part in 2**52, and one that is no whole
    number is at least 1 / whole away from the next.
    """
    return np.int64(np.float64(part) / np.float64(whole))


@inlined
def _share(weight: Int, fraction: Int) -> Int:
    """What a fraction, 0 … PPM, of a weight is: weight * fraction // PPM.

    Of numbers without a sign, so that a multiplication does it.
    """
    return np.int64(np.uint64(weight * fraction) // _PPM)


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
def _borders(beside: Array, place: Int, other: Int) -> bool:
    """Whether two places border each other. other: ≥ 0."""
    found = False
    for at in range(lay.MOST_BESIDE):
        found |= beside[place, at] == other
    return found


@inlined
def pair_rest(
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
    beside: Array,
) -> Int:
    """How a pair fits in place, occupation and certificate, in millionths; -1: not eligible.

    As `scoring.score` and `eligibility.broken_rules` have it, for a posting that is open and a
    seeker who is looking. tags: int32, of the posting in p_from … p_to, of the seeker in s_from …
    s_to. weights: int64 (7,), the posting's. paths: int32 (n_occupations, 4). prefectures: int32
    (n_places,), the prefecture of each place. beside: int32 (n_places, MOST_BESIDE), its
    neighbours.
    """
    if not (p_packed & s_packed) >> lay.EMPLOYMENT_AT & lay.EMPLOYMENT_MASK:
        return IMPOSSIBLE
    if (s_packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK) < (
        p_packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    ):
        return IMPOSSIBLE
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
                return IMPOSSIBLE
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
    elif accepted and _borders(beside, county, home):
        near = _NEIGHBOUR
    elif remote:
        near = _REMOTE
    elif not accepted:
        return IMPOSSIBLE
    elif prefecture == prefectures[home]:
        near = _PREFECTURE
    else:
        near = _ACCEPTED
    certificate = HALF + _over(HALF * min(rank - 1, LEVELS), LEVELS) if rank else 0
    return (
        _share(weights[lay.W_PLACE], near)
        + _share(weights[lay.W_OCCUPATION], CLOSENESS_PPM[depth])
        + _share(weights[lay.W_CERTIFICATE], certificate)
    )


@compiled
def tabulate_blocks(weights: Array, points: Array) -> None:
    """What the best of a block adds at most, by what is known of it. points: int64 (N_POINTS,)."""
    points[AT_REMOTE] = _share(weights[lay.W_PLACE], _REMOTE)
    points[_AT_HOME] = _share(weights[lay.W_PLACE], _HOME)
    points[_AT_NEIGHBOUR] = _share(weights[lay.W_PLACE], _NEIGHBOUR)
    points[_AT_PREFECTURE] = _share(weights[lay.W_PLACE], _PREFECTURE)
    points[_AT_ACCEPTED] = _share(weights[lay.W_PLACE], _ACCEPTED)
    points[_AT_CERTIFIED] = weights[lay.W_CERTIFICATE]
    for depth in range(_DEPTH + 1):
        points[_AT_DEPTH + depth] = _share(weights[lay.W_OCCUPATION], CLOSENESS_PPM[depth])


@inlined
def block_rest(
    side: Int,
    places: Array,
    masks: Array,
    block: Int,
    q: Array,
    q_masks: Array,
    points: Array,
) -> Int:
    """No document of the block fits better than this in place, occupation and certificate.

    -1 where none can be eligible. points: as `tabulate_blocks` fills it.
    """
    bounds = np.int64(masks[block, lay.M_BOUNDS])
    ways = bounds & q[lay.PACKED] >> lay.EMPLOYMENT_AT
    remote = ways >> (lay.REMOTE_AT - lay.EMPLOYMENT_AT) & 1
    near = points[AT_REMOTE] if remote else np.int64(0)
    if places[block] & q_masks[lay.M_PLACE]:
        if masks[block, lay.M_HOME] & q_masks[lay.M_HOME]:
            near = points[_AT_HOME]
        elif masks[block, lay.M_HOME] & q_masks[lay.M_BESIDE]:
            near = points[_AT_NEIGHBOUR]
        elif masks[block, lay.M_AROUND] & q_masks[lay.M_AROUND]:
            near = max(near, points[_AT_PREFECTURE])
        else:
            near = max(near, points[_AT_ACCEPTED])
    elif not remote:
        return IMPOSSIBLE
    if not ways & lay.EMPLOYMENT_MASK:
        return IMPOSSIBLE
    education = q[lay.PACKED] >> lay.EDUCATION_AT & lay.EDUCATION_MASK
    least_or_most = bounds >> lay.B_EDUCATION_AT & lay.EDUCATION_MASK
    if side == lay.SEEKERS:
        if least_or_most < education:
            return IMPOSSIBLE
        if masks[block, lay.M_CERTIFICATE] & q_masks[lay.M_REQUIRED] != q_masks[lay.M_REQUIRED]:
            return IMPOSSIBLE
    elif education < least_or_most:
        return IMPOSSIBLE
    depth = _DEPTH
    while depth and not masks[block, lay.M_PATH + depth - 1] & q_masks[lay.M_PATH + depth - 1]:
        depth -= 1
    shared = masks[block, lay.M_CERTIFICATE] & q_masks[lay.M_CERTIFICATE]
    return near + points[_AT_DEPTH + depth] + (points[_AT_CERTIFIED] if shared else np.int64(0))


@inlined
def pay_and_years(low: Int, high: Int, asked: Int, floor: Int, years: Int, weights: Array) -> Int:
    """What pay and years add, of a pair or at most of a block."""
    return _share(weights[lay.W_PAY], _pay(low, high, floor)) + _share(
        weights[lay.W_YEARS], _years(asked, years)
    )


@compiled
def tabulate(
    q: Array,
    q_tags: Array,
    weights: Array,
    paths: Array,
    prefectures: Array,
    beside: Array,
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
        near_of[place] = _share(weights[lay.W_PLACE], near)
    for at in range(lay.MOST_BESIDE):
        if beside[county, at] >= 0:
            near_of[beside[county, at]] = _share(weights[lay.W_PLACE], _NEIGHBOUR)
    near_of[-1] = 0
    known = len(q_tags) > 1 and q_tags[1] >> lay.TAG_BITS == lay.OCCUPATION
    for occupation in range(len(paths)):
        depth = _depth(paths, q_tags[1] & lay.TAG_VALUE, occupation) if known else 0
        closeness_of[occupation] = _share(weights[lay.W_OCCUPATION], CLOSENESS_PPM[depth])
    closeness_of[lay.NO_OTHER] = 0


@inlined
def seeker_rest(
    home: Int,
    packed: Int,
    only: Int,
    certifiable: Int,
    q: Array,
    weights: Array,
    remote_points: Int,
    near_of: Array,
    closeness_of: Array,
) -> Int:
    """A seeker fits a posting no better than this in place, occupation and certificate.

    Seen from the numbers alone: which places are accepted and what is certified is in the tags.
    certifiable: 1 where a certificate of its block may count. Without a branch: what is near and
    what is close follows no pattern that could be foretold.
    """
    remote = (packed & q[lay.PACKED]) >> lay.REMOTE_AT & 1
    near = max(np.int64(near_of[home]), remote_points * remote)
    first, second = only & lay.NO_OTHER, only >> 16 & lay.NO_OTHER
    close = np.int64(max(closeness_of[first], closeness_of[second]))
    several = np.int64(only == lay.SEVERAL)
    close += several * (weights[lay.W_OCCUPATION] - close)
    certified = certifiable & packed >> lay.CERTIFIED_AT
    return near + close + weights[lay.W_CERTIFICATE] * certified


@inlined
def skill_points(similar: Int, weighs: Int, numbers: Array, doc: Int, weight_rows: Array) -> Int:
    """What a similarity is worth to a posting, by its own weights."""
    weights = weight_rows[numbers[doc * lay.N_NUMBERS + lay.WEIGHTS]]
    whole = np.int64(numbers[doc * lay.N_NUMBERS + lay.PACKED]) >> lay.WHOLE_AT
    return _over(weights[lay.W_SKILLS] * weighs * similar, PPM * whole)
