"""Work that is cheaper together: whoever comes while a batch is under way shares the next one.

What the work is does not live here.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from prometheus_client import Gauge, Histogram

from services.kit.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

SIZES = Histogram(
    "rengang_batch_size", "Questions that shared a transaction", buckets=(1, 4, 16, 64, 128, 256)
)
WAITING = Gauge("rengang_batch_waiting", "Questions that wait for a batch")

_LARGE = 16
"""A batch of so many shows that there are many who ask."""

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class QueueFull(Exception):
    """As many wait as may; whoever comes now is better told so than kept."""


@dataclass(slots=True)
class _Waiting(Generic[ItemT, ResultT]):
    item: ItemT
    result: "asyncio.Future[ResultT]"


@dataclass(slots=True)
class Batches(Generic[ItemT, ResultT]):
    """Collects items and has them worked on together, one batch at a time.

    work: gives a result for each item, in their order, or does none of them. most: how many share
    a batch. most_waiting: how many may wait. A batch is what is waiting when the last one has
    ended, so that under little load nobody waits for company. After a large one a few do, for
    company_s: those who were just answered come again at once where there are many, and would else
    find a batch of one under way, each time. Items that came in bulk fill up what others leave
    free, and a quarter at least.
    """

    work: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]]
    most: int = 256
    most_waiting: int = 8192
    company_s: float = 0.002
    _alone: deque[_Waiting[ItemT, ResultT]] = field(default_factory=deque)
    _bulk: deque[_Waiting[ItemT, ResultT]] = field(default_factory=deque)
    _working: asyncio.Task[None] | None = None

    async def put(self, items: Sequence[ItemT], *, bulk: bool = False) -> list[ResultT]:
        """The results of these items, in their order.

        Raises QueueFull, and what the work raised. Whoever stops waiting stops nothing.
        """
        if self._waiting() + len(items) > self.most_waiting:
            raise QueueFull
        loop = asyncio.get_running_loop()
        # Without its parameters, which would take longer than all the rest.
        waiting: list[_Waiting[ItemT, ResultT]] = [
            _Waiting(item, loop.create_future()) for item in items
        ]
        (self._bulk if bulk else self._alone).extend(waiting)
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work_off(), name="batches")
        if len(waiting) == 1:
            return [await waiting[0].result]
        # All of them are seen to their end, so that no failure is left unlooked at.
        results = await asyncio.gather(*(w.result for w in waiting), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def _work_off(self) -> None:
        while batch := self._next():
            SIZES.observe(len(batch))
            WAITING.set(self._waiting())
            await self._work(batch)
            if len(batch) >= _LARGE and self._waiting() < len(batch) // 4:
                await asyncio.sleep(self.company_s)

    def _waiting(self) -> int:
        return len(self._alone) + len(self._bulk)

    def _next(self) -> list[_Waiting[ItemT, ResultT]]:
        batch: list[_Waiting[ItemT, ResultT]] = []
        kept_free = min(len(self._bulk), self.most // 4)
        self._take(self._alone, batch, self.most - kept_free)
        self._take(self._bulk, batch, self.most)
        self._take(self._alone, batch, self.most)
        return batch

    def _take(
        self,
        queue: deque[_Waiting[ItemT, ResultT]],
        batch: list[_Waiting[ItemT, ResultT]],
        up_to: int,
    ) -> None:
        while queue and len(batch) < up_to:
            waiting = queue.popleft()
            # Nobody waits for what was cancelled before it was begun.
            if not waiting.result.done():
                batch.append(waiting)

    async def _work(self, batch: Sequence[_Waiting[ItemT, ResultT]]) -> None:
        try:
            results = await self.work([waiting.item for waiting in batch])
        except DatabaseUnavailable as error:
            self._fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                self._fail(batch, error)
                return
            # One that cannot be worked on must not take the others with it.
            log.exception("batch.failed", items=len(batch))
            for waiting in batch:
                await self._work([waiting])
        except BaseException:
            self._fail(batch, QueueFull("ended"))
            raise
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.result.done():
                    waiting.result.set_result(result)

    def _fail(self, batch: Sequence[_Waiting[ItemT, ResultT]], error: Exception) -> None:
        for waiting in batch:
            if not waiting.result.done():
                waiting.result.set_exception(error)
