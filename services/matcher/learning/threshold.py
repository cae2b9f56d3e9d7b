"""The least score that is live, carried over from one set of weights to another.

Which pairs are looked at for that does not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.values import PPM


@dataclass(frozen=True, slots=True)
class Threshold:
    """τ before and after, in millionths, and what it was found by.

    pairs: eligible ones that were looked at. live: of these, before; live_unmoved: that would be
    under the new weights with the old τ.
    """

    before_ppm: int
    after_ppm: int
    pairs: int
    live: int
    live_unmoved: int


def carried_over(tau_ppm: int, before: Sequence[int], after: Sequence[int]) -> Threshold:
    """The τ by which as many of these pairs are live as were, but for those that score the same.

    before, after: scores of the same pairs under the old and the new weights; where there are none,
    τ stays. Other weights raise or lower all scores: with the old τ strangers would be live, or
    hardly anybody.
    """
    live = sum(score >= tau_ppm for score in before)
    unmoved = sum(score >= tau_ppm for score in after)
    ranked = sorted(after, reverse=True)
    none_live = min(ranked[0] + 1, PPM) if ranked else tau_ppm
    moved = ranked[live - 1] if live else none_live
    return Threshold(tau_ppm, moved, len(before), live, unmoved)
