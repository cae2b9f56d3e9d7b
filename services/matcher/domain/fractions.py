"""The fractions of `scoring`, for whole columns at once. Each equals its namesake, bit for bit.

What a fraction means is told there and does not live here.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.growing import Flags, Ints
from services.matcher.domain.scoring import CLOSENESS_PPM, HALF, LEVELS, PLACE_PPM, Near

_CLOSENESS = np.array(CLOSENESS_PPM, np.int64)


def pay_fractions(low: Ints | int, high: Ints | int, floor: Ints | int) -> Ints:
    """`scoring.pay_fraction`, for columns of postings or of seekers."""
    low, high, floor = np.asarray(low), np.asarray(high), np.asarray(floor)
    partly = HALF + HALF * (high - floor) // np.maximum(high - low, 1)
    below = HALF * np.maximum(0, 4 * high - 3 * floor) // np.maximum(floor, 1)
    return np.where(floor <= low, PPM, np.where(floor <= high, partly, below))


def experience_fractions(asked: Ints | int, years: Ints | int) -> Ints:
    """`scoring.experience_fraction`, for columns of postings or of seekers."""
    asked, years = np.asarray(asked), np.asarray(years)
    return np.where(years >= asked, PPM, PPM * years // np.maximum(asked, 1))


def place_fractions(accepted: Flags, remote: Flags, home: Flags, prefecture: Flags) -> Ints:
    """What `scoring.nearness` is worth. home, prefecture: those of the seeker."""
    return np.select(
        [accepted & home, remote, accepted & prefecture, accepted],
        [PLACE_PPM[near] for near in (Near.HOME, Near.REMOTE, Near.PREFECTURE, Near.ACCEPTED)],
        default=PLACE_PPM[Near.NOWHERE],
    ).astype(np.int64)


def closeness_fractions(levels: Ints) -> Ints:
    """What sharing 0 … 4 levels is worth."""
    fractions: Ints = _CLOSENESS[levels]
    return fractions


def certificate_fractions(rank: Ints) -> Ints:
    """`scoring.certificate_fraction`. rank: 0 where none fits, else 1 + its level."""
    fitting = HALF + HALF * np.minimum(rank - 1, LEVELS) // LEVELS
    return np.where(rank > 0, fitting, 0)
