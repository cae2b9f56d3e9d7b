"""Two cities as two deployments: the right verdict or pending, never a wrong valid."""

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

import httpx
import pytest

from contracts.events import parse
from contracts.topics import CERTIFICATES, VERIFICATIONS
from services.certificates.domain.exchange import ASSERTION_TYPE, assertion
from services.certificates.domain.keys import SigningKey, read_jwks
from services.certificates.domain.receipts import Receipt, check, signed
from services.kit.provision import provision
from tests.certificates.city_process import (
    PEPPERS,
    THIRD_KEY,
    Cities,
    a_line_of_qujing,
    a_number_of_qujing,
    introduce,
    two_cities,
)
from tests.certificates.link import (
    EXCHANGE,
    Passed,
    changed_after_signing,
    receipt_said_before,
    said_before,
    signed_by,
)
from tests.certificates.samples import LI_NA, WANG_WEI
from tests.certificates.test_process import dumped, kept_in, nothing_waits
from tests.kit.bus import until
from tests.kit.door import Issuer
from tests.servers import Databases
from tests.support import opened

_numbers = itertools.count(1)
OTHER_KEY = SigningKey.of(b"a key that is nobody's, 32 bytes"[:32])


@pytest.fixture(scope="module")
async def cities(
    databases: Databases, kafka_server: str, issuer_at: tuple[Issuer, str]
) -> AsyncIterator[Cities]:
    await provision(kafka_server)
    async with two_cities(databases.create, kafka_server, issuer_at) as both:
        yield both


@pytest.fixture
async def n(cities: Cities) -> AsyncIterator[int]:
    """A certificate number that no other test has used; the link is whole before and after."""
    await cities.link.mend()
    yield next(_numbers)
    await cities.link.mend()
    # Whatever waits, and a breaker that is open, would be the next test's trouble.
    await until(lambda: is_believed(cities), 20)


async def is_believed(cities: Cities) -> bool:
    found = (await cities.kunming.call("operator", "op-1", "GET", "/v1/cities/qujing")).json()
    if found["state"] != "closed":
        await cities.kunming.verify(number=a_number_of_qujing(99_999))
    return bool(found["state"] == "closed")


async def test_a_certificate_of_another_city_is_looked_up_there(cities: Cities, n: int) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    told = await cities.kunming.verify(number=a_number_of_qujing(n))
    assert (told["verdict"], told["answered_by"], told["answer_signed"]) == (
        "valid",
        "qujing",
        True,
    )
    assert (told["certificate"]["level"], told["certificate"]["issuer"]) == (4, "QJ-17")
    keys = read_jwks((await cities.kunming.client.get("/.well-known/jwks.json")).content)
    receipt = check(told["receipt"], keys)
    assert isinstance(receipt, Receipt)
    assert (receipt.issuer, receipt.answered_by.city, receipt.audience) == (
        "kunming",
        "qujing",
        None,
    )


async def test_the_city_that_is_asked_writes_down_why(cities: Cities, n: int) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    told = await cities.kunming.verify(number=a_number_of_qujing(n))
    assert told["verdict"] == "valid"
    for city, role in ((cities.kunming, "partner"), (cities.qujing, "city")):
        rows = await city.call("operator", "op-1", "GET", "/v1/audit?limit=1")
        (row,) = rows.json()["items"]
        assert (row["role"], row["purpose"]) == (role, "inspection")


async def test_a_wrong_holder_and_an_unknown_number_are_told_from_there(
    cities: Cities, n: int
) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    wrong = await cities.kunming.verify(WANG_WEI, number=a_number_of_qujing(n))
    unknown = await cities.kunming.verify(number=a_number_of_qujing(50_000 + n))
    assert (wrong["verdict"], wrong["certificate"]) == ("holder-mismatch", None)
    assert (unknown["verdict"], unknown["certificate"]) == ("not-found", None)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"status": "revoked"}, "revoked"),
        ({"status": "suspended"}, "suspended"),
        ({"valid_until": "2024-01-01"}, "expired"),
    ],
)
async def test_what_is_no_longer_good_there_is_not_good_here(
    cities: Cities, n: int, changes: dict[str, Any], verdict: str
) -> None:
    await cities.qujing.bring(a_line_of_qujing(n, **changes))
    told = await cities.kunming.verify(number=a_number_of_qujing(n))
    assert (told["verdict"], told["answered_by"]) == (verdict, "qujing")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", "timeout"),
        ("cut", "no_http"),
        ("500", "status_500"),
        ("garbage", "no_http"),
        ("huge", "too_large"),
        ("redirect", "redirect"),
        ("not_json", "no_json"),
        ("dead", "not_reached"),
    ],
)
async def test_a_broken_link_makes_it_pending_and_a_mended_one_resolves_it(
    cities: Cities, n: int, fault: str, reason: str
) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    before = len(cities.kunming.logged("city.no_answer"))
    if fault == "dead":
        await cities.link.die()
    else:
        cities.link.fault = fault
    told = await cities.kunming.verify(number=a_number_of_qujing(n))
    assert (told["verdict"], told["reason"], told["certificate"]) == (
        "pending",
        "city-unreachable",
        None,
    )
    assert cities.kunming.logged("city.no_answer")[before]["reason"] == reason
    await cities.link.mend()
    resolved = await cities.kunming.resolved(told["receipt_no"])
    assert resolved["verdict"] == "valid"


async def earlier(cities: Cities, number: str) -> Passed:
    """A genuine answer of Qujing's about Li Na's good certificate, as it went over the link."""
    assert (await cities.kunming.verify(number=number))["verdict"] == "valid"
    return cities.link.answers()[-1]


def other_nonce(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return headers, json.dumps({**json.loads(body), "nonce": "another-nonce-than-asked"}).encode()


def for_the_third_city(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Asks in the name of the third city, so that Qujing itself signs for that one."""
    return {**headers, "authorization": f"Bearer {third_assertion()}"}, body


def third_assertion(jti: str | None = None, audience: str = "qujing") -> str:
    claims = assertion(
        city_id="third",
        audience=audience,
        jti=jti or f"third-{next(_numbers)}",
        issued_at=datetime.now(UTC),
    )
    return signed(claims, THIRD_KEY, ASSERTION_TYPE)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("changed", "not_signed_by_the_city"),
        ("other_key", "not_signed_by_the_city"),
        ("third_key", "not_signed_by_the_city"),
        ("other_holder", "answers_another_call"),
        ("other_holders_receipt", "answers_another_call"),
        ("old", "answers_another_call"),
        ("other_nonce", "answers_another_call"),
        ("for_another_city", "meant_for_another_city"),
    ],
)
async def test_a_lying_link_never_makes_it_valid(
    cities: Cities, n: int, lie: str, reason: str
) -> None:
    good, bad = a_number_of_qujing(n), a_number_of_qujing(40_000 + n)
    await cities.qujing.bring(a_line_of_qujing(n), a_line_of_qujing(40_000 + n, status="revoked"))
    said = await earlier(cities, good)
    link, number, person, right = cities.link, bad, LI_NA, "revoked"
    match lie:
        case "changed":
            link.lie = changed_after_signing
        case "other_key":
            link.lie = signed_by(OTHER_KEY, verdict="valid")
        case "third_key":
            link.lie = signed_by(THIRD_KEY, verdict="valid", iss="third")
        case "other_holder":
            link.lie, number, person = said_before(said), good, WANG_WEI
            right = "holder-mismatch"
        case "other_holders_receipt":
            link.lie, number, person = receipt_said_before(said), good, WANG_WEI
            right = "holder-mismatch"
        case "old":
            await cities.qujing.bring(a_line_of_qujing(n, status="revoked"))
            link.lie, number = said_before(said), good
        case "other_nonce":
            link.before = other_nonce
        case _:
            link.before = for_the_third_city
    before = len(cities.kunming.logged("city.unbelievable"))
    told = await cities.kunming.verify(person, number=number)
    assert (told["verdict"], told["certificate"]) == ("pending", None)
    assert cities.kunming.logged("city.unbelievable")[before]["reason"] == reason
    await link.mend()
    assert (await cities.kunming.resolved(told["receipt_no"]))["verdict"] == right


async def test_a_city_that_is_away_is_left_alone_and_answers_stay_quick(
    cities: Cities, n: int
) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    cities.link.fault = "hang"
    receipts = []
    for _ in range(7):
        told = await cities.kunming.verify(number=a_number_of_qujing(n))
        assert told["verdict"] == "pending"
        receipts.append(told["receipt_no"])
    state = (await cities.kunming.call("operator", "op-1", "GET", "/v1/cities/qujing")).json()
    assert state["state"] in ("open", "half-open")
    arrived = cities.link.arrived
    await cities.kunming.verify(number=a_number_of_qujing(n))
    assert cities.link.arrived <= arrived + 1
    await cities.link.mend()
    for receipt_no in receipts:
        assert (await cities.kunming.resolved(receipt_no))["verdict"] == "valid"


async def test_a_claim_waits_for_the_other_city_and_lapses_when_it_revokes(
    cities: Cities, n: int
) -> None:
    await cities.qujing.bring(a_line_of_qujing(n))
    await cities.link.die()
    claim = await cities.kunming.claim(number=a_number_of_qujing(n))
    assert (claim["status"], claim["reason"]) == ("claimed", "pending")
    await cities.link.mend()
    verified = await cities.kunming.becomes(claim["claim_id"], "verified")
    assert verified["certificate"]["level"] == 4
    await cities.qujing.bring(a_line_of_qujing(n, status="suspended"))
    lapsed = await cities.kunming.becomes(claim["claim_id"], "lapsed")
    assert lapsed["reason"] == "suspended"
    await cities.qujing.bring(a_line_of_qujing(n))
    await cities.kunming.becomes(claim["claim_id"], "verified")
    await cities.qujing.bring(a_line_of_qujing(n, status="revoked"))
    lapsed = await cities.kunming.becomes(claim["claim_id"], "lapsed")
    assert lapsed["reason"] == "revoked"


async def test_a_claim_that_the_other_city_denies_is_rejected(cities: Cities, n: int) -> None:
    claim = await cities.kunming.claim(WANG_WEI, number=a_number_of_qujing(60_000 + n))
    rejected = await cities.kunming.becomes(claim["claim_id"], "rejected", WANG_WEI)
    assert rejected["reason"] == "not-found"


async def test_what_a_city_is_asked_it_asks_nobody_else(cities: Cities, n: int) -> None:
    """Qujing's registry has no such number, Kunming's has: it must not come back to Kunming."""
    number = a_number_of_qujing(n).replace("235303", "235301", 1)
    line = {**a_line_of_qujing(n), "number": number}
    await cities.kunming.bring(line)
    question = {
        "number": number,
        "holder_name": LI_NA.name,
        "identity_number": LI_NA.identity,
        "nonce": "a-nonce-of-the-third-city",
    }
    headers = {"Authorization": f"Bearer {third_assertion()}"}
    answer = await cities.qujing.client.post(EXCHANGE, json=question, headers=headers)
    assert answer.status_code == 200, answer.text
    keys = read_jwks((await cities.qujing.client.get("/.well-known/jwks.json")).content)
    receipt = check(answer.json()["receipt"], keys)
    assert isinstance(receipt, Receipt)
    assert (receipt.verdict, receipt.audience) == ("not-found", "third")
    assert (await cities.qujing.verify(number=number))["verdict"] == "valid"


async def test_the_exchange_door_opens_once_for_each_assertion(cities: Cities, n: int) -> None:
    question = {
        "number": a_number_of_qujing(n),
        "holder_name": LI_NA.name,
        "identity_number": LI_NA.identity,
        "nonce": "a-nonce-of-the-third-city",
    }

    async def knock(token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return await cities.qujing.client.post(EXCHANGE, json=question, headers=headers)

    once = third_assertion(jti=f"once-{n}")
    assert (await knock(once)).status_code == 200
    assert (await knock(once)).status_code == 401
    for token in (
        None,
        "x.y.z",
        third_assertion(audience="kunming"),
        cities.qujing.issuer.token(sub="op-1", role="operator"),
        signed(
            assertion(
                city_id="third", audience="qujing", jti="forged", issued_at=datetime.now(UTC)
            ),
            OTHER_KEY,
            ASSERTION_TYPE,
        ),
        signed(
            assertion(
                city_id="unknown", audience="qujing", jti="forged", issued_at=datetime.now(UTC)
            ),
            THIRD_KEY,
            ASSERTION_TYPE,
        ),
    ):
        refused = await knock(token)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert LI_NA.identity not in refused.text


async def nothing_pends(url: str) -> bool:
    async with opened(url) as db, db.transaction() as tx:
        return bool(await tx.fetchval("SELECT count(*) = 0 FROM pending_questions"))


async def test_what_waits_survives_the_end_of_the_process_and_names_nobody(
    databases: Databases, kafka_server: str, issuer_at: tuple[Issuer, str]
) -> None:
    number = a_number_of_qujing(77)
    await provision(kafka_server)
    async with two_cities(databases.create, kafka_server, issuer_at) as cities:
        kunming, qujing, link = cities.kunming, cities.qujing, cities.link
        await qujing.bring(a_line_of_qujing(77))
        await link.die()
        told = await kunming.verify(number=number)
        claim = await kunming.claim(number=number)
        assert (told["verdict"], claim["status"]) == ("pending", "claimed")
        kunming.process.process.kill()
        await kunming.process.process.wait()
        waiting = await dumped(kunming.database_url)
        first_log = kunming.process.told().encode()
        async with kunming.running():
            await link.mend()
            await introduce(kunming, qujing, link)
            assert (await kunming.resolved(told["receipt_no"]))["verdict"] == "valid"
            await kunming.becomes(claim["claim_id"], "verified")
            await until(lambda: nothing_waits(kunming.database_url))
            # What was settled is forgotten just after.
            await until(lambda: nothing_pends(kunming.database_url))
            places = {
                "database while it waits": waiting,
                "database": await dumped(kunming.database_url),
                "database of the other city": await dumped(qujing.database_url),
                "log before": first_log,
                "log": kunming.process.told().encode(),
                "log of the other city": qujing.process.told().encode(),
            }
        records = await kept_in(kafka_server, CERTIFICATES, VERIFICATIONS)
    resolved = [parse(value) for key, value in records if key.decode() == told["receipt_no"]]
    assert [event.type for event in resolved] == ["VerificationResolved"]
    places["topics"] = b"\n".join(key + value for key, value in records)
    for (place, content), secret in product(
        places.items(), (LI_NA.name, LI_NA.identity, number, *PEPPERS.values())
    ):
        for trace in (secret.encode(), secret.encode().hex().encode()):
            assert trace not in content, f"{secret} in the {place}"
