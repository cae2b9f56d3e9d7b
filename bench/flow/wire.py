"""HTTP/1.1 by hand: a connection kept open, and a stream of Server-Sent Events.

Client libraries take a millisecond of processor time a request; on a machine of two cores that
would be measured as the system's. What is sent and meant is the callers'.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.flow.figures import BenchFailed

_PATIENCE_S = 120.0
_IDLE_S = 10.0
"""A connection unused for longer is opened anew: the services close theirs after 30 s."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door answered. headers: names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def expect(self, status: int) -> Self:
        """Itself. Raises BenchFailed where the status is another."""
        if self.status != status:
            said = self.body[:300].decode("utf-8", "replace")
            raise BenchFailed(f"a door answered {self.status}, not {status}: {said}")
        return self


class Door:
    """One connection to one service, kept open. Not for two requests at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_at = time.monotonic()

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    async def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Ask and wait for the whole answer. Raises BenchFailed where there is none."""
        return await self._ask("GET", path, headers, b"")

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send and wait for the whole answer. Raises BenchFailed where there is none."""
        return await self._ask("POST", path, headers, body)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            if time.monotonic() - self._used_at > _IDLE_S:
                self._close()
                await self._open()
            reader, writer = self._opened()
            writer.write(_head(method, path, self._host, headers, len(body)) + body)
            async with asyncio.timeout(_PATIENCE_S):
                status, told = await _answer_head(reader)
                answer = Answer(status, told, await _body(reader, told))
        except (OSError, EOFError, TimeoutError) as error:
            raise BenchFailed(f"no answer to {method} {path}: {type(error).__name__}") from error
        self._used_at = time.monotonic()
        return answer

    async def events(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncGenerator["ServerEvent", None]:
        """The events of a stream as they come, until it ends. Raises BenchFailed.

        The first one given is empty: the stream is open from there.
        """
        reader, writer = self._opened()
        writer.write(_head("GET", path, self._host, headers, 0))
        try:
            status, told = await _answer_head(reader)
            if status != 200 or told.get("transfer-encoding") != "chunked":
                raise BenchFailed(f"GET {path} answered {status}")
            yield ServerEvent("", b"")
            waiting = b""
            async for chunk in _chunks(reader):
                waiting += chunk
                *whole, waiting = waiting.split(b"\n\n")
                for block in whole:
                    event = event_of(block)
                    if event is not None:
                        yield event
        except (OSError, EOFError) as error:
            raise BenchFailed(f"the stream {path} broke: {type(error).__name__}") from error

    async def _open(self) -> None:
        self._streams = await asyncio.open_connection(self._host, self._port)
        self._used_at = time.monotonic()

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise BenchFailed("the connection is not open")
        return self._streams


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event of a stream: its name, and its data as it came."""

    name: str
    data: bytes


def event_of(block: bytes) -> ServerEvent | None:
    """The event in the lines between two blank ones; None where they hold none.

    Source: HTML Living Standard §9.2.6, lines ended by LF as our services send them.
    """
    name, data = "", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ").decode()
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return ServerEvent(name, b"\n".join(data)) if data else None


def _head(method: str, path: str, host: str, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in named}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        return b"".join([chunk async for chunk in _chunks(reader)])
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    while size := int((await reader.readline()).partition(b";")[0] or b"0", 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
