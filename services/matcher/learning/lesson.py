"""One lesson: learn from what is not held back, compare on what is, and say what to do.

Where outcomes come from, and what is done with a better model, does not live here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.matcher.domain.model import Weights
from services.matcher.learning.comparing import (
    LEAST_HELD_BACK,
    LEAST_TRAINED,
    Comparison,
    Sides,
    Verdict,
    compare,
    enough,
    held_back,
    judge,
    sides_of,
)
from services.matcher.learning.outcomes import Example
from services.matcher.learning.weighing import learned


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of it. weights: as learned, better or not; comparison: None where none was made."""

    trained: Sides
    held_back: Sides
    weights: Weights
    comparison: Comparison | None
    verdict: Verdict
    why: str


def lesson(examples: Iterable[Example], before: Weights) -> Lesson:
    """Learn from these examples and judge what was learned. Deterministic."""
    trained: list[Example] = []
    held: list[Example] = []
    for each in examples:
        (held if held_back(each.seeker_id) else trained).append(each)
    sides = sides_of(trained), sides_of(held)
    weights = learned(trained, before)
    if not enough(*sides):
        return Lesson(*sides, weights, None, Verdict.TOO_FEW, _too_few(*sides))
    comparison = compare(trained, held, before, weights)
    return Lesson(*sides, weights, comparison, *judge(comparison))


def _too_few(trained: Sides, held: Sides) -> str:
    return (
        f"to learn from there are {trained.good:,} pairs that turned out well and "
        f"{trained.declined:,} that were declined, held back {held.good:,} and {held.declined:,}; "
        f"of each it takes {LEAST_TRAINED} and {LEAST_HELD_BACK}"
    )
