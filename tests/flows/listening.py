"""A seeker's ear: reads the live stream, and goes on where it was when the service dies."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from httpx_sse import SSEError, aconnect_sse

from tests.flows.system import System

Heard = dict[str, Any]


class Ear:
    """What was heard, in order. Each entry has its seq, kind and match."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._grown = asyncio.Condition()

    async def hears(self, wanted: Callable[[Heard], bool], within_s: float = 30) -> Heard:
        """The first entry that is wanted, heard before or to come."""
        async with asyncio.timeout(within_s), self._grown:
            while True:
                for entry in self.heard:
                    if wanted(entry):
                        return entry
                await self._grown.wait()

    async def _listen(self, system: System, who: tuple[str, str], path: str, position: int) -> None:
        url = system.url("seekers") + path
        async with httpx.AsyncClient(timeout=httpx.Timeout(10, read=40)) as client:
            while True:
                headers = system.headers(who) | {"Last-Event-ID": str(position)}
                try:
                    async with aconnect_sse(client, "GET", url, headers=headers) as source:
                        async for event in source.aiter_sse():
                            if event.id:
                                position = int(event.id)
                            if event.event.startswith("match."):
                                await self._hear(json.loads(event.data))
                except (httpx.TransportError, SSEError):
                    await asyncio.sleep(0.1)

    async def _hear(self, entry: Heard) -> None:
        async with self._grown:
            self.heard.append(entry)
            self._grown.notify_all()


@asynccontextmanager
async def listening(system: System, who: tuple[str, str], seeker_id: str) -> AsyncIterator[Ear]:
    """Listen from the feed's beginning for as long as the block lasts."""
    ear = Ear()
    task = asyncio.create_task(ear._listen(system, who, f"/v1/seekers/{seeker_id}/stream", 0))
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
