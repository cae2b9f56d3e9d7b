"""Promise 4: at rest, after any history, the stored matches are what brute force computes."""

import random
from collections.abc import AsyncIterator

import pytest

from tests.matcher.harness import Matcher, running
from tests.matcher.market import Market, deliveries


@pytest.fixture
async def matcher(empty_database: str) -> AsyncIterator[Matcher]:
    async with running(empty_database) as matcher:
        yield matcher


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
    assert await matcher.live(), "a history in which nothing matches proves nothing"
