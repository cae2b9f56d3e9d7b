"""The head of an index: the newest documents, in lists that can be added to at once.

When they are laid out as a segment is not decided here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Laid
from services.matcher.domain.fast.batch import Batch, Documents, Row
from services.matcher.domain.fast.growing import Array, Growing

_TERM_CHAINS = 1 << 18
_SKILL_CHAINS = 1 << 15
_END = -1


class Head:
    """Up to `room` documents. Each term's documents are a chain from the newest to the oldest."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.batch = Batch()
        self.alive = np.zeros(room, np.uint8)
        self.terms = _Chains(_TERM_CHAINS)
        self.skills = _Chains(_SKILL_CHAINS)

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def nbytes(self) -> int:
        """Bytes of the lists; of the documents themselves, about as much again as they hold."""
        chains = self.terms.nbytes + self.skills.nbytes + int(self.alive.nbytes)
        held = self.batch
        return chains + sum(
            each.nbytes
            for each in (held.slots, held.numbers, held.t_start, held.tags, held.v_start,
                         held.buckets, held.impacts, held.k_start, held.spellings, held.weighs)
        )  # fmt: skip

    @property
    def full(self) -> bool:
        """Whether there is no room for another."""
        return len(self) >= self.room

    def append(self, slot: int, row: Row) -> int:
        """Add a document; returns its place."""
        doc = len(self)
        self.batch.append(slot, row)
        self.alive[doc] = 1
        self.terms.append(doc, row.buckets)
        self.skills.append(doc, [spelling for spelling, _ in row.skills])
        return doc

    def laid(self, nothing: Array, no_starts: Array) -> Laid:
        """As a search sees it: without frequent terms and bounds, and with no names of its own.

        nothing: uint16, no_starts: uint32, zeros, one more than there are documents.
        """
        held, n = self.batch, len(self)
        no_bytes, no_numbers = nothing.view(np.uint8), nothing[:0].view(np.int32)
        no_sets = nothing[:0].view(np.uint64)
        return Laid(
            n, -(-n // lay.BLOCK), self.alive, held.slots.held, no_sets.reshape(0, 2), no_starts,
            nothing, no_bytes, no_numbers, no_starts, no_bytes, no_bytes, nothing, 0,
            no_sets.reshape(0, 2), no_starts, nothing, held.weighs.held, held.t_start.held,
            held.tags.held, held.numbers.held.reshape(-1), no_sets,
            no_sets.reshape(0, lay.N_MASKS), no_numbers,
            no_sets, no_sets, no_starts, nothing, no_numbers, 0,
        )  # fmt: skip

    def documents(self) -> tuple[Documents, Array]:
        """All documents, and the places of the living ones. int64 (n,)."""
        return self.batch.documents, np.flatnonzero(self.alive[: len(self)])


class _Chains:
    """Entries in the order they came, each naming the one before it in its chain.

    Several numbers may share a chain, so a reader looks at the number of each entry.
    """

    def __init__(self, count: int) -> None:
        self.chains = np.full(count, _END, np.int32)
        self._next, self._doc = Growing(np.int32), Growing(np.int32)

    def append(self, doc: int, numbers: list[int] | Array) -> None:
        """Add an entry for each number. The numbers are distinct, the chains may not be."""
        first = self._next.n
        places = np.asarray(numbers, np.int64) & (len(self.chains) - 1)
        count = len(places)
        self._doc.extend(np.full(count, doc, np.int32))
        self._next.extend(np.zeros(count, np.int32))
        _link(self.chains, self._next.held, first, places)

    @property
    def next(self) -> Array:
        """int32 (≥ n_entries,): the entry before it, -1 at the end."""
        return self._next.held

    @property
    def doc(self) -> Array:
        """int32 (≥ n_entries,): its document."""
        return self._doc.held

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(self.chains.nbytes) + self._next.nbytes + self._doc.nbytes


@compiled
def _link(chains: Array, following: Array, first: int, places: Array) -> None:
    """Put entries first, first + 1 … at the fronts of their chains."""
    for at in range(len(places)):
        following[first + at] = chains[places[at]]
        chains[places[at]] = first + at
