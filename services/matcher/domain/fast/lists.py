"""The top lists of one side, kept as prefixes of the true ranking, and what changed in them.

A list holds the best pairs of its owner, all down to its last one: at most K plus some slack. So
when one of the K leaves, the next is at hand; only a list that has used up its slack must be
searched for again. A list that is complete holds every pair that reaches τ. Order is by score
downwards, then by the other's id. How pairs are found does not live here.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast.growing import Array, Growing
from services.matcher.domain.fast.ids import Slots
from services.matcher.domain.fast.order import by_owner_and_rank

_CLOSED = PPM + 1
"""The threshold of a list that can tell nothing: nothing may enter it before it is filled again."""

_END = -1
_FREE, _USED = 0, 1


class TopLists:
    """Lists by slot of their owner, of pairs (score, slot of the other).

    k: how many count. slack: how many more are kept. linked: whether to remember which lists an
    other stands in; else the lists that may hold it must be known by the caller.
    """

    def __init__(self, k: int, slack: int, tau_ppm: int, others: Slots, *, linked: bool) -> None:
        self.k = k
        self.room = k + slack
        self.tau_ppm = tau_ppm
        self._others = others
        self._linked = linked
        width = max(1, self.room)
        self._n, self._complete = Growing(np.int32), Growing(np.uint8)
        self._scores, self._slots = Growing(np.int32, width), Growing(np.int32, width)
        self._thresholds = Growing(np.int32)
        self._touched_at = Growing(np.int32)
        self._touched, self._before_n = Growing(np.int32), Growing(np.int32)
        self._before_scores = Growing(np.int32, max(1, k))
        self._before_slots = Growing(np.int32, max(1, k))
        self._links = _Links()

    @property
    def thresholds(self) -> Array:
        """int32 (≥ n_slots,): a pair below it cannot enter the list; one at it may."""
        return self._thresholds.held

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        kept = (self._n, self._complete, self._scores, self._slots, self._thresholds,
                self._touched_at)  # fmt: skip
        return sum(each.nbytes for each in kept) + self._links.nbytes

    def reserve(self, owners: int, others: int) -> None:
        """Have lists for so many owners, new ones empty and complete. others: how many slots."""
        missing = owners - self._n.n
        if missing > 0:
            self._n.extend(np.zeros(missing, np.int32))
            self._complete.extend(np.ones(missing, np.uint8))
            self._thresholds.extend(np.full(missing, self.tau_ppm, np.int32))
            self._touched_at.extend(np.full(missing, _END, np.int32))
            for wide in (self._scores, self._slots):
                wide.reserve(owners)
                wide.n = owners
        if self._linked:
            self._links.reserve(others)

    def touch(self, owners: Array) -> None:
        """Remember how these lists are before they change, unless that is remembered already."""
        room = self._touched.n + len(owners)
        for each in (self._touched, self._before_n, self._before_scores, self._before_slots):
            each.reserve(room)
        n = _touch(
            owners, self.k, self._n.held, self._scores.held, self._slots.held,
            self._touched_at.held, self._touched.n, self._touched.held, self._before_n.held,
            self._before_scores.held, self._before_slots.held,
        )  # fmt: skip
        for each in (self._touched, self._before_n, self._before_scores, self._before_slots):
            each.n = int(n)

    def replace(self, owner: int, scores: Array, others: Array, *, complete: bool) -> None:
        """Set a list: its best, in order, and whether they are all there are from τ up."""
        self.touch(np.array([owner], np.int32))
        if self._linked:
            self._links.ready(len(others))
            for other in self._slots.held[owner, : self._n.held[owner]].tolist():
                self._links.remove(other, owner)
            for other in others.tolist():
                self._links.add(other, owner)
        n = len(others)
        self._n.held[owner] = n
        self._scores.held[owner, :n] = scores
        self._slots.held[owner, :n] = others
        self._complete.held[owner] = complete
        _set_threshold(owner, self.tau_ppm, self._n.held, self._scores.held,
                       self._complete.held, self._thresholds.held)  # fmt: skip

    def close(self, owner: int) -> None:
        """Empty a list, and let nothing enter it until it is replaced."""
        nothing = np.zeros(0, np.int32)
        self.replace(owner, nothing, nothing, complete=False)

    def insert(self, owners: Array, scores: Array, other: int) -> None:
        """Take a pair into each of these lists, where it belongs there."""
        self.touch(owners)
        if self._linked:
            self._links.ready(len(owners))
        _insert_all(owners, scores, other, self.room, self.tau_ppm, self._n.held,
                    self._scores.held, self._slots.held, self._complete.held,
                    self._thresholds.held, self._others.high, self._others.low, self._linked,
                    *self._links.arrays)  # fmt: skip

    def remove(self, owners: Array, other: int) -> None:
        """Take the other out of each of these lists, where it is in them."""
        self.touch(owners)
        _remove_all(owners, other, self.tau_ppm, self._n.held, self._scores.held,
                    self._slots.held, self._complete.held, self._thresholds.held, self._linked,
                    *self._links.arrays)  # fmt: skip

    def owners_of(self, other: int) -> Array:
        """The owners whose lists hold the other; linked lists only. int32 (n,)."""
        return self._links.owners(other)

    def short(self, owners: Array) -> Array:
        """Those of these owners whose lists must be searched for again. int32."""
        lacking = (self._n.held[owners] < self.k) & (self._complete.held[owners] == 0)
        found: Array = owners[lacking]
        return found

    def touched(self) -> Array:
        """The owners whose lists may have changed since `forget`. int32 (n,)."""
        return self._touched.values

    def changes(self, revised: Array, revised_others: Array) -> tuple[Array, Array]:
        """(owner, other) of each pair that entered, left or moved, or whose documents are revised.

        revised: uint8 by slot of the owners, revised_others: likewise of the others.
        """
        room = 2 * self.k * self._touched.n
        owners, others = np.zeros(room, np.int32), np.zeros(room, np.int32)
        n = _changes(self._touched.values, self.k, self._n.held, self._scores.held,
                     self._slots.held, self._before_n.held, self._before_scores.held,
                     self._before_slots.held, revised, revised_others, owners, others)  # fmt: skip
        return owners[:n], others[:n]

    def forget(self) -> None:
        """Begin anew to remember how lists were."""
        self._touched_at.held[self._touched.values] = _END
        for each in (self._touched, self._before_n, self._before_scores, self._before_slots):
            each.clear()

    def standing(self, owners: Array, others: Array) -> Array:
        """The score under which each list shows the other among its K; -1 where not. int32 (n,)."""
        found: Array = _standing(owners, others, self.k, self._n.held, self._scores.held,
                                 self._slots.held)  # fmt: skip
        return found

    def top(self, owner: int) -> tuple[Array, Array]:
        """(scores, others) of the K best of an owner, as views."""
        n = min(self.k, int(self._n.held[owner]))
        return self._scores.held[owner, :n], self._slots.held[owner, :n]

    def restore(self, owners: Array, scores: Array, others: Array) -> None:
        """Fill empty lists from known top lists: pairs in any order, the whole list of each owner.

        Lists that have fewer than K are complete.
        """
        order = by_owner_and_rank(
            owners, scores, others, self._others.high, self._others.low, self._n.n
        )
        owners, scores, others = owners[order], scores[order], others[order]
        first = np.flatnonzero(np.diff(owners, prepend=-1))
        counts = np.diff(first, append=len(owners))
        place = np.arange(len(owners)) - np.repeat(first, counts)
        self._n.held[owners[first]] = counts
        self._scores.held[owners, place] = scores
        self._slots.held[owners, place] = others
        whole = self._n.values < self.k
        self._complete.values[:] = whole
        if self._linked:
            self._links.ready(len(owners))
            _link_all(owners, others, *self._links.arrays)
        _set_thresholds(self.tau_ppm, self._n.values, self._scores.held, self._complete.held,
                        self._thresholds.held)  # fmt: skip


class _Links:
    """For each other a chain of the owners whose lists hold it."""

    def __init__(self) -> None:
        self._first = Growing(np.int32)
        self._next, self._owner = Growing(np.int32), Growing(np.int32)
        # The first of the chain of free links, and how many links were ever used.
        self._state = np.array([_END, 0], np.int64)

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """For the kernels: first link of each other, next link, owner of a link, state."""
        return self._first.held, self._next.held, self._owner.held, self._state

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._first.nbytes + self._next.nbytes + self._owner.nbytes

    def reserve(self, others: int) -> None:
        """Have chains for so many others."""
        missing = others - self._first.n
        if missing > 0:
            self._first.extend(np.full(missing, _END, np.int32))

    def ready(self, count: int) -> None:
        """Have room for so many more links."""
        used = int(self._state[_USED])
        for each in (self._next, self._owner):
            each.n = used
            each.reserve(used + count)

    def add(self, other: int, owner: int) -> None:
        """The owner's list holds the other now."""
        _link(other, owner, *self.arrays)

    def remove(self, other: int, owner: int) -> None:
        """The owner's list holds the other no more."""
        _unlink(other, owner, *self.arrays)

    def owners(self, other: int) -> Array:
        """All owners whose lists hold the other."""
        found = []
        link = int(self._first.held[other]) if other < self._first.n else _END
        while link != _END:
            found.append(int(self._owner.held[link]))
            link = int(self._next.held[link])
        return np.array(found, np.int32)


@compiled
def _link(
    other: int, owner: int, first: Array, following: Array, owners: Array, state: Array
) -> None:
    link = state[_FREE]
    if link == _END:
        link = state[_USED]
        state[_USED] += 1
    else:
        state[_FREE] = following[link]
    owners[link] = owner
    following[link] = first[other]
    first[other] = link


@compiled
def _unlink(
    other: int, owner: int, first: Array, following: Array, owners: Array, state: Array
) -> None:
    before, link = np.int64(_END), np.int64(first[other])
    while owners[link] != owner:
        before, link = link, np.int64(following[link])
    if before == _END:
        first[other] = following[link]
    else:
        following[before] = following[link]
    following[link] = state[_FREE]
    state[_FREE] = link


@compiled
def _link_all(
    owners_of: Array, others: Array, first: Array, following: Array, owners: Array, state: Array
) -> None:
    for at in range(len(others)):
        _link(others[at], owners_of[at], first, following, owners, state)


@compiled
def _set_threshold(
    owner: int, tau: int, n: Array, scores: Array, complete: Array, thresholds: Array
) -> None:
    if complete[owner]:
        thresholds[owner] = tau
    elif n[owner]:
        thresholds[owner] = scores[owner, n[owner] - 1]
    else:
        thresholds[owner] = _CLOSED


@compiled
def _set_thresholds(tau: int, n: Array, scores: Array, complete: Array, thresholds: Array) -> None:
    for owner in range(len(n)):
        _set_threshold(owner, tau, n, scores, complete, thresholds)


@compiled
def _touch(
    owners: Array,
    k: int,
    n: Array,
    scores: Array,
    slots: Array,
    touched_at: Array,
    n_touched: int,
    touched: Array,
    before_n: Array,
    before_scores: Array,
    before_slots: Array,
) -> int:
    for owner in owners:
        if touched_at[owner] != _END:
            continue
        touched_at[owner] = n_touched
        touched[n_touched] = owner
        kept = min(k, n[owner])
        before_n[n_touched] = kept
        for at in range(kept):
            before_scores[n_touched, at] = scores[owner, at]
            before_slots[n_touched, at] = slots[owner, at]
        n_touched += 1
    return n_touched


@compiled
def _insert_all(
    owners: Array,
    new_scores: Array,
    other: int,
    room: int,
    tau: int,
    n: Array,
    scores: Array,
    slots: Array,
    complete: Array,
    thresholds: Array,
    high: Array,
    low: Array,
    linked: bool,
    first: Array,
    following: Array,
    link_owners: Array,
    state: Array,
) -> None:
    for which in range(len(owners)):
        owner, score = owners[which], new_scores[which]
        held = np.int64(n[owner])
        at = held
        while at > 0:
            above, above_score = slots[owner, at - 1], scores[owner, at - 1]
            if above_score > score:
                break
            if above_score == score and (
                high[above] < high[other]
                or (high[above] == high[other] and low[above] <= low[other])
            ):
                break
            at -= 1
        if at > 0 and slots[owner, at - 1] == other:
            continue
        # Behind the last of a list that is not complete others may stand that are not in it.
        if at == held and (not complete[owner] or held >= room):
            if held >= room:
                complete[owner] = 0
                _set_threshold(owner, tau, n, scores, complete, thresholds)
            continue
        if held >= room:
            if linked:
                _unlink(slots[owner, held - 1], owner, first, following, link_owners, state)
            complete[owner] = 0
            held -= 1
        for move in range(held, at, -1):
            scores[owner, move] = scores[owner, move - 1]
            slots[owner, move] = slots[owner, move - 1]
        scores[owner, at], slots[owner, at] = score, other
        n[owner] = held + 1
        if linked:
            _link(other, owner, first, following, link_owners, state)
        _set_threshold(owner, tau, n, scores, complete, thresholds)


@compiled
def _remove_all(
    owners: Array,
    other: int,
    tau: int,
    n: Array,
    scores: Array,
    slots: Array,
    complete: Array,
    thresholds: Array,
    linked: bool,
    first: Array,
    following: Array,
    link_owners: Array,
    state: Array,
) -> None:
    for owner in owners:
        for at in range(n[owner]):
            if slots[owner, at] != other:
                continue
            for move in range(at, n[owner] - 1):
                scores[owner, move] = scores[owner, move + 1]
                slots[owner, move] = slots[owner, move + 1]
            n[owner] -= 1
            if linked:
                _unlink(other, owner, first, following, link_owners, state)
            _set_threshold(owner, tau, n, scores, complete, thresholds)
            break


@compiled
def _place_in(row: Array, n: int, slot: int) -> int:
    for at in range(n):
        if row[at] == slot:
            return at
    return -1


@compiled
def _changes(
    touched: Array,
    k: int,
    n: Array,
    scores: Array,
    slots: Array,
    before_n: Array,
    before_scores: Array,
    before_slots: Array,
    revised: Array,
    revised_others: Array,
    out_owners: Array,
    out_others: Array,
) -> int:
    told = 0
    for which in range(len(touched)):
        owner = touched[which]
        now_n = min(k, n[owner])
        for at in range(now_n):
            other = slots[owner, at]
            was = _place_in(before_slots[which], before_n[which], other)
            if (
                was < 0
                or before_scores[which, was] != scores[owner, at]
                or revised[owner]
                or revised_others[other]
            ):
                out_owners[told], out_others[told] = owner, other
                told += 1
        for at in range(before_n[which]):
            if _place_in(slots[owner], now_n, before_slots[which, at]) < 0:
                out_owners[told], out_others[told] = owner, before_slots[which, at]
                told += 1
    return told


@compiled
def _standing(owners: Array, others: Array, k: int, n: Array, scores: Array, slots: Array) -> Array:
    found = np.full(len(owners), -1, np.int32)
    for which in range(len(owners)):
        owner = owners[which]
        at = _place_in(slots[owner], min(k, n[owner]), others[which])
        if at >= 0:
            found[which] = scores[owner, at]
    return found
