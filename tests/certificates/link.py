"""The way between two cities, as a program of its own: it can be dead, slow, cut, and lying.

It is what others know the far city by, so whoever asks it never speaks to that city itself.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.certificates.domain.keys import SigningKey
from services.certificates.domain.receipts import TYPE, signed

EXCHANGE = "/v1/exchange/verifications"
# Nobody is trusted, and nobody is asked to prove anything: the city is on this machine.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Passed:
    """What went over the link. path: of the address; body: as it came back."""

    path: str
    headers: dict[str, str]
    request: bytes
    status: int
    answer_headers: dict[str, str]
    answer: bytes


Lie = Callable[[Passed], bytes]
"""Makes of an answer to a question another one."""


@dataclass
class Link:
    """Passes every call on to the city behind it, or does what `fault` says.

    fault: None, "hang", "cut", "500", "garbage", "huge", "redirect". lie: changes what comes back
    of a question. before: changes what is asked. seen: all that went over it.
    """

    target: str
    port: int = 0
    fault: str | None = None
    lie: Lie | None = None
    before: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]] | None = None
    seen: list[Passed] = field(default_factory=list)
    arrived: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """As what the far city is known."""
        return f"http://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        """Listen, and tell the truth."""
        self.fault = self.lie = self.before = None
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Listen no more."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            for task in list(self._open):
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._one(reader, writer)
        finally:
            writer.close()
            self._open.discard(task)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.arrived += 1
        if self.fault == "hang":
            # Until whoever asked has had enough.
            await reader.read()
            return
        ready = {
            "500": b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}",
            "garbage": b"\x00\xffthis is no HTTP\r\n\r\n",
            "redirect": b"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\n"
            b"Content-Length: 0\r\n\r\n",
            "not_json": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        }
        if self.fault in ready:
            await self._write(writer, ready[self.fault])
            return
        if self.fault == "huge":
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"receipt":"')
            for _ in range(64):
                await self._write(writer, b"a" * 65536)
            return
        await self._pass_on(writer, method, path, headers, body)

    async def _pass_on(
        self,
        writer: asyncio.StreamWriter,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        if self.before is not None and path == EXCHANGE:
            headers, body = self.before(headers, body)
        kept = {k: v for k, v in headers.items() if k not in ("host", "content-length")}
        async with httpx.AsyncClient(trust_env=False, timeout=10, verify=_NOBODY) as client:
            answer = await client.request(
                method, f"{self.target}{path}", headers=kept, content=body
            )
        passed = Passed(
            path, headers, body, answer.status_code, dict(answer.headers), answer.content
        )
        self.seen.append(passed)
        content = answer.content
        if self.lie is not None and path == EXCHANGE:
            content = self.lie(passed)
        told = [f"HTTP/1.1 {answer.status_code} .", f"Content-Length: {len(content)}"]
        told += [
            f"{name}: {answer.headers[name]}"
            for name in ("content-type", "etag")
            if name in answer.headers
        ]
        raw = "\r\n".join([*told, "Connection: close", "", ""]).encode() + content
        if self.fault == "cut":
            raw = raw[: len(raw) - len(content) // 2]
        await self._write(writer, raw)

    async def _write(self, writer: asyncio.StreamWriter, raw: bytes) -> None:
        writer.write(raw)
        await writer.drain()

    def answers(self) -> list[Passed]:
        """The questions that were answered."""
        return [passed for passed in self.seen if passed.path == EXCHANGE and passed.status == 200]


@asynccontextmanager
async def a_link(target: str = "") -> AsyncIterator[Link]:
    """A link that works."""
    link = Link(target)
    await link.mend()
    try:
        yield link
    finally:
        await link.die()


def receipt_of(answer: bytes) -> str:
    """The receipt in an answer of the exchange door."""
    receipt: str = json.loads(answer)["receipt"]
    return receipt


def claims_of(receipt: str) -> dict[str, Any]:
    """What a receipt says."""
    claims: dict[str, Any] = json.loads(_plain(receipt.split(".")[1]))
    return claims


def _plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def with_receipt(answer: bytes, receipt: str) -> bytes:
    """The answer with another receipt in it."""
    return json.dumps({**json.loads(answer), "receipt": receipt}).encode()


def changed_after_signing(passed: Passed) -> bytes:
    """Another verdict under the city's own signature."""
    header, payload, signature = receipt_of(passed.answer).split(".")
    claims = json.loads(_plain(payload))
    other = json.dumps({**claims, "verdict": "valid"}, separators=(",", ":")).encode()
    body = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
    return with_receipt(passed.answer, f"{header}.{body}.{signature}")


def signed_by(key: SigningKey, **changes: Any) -> Lie:
    """What the city said, with changes, signed by a key that is not the city's."""

    def lie(passed: Passed) -> bytes:
        claims = {**claims_of(receipt_of(passed.answer)), **changes}
        return with_receipt(passed.answer, signed(json.dumps(claims).encode(), key, TYPE))

    return lie


def said_before(earlier: Passed) -> Lie:
    """What the city itself said and signed, to another question."""
    return lambda _: earlier.answer


def receipt_said_before(earlier: Passed) -> Lie:
    """An earlier receipt beside the salt of this question."""
    return lambda passed: with_receipt(passed.answer, receipt_of(earlier.answer))
