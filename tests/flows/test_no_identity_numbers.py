"""After a day of everything nothing tells who was asked about: not a log, a table, a topic, a file.

What happens in that day stands in day, how it is searched for in traces.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from contracts.topics import CERTIFICATES
from tests.flows import day as doings
from tests.flows.day import HOLDER, HOLDER_ID, NUMBER, REVOKED, SECRETS, Day, said, two_cities
from tests.flows.people import WELDER, a_posting, a_profile, someone
from tests.flows.system import System
from tests.flows.traces import (
    dumped,
    found_in,
    in_files,
    on_the_bus,
    plain_traces_of,
    traces_of,
)

TRACES = traces_of(SECRETS)
PLAIN = plain_traces_of(SECRETS)


@pytest.fixture(scope="module")
async def a_day(system: System) -> AsyncIterator[Day]:
    """Over, and all of it told to everybody."""
    async with two_cities(system) as day:
        seeker, other = someone("seeker"), someone("seeker")
        for who in (seeker, other):
            body = a_profile(counties=["532524"])
            await system.call("POST", "seekers", "/v1/seekers", who, body=body, status=201)
        wanted = {"occupation": WELDER, "level": 3, "required": True}
        posting = a_posting(county="532524", certificates=[wanted])
        await system.call(
            "POST", "postings", "/v1/postings", someone("employer"), body=posting, status=201
        )
        await doings.imports(day)
        await doings.look_ups(day)
        await doings.claims(day, seeker, other)
        await doings.oddities(day)
        await doings.while_the_database_dies(day)
        await day.bring(doings.ndjson(said(NUMBER, status="revoked")))
        await doings.readings(day, seeker)
        await system.at_rest()
        yield day


async def test_nothing_of_a_person_is_written_down(a_day: Day, system: System) -> None:
    server = server_of(system)
    places = await dumped(server)
    assert {"database rengang_certificates", "database rengang_qujing"} <= places.keys()
    assert all(b"COPY public.audit" in places[f"database rengang_{name}"] for name in _DEPLOYMENTS)
    places |= await on_the_bus(system.stack.state.settings["RENGANG_KAFKA"])
    assert b"CertificateLapsed" in places[f"topic {CERTIFICATES.name}"]
    assert b"VerificationResolved" in places["topic rengang.verifications"]
    places |= in_files(system.stack.data.logs)
    assert b'"level":"debug"' in places["certificates.log"]
    places["the other city's log"] = a_day.city.told().encode()
    places |= await metrics(a_day)
    places |= a_day.answers | unpacked(a_day)
    paths = [passed.path for passed in a_day.link.seen]
    assert len(paths) > 3
    places["addresses called over the link"] = "\n".join(paths).encode()
    found = found_in(places, TRACES)
    assert found == [], "\n".join(found)


async def test_nor_in_any_file_of_the_servers(a_day: Day, system: System) -> None:
    """Rows that are gone, what waited for another city, the write-ahead log."""
    await checkpoint(server_of(system))
    for folder in folders(system):
        # Off the loop: it is much to read, and the system runs on it.
        places = await asyncio.to_thread(in_files, folder)
        places = {path: held for path, held in places.items() if "/secrets/" not in f"/{path}"}
        assert len(places) > 20
        assert found_in(places, PLAIN) == []


_DEPLOYMENTS = ("certificates", "qujing")


async def test_what_is_planted_is_found(a_day: Day, system: System) -> None:
    server = server_of(system)
    kafka = system.stack.state.settings["RENGANG_KAFKA"]
    own = plain_traces_of({"a planted number": "99999920010203040X"})
    connection = await asyncpg.connect(f"{server}/rengang_talent")
    try:
        await connection.execute("CREATE TABLE planted (a text, b bytea, c jsonb, d text)")
        await connection.execute(
            "INSERT INTO planted VALUES ($1, $2, jsonb_build_object('n', $3::text), $4)",
            HOLDER_ID,
            HOLDER.encode(),
            REVOKED,
            base64.b64encode(f"it is {NUMBER}.".encode()).decode(),
        )
        found = found_in(await dumped(server, "rengang_talent"), TRACES)
        for what in (
            "the holder's identity number, in utf-8 in",
            "the holder's name, in utf-8 as hexadecimal in",
            "a revoked number, in utf-8 in",
            "a number, in utf-8 as base64 in",
        ):
            assert f"{what} database rengang_talent" in found
    finally:
        await connection.execute("DROP TABLE planted")
        await connection.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        # Of its own: it stays on the bus.
        await producer.send_and_wait(CERTIFICATES.dead.name, own[0].content, key=b"k")
    finally:
        await producer.stop()
    topic = f"topic {CERTIFICATES.dead.name}"
    assert found_in(await on_the_bus(kafka), own) == [f"a planted number in {topic}"]
    log = system.stack.data.logs / "planted.log"
    log.write_text(f'{{"path":"/r/{quote(HOLDER)}"}}\n', encoding="utf-8")
    found = found_in(in_files(system.stack.data.logs), TRACES)
    log.unlink()
    assert found == ["the holder's name, percent-encoded in planted.log"]


@pytest.mark.parametrize("shift", range(3))
def test_a_secret_is_found_in_base64_wherever_it_begins(shift: int) -> None:
    for secret in SECRETS.values():
        held = base64.b64encode(b"x" * shift + secret.encode() + b"yz")
        assert found_in({"here": held}, traces_of({"it": secret}))


def server_of(system: System) -> str:
    return system.database_url("certificates").rpartition("/")[0]


def folders(system: System) -> list[Path]:
    return [system.stack.data.path, system.stack.process("postgres").program.folder]


async def checkpoint(server: str) -> None:
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def metrics(day: Day) -> dict[str, bytes]:
    system = day.system
    urls = {
        f"metrics of {name}": system.url(name) for name in ("certificates", "seekers", "talent")
    }
    urls["metrics of the other city"] = day.city.url
    places = {}
    for what, url in urls.items():
        answer = await day.http.get(f"{url}/metrics")
        assert answer.status_code == 200
        places[what] = answer.content
    assert b"rengang_guesses_refused_total" in places["metrics of certificates"]
    return places


def unpacked(day: Day) -> dict[str, bytes]:
    """What the signed texts in the answers say: receipts, status lists, whatever looks like one."""
    places = {}
    for what, answer in day.answers.items():
        for n, part in enumerate(answer.replace(b'"', b" ").replace(b"<", b" ").split()):
            pieces = part.split(b".")
            if len(pieces) == 3 and len(pieces[1]) > 40:
                padded = pieces[1] + b"=" * (-len(pieces[1]) % 4)
                places[f"signed text {n} of {what}"] = base64.urlsafe_b64decode(padded)
    assert any(b'"verdict"' in said for said in places.values())
    return places
