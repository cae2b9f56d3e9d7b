"""A heap of the k best documents, the worst of them at its root.

What they are the best at does not live here.
"""

from typing import Any

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast.growing import Array, Int


@inlined
def _worse(score: Int, slot: Int, than_score: Int, than_slot: Int, high: Array, low: Array) -> Any:
    """Whether the first comes after the second: lower score, of equal scores the higher id."""
    if score != than_score:
        return score < than_score
    if high[slot] != high[than_slot]:
        return high[slot] > high[than_slot]
    return low[slot] > low[than_slot]


@inlined
def _sink(
    scores: Array, slots: Array, n: Int, score: Int, slot: Int, high: Array, low: Array
) -> None:
    """Put a document in the root's place, and let it sink among the first n."""
    at = 0
    while True:
        below = 2 * at + 1
        if below >= n:
            break
        if below + 1 < n and _worse(
            scores[below + 1], slots[below + 1], scores[below], slots[below], high, low
        ):
            below += 1
        if not _worse(scores[below], slots[below], score, slot, high, low):
            break
        scores[at], slots[at] = scores[below], slots[below]
        at = below
    scores[at], slots[at] = score, slot


@inlined
def offer(
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
    _sink(scores, slots, k, score, slot, high, low)
    return held


@compiled
def in_order(scores: Array, slots: Array, held: Int, high: Array, low: Array) -> None:
    """Put what a heap holds in order, the best first (heapsort)."""
    for n in range(held - 1, 0, -1):
        score, slot = scores[n], slots[n]
        scores[n], slots[n] = scores[0], slots[0]
        _sink(scores, slots, n, score, slot, high, low)
