"""Promise 4: at rest, after any history, the stored matches are what brute force computes."""

import random

import pytest

from services.kit.database import DatabaseUnavailable
from tests.matcher.harness import TIGHT, Failure, Matcher
from tests.matcher.market import Market, deliveries


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_ends_equal_to_brute_force(matcher: Matcher, seed: int) -> None:
    """Redelivered, reordered, in any batches, with failed transactions and restarts between."""
    draw = random.Random(seed)
    for batch in deliveries(draw, Market(seed).events(120)):
        fate = draw.random()
        if fate < 0.1:
            await matcher.try_to_take(batch, "before commit")
        elif fate < 0.2:
            await matcher.try_to_take(batch, "after commit")
        elif fate < 0.3:
            await matcher.try_to_take(batch, "before commit")
            await matcher.restart()
        await matcher.take(*batch)
    await matcher.assert_exact()
    assert len(await matcher.announced()) > 100, "a history in which little matches proves little"


@pytest.mark.parametrize("failure", ["before commit", "after commit"])
async def test_after_a_failed_transaction_the_stored_documents_are_put_back(
    matcher: Matcher, failure: Failure
) -> None:
    """The index went ahead of what was written, or was not told; it is not built anew for that."""
    market = Market(1)
    await matcher.take(*market.events(40))
    live, announced = await matcher.live(), await matcher.announced()
    lost, other = market.events(30), Market(8, first=1000).events(30)
    await matcher.try_to_take(lost, failure)
    if failure == "before commit":
        assert (await matcher.live(), await matcher.announced()) == (live, announced)
    await matcher.take(*other)
    await matcher.assert_exact()
    await matcher.take(*lost)
    await matcher.assert_exact()
    assert matcher.index.figures.builds == 1


async def test_a_commit_whose_answer_was_lost_is_not_announced_twice(matcher: Matcher) -> None:
    batch = Market(2).events(30)
    await matcher.try_to_take(batch, "after commit")
    announced = await matcher.announced()
    assert announced
    await matcher.take(*batch)
    assert await matcher.announced() == announced
    await matcher.assert_exact()


async def test_a_restart_announces_nothing(matcher: Matcher) -> None:
    await matcher.take(*Market(3).events(60))
    announced = await matcher.announced()
    await matcher.restart()
    assert await matcher.announced() == announced


async def test_after_a_restart_the_next_event_changes_only_what_it_must(matcher: Matcher) -> None:
    market = Market(4)
    await matcher.take(*market.events(60))
    await matcher.restart()
    await matcher.take(*market.events(1))
    await matcher.assert_exact()


@pytest.mark.parametrize("seed", range(2))
async def test_other_limits_or_another_model_are_computed_and_announced_at_the_start(
    matcher: Matcher, seed: int
) -> None:
    await matcher.take(*Market(seed).events(80))
    before = await matcher.live()
    for limits in ({"k_s": 1, "k_p": 1}, {"tau_ppm": 400_000}, {}):
        matcher.limits = limits
        await matcher.restart()
        await matcher.assert_exact()
    matcher.limits = TIGHT
    await matcher.restart()
    await matcher.assert_exact()
    after = await matcher.live()
    assert {pair: row.standing for pair, row in after.items()} == {
        pair: row.standing for pair, row in before.items()
    }


@pytest.mark.parametrize("failure", ["before commit", "after commit"])
@pytest.mark.parametrize("transaction", range(5))
async def test_a_start_under_other_limits_that_breaks_off_is_finished_by_the_next(
    matcher: Matcher, transaction: int, failure: Failure
) -> None:
    await matcher.take(*Market(5).events(60))
    matcher.limits = {"k_s": 1, "k_p": 1}
    matcher.db.failures = [*[None] * transaction, failure]
    with pytest.raises(DatabaseUnavailable):
        await matcher.restart()
    await matcher.restart()
    await matcher.assert_exact()
