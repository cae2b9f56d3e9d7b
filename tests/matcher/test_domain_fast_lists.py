"""The top lists of the engine, beside lists that are sorted anew each time."""

from random import Random
from uuid import UUID

import numpy as np
import pytest

from services.matcher.domain.fast.ids import Slots
from services.matcher.domain.fast.lists import TopLists
from services.matcher.domain.fast.order import by_owner_and_rank


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_top_lists_are_prefixes_of_what_there_is(seed: int, linked: bool) -> None:
    """Pairs come, go and change; a list that ran short is set again from all there is."""
    draw = Random(seed)
    k, slack, tau, n_owners, n_others = draw.randint(1, 4), draw.randint(0, 3), 3, 6, 25
    others = Slots()
    for _ in range(n_others):
        others.take(UUID(int=draw.getrandbits(128)))
    there: dict[tuple[int, int], int] = {}
    lists = TopLists(k, slack, tau, others, linked=linked)
    lists.reserve(n_owners, n_others)
    everyone = np.arange(n_owners, dtype=np.int32)
    refilled = 0

    def ranked(owner: int) -> list[tuple[int, int]]:
        """(score, other) of all there are of an owner, the best first."""
        own = [(score, other) for (who, other), score in there.items() if who == owner]
        return sorted(own, key=lambda pair: (-pair[0], others.id_of(pair[1]).int))

    def tops() -> dict[tuple[int, int], int]:
        """The score of each pair that is among the best of its owner."""
        return {
            (owner, other): score
            for owner in everyone.tolist()
            for score, other in top(lists, owner)
        }

    before, n_bytes = tops(), lists.nbytes
    for step in range(1500):
        other = draw.randrange(n_others)
        # What is there of the other goes first, wherever it is, as a document that is revised.
        was = [owner for owner in everyone.tolist() if (owner, other) in there]
        lists.remove(np.array(was, np.int32), other)
        for owner in was:
            del there[owner, other]
        if draw.random() < 0.7:
            owners = draw.sample(everyone.tolist(), draw.randint(0, n_owners))
            scores = {owner: draw.randint(tau, 9) for owner in owners}
            reached = [o for o in owners if scores[o] >= lists.thresholds[o]]
            lists.insert(
                np.array(reached, np.int32), np.array([scores[o] for o in reached], np.int32), other
            )
            there.update({(owner, other): score for owner, score in scores.items()})
        for owner in lists.short(everyone).tolist():
            best = ranked(owner)[: lists.room]
            scored, found = zip(*best, strict=True) if best else ((), ())
            complete = len(best) < lists.room
            lists.replace(
                owner, np.array(scored, np.int32), np.array(found, np.int32), complete=complete
            )
            refilled += 1
        for owner in everyone.tolist():
            assert top(lists, owner) == ranked(owner)[:k]
        if linked:
            holding = lists.owners_of(other).tolist()
            assert len(holding) == len(set(holding))
            assert set(holding) >= {o for o in everyone.tolist() if (o, other) in tops()}
        if step % 5 == 0:
            now = tops()
            nobody = np.zeros(max(n_owners, n_others), np.uint8)
            told = set(zip(*(a.tolist() for a in lists.changes(nobody, nobody)), strict=True))
            assert told == {pair for pair in before | now if before.get(pair) != now.get(pair)}
            assert_scores(lists, now)
            lists.forget()
            before = now
    assert refilled > 10
    assert lists.nbytes == n_bytes, "what goes makes room for what comes"


def test_restored_lists_go_on_as_those_they_were_taken_from() -> None:
    draw, others = Random(3), Slots()
    for _ in range(50):
        others.take(UUID(int=draw.getrandbits(128)))
    pairs = [(owner, draw.randint(1, 5), other) for owner in range(8) for other in range(5 * owner)]
    restored = TopLists(6, 2, 1, others, linked=True)
    restored.reserve(8, 50)
    kept = [
        each
        for owner in range(8)
        for each in sorted(
            (pair for pair in pairs if pair[0] == owner),
            key=lambda pair: (-pair[1], others.id_of(pair[2]).int),
        )[:6]
    ]
    owners, scores, found = np.array(draw.sample(kept, len(kept)), np.int32).T.copy()
    restored.restore(owners, scores, found)
    for owner in range(8):
        assert top(restored, owner) == [pair[1:] for pair in kept if pair[0] == owner]
    assert restored.thresholds[:3].tolist() == [1, 1, kept[10][1]]
    assert set(restored.owners_of(4).tolist()) == {pair[0] for pair in kept if pair[2] == 4}


def top(lists: TopLists, owner: int) -> list[tuple[int, int]]:
    scores, others = lists.top(owner)
    return list(zip(scores.tolist(), others.tolist(), strict=True))


def assert_scores(lists: TopLists, now: dict[tuple[int, int], int]) -> None:
    asked = [(owner, other) for owner in range(6) for other in range(25)]
    owners, others = np.array(asked, np.int32).T.copy()
    assert lists.standing(owners, others).tolist() == [now.get(pair, -1) for pair in asked]


@pytest.mark.parametrize("n", [0, 1, 500])
def test_the_order_of_many_lists_is_that_of_a_sort_by_owner_score_and_id(n: int) -> None:
    draw = np.random.default_rng(n)
    high = draw.integers(0, 3, 40, np.uint64)
    low = draw.permutation(40).astype(np.uint64)
    owners = draw.integers(0, 30, n, np.int32)
    scores = draw.integers(0, 4, n, np.int32)
    others = draw.integers(0, 40, n, np.int32)
    order = by_owner_and_rank(owners, scores, others, high, low, 30)
    sorted_ = np.lexsort((low[others], high[others], -scores, owners))
    for column in (owners, scores, others):
        assert column[order].tolist() == column[sorted_].tolist()
