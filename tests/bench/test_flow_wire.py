"""The connection by hand reads what HTTP servers send, in whatever pieces it comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bench.flow.figures import BenchFailed
from bench.flow.wire import Door, ServerEvent, event_of


@asynccontextmanager
async def answering(*answers: Sequence[bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives these answers in order on a connection, in these pieces."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"),
                0,
            )
            asked.append(head + await reader.readexactly(length))
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.002)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_one_connection_serves_request_after_request() -> None:
    plain = b'HTTP/1.1 201 Created\r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhello'
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    halves = [chunked[:60], chunked[60:]]
    async with answering([plain], halves, [plain]) as (url, asked), Door(url) as door:
        first = await door.post("/a", {"X": "1"}, b"body")
        second = await door.post("/b", {}, b"")
        third = await door.post("/c", {}, b"")
    assert (first.status, first.headers["etag"], first.body) == (201, '"1"', b"hello")
    assert second.body == b"abcde"
    assert third.body == b"hello"
    assert asked[0].startswith(b"POST /a HTTP/1.1\r\nHost: 127.0.0.1\r\nX: 1\r\n")
    assert asked[0].endswith(b"\r\n\r\nbody")


async def test_another_status_is_an_error_that_tells_what_was_said() -> None:
    refused = b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\n\r\ntaken"
    async with answering([refused]) as (url, _), Door(url) as door:
        answer = await door.post("/", {}, b"")
    with pytest.raises(BenchFailed, match="409, not 201: taken"):
        answer.expect(201)


async def test_a_connection_that_ends_is_an_error() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
    async with answering([cut]) as (url, _), Door(url) as door:
        with pytest.raises(BenchFailed, match="no answer"):
            await door.post("/", {}, b"")


async def test_events_come_whole_however_the_stream_is_cut() -> None:
    text = (
        b'id: 3\nretry: 9\n\nevent: match.found\nid: 4\ndata: {"a": 1}\n\n'
        b": still here\n\nevent: end\ndata: {}\n\n"
    )
    cuts = [text[n : n + 7] for n in range(0, len(text), 7)]
    pieces = [b"%x\r\n%s\r\n" % (len(cut), cut) for cut in cuts]
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with answering([head, *pieces, b"0\r\n\r\n"]) as (url, _), Door(url) as door:
        heard = [event async for event in door.events("/stream", {})]
    assert heard == [
        ServerEvent("", b""),
        ServerEvent("match.found", b'{"a": 1}'),
        ServerEvent("end", b"{}"),
    ]


async def test_a_stream_that_is_refused_is_an_error() -> None:
    refused = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
    async with answering([refused]) as (url, _), Door(url) as door:
        with pytest.raises(BenchFailed, match="429"):
            _ = [event async for event in door.events("/stream", {})]


def test_lines_of_data_are_one_text() -> None:
    assert event_of(b"data: a\ndata:b") == ServerEvent("", b"a\nb")
    assert event_of(b": only a comment") is None
