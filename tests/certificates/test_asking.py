"""Whom a question is taken to, what is remembered of the answer, and whom we do not speak to."""

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.certificates.actions.asking import Limits
from services.certificates.actions.calling import Calls, NoAnswer
from services.certificates.actions.mirroring import mirror
from services.certificates.actions.partners import Ways
from services.certificates.domain.cities import City
from services.certificates.domain.exchange import Told
from services.certificates.domain.keys import base64url
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.receipts import CertificateFacts
from services.certificates.domain.verdicts import Question, Verdict
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor, a_door
from tests.certificates.plain_city import (
    MAPPING,
    PLAIN_NUMBER,
    PlainCity,
    a_plain_certificate,
    a_plain_city,
)
from tests.certificates.samples import LI_NA, PEPPER, WANG_WEI, WELDER, Person, a_statement
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer
from tests.support import NOW, opened
from tests.tls import self_signed


@pytest.fixture
async def yuxi(door: CertificatesDoor) -> AsyncIterator[PlainCity]:
    """A plain city that is registered and has Li Na's certificate."""
    async with a_plain_city() as city:
        city.known[PLAIN_NUMBER] = a_plain_certificate()
        await register(door, city)
        yield city


async def register(door: CertificatesDoor, city: PlainCity, **changes: Any) -> None:
    operator = door.caller("op-1", "operator")
    answer = await operator.put("/v1/cities/yuxi", json=city.entry(**changes))
    assert answer.status_code in (200, 201), answer.text


async def verify(door: CertificatesDoor, person: Person = LI_NA, **stated: Any) -> dict[str, Any]:
    question = {
        **a_statement(person, number=PLAIN_NUMBER),
        "purpose": "inspection",
        **stated,
    }
    answer = await door.caller("desk-1", "partner").post("/v1/verifications", json=question)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


async def test_an_answer_that_nobody_signed_is_marked_so(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    told = await verify(door)
    assert (told["verdict"], told["answered_by"], told["answer_signed"]) == ("valid", "yuxi", False)
    (asked,) = yuxi.asked
    assert asked == {"zsbh": PLAIN_NUMBER, "xm": LI_NA.name, "sfzh": LI_NA.identity}
    assert yuxi.headers[0]["authorization"].startswith("Bearer ")


async def test_an_answer_is_given_again_with_its_age_and_to_the_same_holder_alone(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    first = await verify(door)
    door.clock.pass_(minutes=9)
    again = await verify(door)
    assert len(yuxi.asked) == 1
    assert again["verdict"] == "valid"
    assert moment(again["answered_at"]) == moment(first["answered_at"]) == NOW
    assert moment(again["verified_at"]) == NOW + dt.timedelta(minutes=9)

    wrong = await verify(door, WANG_WEI)
    assert (len(yuxi.asked), wrong["verdict"], wrong["certificate"]) == (2, "holder-mismatch", None)

    door.clock.pass_(minutes=2)
    third = await verify(door)
    assert moment(third["answered_at"]) == NOW + dt.timedelta(minutes=11)
    assert len(yuxi.asked) == 3


async def test_what_was_not_found_is_asked_again_sooner(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    del yuxi.known[PLAIN_NUMBER]
    verdicts = [(await verify(door))["verdict"] for _ in range(2)]
    assert (verdicts, len(yuxi.asked)) == (["not-found"] * 2, 1)
    yuxi.known[PLAIN_NUMBER] = a_plain_certificate()
    door.clock.pass_(seconds=31)
    assert (await verify(door))["verdict"] == "valid"


async def test_what_a_city_no_longer_says_is_taken_from_the_holder(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    await door.claim(a_statement(number=PLAIN_NUMBER))
    await door.partners.retrying.run_once()
    assert len(await door.in_force()) == 1
    del yuxi.known[PLAIN_NUMBER]
    door.clock.pass_(minutes=11)
    assert (await verify(door))["verdict"] == "not-found"
    event = (await door.folder_events())[-1]
    assert (event.type, event.data.changed.reason) == ("CertificateLapsed", "not-found")


async def test_expiry_of_what_another_city_vouched_for_is_ours_to_see(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    yuxi.known[PLAIN_NUMBER] = a_plain_certificate(until="2026-03-01")
    assert (await verify(door))["verdict"] == "valid"
    door.clock.pass_(hours=8)
    yuxi.status = 500
    told = await verify(door)
    assert (told["verdict"], told["certificate"]) == ("pending", None)


async def test_a_question_of_a_place_that_no_partner_answers_for_goes_nowhere(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    for number in ("2353030123412345", "2344010123412345", "S000044000123233000456"):
        await verify(door, number=number)
    assert yuxi.asked == []
    await verify(door, number="昆明字第20230017号")
    assert len(yuxi.asked) == 1


async def test_a_city_that_is_not_enabled_is_not_asked(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    await register(door, yuxi, enabled=False)
    assert (await verify(door))["verdict"] == "not-found"
    assert yuxi.asked == []


async def test_of_several_cities_any_that_has_it_is_enough_and_a_silent_one_makes_it_pending(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    number = "滇字第20230017号"
    operator = door.caller("op-1", "operator")
    async with a_plain_city() as chuxiong:
        entry = chuxiong.entry(divisions=["532300"])
        await operator.put("/v1/cities/chuxiong", json=entry)
        assert (await verify(door, number=number))["verdict"] == "not-found"
        door.clock.pass_(minutes=1)
        chuxiong.status = 500
        assert (await verify(door, number=number))["verdict"] == "pending"
        yuxi.known[number] = a_plain_certificate()
        told = await verify(door, number=number)
        assert (told["verdict"], told["answered_by"]) == ("valid", "yuxi")


async def test_one_question_under_way_from_many_is_bounded(
    fresh_database: FreshDatabase, issuer_at: tuple[Issuer, str]
) -> None:
    ways = Ways("kunming", allow_private=True, limits=Limits(at_once=2))
    async with (
        opened(await fresh_database("certificates")) as db,
        a_door(db, issuer_at, ways=ways) as door,
        a_plain_city() as city,
    ):
        await register(door, city)
        numbers = [f"235304012341{n:04d}" for n in range(12)]
        told = await asyncio.gather(*(verify(door, number=number) for number in numbers))
        assert {each["verdict"] for each in told} == {"not-found"}
        assert sorted(asked["zsbh"] for asked in city.asked) == numbers


def question(number: str = PLAIN_NUMBER) -> Question:
    return Question(certificate_number(number), LI_NA.name, LI_NA.identity)


async def told_of(db: Database, issuer: str, city_id: str = "yuxi") -> bool:
    """Whether what that city says of an issuer's certificate is kept."""
    facts = CertificateFacts(
        "skill-level", WELDER, 4, None, "焊工", issuer, dt.date(2023, 6, 30), None
    )
    asked = question()
    statement = PEPPER.statement(asked.number, asked.holder_name, asked.identity_number)
    told = Told(city_id, Verdict.VALID, None, NOW, facts, {})
    return await mirror(db, asked, statement, told, NOW) is not None


async def add_issuer(db: Database, code: str, origin: str | None) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO issuers (code, name, province, cities, bases, recognised_by, keys,
                upload_lag_days, origin, changed_at)
            VALUES ($1, '样例机构', '53', '{}', '{}', '{}', '[]'::jsonb, 0, $2, now())
            """,
            code,
            origin,
        )


async def test_a_city_speaks_for_no_issuer_but_its_own(db: Database) -> None:
    await add_issuer(db, "OURS-1", None)
    await add_issuer(db, "QJ-1", "qujing")
    await add_issuer(db, "YX-1", "yuxi")
    said = [await told_of(db, issuer) for issuer in ("OURS-1", "QJ-1", "YX-1", "UNHEARD-OF")]
    assert said == [False, False, True, True]
    # What one city vouched for, another cannot take over.
    assert not await told_of(db, "UNHEARD-OF", "qujing")


async def test_the_issuers_city_is_asked_and_no_other(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    await add_issuer(db, "YX-1", "yuxi")
    await add_issuer(db, "OURS-1", None)
    await verify(door, number="OLD-20230017", issuer="OURS-1")
    assert yuxi.asked == []
    await verify(door, number="OLD-20230017", issuer="YX-1")
    assert len(yuxi.asked) == 1


# Not into our own network, and nobody but the city that is meant.


async def to(host: str, addresses: list[str]) -> str:
    """Why no call is made to a host of these addresses."""

    async def resolve(_: str, __: int) -> list[str]:
        return addresses

    calls = Calls(allow_private=False, timeout_s=1, resolve=resolve)
    city = City("yuxi", "玉溪", f"http://{host}", ("530400",))
    try:
        with pytest.raises(NoAnswer) as refused:
            await calls.call(city, "GET", f"http://{host}/x")
    finally:
        await calls.aclose()
    return refused.value.fault


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["93.184.215.14", "::1"]]
)
async def test_a_name_that_leads_into_a_network_is_not_called(addresses: list[str]) -> None:
    assert await to("city.example", addresses) == "address_refused"


async def test_no_address_but_the_citys_own_is_called() -> None:
    async def resolve(_: str, __: int) -> list[str]:
        raise AssertionError("not even looked up")

    calls = Calls(allow_private=True, timeout_s=1, resolve=resolve)
    city = City("yuxi", "玉溪", "https://city.example", ("530400",))
    for url in ("http://city.example/x", "https://other.example/x", "https://city.example:8443/"):
        with pytest.raises(NoAnswer) as refused:
            await calls.call(city, "GET", url)
        assert refused.value.fault == "address_refused"
    await calls.aclose()


@asynccontextmanager
async def a_tls_city(folder: Path) -> AsyncIterator[tuple[str, bytes, list[bytes]]]:
    """A plain city behind TLS with a certificate that no authority signed: URL, its SHA-256, and
    what it was sent."""
    context, der = self_signed(folder)
    sent: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        sent.append(await reader.readexactly(length))
        body = json.dumps({"data": {"state": 1, "cert": a_plain_certificate()}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"https://127.0.0.1:{port}", hashlib.sha256(der).digest(), sent


@pytest.mark.parametrize(("pinned", "verdict"), [("right", "valid"), ("other", "pending")])
async def test_an_unsigned_city_is_known_by_its_pinned_certificate(
    door: CertificatesDoor, tmp_path: Path, pinned: str, verdict: str
) -> None:
    async with a_tls_city(tmp_path) as (url, sha256, sent):
        pin = sha256 if pinned == "right" else hashlib.sha256(sha256).digest()
        entry = {
            "name": "玉溪",
            "base_url": url,
            "divisions": ["530400"],
            "adapter": "http-json",
            "mapping": MAPPING,
            "certificate_sha256": base64url(pin),
        }
        operator = door.caller("op-1", "operator")
        assert (await operator.put("/v1/cities/yuxi", json=entry)).status_code == 201
        assert (await verify(door))["verdict"] == verdict
        # Nothing of the question reaches whoever shows another certificate.
        assert len(sent) == (1 if pinned == "right" else 0)
