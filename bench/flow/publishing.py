"""The employers' desk: postings published over connections that stay open, and closed again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import orjson

from bench.flow.figures import BenchFailed
from bench.flow.house import House
from bench.flow.wire import Door

CONNECTIONS = 8
_PATH = "/v1/postings"


@dataclass(frozen=True, slots=True)
class Draft:
    """A posting to be published. probe: the number of the probe it is for; None: anybody's."""

    employer: str
    body: bytes
    probe: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A posting that was answered with 201. at: then, by the steady clock; at_s: since the epoch.

    door_s: how long the answer took.
    """

    draft: Draft
    posting_id: str
    etag: str
    at: float
    at_s: float
    door_s: float


class Desk:
    """Connections to the postings' door, and the tokens of employers."""

    def __init__(self, house: House, doors: Sequence[Door]) -> None:
        self._house = house
        self._doors = doors
        self._headers: dict[str, dict[str, str]] = {}

    async def flat_out(
        self, drafts: Iterator[Draft], seconds: float, may_go: asyncio.Event
    ) -> list[Published]:
        """Publish on all connections at once for so long, pausing while `may_go` is not set."""
        done: list[Published] = []
        ends_at = time.perf_counter() + seconds

        async def work(door: Door) -> None:
            while time.perf_counter() < ends_at:
                try:
                    async with asyncio.timeout(max(0.0, ends_at - time.perf_counter())):
                        await may_go.wait()
                except TimeoutError:
                    return
                done.append(await self._publish(door, next(drafts)))

        async with asyncio.TaskGroup() as group:
            for door in self._doors:
                group.create_task(work(door))
        return done

    async def at_rate(self, drafts: Sequence[Draft], rate: float, seed: int) -> list[Published]:
        """Publish each at its time: a Poisson process of that rate, whatever the answers take.

        rate: postings a second. A posting whose time comes while all connections are busy waits.
        """
        done: list[Published] = []
        draw = random.Random(seed)
        free: asyncio.Queue[Door] = asyncio.Queue()
        for door in self._doors:
            free.put_nowait(door)

        async def publish(door: Door, draft: Draft) -> None:
            done.append(await self._publish(door, draft))
            free.put_nowait(door)

        due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for draft in drafts:
                due += draw.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(publish(await free.get(), draft))
        return done

    async def close(self, published: Sequence[Published]) -> None:
        """Take these off the market again. Raises BenchFailed."""
        waiting = iter(published)

        async def work(door: Door) -> None:
            for one in waiting:
                headers = self._of(one.draft.employer) | {"If-Match": one.etag}
                answer = await door.post(f"{_PATH}/{one.posting_id}/close", headers, b"")
                answer.expect(200)

        async with asyncio.TaskGroup() as group:
            for door in self._doors:
                group.create_task(work(door))

    async def _publish(self, door: Door, draft: Draft) -> Published:
        headers = self._of(draft.employer)
        began = time.perf_counter()
        answer = await door.post(_PATH, headers, draft.body)
        at, at_s = time.perf_counter(), time.time()
        posting_id: str = orjson.loads(answer.expect(201).body)["posting_id"]
        return Published(draft, posting_id, answer.headers["etag"], at, at_s, at - began)

    def _of(self, employer: str) -> dict[str, str]:
        if employer not in self._headers:
            self._headers[employer] = self._house.headers("employer", employer)
        return self._headers[employer]


@asynccontextmanager
async def desk(house: House) -> AsyncIterator[Desk]:
    """A desk with its connections open."""
    async with AsyncExitStack() as stack:
        try:
            doors = [
                await stack.enter_async_context(Door(house.url("postings")))
                for _ in range(CONNECTIONS)
            ]
        except OSError as error:
            raise BenchFailed(f"the postings' door is shut: {error}") from error
        yield Desk(house, doors)
