"""What the best document of a block or of a region can reach, and which documents reach enough.

What is scattered over the documents, and what becomes of the chosen ones, does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import uncounted
from services.matcher.domain.vector import ONE_BITS

# A block is 16 documents: the halves of it against each other, then the quarters.
_HALF, _QUARTER = lay.BLOCK // 2, lay.BLOCK // 4


@inlined
def reach_of(weight: Int, said: Int, skilled: Int) -> Int:
    """What a text that says so much, in units of ONE, adds, with the skills; in millionths."""
    return (weight * min(said, np.int64(1) << ONE_BITS) >> ONE_BITS) + skilled


@compiled
def best_of_region(values: Array, region: Int) -> Int:
    """The greatest value, ≥ 0, of a region, which all is read."""
    first_doc = region * lay.REGION_DOCS
    here = uncounted(values)[first_doc : first_doc + lay.REGION_DOCS]
    best = np.int32(0)
    for at in range(lay.REGION_DOCS):
        best = max(best, here[at])
    return np.int64(best)


@inlined
def best_of_block(values: Array, block: Int, bests: Array) -> Int:
    """The greatest value, ≥ 0, of one block. bests: int32 (BLOCK,), scratch.

    Loops of known length over slices are done many numbers at a time.
    """
    here = values[block * lay.BLOCK : (block + 1) * lay.BLOCK]
    for at in range(_HALF):
        bests[at] = max(here[at], here[at + _HALF])
    for at in range(_QUARTER):
        bests[at] = max(bests[at], bests[at + _QUARTER])
    return np.int64(max(bests[0], bests[1], bests[2], bests[3]))


@inlined
def reaching(sums: Array, block: Int, weight: Int, need: Int, unread: Int) -> Int:
    """The bits of the documents whose text can add as much as is needed, in millionths.

    unread: what none of them says more than, beside its sum.
    """
    bits = np.int32(lay.WHOLE)
    if weight and need > 0:
        # More than the whole is as much as the whole.
        asked = min(-(-(need << ONE_BITS) // weight), (np.int64(1) << ONE_BITS) + 1)
        least = np.int32(asked - unread)
        here = sums[block * lay.BLOCK : (block + 1) * lay.BLOCK]
        bits = np.int32(0)
        for at in range(lay.BLOCK):
            bits |= np.int32(here[at] >= least) << np.int32(at)
    return np.int64(bits)
