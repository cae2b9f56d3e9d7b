"""The live stream over a real socket: in order, without gap or repeat, and it ends when it must."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse

from contracts.values import SeekerId, seeker_id_of
from services.seekers.actions.live import Listeners, Poll
from tests.kit.door import eventually
from tests.seekers.conftest import STREAMS, Door
from tests.seekers.samples import (
    LI_NA,
    LI_NA_ID,
    PROFILE,
    SOMEONE_ELSE,
    a_posting_id,
    changed,
    found,
    withdrawn,
)

MINE = f"/v1/seekers/{LI_NA_ID}/stream"
PATIENCE_S = 10.0


@pytest.fixture
async def url(door: Door, looking: httpx.AsyncClient) -> AsyncIterator[str]:
    async with door.on_a_socket() as address:
        yield address


class Reader:
    """Reads one stream."""

    def __init__(self, source: EventSource) -> None:
        self.status = source.response.status_code
        self.headers = source.response.headers
        self._events = source.aiter_sse()

    async def next(self) -> ServerSentEvent:
        """The next event that carries data."""
        while True:
            event = await asyncio.wait_for(anext(self._events), PATIENCE_S)
            if event.data:
                return event

    async def take(self, count: int) -> list[int]:
        """The ids of the next so many."""
        return [int((await self.next()).id) for _ in range(count)]


@asynccontextmanager
async def reading(
    door: Door,
    url: str,
    *,
    subject: str = LI_NA,
    expires_in_s: float = 300,
    after: int | None = None,
    begin: str = "now",
    **query: str,
) -> AsyncIterator[Reader]:
    token = door.issuer.token(sub=subject, role="seeker", exp=int(time.time() + expires_in_s))
    headers = {"Authorization": f"Bearer {token}"}
    if after is not None:
        headers["Last-Event-ID"] = str(after)
    path = f"/v1/seekers/{seeker_id_of(subject)}/stream"
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S) as client,
        aconnect_sse(client, "GET", path, params={"from": begin, **query}) as source,
    ):
        yield Reader(source)


async def open_streams(door: Door) -> int:
    listeners: Listeners = door.app.state.listeners
    return sum(len(waiting) for waiting in listeners._waiting.values())


async def test_an_entry_arrives_as_it_is_committed(door: Door, url: str) -> None:
    async with reading(door, url) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        posting = a_posting_id()
        began = time.perf_counter()
        await door.hear(found(posting))
        event = await stream.next()
        assert time.perf_counter() - began < 1
        assert (event.event, event.id) == ("match.found", "1")
        said = event.json()
        assert (said["seq"], said["kind"], said["notify"]) == (1, "found", True)
        assert said["match"]["posting"]["title"] == "养老护理员"
        await door.hear(withdrawn(posting, 2))
        gone = await stream.next()
        assert (gone.event, gone.json()["match"]) == ("match.withdrawn", None)


async def test_without_a_last_id_it_starts_now_and_knows_where_that_is(
    door: Door, url: str
) -> None:
    await door.hear(*(found(a_posting_id()) for _ in range(3)))
    async with reading(door, url) as stream:
        await door.hear(found(a_posting_id()))
        assert await stream.take(1) == [4]
    async with reading(door, url, begin="start") as stream:
        assert await stream.take(4) == [1, 2, 3, 4]


async def test_the_opening_tells_a_client_where_to_reconnect(door: Door, url: str) -> None:
    await door.hear(found(a_posting_id()))
    token = door.issuer.token(sub=LI_NA, role="seeker")
    async with (
        httpx.AsyncClient(base_url=url) as client,
        client.stream("GET", MINE, headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        opening = await asyncio.wait_for(anext(answer.aiter_lines()), PATIENCE_S)
        assert opening == "id: 1"


async def test_it_resumes_exactly_while_many_write(door: Door, url: str) -> None:
    """Readers that drop and reconnect see 1, 2, 3 … whatever commits around them."""
    total = 120

    async def write(count: int) -> None:
        for _ in range(count):
            await door.hear(found(a_posting_id()))

    async def read(drop_every: int) -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            async with reading(door, url, after=seen[-1] if seen else 0) as stream:
                seen += await stream.take(min(drop_every, total - len(seen)))
        return seen

    *_, often, seldom = await asyncio.gather(
        *(write(total // 6) for _ in range(6)), read(7), read(50)
    )
    assert often == seldom == list(range(1, total + 1))


async def test_the_list_and_the_stream_leave_no_gap_between_them(
    door: Door, url: str, looking: httpx.AsyncClient
) -> None:
    await door.hear(found(a_posting_id()), found(a_posting_id()))
    page = (await looking.get(MINE.replace("stream", "matches"))).json()
    posting = a_posting_id()
    await door.hear(found(posting))
    async with reading(door, url, after=page["position"]) as stream:
        assert (await stream.next()).json()["posting_id"] == str(posting)


async def test_the_header_outranks_the_query(door: Door, url: str) -> None:
    await door.hear(*(found(a_posting_id()) for _ in range(4)))
    async with reading(door, url, last_event_id="1") as stream:
        assert await stream.take(3) == [2, 3, 4]
    async with reading(door, url, after=3, last_event_id="1") as stream:
        assert await stream.take(1) == [4]


async def test_who_was_away_too_long_is_told_to_read_anew(door: Door, url: str) -> None:
    await door.hear(found(a_posting_id()))
    async with reading(door, url, after=99) as stream:
        reset = await stream.next()
        assert (reset.event, reset.id, reset.json()) == ("reset", "1", {"position": 1})
        await door.hear(found(a_posting_id()))
        assert await stream.take(1) == [2]


async def test_a_stream_carries_one_seekers_feed_alone(door: Door, url: str) -> None:
    other = door.caller(SOMEONE_ELSE, "seeker")
    await other.post("/v1/seekers", json=PROFILE)
    async with reading(door, url) as stream:
        await door.hear(found(a_posting_id(), seeker_id=seeker_id_of(SOMEONE_ELSE)))
        await door.hear(found(a_posting_id()))
        assert (await stream.next()).id == "1"
        assert len(await door.feed()) == 1


async def test_a_stream_ends_when_its_token_does(door: Door, url: str) -> None:
    async with reading(door, url, expires_in_s=2) as stream:
        end = await stream.next()
        assert (end.event, end.json()) == ("end", {"reason": "token_expired"})
        with pytest.raises(StopAsyncIteration):
            await stream.next()


async def test_one_seeker_has_so_many_streams_and_a_closed_one_counts_no_more(
    door: Door, url: str
) -> None:
    token = door.issuer.token(sub=LI_NA, role="seeker")
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S) as client:
        opened = [client.stream("GET", MINE) for _ in range(STREAMS)]
        answers = [await each.__aenter__() for each in opened]
        assert {answer.status_code for answer in answers} == {200}
        refused = await client.get(MINE)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "10"
        await opened[0].__aexit__(None, None, None)

        async def one_left() -> bool:
            return await open_streams(door) == STREAMS - 1

        await eventually(one_left)
        async with client.stream("GET", MINE) as again:
            assert again.status_code == 200
        for each in opened[1:]:
            await each.__aexit__(None, None, None)


async def test_stopping_the_service_ends_the_streams_properly(door: Door, url: str) -> None:
    async with reading(door, url) as stream:
        door.app.state.streams.end_all()
        with pytest.raises(StopAsyncIteration):
            await stream.next()


async def test_it_goes_on_after_the_listening_connection_was_cut(door: Door, url: str) -> None:
    async with reading(door, url) as stream:
        await door.hear(found(a_posting_id()))
        assert await stream.take(1) == [1]
        cutter = await asyncpg.connect(door.db.url)
        await cutter.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        await cutter.close()
        await door.hear(found(a_posting_id()))
        assert await stream.take(1) == [2]


async def test_the_poll_finds_what_no_notification_told(door: Door) -> None:
    listeners: Listeners = door.app.state.listeners
    poll = Poll(door.db, listeners)
    with listeners.listening(LI_NA_ID) as grown:
        await poll.look()
        assert not grown.is_set()
        await door.hear(found(a_posting_id()))
        await poll.look()
        assert grown.is_set()
        grown.clear()
        await poll.look()
        assert not grown.is_set()


async def test_many_streams_share_one_connection(door: Door, url: str) -> None:
    async with (
        reading(door, url) as one,
        reading(door, url) as two,
        reading(door, url) as three,
    ):
        async with door.db.transaction() as tx:
            listening = await tx.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        assert listening == 1
        await door.hear(changed(a_posting_id(), 1, 600_000))
        assert [await each.take(1) for each in (one, two, three)] == [[1], [1], [1]]


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", str(2**63), "1 OR 1=1"])
async def test_a_last_id_that_is_none_is_refused(looking: httpx.AsyncClient, last_id: str) -> None:
    answer = await looking.get(MINE, headers={"Last-Event-ID": last_id})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "header"


def test_a_wakeup_for_a_stranger_wakes_nobody() -> None:
    listeners = Listeners(most_per_seeker=1)
    with listeners.listening(LI_NA_ID) as grown:
        listeners.wake(SeekerId(UUID(int=1)))
        assert not grown.is_set()
        listeners.wake_all()
        assert grown.is_set()
    assert listeners.seekers() == []
