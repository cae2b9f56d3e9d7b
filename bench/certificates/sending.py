"""Calls over kept connections, as cheap as Python has them: a write, and a look for the end.

What is sent, and what must come back, is the caller's.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.certificates.figures import BenchFailed

_LENGTH = b"content-length: "
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request as bytes, and what its answer must hold: its status, and a text in it."""

    request: bytes
    status: bytes
    holds: bytes
    looked_up: int = 1


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """HTTP/1.1 on a connection that stays open."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{key}: {value}" for key, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Line(asyncio.Protocol):
    """One connection, one call at a time."""

    def __init__(self, answered: Callable[["_Line"], None], broke: Callable[[str], None]) -> None:
        self._answered = answered
        self._broke = broke
        self._transport: asyncio.Transport | None = None
        self._came = b""
        self._whole = 0
        self.call: Call | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.call is not None:
            self._broke(f"a connection broke: {exc}")

    def send(self, call: Call, due: float) -> None:
        self.call, self.due = call, due
        self._came, self._whole = b"", 0
        if self._transport is None:
            raise BenchFailed("not connected")
        self._transport.write(call.request)

    def data_received(self, data: bytes) -> None:
        self._came = came = self._came + data if self._came else data
        if not self._whole:
            end = came.find(b"\r\n\r\n")
            if end < 0:
                return
            at = came.lower().find(_LENGTH, 0, end)
            if at < 0:
                self._broke("an answer without its length")
                return
            self._whole = end + 4 + int(came[at + len(_LENGTH) : came.index(b"\r", at)])
        if len(came) < self._whole:
            return
        call, self.call = self.call, None
        if call is None or came[9:12] != call.status or call.holds not in came:
            self._broke(f"not the answer it should be: {came[:1500].decode(errors='replace')}")
            return
        self._answered(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Lines:
    """Connections to one service. `async with Lines(port, 64) as lines: …`"""

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count
        self._lines: list[_Line] = []
        self._on_answer: Callable[[_Line], None] = lambda line: None
        self._ended: asyncio.Future[None] | None = None

    async def __aenter__(self) -> "Lines":
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, line = await loop.create_connection(
                lambda: _Line(self._answered, self._broke),
                "127.0.0.1",
                self._port,
            )
            self._lines.append(line)
        return self

    async def __aexit__(self, *_: Any) -> None:
        for line in self._lines:
            line.call = None
            line.close()

    def _answered(self, line: _Line) -> None:
        self._on_answer(line)

    def _broke(self, why: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(BenchFailed(why))

    async def saturate(self, calls: Iterator[Call], seconds: float) -> tuple[list[float], int]:
        """Send on each connection as soon as it is free; ms of each call, and what was looked up.

        Those under way at the end are waited for and counted, and so is their time.
        """
        loop = asyncio.get_running_loop()
        self._ended = ended = loop.create_future()
        ms: list[float] = []
        looked_up = 0
        open_ = len(self._lines)
        until = time.perf_counter() + seconds

        def next_one(line: _Line) -> None:
            now = time.perf_counter()
            if now < until:
                line.send(call := next(calls), now)
                weights[line] = call.looked_up
                return
            nonlocal open_
            open_ -= 1
            if not open_ and not ended.done():
                ended.set_result(None)

        def on_answer(line: _Line) -> None:
            nonlocal looked_up
            ms.append((time.perf_counter() - line.due) * 1e3)
            looked_up += weights[line]
            next_one(line)

        weights: dict[_Line, int] = {}
        self._on_answer = on_answer
        for line in self._lines:
            next_one(line)
        async with asyncio.timeout(seconds + _PATIENCE_S):
            await ended
        return ms, looked_up

    async def at_rate(self, calls: Iterator[Call], rate: float, seconds: float) -> list[float]:
        """Send `rate` a second, evenly, whether or not the ones before were answered.

        ms: from when each was due.
        """
        loop = asyncio.get_running_loop()
        self._ended = ended = loop.create_future()
        free = deque(self._lines)
        waiting: deque[float] = deque()
        wanted = max(1, round(rate * seconds))
        ms: list[float] = []

        def on_answer(line: _Line) -> None:
            ms.append((time.perf_counter() - line.due) * 1e3)
            if waiting:
                line.send(next(calls), waiting.popleft())
            else:
                free.append(line)
            if len(ms) == wanted and not ended.done():
                ended.set_result(None)

        self._on_answer = on_answer
        began = time.perf_counter()

        async def pace() -> None:
            sent = 0
            while sent < wanted:
                due = began + sent / rate
                pause = due - time.perf_counter()
                if pause > 0:
                    await asyncio.sleep(pause)
                    continue
                if free:
                    free.popleft().send(next(calls), due)
                else:
                    waiting.append(due)
                sent += 1

        pacing = asyncio.create_task(pace())
        try:
            async with asyncio.timeout(seconds + _PATIENCE_S):
                await ended
        finally:
            pacing.cancel()
            await asyncio.gather(pacing, return_exceptions=True)
        return ms
