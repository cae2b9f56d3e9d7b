"""The service as it runs: its jobs, its documents, and real Kafka at the other end."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from contracts.events import PostingEvent, parse
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.topics import POSTINGS
from services.kit.auth import assert_every_route_is_guarded
from services.kit.provision import provision
from services.kit.settings import load
from services.postings.api.shapes import PostingIn
from services.postings.domain import offers
from services.postings.main import make_app
from services.postings.settings import PostingsSettings
from tests.conftest import FreshDatabase
from tests.kit.door import AUDIENCE, ISSUER, Issuer, eventually, knocking, served
from tests.postings.samples import EMPLOYER, a_body, ndjson
from tests.support import NOW, running


@pytest.fixture
async def settings(
    kafka_server: str,
    fresh_database: FreshDatabase,
    issuer_at: tuple[Issuer, str],
) -> PostingsSettings:
    await provision(kafka_server)
    return PostingsSettings(
        port=8001,
        database_url=await fresh_database("postings"),
        kafka=kafka_server,
        jwks_url=issuer_at[1],
        issuer=ISSUER,
        audience=AUDIENCE,
        expiry_interval_s=0.2,
    )


@pytest.fixture
async def client(
    settings: PostingsSettings, issuer_at: tuple[Issuer, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """An employer who talks to the running service."""
    headers = {"Authorization": f"Bearer {issuer_at[0].token(sub=EMPLOYER)}"}
    async with (
        served(make_app(settings)) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        yield client


async def arriving(kafka: str, subjects: set[str], count: int) -> list[PostingEvent]:
    """The first `count` events of these postings in the topic, in the order of their arrival."""
    consumer = AIOKafkaConsumer(
        POSTINGS.name, bootstrap_servers=kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: list[PostingEvent] = []
    try:
        async with asyncio.timeout(30):
            while len(found) < count:
                record = await consumer.getone()
                event = parse(record.value)
                if record.key.decode() in subjects:
                    assert isinstance(event, PostingEvent)
                    assert record.key.decode() == event.subject
                    found.append(event)
    finally:
        await consumer.stop()
    return found


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_the_life_of_a_posting_arrives_in_kafka_in_order(
    client: httpx.AsyncClient, kafka_server: str
) -> None:
    body = a_body(valid_until=in_seconds(3600))
    answer = await client.post("/v1/postings", json=body)
    assert answer.status_code == 201, answer.text
    url = answer.headers["Location"]
    revised = await client.put(url, json={**body, "title": "电焊工"}, headers={"If-Match": '"1"'})
    await client.post(f"{url}/close", headers={"If-Match": revised.headers["ETag"]})

    events = await arriving(kafka_server, {answer.json()["posting_id"]}, 3)
    assert [type(event) for event in events] == [PostingPublished, PostingRevised, PostingClosed]
    assert [event.version for event in events] == [1, 2, 3]
    assert [event.data.title for event in events] == ["焊工", "电焊工", "电焊工"]
    assert events[0].traceparent is not None


async def test_a_posting_expires_by_itself_and_everybody_hears_of_it(
    client: httpx.AsyncClient, kafka_server: str
) -> None:
    body = a_body(valid_until=in_seconds(1.5))
    posting_id = (await client.post("/v1/postings", json=body)).json()["posting_id"]
    _, closed = await arriving(kafka_server, {posting_id}, 2)
    assert isinstance(closed, PostingClosed)
    assert closed.data.closed_reason == "expired"
    posting = (await client.get(f"/v1/postings/{posting_id}")).json()
    assert (posting["status"], posting["version"]) == ("closed", 2)


async def test_an_import_arrives_whole(client: httpx.AsyncClient, kafka_server: str) -> None:
    lines = [a_body(reference=f"A-{n}", valid_until=in_seconds(3600)) for n in range(500)]
    answer = await client.post(
        "/v1/postings/import",
        content=ndjson(*lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    ids = [line["id"] for line in answer.json()["lines"]]
    events = await arriving(kafka_server, set(ids), 500)
    assert {event.subject for event in events} == set(ids)


async def test_the_running_service_is_soon_ready(client: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        answer = await client.get("/readyz")
        return bool(answer.json().get("checks") == {"database": "ok", "kafka": "ok"})

    await eventually(ready, patience_s=20)


async def test_the_process_starts_from_its_environment_and_ends_when_it_is_told_to(
    settings: PostingsSettings, issuer_at: tuple[Issuer, str]
) -> None:
    headers = {"Authorization": f"Bearer {issuer_at[0].token(sub=EMPLOYER)}"}
    secret = "焊工张三"
    async with running(
        "postings",
        RENGANG_DATABASE_URL=settings.database_url.get_secret_value(),
        RENGANG_KAFKA=settings.kafka,
        RENGANG_JWKS_URL=settings.jwks_url,
        RENGANG_ISSUER=settings.issuer,
    ) as process:
        await process.ready()
        async with httpx.AsyncClient(base_url=process.url, headers=headers) as client:
            body = a_body(title=secret, valid_until=in_seconds(3600))
            assert (await client.post("/v1/postings", json=body)).status_code == 201
            assert (await client.post("/v1/postings", json={"title": secret})).status_code == 422
        await process.stop()
        assert "http.request" in process.told()
        assert "Application shutdown complete." in process.told()
        assert secret not in process.told()
        assert EMPLOYER not in process.told()


# --------------------------------------------------------------------- documents


@pytest.fixture
def app() -> FastAPI:
    """The app, connected to nothing."""
    return make_app(
        PostingsSettings(
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
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    }
    assert routes == {
        "POST /v1/postings",
        "GET /v1/postings",
        "GET /v1/postings/{posting_id}",
        "PUT /v1/postings/{posting_id}",
        "POST /v1/postings/{posting_id}/close",
        "POST /v1/postings/import",
    }
    (example,) = document["components"]["schemas"]["PostingIn"]["examples"]
    accepted(example)
    imported = document["paths"]["/v1/postings/import"]["post"]["requestBody"]["content"]
    for line in imported["application/x-ndjson"]["example"].splitlines():
        accepted(json.loads(line))


def accepted(example: dict[str, Any]) -> None:
    offers.check(PostingIn.model_validate(example).offer(), NOW)


async def test_asyncapi_tells_the_three_events(app: FastAPI) -> None:
    async with knocking(app) as caller:
        document = (await caller.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert set(document["components"]["messages"]) == {
        "PostingPublished",
        "PostingRevised",
        "PostingClosed",
    }
    (operation,) = document["operations"].values()
    assert operation["action"] == "send"


# ---------------------------------------------------------------------- settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "RENGANG_PORT": "8001",
        "RENGANG_DATABASE_URL": "postgresql://a@b/c",
        "RENGANG_KAFKA": "k:9092",
        "RENGANG_JWKS_URL": "http://issuer/jwks",
        "RENGANG_ISSUER": "issuer",
        "POSTINGS_EXPIRY_INTERVAL_S": "2.5",
        "POSTINGS_EXPIRY_BATCH": "100",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load(PostingsSettings)
    assert (settings.expiry_interval_s, settings.expiry_batch) == (2.5, 100)
    monkeypatch.setenv("POSTINGS_EXPIRY_INTERVAL_S", "0")
    with pytest.raises(SystemExit):
        load(PostingsSettings)
