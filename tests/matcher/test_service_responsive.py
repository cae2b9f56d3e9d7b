"""Scoring runs beside the event loop: heartbeats and requests go on while a batch is worked out."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from services.matcher.actions import begin
from services.matcher.domain.engine import Change
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.handlers import market_handler
from services.matcher.index import Index
from tests.matcher.harness import Matcher
from tests.matcher.market import Market
from tests.support import NOW


class Lag:
    """How long the loop was late at worst, in seconds."""

    worst = 0.0


@asynccontextmanager
async def measured() -> AsyncIterator[Lag]:
    lag = Lag()

    async def beat() -> None:
        while True:
            due = time.perf_counter() + 0.01
            await asyncio.sleep(0.01)
            lag.worst = max(lag.worst, time.perf_counter() - due)

    beating = asyncio.create_task(beat())
    try:
        yield lag
    finally:
        beating.cancel()


class SlowEngine(FastEngine):
    """Takes half a second, whatever it is given."""

    def apply(self, changes: Iterable[Change]) -> None:
        time.sleep(0.5)
        super().apply(changes)


async def test_the_loop_does_not_wait_for_the_engine(matcher: Matcher) -> None:
    index = Index(matcher.db, {}, engine_of=SlowEngine)
    await begin(index)
    batch = Market(1).events(5)
    async with measured() as lag:
        started = time.perf_counter()
        await market_handler(index, lambda: NOW)(batch)
        took_s = time.perf_counter() - started
    index.close()
    assert took_s > 0.5
    assert lag.worst < 0.25


async def test_the_loop_is_seldom_late_while_a_large_batch_is_scored(matcher: Matcher) -> None:
    """In the best of three batches: on a busy machine anybody is late now and then."""
    matcher.limits = {}
    await matcher.restart()
    shares = []
    for seed in range(3):
        batch = Market(seed, n_postings=250, n_seekers=250, first=1000 * seed).events(500)
        async with measured() as lag:
            started = time.perf_counter()
            await matcher.take(*batch)
            took_s = time.perf_counter() - started
        shares.append(lag.worst / took_s)
        if shares[-1] < 1 / 3:
            return
    raise AssertionError(f"late by these shares of the time that a batch took: {shares}")
