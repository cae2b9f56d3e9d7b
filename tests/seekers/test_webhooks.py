"""Notifications reach webhooks: signed, tried again, given up, begun anew; nobody delays others.

The signature is checked by the reference library of Standard Webhooks.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.values import seeker_id_of
from services.kit.background import background
from services.kit.outgoing import Resolver
from services.seekers.actions.courier import PER_TARGET, Courier
from services.seekers.actions.sender import Sender
from services.seekers.api.shown import webhook_body
from tests.kit.door import eventually
from tests.seekers.conftest import Door
from tests.seekers.receiver import Receiver, answer, receiving
from tests.seekers.samples import (
    LI_NA_ID,
    PROFILE,
    SECRETS,
    a_posting_id,
    changed,
    found,
    withdrawn,
)
from tests.support import NOW

MINE = f"/v1/seekers/{LI_NA_ID}/webhook"
TRIES = 3

pytestmark = pytest.mark.usefixtures("looking")


@asynccontextmanager
async def sending(
    door: Door, *, base_s: float = 0.01, timeout_s: float = 1.0, poll_s: float = 0.02
) -> AsyncIterator[Courier]:
    """The courier at work, by the real clock."""
    resolver = Resolver(threads=4)
    courier = Courier(
        door.db,
        Sender(allow_private=True, timeout_s=timeout_s, resolve=resolver),
        render=webhook_body,
        clock=_real_clock,
        chance=lambda: 0.5,
        most_tries=TRIES,
        base_s=base_s,
        timeout_s=timeout_s,
        poll_s=poll_s,
    )
    async with background(courier=courier.run):
        yield courier
    resolver.close()


def _real_clock() -> datetime:
    return datetime.now(UTC)


async def subscribe(client: httpx.AsyncClient, url: str, path: str = MINE) -> str:
    """Set the webhook; returns its secret."""
    given = await client.put(path, json={"url": url})
    assert given.status_code in (200, 201), given.text
    return str(given.json()["secret"])


async def deliveries(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    page = await client.get(f"{MINE}/deliveries", params=query)
    assert page.status_code == 200, page.text
    items: list[dict[str, Any]] = page.json()["items"]
    return items


def until(client: httpx.AsyncClient, **counts: int) -> Callable[[], Any]:
    """Whether there are so many deliveries of each of these states."""

    async def holds() -> bool:
        listed = [item["state"] for item in await deliveries(client)]
        return all(listed.count(state) == count for state, count in counts.items())

    return holds


async def test_a_notification_arrives_signed_and_explained(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving() as receiver, sending(door):
        secret = await subscribe(looking, receiver.url)
        posting = a_posting_id()
        await door.hear(found(posting))
        await eventually(until(looking, done=1))
        (request,) = receiver.received
        said = request.verified(secret)
        assert said["type"] == "match.found"
        assert said["data"]["seeker_id"] == str(LI_NA_ID)
        assert said["data"]["posting_id"] == str(posting)
        assert "失能照护" in str(said["data"]["match"]["reason"])
        assert request.headers["content-type"] == "application/json"
        assert not [word for word in SECRETS if word in request.body.decode()]


async def test_only_notifications_are_sent(door: Door, looking: httpx.AsyncClient) -> None:
    async with receiving() as receiver:
        await subscribe(looking, receiver.url)
        posting = a_posting_id()
        await door.hear(found(posting), changed(posting, 2, 510_000), changed(posting, 3, 600_000))
        await door.hear(found(posting), withdrawn(posting, 4))
        assert [item["n"] for item in await deliveries(looking)] == [3, 1]


async def test_a_failing_receiver_is_tried_again_with_the_same_id(
    door: Door, looking: httpx.AsyncClient
) -> None:
    moods = [answer(500), answer(429), answer(200)]
    async with receiving(lambda n: moods[n]) as receiver, sending(door):
        secret = await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        await eventually(until(looking, done=1))
        assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
        assert len([request.verified(secret) for request in receiver.received]) == 3
        (delivery,) = await deliveries(looking)
        assert (delivery["tries"], delivery["status"], delivery["fault"]) == (3, 200, None)


async def test_after_its_tries_a_delivery_is_dead_and_can_be_begun_anew(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving(lambda n: answer(503 if n < TRIES else 204)) as receiver, sending(door):
        await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        await eventually(until(looking, dead=1))
        (dead,) = await deliveries(looking, state="dead")
        assert (dead["tries"], dead["status"], dead["fault"]) == (TRIES, 503, "receiver_failed")
        assert dead["next_try_at"] is None
        assert await deliveries(looking, state="pending") == []
        again = await looking.post(f"{MINE}/deliveries/{dead['n']}/replay")
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        await eventually(until(looking, done=1))
        assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert (await looking.post(f"{MINE}/deliveries/99/replay")).status_code == 404


async def test_a_receiver_that_is_gone_for_good_is_not_asked_again(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving(lambda _: answer(410)) as receiver, sending(door):
        await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        await eventually(until(looking, dead=1))
        assert len(receiver.received) == 1


async def test_a_redirect_is_not_followed(door: Door, looking: httpx.AsyncClient) -> None:
    async with receiving() as inside:
        to_inside = answer(307, f"Location: {inside.url}")
        async with receiving(lambda _: to_inside) as receiver, sending(door):
            await subscribe(looking, receiver.url)
            await door.hear(found(a_posting_id()))
            await eventually(until(looking, dead=1))
            (delivery,) = await deliveries(looking)
            assert (delivery["status"], delivery["fault"]) == (307, "redirect")
            assert inside.received == []


async def test_a_receiver_that_hangs_is_given_up_in_time(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving(lambda _: None) as receiver, sending(door, timeout_s=0.1):
        await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        await eventually(until(looking, dead=1))
        (delivery,) = await deliveries(looking)
        assert (delivery["status"], delivery["fault"]) == (None, "timeout")
        assert len(receiver.received) == TRIES


async def test_a_dead_receiver_delays_nobody(door: Door, looking: httpx.AsyncClient) -> None:
    """One seeker's receiver hangs with a long queue; another's gets its own at once."""
    other = door.caller("acct-other", "seeker")
    other_id = seeker_id_of("acct-other")
    await other.post("/v1/seekers", json=PROFILE)
    async with receiving(lambda _: None) as hanging, receiving() as well:
        await subscribe(looking, hanging.url)
        await subscribe(other, well.url, f"/v1/seekers/{other_id}/webhook")
        await door.hear(*(found(a_posting_id()) for _ in range(200)))
        async with sending(door, timeout_s=5):
            await eventually(_received(hanging, PER_TARGET))
            await door.hear(*(found(a_posting_id(), seeker_id=other_id) for _ in range(20)))
            await eventually(_received(well, 20), patience_s=4)
            assert hanging.most_at_once == PER_TARGET
            assert well.most_at_once <= PER_TARGET


def _received(receiver: Receiver, count: int) -> Callable[[], Any]:
    async def holds() -> bool:
        return len(receiver.received) >= count

    return holds


async def test_two_couriers_send_each_once(door: Door, looking: httpx.AsyncClient) -> None:
    async with receiving() as receiver, sending(door), sending(door):
        await subscribe(looking, receiver.url)
        await door.hear(*(found(a_posting_id()) for _ in range(60)))
        await eventually(until(looking, done=50))  # a page
        await asyncio.sleep(0.3)
        assert sorted(request.n for request in receiver.received) == list(range(1, 61))


async def test_what_was_under_way_in_a_crash_is_sent_in_the_end(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving(lambda n: None if n == 0 else answer(200)) as receiver:
        await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        async with sending(door, timeout_s=30):
            await eventually(_received(receiver, 1))
        (delivery,) = await deliveries(looking)
        assert (delivery["state"], delivery["tries"]) == ("pending", 1)
        async with door.db.transaction() as tx:
            await tx.execute("UPDATE webhook_deliveries SET due_at = now()")
        async with sending(door):
            await eventually(until(looking, done=1))


@pytest.mark.parametrize("turns", range(4))
async def test_a_courier_that_is_woken_as_it_is_stopped_stops(door: Door, turns: int) -> None:
    async with asyncio.timeout(5), sending(door, poll_s=60) as courier:
        await asyncio.sleep(0.1)
        # The wakeup must not swallow the cancellation that follows so many turns of the loop later.
        courier.wake()
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_the_secret_is_shown_once_and_another_url_gets_another(
    looking: httpx.AsyncClient,
) -> None:
    first = await looking.put(MINE, json={"url": "https://a.example/hook"})
    assert first.status_code == 201
    secret = first.json()["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert (await looking.get(MINE)).json()["secret"] is None
    same = await looking.put(MINE, json={"url": "https://a.example/hook"})
    assert (same.status_code, same.json()["secret"]) == (200, None)
    moved = await looking.put(MINE, json={"url": "https://b.example/hook"})
    assert moved.json()["secret"] not in (None, secret)
    renewed = await looking.put(MINE, json={"url": "https://b.example/hook", "renew_secret": True})
    assert renewed.json()["secret"] not in (None, secret, moved.json()["secret"])
    assert renewed.json()["created_at"] == NOW.isoformat().replace("+00:00", "Z")


async def test_a_removed_webhook_takes_what_waits_with_it(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving() as receiver:
        await subscribe(looking, receiver.url)
        await door.hear(found(a_posting_id()))
        assert (await looking.delete(MINE)).status_code == 204
        assert (await looking.delete(MINE)).status_code == 204
        assert (await looking.get(MINE)).status_code == 404
        assert (await looking.get(f"{MINE}/deliveries")).status_code == 404
        async with sending(door):
            await asyncio.sleep(0.2)
        assert receiver.received == []


async def test_what_waits_follows_the_webhook_to_its_new_url(
    door: Door, looking: httpx.AsyncClient
) -> None:
    async with receiving() as old, receiving() as new:
        await subscribe(looking, old.url)
        await door.hear(found(a_posting_id()))
        secret = await subscribe(looking, new.url)
        async with sending(door):
            await eventually(until(looking, done=1))
        assert old.received == []
        assert new.received[0].verified(secret)


async def test_deliveries_are_paged(door: Door, looking: httpx.AsyncClient) -> None:
    await subscribe(looking, "http://127.0.0.1:9/")
    await door.hear(*(found(a_posting_id()) for _ in range(5)))
    first = (await looking.get(f"{MINE}/deliveries?limit=3")).json()
    second = await looking.get(f"{MINE}/deliveries", params={"limit": 3, "cursor": first["next"]})
    assert [item["n"] for item in first["items"] + second.json()["items"]] == [5, 4, 3, 2, 1]
    assert (await looking.get(f"{MINE}/deliveries?state=done")).json()["items"] == []
    assert (await looking.get(f"{MINE}/deliveries?state=lost")).status_code == 422
