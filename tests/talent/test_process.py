"""The service as it runs: what is announced on Kafka is read over HTTP."""

import asyncio
from collections.abc import Sequence

import httpx
from aiokafka import AIOKafkaProducer

from contracts.envelope import Event
from contracts.topics import POSTINGS
from dev.bus import whole
from services.kit.provision import provision
from tests.conftest import FreshDatabase
from tests.kit.bus import until
from tests.kit.door import AUDIENCE, ISSUER, Issuer
from tests.support import running
from tests.talent.samples import EMPLOYER, POSTING, a_match, a_posting, a_seeker_id, withdrawn

BROKEN = b'{"type": "Posting'
URL = f"/v1/postings/{POSTING}/matches"


async def announce(kafka: str, events: Sequence[Event], *, broken: bytes = b"") -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await producer.start()
    try:
        for event in events:
            key = event.key.encode()
            await producer.send_and_wait(event.topic.name, event.encoded(), key=key)
        if broken:
            await producer.send_and_wait(POSTINGS.name, broken, key=str(POSTING).encode())
    finally:
        await producer.stop()


async def test_what_is_announced_can_be_read_also_after_a_restart(
    fresh_database: FreshDatabase, kafka_server: str, issuer_at: tuple[Issuer, str]
) -> None:
    await provision(kafka_server)
    issuer, jwks_url = issuer_at
    environment = {
        "RENGANG_DATABASE_URL": await fresh_database("talent"),
        "RENGANG_KAFKA": kafka_server,
        "RENGANG_JWKS_URL": jwks_url,
        "RENGANG_ISSUER": ISSUER,
        "RENGANG_AUDIENCE": AUDIENCE,
        "TALENT_K_P": "2",
    }
    headers = {"Authorization": f"Bearer {issuer.token(sub=EMPLOYER, role='employer')}"}

    async def listed(client: httpx.AsyncClient) -> list[str]:
        answer = await client.get(URL, headers=headers)
        if answer.status_code == 404:
            return []
        return [match["seeker_id"] for match in answer.json()["items"]]

    async def shows(client: httpx.AsyncClient, *seekers: int) -> bool:
        return await listed(client) == [str(a_seeker_id(n)) for n in seekers]

    async def parked() -> bool:
        # Other tests of the session park records too.
        records = await whole(kafka_server, POSTINGS.dead.name)
        return BROKEN in [record.value for record in records]

    matches = [a_match(n, 600_000 + n) for n in range(4)]
    async with running("talent", **environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            await announce(kafka_server, [*matches, a_posting()], broken=BROKEN)
            await until(lambda: shows(client, 3, 2), within_s=90)
            await until(parked, within_s=60)
            assert (
                "/v1/postings/{posting_id}/matches"
                in ((await client.get("/openapi.json")).json()["paths"])
            )
            operations = (await client.get("/asyncapi.json")).json()["operations"]
            assert {"receive.rengang.postings", "receive.rengang.matches"} <= set(operations)
    await announce(kafka_server, [withdrawn(3)])
    async with running("talent", **environment) as service:
        await service.ready()
        async with httpx.AsyncClient(base_url=service.url) as client:
            await until(lambda: shows(client, 2, 1), within_s=60)
            await announce(kafka_server, [*matches, withdrawn(3)])
            await asyncio.sleep(1)
            assert await shows(client, 2, 1)
