"""Names that say little to a posting: left out of the sums, and read where a document is weighed.

A posting shares a word with thousands of names, and most of them add next to nothing to what is
made of the few that add much; yet each has a list in every segment. So the lists of the others are
read for all documents, and what the faint ones may add is bounded by how many names a document
shows. What a name adds, `shown` finds; the lists are read by `scatter`.
"""

import numpy as np

from services.matcher.domain.compiled import inlined
from services.matcher.domain.fast.asking import Asked, Laid
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import bits_set, prefetch

# A name is faint that adds less than a unit for each so many documents. The more there are, the
# more entries of lists are saved, while a looser bound lets about as many documents through. Among
# fewer than the least nothing is saved by it.
_DOCUMENTS_A_UNIT, _LEAST_DOCUMENTS = 1 << 11, 1 << 17
# So much is never faint: seven such names are a tenth of the whole.
_MOST_FAINT = 1 << 10


def least_loud(documents: int) -> int:
    """What a name must add to be loud among so many documents."""
    if documents < _LEAST_DOCUMENTS:
        return 0
    return min(documents // _DOCUMENTS_A_UNIT, _MOST_FAINT)


@inlined
def mark_loud(q: Asked, loud: Array) -> Int:
    """Mark the names that are not faint; the most that a faint one adds.

    loud: uint64 (≥ len(q.active),), filled.
    """
    faint, at, one = np.int64(0), 0, np.uint64(1)
    if q.loud_from <= 0:
        for word in range(len(q.active)):
            loud[word] = q.active[word]
        return faint
    for word in range(len(q.active)):
        left, said_loud = q.active[word], np.uint64(0)
        while left:
            added = np.int64(q.added[at])
            # Without a branch: which are loud follows no pattern.
            is_loud = np.uint64(added >= q.loud_from)
            said_loud |= (left & (~left + one)) * is_loud
            faint = max(faint, added * np.int64(one - is_loud))
            at += 1
            left &= left - one
        loud[word] = said_loud
    return faint


@inlined
def names_of(s: Laid, doc: Int) -> Int:
    """How many names are kept with a document."""
    return np.int64(s.shown_start[doc + 1]) - np.int64(s.shown_start[doc])


@inlined
def ask_for_names(s: Laid, doc: Int) -> None:
    """Ask the memory for what `said_by_faint` reads of a document."""
    for entry in range(s.shown_start[doc], s.shown_start[doc + 1]):
        prefetch(s.k_numbers, np.int64(s.shown[entry]))


@inlined
def said_by_faint(s: Laid, doc: Int, q: Asked, loud: Array) -> Int:
    """What the faint names of a document add."""
    said, one = np.int64(0), np.uint64(1)
    for entry in range(s.shown_start[doc], s.shown_start[doc + 1]):
        number = np.int64(s.k_numbers[s.shown[entry]])
        word, bit = number >> 6, one << np.uint64(number & 63)
        # A name may be newer than the posting's worth of all names.
        if word < len(q.active) and q.active[word] & ~loud[word] & bit:
            said += np.int64(q.added[q.ranks[word] + bits_set(q.active[word] & (bit - one))])
    return said
