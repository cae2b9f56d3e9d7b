"""What the best document of each block can reach by its text and skills.

How blocks are chosen by it does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.vector import ONE, ONE_BITS

# In 32 bits: the text is cut by so many bits, its weight by so many, each rounded up.
_CUT_TEXT, _CUT_WEIGHT = np.int32(4), 4
_CUT_REST = np.int32(ONE_BITS - 4 - _CUT_WEIGHT)
_WHOLE, _ONE = np.int32(ONE), np.int32(1)
_DOCS = lay.REGION * lay.BLOCK
# A block is 16 documents: the halves of it against each other, then the quarters.
_HALF, _QUARTER = lay.BLOCK // 2, lay.BLOCK // 4


@compiled
def best_of_blocks(
    sums: Array, skills: Array, first_block: Int, weight: Int, bests: Array, most: Array
) -> None:
    """Fill most, int32 (REGION,), for the blocks of one region, which all are read as whole.

    sums, skills: of the text in units of ONE, and of the skills in millionths. weight: of the text,
    in millionths. bests: int32 (REGION * BLOCK,), scratch. Loops of known length over slices are
    done many numbers at a time; of arrays by address, or a slice would count who holds it.
    """
    cut = np.int32((weight >> _CUT_WEIGHT) + 1)
    first_doc = first_block * lay.BLOCK
    text, skill = sums[first_doc : first_doc + _DOCS], skills[first_doc : first_doc + _DOCS]
    for at in range(_DOCS):
        said = (min(text[at], _WHOLE) >> _CUT_TEXT) + _ONE
        bests[at] = (np.int32(said * cut) >> _CUT_REST) + skill[at]
    for block in range(lay.REGION):
        here = bests[block * lay.BLOCK : (block + 1) * lay.BLOCK]
        for at in range(_HALF):
            here[at] = max(here[at], here[at + _HALF])
        for at in range(_QUARTER):
            here[at] = max(here[at], here[at + _QUARTER])
        most[block] = max(here[0], here[1], here[2], here[3])
