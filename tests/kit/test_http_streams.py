"""Event streams in one process: entered while open, forgotten afterwards, ended together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.kit.streams import Streams
from tests.kit.door import an_app, eventually, served

events = APIRouter()


@events.get("/events", response_class=EventSourceResponse)
async def listen(last: int = 0) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data=last + 1, id=str(last + 1))
    await asyncio.Event().wait()


@events.get("/few", response_class=EventSourceResponse)
async def few() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data="one")


def streams_of(app: FastAPI) -> Streams:
    streams: Streams = app.state.streams
    return streams


async def test_a_stream_that_ends_by_itself_is_forgotten() -> None:
    app = an_app(events)
    async with served(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert 'data: "one"' in (await client.get("/few")).text

        async def forgotten() -> bool:
            return len(streams_of(app)) == 0

        await eventually(forgotten)


async def test_a_reader_who_leaves_is_forgotten() -> None:
    app = an_app(events)
    async with served(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        async with client.stream("GET", "/events") as answer:
            await anext(answer.aiter_bytes())
            assert len(streams_of(app)) == 1

        async def forgotten() -> bool:
            return len(streams_of(app)) == 0

        await eventually(forgotten)


async def test_all_streams_end_properly_and_new_ones_at_once() -> None:
    app = an_app(events)
    async with served(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        async with AsyncExitStack() as open_streams:
            reading = []
            for _ in range(5):
                stream = client.stream("GET", "/events")
                answer = await open_streams.enter_async_context(stream)
                reading.append(answer.aiter_bytes())
                assert b"id: 1" in await anext(reading[-1])
            assert len(streams_of(app)) == 5
            streams_of(app).end_all()
            for chunks in reading:
                assert [chunk async for chunk in chunks] == []
        assert (await client.get("/events", timeout=5)).status_code == 200
        assert (await client.get("/livez")).status_code == 200
