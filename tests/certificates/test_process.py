"""The service as it runs: on PostgreSQL and Kafka, told to stop, and searched for what it hides."""

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.certificates import CertificateLapsed
from contracts.envelope import Event
from contracts.events import parse
from contracts.topics import CERTIFICATES, Topic
from services.certificates.actions.sealing import seal
from services.certificates.main import asyncapi_document
from services.kit.provision import provision
from tests.certificates.conftest import CLAIMS, IMPORT
from tests.certificates.samples import (
    AYGUL,
    EVERYBODY,
    LI_NA,
    PEPPER,
    PEPPER_TEXT,
    Person,
    a_line,
    a_number,
    a_statement,
)
from tests.conftest import FreshDatabase
from tests.kit.bus import until
from tests.kit.door import AUDIENCE, ISSUER, Issuer
from tests.support import Running, opened, running

ODD_NUMBER = "昆明字第20230017号"


@pytest.fixture
async def environment(
    fresh_database: FreshDatabase, kafka_server: str, issuer_at: tuple[Issuer, str]
) -> dict[str, str]:
    await provision(kafka_server)
    return {
        "RENGANG_DATABASE_URL": await fresh_database("certificates"),
        "RENGANG_KAFKA": kafka_server,
        "RENGANG_JWKS_URL": issuer_at[1],
        "RENGANG_ISSUER": ISSUER,
        "RENGANG_AUDIENCE": AUDIENCE,
        "RENGANG_LOG_LEVEL": "DEBUG",
        "CERTIFICATES_PEPPER": PEPPER_TEXT,
        "CERTIFICATES_EXPIRY_INTERVAL_S": "0.2",
        "CERTIFICATES_UNSIGNED_IMPORTS": "true",
    }


class Callers:
    """Calls the running service as whoever is named."""

    def __init__(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        self._client = client
        self._issuer = issuer

    async def __call__(
        self, role: str, subject: str, method: str, path: str, **request: Any
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._issuer.token(sub=subject, role=role)}",
            **request.pop("headers", {}),
        }
        return await self._client.request(method, path, headers=headers, **request)

    async def bring(self, *lines: dict[str, Any], tail: bytes = b"") -> httpx.Response:
        body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        return await self("operator", "op-1", "POST", IMPORT, content=body + tail, headers=headers)


async def test_nothing_of_a_person_is_found_in_database_log_or_topic(
    environment: dict[str, str], issuer_at: tuple[Issuer, str], kafka_server: str
) -> None:
    async with running("certificates", **environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
            await everything_once(Callers(client, issuer_at[0]))
        await until(lambda: nothing_waits(environment["RENGANG_DATABASE_URL"]))
        dump = await dumped(environment["RENGANG_DATABASE_URL"])
        await service.stop()
    records = await kept_in(kafka_server, CERTIFICATES, CERTIFICATES.dead)
    events = [parse(value) for _, value in records]
    mine = [e for e in events if e.subject in {str(p.seeker_id) for p in EVERYBODY}]
    assert {event.type for event in mine} == {
        "CertificateClaimed",
        "CertificateVerified",
        "CertificateRejected",
        "CertificateLapsed",
    }
    assert isinstance(of(mine, AYGUL)[-1], CertificateLapsed)
    places = {
        "database": dump,
        "log": service.told().encode(),
        "topics": b"\n".join(key + value for key, value in records),
    }
    assert b"http.request" in places["log"]
    assert str(LI_NA.seeker_id).encode() in dump
    for (place, content), (what, trace) in product(places.items(), traces()):
        assert trace not in content, f"{what} in the {place}"


def of(events: list[Any], person: Person) -> list[Event]:
    return [event for event in events if event.subject == str(person.seeker_id)]


async def everything_once(call: Callers) -> None:
    """Imports, claims, verifications, revocations, repeats, refusals."""
    await call.bring(
        a_line(),
        a_line(number=LI_NA.operation_number, level=None, name="低压电工作业"),
        a_line(AYGUL, number=ODD_NUMBER),
        a_line(AYGUL, number=a_number(3), level=12),
        a_line(AYGUL, number=a_number(3), name=f"电工 {AYGUL.name}"),
        tail=f'\n{{"number": "{a_number(4)}", "holder_name": "{AYGUL.name}"'.encode(),
    )
    for person, number in (
        (LI_NA, a_line()["number"]),
        (LI_NA, LI_NA.operation_number),
        (AYGUL, ODD_NUMBER),
        (AYGUL, a_number(3)),
    ):
        stated = a_statement(person, number=number)
        for _ in range(2):
            key = {"Idempotency-Key": f"key-of-{person.subject}-{len(number)}"}
            answer = await call("seeker", person.subject, "POST", CLAIMS, json=stated, headers=key)
            assert answer.status_code == 201, answer.text
        question = {**stated, "purpose": "inspection"}
        answer = await call("partner", "yuxi", "POST", "/v1/verifications", json=question)
        assert answer.status_code == 200
    # An account that is a person's number would stand in the log of who asked.
    for role, subject in (("partner", AYGUL.identity), ("seeker", f"cn-{LI_NA.identity}")):
        for question in ({**a_statement(), "purpose": "inspection"}, a_statement(number="X-1")):
            path = "/v1/verifications" if "purpose" in question else CLAIMS
            answer = await call(role, subject, "POST", path, json=question)
            assert (answer.status_code, subject in answer.text) == (403, False)
    await call.bring(a_line(AYGUL, number=ODD_NUMBER, status="revoked"))
    listed = await call("seeker", LI_NA.subject, "GET", CLAIMS)
    assert len(listed.json()["items"]) == 2
    bad = {**a_statement(), "identity_number": LI_NA.identity[:-1] + "X"}
    for body in (json.dumps(bad), json.dumps(a_statement(), ensure_ascii=False)[:-5]):
        headers = {"Content-Type": "application/json"}
        answer = await call("seeker", "s", "POST", CLAIMS, content=body.encode(), headers=headers)
        assert answer.status_code in (400, 422)
        for secret in (LI_NA.identity[:-1], LI_NA.name, a_line()["number"]):
            assert secret not in answer.text


def traces() -> Iterator[tuple[str, bytes]]:
    """What would give a person away: each secret as it is, encoded, or under a plain hash."""
    secrets = {
        "the pepper": PEPPER_TEXT,
        "a number": a_line()["number"],
        "an odd number": ODD_NUMBER,
        "an unclaimed number": a_number(3),
        **{f"name {n}": person.name for n, person in enumerate(EVERYBODY[::2])},
        **{f"identity {n}": person.identity for n, person in enumerate(EVERYBODY[::2])},
    }
    for what, secret in secrets.items():
        raw = secret.encode()
        yield what, raw
        yield f"{what} in hexadecimal", raw.hex().encode()
        yield f"{what} escaped", json.dumps(secret)[1:-1].encode()
        yield f"{what} in base64", base64.b64encode(raw).rstrip(b"=")[:-1]
        for algorithm in ("md5", "sha1", "sha256", "blake2b"):
            yield f"{what} under {algorithm}", hashlib.new(algorithm, raw).hexdigest().encode()


async def dumped(url: str) -> bytes:
    """Every table's rows, as COPY writes them; bytes in hexadecimal."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
        assert {"registry", "claims", "verifications", "idempotency", "outbox"} <= {
            row["tablename"] for row in tables
        }
        out = io.BytesIO()
        for row in tables:
            out.write(f"\n{row['tablename']}\n".encode())
            await connection.copy_from_table(row["tablename"], output=out)
        return out.getvalue()
    finally:
        await connection.close()


async def nothing_waits(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM outbox"))
    finally:
        await connection.close()


async def kept_in(kafka: str, *topics: Topic) -> list[tuple[bytes, bytes]]:
    """Key and value of every record that is there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: list[tuple[bytes, bytes]] = []
    try:
        places = [
            TopicPartition(topic.name, partition)
            for topic in topics
            for partition in range(topic.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place in places:
            await consumer.seek_to_beginning(place)
        while [place for place in places if await consumer.position(place) < ends[place]]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(record.key or b"", record.value or b"") for record in records]
    finally:
        await consumer.stop()
    return found


async def test_another_pepper_is_refused_and_so_is_a_short_one(
    environment: dict[str, str],
) -> None:
    async with opened(environment["RENGANG_DATABASE_URL"]) as db:
        await seal(db, PEPPER)
        await seal(db, PEPPER)
    other = {**environment, "CERTIFICATES_PEPPER": PEPPER_TEXT[::-1]}
    assert "not the secret this database was filled by" in await failed_start(other, 3)
    short = {**environment, "CERTIFICATES_PEPPER": "pepper-of-a-few"}
    told = await failed_start(short, 2)
    assert told.startswith("settings: CERTIFICATES_PEPPER")
    assert "pepper-of-a-few" not in told


async def failed_start(environment: dict[str, str], status: int) -> str:
    async with running("certificates", **environment) as service:
        assert await service.process.wait() == status
    return service.told()


async def test_it_describes_what_it_announces(environment: dict[str, str]) -> None:
    async with running("certificates", **environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            events = (await client.get("/asyncapi.json")).json()
            http = (await client.get("/openapi.json")).json()
    assert events == json.loads(json.dumps(asyncapi_document()))
    assert set(events["operations"]) == {
        "send.rengang.certificates",
        "send.rengang.verifications",
    }
    assert {
        "/v1/claims",
        "/v1/verifications",
        "/v1/registry/imports",
        "/v1/cities",
        "/v1/exchange/verifications",
        "/v1/recognitions",
    } <= set(http["paths"])
    assert "$defs" not in json.dumps(http)
    assert http["paths"]["/v1/claims"]["post"]["x-roles"] == ["seeker"]
    assert service_log_is_json(service)


def service_log_is_json(service: Running) -> bool:
    return all(json.loads(line)["service"] == "certificates" for line in service.log)
