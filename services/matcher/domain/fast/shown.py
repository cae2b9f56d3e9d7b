"""The words of what seekers show: a vector for each spelling, which many seekers share.

A search finds once what each spelling is worth to a posting, not once for each who shows it. What
those words are, `wording` says; who shows which spelling does not live here.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast.directory import FROM, SAID, TO, find_lists, rows_of
from services.matcher.domain.fast.growing import Array, Growing, Int
from services.matcher.domain.fast.memory import bits_set, prefetch, uncounted
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.vector import TermVector

# So many spellings are looked through one by one, or a sixteenth of all, before they are laid into
# the lists: laying a hundred thousand out anew takes some milliseconds.
_NEW_AT_MOST, _NEW_SHARE = 512, 16
# So many fit a line of memory.
_SPELLINGS_A_LINE, _SAID_A_LINE = 16, 64
_NOTHING = np.zeros(0, np.int32)
_NO_ROWS = np.zeros((BUCKETS // 64, 2), np.uint64)


class Worth(NamedTuple):
    """What each spelling adds to the dot product with a document.

    active: uint64 (≥ n / 64,), bits of the spellings that add something. added: int32 (n_active,),
    what, in order; ranks: int32, how many come before each word of bits.
    """

    active: Array
    ranks: Array
    added: Array


NO_WORTH = Worth(np.zeros(0, np.uint64), _NOTHING, _NOTHING)

WordsOf = Callable[[str], TermVector]
"""The words of a spelling, as a part of a document's vector."""


class ShownWords:
    """The words of each spelling, by its number."""

    def __init__(self, words_of: WordsOf) -> None:
        self._words_of = words_of
        self._start = Growing(np.int64)
        self._start.extend([0])
        self._buckets, self._impacts = Growing(np.int32), Growing(np.uint8)
        # The first so many, in lists by term.
        self._laid = 0
        self._rows, self._t_start = _NO_ROWS, np.zeros(1, np.uint32)
        self._spellings, self._said = _NOTHING, np.zeros(0, np.uint8)
        # Scratch; the sums are zeros whenever nobody is adding.
        self._sums, self._lists = _NOTHING, np.zeros((64, 3), np.int64)

    def __len__(self) -> int:
        return self._start.n - 1

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        lists = (self._rows, self._t_start, self._spellings, self._said)
        growing = (self._start, self._buckets, self._impacts)
        return sum(int(each.nbytes) for each in (*lists, *growing))

    def learn(self, spellings: Sequence[str]) -> None:
        """Take the words of the next spellings, in the order of their numbers."""
        if not spellings:
            return
        words = [self._words_of(spelling) for spelling in spellings]
        ends = np.cumsum([len(each.buckets) for each in words]) + self._start.values[-1]
        self._start.extend(ends)
        self._buckets.extend(np.concatenate([each.buckets for each in words]))
        self._impacts.extend(np.concatenate([each.impacts for each in words]))

    def order(self) -> Array:
        """All spellings, such as share their strongest word one after the other. int64 (n,)."""
        strongest = np.full(len(self), -1, np.int64)
        lengths = np.diff(self._start.values)
        of = np.repeat(np.arange(len(self)), lengths)
        # The last written of each is the strongest.
        rising = np.argsort(self._impacts.values, kind="stable")
        strongest[of[rising]] = self._buckets.values[rising]
        return np.argsort(strongest, kind="stable")

    def reorder(self, order: Array) -> None:
        """Number them anew: the first is to be that which was order[0]."""
        starts, lengths = self._start.values[:-1][order], np.diff(self._start.values)[order]
        ends = np.cumsum(lengths)
        entries = np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)
        self._buckets.held[: len(entries)] = self._buckets.values[entries]
        self._impacts.held[: len(entries)] = self._impacts.values[entries]
        self._start.held[1 : len(self) + 1] = ends
        self._lay()

    def worth(self, buckets: Array, impacts: Array) -> Worth:
        """What each spelling adds to the dot product with this document."""
        if len(self) - self._laid > max(_NEW_AT_MOST, self._laid // _NEW_SHARE):
            self._lay()
        if len(self) > len(self._sums):
            self._sums = np.zeros(len(self) + len(self) // 4, np.int32)
        if len(buckets) > len(self._lists):
            self._lists = np.zeros((2 * len(buckets), 3), np.int64)
        return Worth(
            *_worth(
                buckets, impacts, self._rows, self._t_start, self._spellings, self._said,
                self._start.values, self._buckets.values, self._impacts.values, self._laid,
                self._sums, self._lists,
            )
        )  # fmt: skip

    def _lay(self) -> None:
        buckets = self._buckets.values
        of = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self._start.values))
        order = np.argsort(buckets, kind="stable")
        self._spellings, self._said = of[order], self._impacts.values[order]
        times = np.bincount(buckets, minlength=BUCKETS)
        self._rows = rows_of(np.flatnonzero(times).astype(np.int32), BUCKETS // 64)
        self._t_start = np.append(0, np.cumsum(times[times > 0])).astype(np.uint32)
        self._laid = len(self)


@compiled
def _worth(
    buckets: Array,
    impacts: Array,
    rows: Array,
    t_start: Array,
    counted_spellings: Array,
    counted_said: Array,
    start: Array,
    n_buckets: Array,
    n_impacts: Array,
    laid: Int,
    sums: Array,
    lists: Array,
) -> tuple[Array, Array, Array]:
    """The fields of `Worth`. buckets: of the document, ascending. rows: as `rows_of` gives them.

    sums: int32 (≥ n,), zeros before and after. lists: int64 (≥ n_terms, 3), scratch.
    """
    spellings, said = uncounted(counted_spellings), uncounted(counted_said)
    active = np.zeros(len(start) // 64 + 1, np.uint64)
    found = find_lists(rows, t_start, buckets, impacts, lists)
    for which in range(found):
        _ask_for(spellings, said, lists[which, FROM], lists[which, TO])
    for which in range(found):
        if which + 1 < found:
            # The sums of all names do not stay in a core's own cache from one search to the next.
            for entry in range(lists[which + 1, FROM], lists[which + 1, TO]):
                prefetch(sums, np.int64(spellings[entry]))
        here = spellings[lists[which, FROM] : lists[which, TO]]
        said_here = said[lists[which, FROM] : lists[which, TO]]
        impact = np.int32(lists[which, SAID])
        for at in range(len(here)):
            _add(np.int64(here[at]), impact * np.int32(said_here[at]), sums, active)
    for spelling in range(laid, len(start) - 1):
        for entry in range(start[spelling], start[spelling + 1]):
            at = np.searchsorted(buckets, n_buckets[entry])
            if at < len(buckets) and buckets[at] == n_buckets[entry]:
                _add(np.int64(spelling), impacts[at] * np.int32(n_impacts[entry]), sums, active)
    ranks, n_active = np.empty(len(active), np.int32), 0
    for word in range(len(active)):
        ranks[word] = n_active
        n_active += bits_set(active[word])
    added, found, one = np.empty(n_active, np.int32), 0, np.uint64(1)
    for word in range(len(active)):
        left = active[word]
        while left:
            below = (left & (~left + one)) - one
            spelling = word * 64 + bits_set(below)
            added[found] = sums[spelling]
            sums[spelling] = 0
            found += 1
            left &= left - one
    return active, ranks, added


@inlined
def _ask_for(spellings: Array, said: Array, first: Int, end: Int) -> None:
    """Ask the memory for a list."""
    for entry in range(first, end, _SPELLINGS_A_LINE):
        prefetch(spellings, entry)
    for entry in range(first, end, _SAID_A_LINE):
        prefetch(said, entry)


@inlined
def _add(spelling: Int, more: Int, sums: Array, active: Array) -> None:
    """Without a branch: whether anything was added before follows no pattern."""
    sums[spelling] += more
    active[spelling >> 6] |= np.uint64(1) << np.uint64(spelling & 63)
