"""The service as it runs, as a process of its own, with real Kafka at the other end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI
from httpx_sse import aconnect_sse

from contracts.events import AnyEvent, parse
from contracts.samples import samples
from contracts.seekers import SeekerProfiled, SeekerWithdrawn
from contracts.topics import MATCHES, SEEKERS
from contracts.values import SeekerId, seeker_id_of
from services.kit.auth import assert_every_route_is_guarded
from services.kit.provision import provision
from services.kit.settings import load
from services.seekers.api.imports import LineIn
from services.seekers.api.shapes import ProfileIn
from services.seekers.domain.profile import check
from services.seekers.main import make_app
from services.seekers.settings import SeekersSettings
from tests import support
from tests.kit.door import AUDIENCE, ISSUER, Issuer, eventually, knocking
from tests.seekers.receiver import receiving
from tests.seekers.samples import (
    PROFILE,
    SECRETS,
    TRAITS,
    a_posting_id,
    a_profile,
    found,
    withdrawn,
)
from tests.support import NOW, Running


@pytest.fixture
async def service(
    kafka_server: str, database_url: str, issuer_at: tuple[Issuer, str]
) -> AsyncIterator[Running]:
    await provision(kafka_server)
    async with support.running(
        "seekers",
        RENGANG_DATABASE_URL=database_url,
        RENGANG_KAFKA=kafka_server,
        RENGANG_JWKS_URL=issuer_at[1],
        RENGANG_ISSUER=ISSUER,
        RENGANG_AUDIENCE=AUDIENCE,
        RENGANG_LOG_LEVEL="DEBUG",
        SEEKERS_WEBHOOK_ALLOW_PRIVATE="true",
        SEEKERS_WEBHOOK_BACKOFF_S="0.05",
    ) as running:
        await running.ready()
        yield running


class Someone:
    """A seeker nobody else is, calling the running service."""

    def __init__(self, service: Running, issuer: Issuer) -> None:
        account = f"acct-{uuid4()}"
        self.id: SeekerId = seeker_id_of(account)
        self.path = f"/v1/seekers/{self.id}"
        token = issuer.token(sub=account, role="seeker")
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.AsyncClient(base_url=service.url, headers=headers, timeout=20)


@pytest.fixture
async def someone(service: Running, issuer_at: tuple[Issuer, str]) -> AsyncIterator[Someone]:
    person = Someone(service, issuer_at[0])
    yield person
    await person.client.aclose()


async def send(kafka: str, *records: AnyEvent | bytes, key: SeekerId) -> None:
    """Records of one seeker, in this order: events, or bytes that may be none."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for record in records:
            value = record if isinstance(record, bytes) else record.encoded()
            await producer.send_and_wait(MATCHES.name, value, key=str(key).encode())
    finally:
        await producer.stop()


async def arriving(kafka: str, subject: SeekerId, count: int) -> list[tuple[AnyEvent, bytes]]:
    """The first `count` events of this seeker in the topic, with their bytes."""
    consumer = AIOKafkaConsumer(SEEKERS.name, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found_: list[tuple[AnyEvent, bytes]] = []
    try:
        async with asyncio.timeout(30):
            while len(found_) < count:
                record = await consumer.getone()
                if record.key == str(subject).encode():
                    found_.append((parse(record.value), record.value))
    finally:
        await consumer.stop()
    return found_


async def test_the_life_of_a_profile_arrives_in_kafka_without_the_person(
    service: Running, someone: Someone, kafka_server: str
) -> None:
    answer = await someone.client.post("/v1/seekers", json=PROFILE)
    assert answer.status_code == 201, answer.text
    changed = a_profile(skills=["失能照护", "微信lina_1988", "李晓娜"])
    await someone.client.put(someone.path, json=changed, headers={"If-Match": '"1"'})
    await someone.client.delete(someone.path)
    events = await arriving(kafka_server, someone.id, 3)
    kinds = [type(event) for event, _ in events]
    assert kinds == [SeekerProfiled, SeekerProfiled, SeekerWithdrawn]
    assert [event.version for event, _ in events] == [1, 2, 3]
    for _, value in events:
        told = json.dumps(json.loads(value), ensure_ascii=False)
        assert not [word for word in (*SECRETS, *TRAITS) if word in told]


async def test_a_match_goes_from_kafka_to_stream_and_webhook(
    service: Running, someone: Someone, kafka_server: str
) -> None:
    await someone.client.post("/v1/seekers", json=PROFILE)
    async with receiving() as receiver:
        put = await someone.client.put(f"{someone.path}/webhook", json={"url": receiver.url})
        posting = a_posting_id()
        async with aconnect_sse(someone.client, "GET", f"{someone.path}/stream") as source:
            events = source.aiter_sse()
            assert not (await asyncio.wait_for(anext(events), 10)).data
            event = found(posting, seeker_id=someone.id)
            gone = withdrawn(posting, 2, someone.id)
            await send(kafka_server, event, event, gone, event, key=someone.id)
            told = [await asyncio.wait_for(anext(events), 20) for _ in range(2)]
        assert [each.event for each in told] == ["match.found", "match.withdrawn"]
        assert [each.id for each in told] == ["1", "2"]

        async def delivered() -> bool:
            return len(receiver.received) > 0

        await eventually(delivered)
        said = receiver.received[0].verified(put.json()["secret"])
        assert said["data"]["posting_id"] == str(posting)
        assert len(receiver.received) == 1


async def test_what_is_no_event_is_parked_and_holds_up_nothing(
    service: Running, someone: Someone, kafka_server: str
) -> None:
    await someone.client.post("/v1/seekers", json=PROFILE)
    posting = a_posting_id()
    await send(
        kafka_server,
        b"{",
        b'{"specversion": "1.0", "type": "MatchFound"}',
        b'{"specversion": "1.0", "type": "MatchDreamt", "id": "x", "source": "x"}',
        *(value for _, value in samples()),
        found(posting, seeker_id=someone.id),
        key=someone.id,
    )

    async def listed() -> bool:
        page = (await someone.client.get(f"{someone.path}/matches")).json()
        return [match["posting_id"] for match in page["items"]] == [str(posting)]

    await eventually(listed, patience_s=30)


async def test_no_log_line_holds_anything_personal(
    service: Running, someone: Someone, kafka_server: str
) -> None:
    """The whole life of a profile, good calls and bad, at the most talkative level."""
    call = someone.client
    await call.post("/v1/seekers", json=PROFILE)
    await call.post("/v1/seekers", json=PROFILE)
    await call.post("/v1/seekers", json=a_profile(person={"phone": "1388812345x"}))
    await call.put(someone.path, json=a_profile(counties=["x"]), headers={"If-Match": '"1"'})
    await call.put(someone.path, json=PROFILE, headers={"If-Match": '"9"'})
    await call.get(f"{someone.path}?name=李晓娜")
    secret_url = "http://127.0.0.1:9/hook?token=lina_1988"
    await call.put(f"{someone.path}/webhook", json={"url": secret_url})
    await send(kafka_server, found(a_posting_id(), seeker_id=someone.id), key=someone.id)

    async def tried() -> bool:
        page = (await call.get(f"{someone.path}/webhook/deliveries")).json()
        return bool(page["items"]) and page["items"][0]["tries"] > 1

    await eventually(tried, patience_s=20)
    await call.delete(someone.path)
    await service.stop()
    told = service.told()
    assert "webhook.tried" in told
    assert "http.request" in told
    assert not [word for word in (*SECRETS, *TRAITS, "1388812345x", "token=") if word in told]
    for line in told.splitlines():
        assert json.loads(line)["service"] == "seekers"


async def test_stopping_ends_the_streams_and_the_service_at_once(
    service: Running, someone: Someone
) -> None:
    await someone.client.post("/v1/seekers", json=PROFILE)
    async with aconnect_sse(someone.client, "GET", f"{someone.path}/stream") as source:
        events = source.aiter_sse()
        await asyncio.wait_for(anext(events), 10)
        async with asyncio.timeout(10):
            # Having ended what was open, uvicorn lets the signal take its course.
            assert await service.stop() in (0, -signal.SIGTERM)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(events), 5)


# --------------------------------------------------------------------- documents


@pytest.fixture
def app() -> FastAPI:
    """The app, connected to nothing."""
    return make_app(
        SeekersSettings(
            port=1,
            database_url="postgresql://nobody@127.0.0.1:9/none",
            kafka="127.0.0.1:9",
            jwks_url="http://127.0.0.1:9/jwks",
            issuer=ISSUER,
        )
    )


def test_no_route_answers_without_a_guard(app: FastAPI) -> None:
    assert_every_route_is_guarded(app)


async def test_openapi_tells_every_route_with_an_example_that_is_accepted(app: FastAPI) -> None:
    async with knocking(app) as caller:
        document = (await caller.get("/openapi.json")).json()
    routes = {
        f"{method.upper()} {path.removeprefix('/v1/seekers')}"
        for path, item in document["paths"].items()
        for method in item
    }
    assert routes == {
        "POST ",
        "POST /import",
        "GET /me",
        "GET /{seeker_id}",
        "PUT /{seeker_id}",
        "DELETE /{seeker_id}",
        "GET /{seeker_id}/matches",
        "GET /{seeker_id}/stream",
        "PUT /{seeker_id}/webhook",
        "GET /{seeker_id}/webhook",
        "DELETE /{seeker_id}/webhook",
        "GET /{seeker_id}/webhook/deliveries",
        "POST /{seeker_id}/webhook/deliveries/{n}/replay",
    }
    (example,) = document["components"]["schemas"]["ProfileIn"]["examples"]
    accepted(ProfileIn.model_validate(example))
    imported = document["paths"]["/v1/seekers/import"]["post"]["requestBody"]["content"]
    for line in imported["application/x-ndjson"]["example"].splitlines():
        accepted(LineIn.model_validate(json.loads(line)))


def accepted(said: ProfileIn) -> None:
    check(said.person.person(), said.work.work(), NOW.date())


async def test_asyncapi_tells_what_is_sent_and_read(app: FastAPI) -> None:
    async with knocking(app) as caller:
        document = (await caller.get("/asyncapi.json")).json()
    operations: dict[str, Any] = document["operations"]
    ours = {name for name in operations if name.endswith((".seekers", ".matches"))}
    assert ours >= {"send.rengang.seekers", "receive.rengang.matches"}
    assert set(document["components"]["messages"]) >= {"SeekerProfiled", "MatchFound"}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "RENGANG_PORT": "8002",
        "RENGANG_DATABASE_URL": "postgresql://a@b/c",
        "RENGANG_KAFKA": "k:9092",
        "RENGANG_JWKS_URL": "http://issuer/jwks",
        "RENGANG_ISSUER": "issuer",
        "SEEKERS_MATERIAL_PPM": "10000",
        "SEEKERS_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load(SeekersSettings)
    assert (settings.material_ppm, settings.webhook_allow_private) == (10_000, True)
    assert (settings.webhook_tries, settings.streams_per_seeker) == (8, 5)
    monkeypatch.setenv("SEEKERS_MATERIAL_PPM", "0")
    with pytest.raises(SystemExit):
        load(SeekersSettings)
