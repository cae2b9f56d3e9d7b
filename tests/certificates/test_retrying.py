"""Questions that wait for another city: asked again, given up in the end, and settled once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidTag

from services.certificates.actions.retrying import Patience, Vault
from services.certificates.domain.digests import Pepper
from services.certificates.domain.keys import from_base64url
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question
from services.kit.database import Database
from tests.certificates.conftest import CLAIMS, CertificatesDoor
from tests.certificates.plain_city import (
    PLAIN_NUMBER,
    PlainCity,
    a_plain_certificate,
    a_plain_city,
)
from tests.certificates.samples import AYGUL, LI_NA, PEPPER, a_line, a_statement, an_entry

STATED = a_statement(number=PLAIN_NUMBER)
QUESTION = Question(certificate_number(PLAIN_NUMBER), LI_NA.name, LI_NA.identity, None, "YX-7")


@pytest.fixture
async def yuxi(door: CertificatesDoor) -> AsyncIterator[PlainCity]:
    """A city that has Li Na's certificate and answers nothing for now."""
    async with a_plain_city() as city:
        city.known[PLAIN_NUMBER] = a_plain_certificate()
        city.status = 500
        await register(door, city)
        yield city


async def register(door: CertificatesDoor, city: PlainCity, **changes: Any) -> None:
    operator = door.caller("op-1", "operator")
    answer = await operator.put("/v1/cities/yuxi", json=city.entry(**changes))
    assert answer.status_code in (200, 201), answer.text


async def verify(door: CertificatesDoor) -> dict[str, Any]:
    question = {**STATED, "purpose": "inspection"}
    answer = await door.caller("desk-1", "partner").post("/v1/verifications", json=question)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def latest(door: CertificatesDoor, receipt_no: str) -> dict[str, Any]:
    """The verification that took the place of this one, or itself."""
    desk = door.caller("desk-1", "partner")
    kept: dict[str, Any] = (await desk.get(f"/v1/verifications/{receipt_no}")).json()
    while kept["superseded_by"] is not None:
        kept = (await desk.get(f"/v1/verifications/{kept['superseded_by']}")).json()
    return kept


async def claimed(door: CertificatesDoor) -> tuple[str, str | None]:
    (claim,) = (await door.seeker().get(CLAIMS)).json()["items"]
    return claim["status"], claim["reason"]


async def rows(db: Database) -> list[tuple[bool, int]]:
    """Of each question that waits or waited: whether it can still be read, and its tries."""
    async with db.transaction() as tx:
        found = await tx.fetch("SELECT sealed, tries FROM pending_questions ORDER BY asked_at")
    return [(row["sealed"] is not None, row["tries"]) for row in found]


async def test_it_is_asked_again_after_longer_and_longer_pauses(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    await door.claim(STATED)
    assert await door.partners.retrying.run_once() == 1
    assert await door.partners.retrying.run_once() == 0
    assert await claimed(door) == ("claimed", "pending")
    door.clock.pass_(seconds=3.1)
    assert await door.partners.retrying.run_once() == 1
    door.clock.pass_(seconds=1.9)
    assert await door.partners.retrying.run_once() == 0
    yuxi.status = 200
    door.clock.pass_(seconds=5)
    assert await door.partners.retrying.run_once() == 1
    assert await claimed(door) == ("verified", None)
    assert await rows(db) == []
    assert [kind for kind, _, _ in await door.told()] == [
        "CertificateClaimed",
        "CertificateVerified",
    ]


async def test_why_it_is_asked_is_told_again_with_each_try(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    await verify(door)
    await door.claim(STATED)
    for _ in range(2):
        door.clock.pass_(hours=1)
        assert await door.partners.retrying.run_once() == 2
    purposes = [
        str(orjson.loads(from_base64url(sent["authorization"].split(".")[1]))["purpose"])
        for sent in yuxi.headers
    ]
    # A claim's question is first asked in the background.
    assert purposes[0] == "inspection"
    assert sorted(purposes[1:]) == ["claim"] * 2 + ["inspection"] * 2


def test_pauses_double_up_to_the_most() -> None:
    patience = Patience(first_s=2, most_s=60)
    assert [patience.pause_s(tries, 0.5) for tries in (1, 2, 3, 6, 99)] == [2, 4, 8, 60, 60]
    assert (patience.pause_s(1, 0.0), patience.pause_s(1, 1.0)) == (1, 3)


async def test_after_three_days_it_stays_pending_says_so_and_holds_nothing(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    told = await verify(door)
    await door.claim(STATED)
    await door.partners.retrying.run_once()
    door.clock.pass_(hours=73)
    assert await door.partners.retrying.run_once() == 2
    assert {readable for readable, _ in await rows(db)} == {False}
    assert await claimed(door) == ("claimed", "unanswered")
    (claim,) = (await door.seeker().get(CLAIMS)).json()["items"]
    assert "not asked any more" in claim["explanation"]
    assert (await latest(door, told["receipt_no"]))["verdict"] == "pending"
    yuxi.status = 200
    door.clock.pass_(hours=1000)
    assert await door.partners.retrying.run_once() == 0
    # Claimed again, it is asked again.
    await door.claim(STATED)
    assert await door.partners.retrying.run_once() == 1
    assert await claimed(door) == ("verified", None)


async def test_when_no_city_is_concerned_any_more_our_own_registry_answers(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    told = await verify(door)
    await door.claim(STATED)
    await door.import_(a_line(number=PLAIN_NUMBER, level="三级"))
    assert await claimed(door) == ("verified", None)
    await register(door, yuxi, enabled=False)
    door.clock.pass_(minutes=1)
    assert await door.partners.retrying.run_once() == 2
    assert await claimed(door) == ("verified", None)
    resolved = await latest(door, told["receipt_no"])
    assert resolved["verdict"] == "valid"
    assert await rows(db) == []


async def test_what_nobody_has_any_more_is_rejected(
    door: CertificatesDoor, yuxi: PlainCity
) -> None:
    await door.claim(STATED)
    await register(door, yuxi, enabled=False)
    await door.partners.retrying.run_once()
    assert await claimed(door) == ("rejected", "not-found")


async def test_two_that_ask_at_once_settle_once(door: CertificatesDoor, yuxi: PlainCity) -> None:
    told = await verify(door)
    await door.claim(STATED)
    yuxi.status = 200
    door.clock.pass_(minutes=1)
    tried = await asyncio.gather(*(door.partners.retrying.run_once() for _ in range(3)))
    assert sum(tried) == 2
    assert await claimed(door) == ("verified", None)
    assert (await latest(door, told["receipt_no"]))["verdict"] == "valid"
    assert len(await door.told()) == 2


async def test_a_city_that_is_back_is_asked_for_everything_at_once(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    receipts = [(await verify(door))["receipt_no"] for _ in range(6)]
    city = (await door.caller("op-1", "operator").get("/v1/cities/yuxi")).json()
    assert city["state"] == "open"
    yuxi.status = 200
    door.partners.others.ticks = lambda: 1e9  # The pause is over.
    door.clock.pass_(seconds=1)
    assert (await verify(door))["verdict"] == "valid"
    await door.partners.retrying.run_once()
    assert {(await latest(door, number))["verdict"] for number in receipts} == {"valid"}
    assert await rows(db) == []


async def test_a_claim_that_was_asked_twice_waits_once(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    for _ in range(3):
        await door.claim(STATED)
    assert await rows(db) == [(True, 0)]
    assert await door.told() == [("CertificateClaimed", 1, 0)]


async def test_a_question_is_sealed_for_its_row_and_its_secret() -> None:
    vault = Vault(PEPPER, lambda n: b"n" * n)
    row, other = an_entry(1).entry_id, an_entry(2).entry_id
    sealed = vault.sealed(row, QUESTION, "subsidy")
    assert vault.opened(row, sealed) == (QUESTION, "subsidy")
    for secret in (PLAIN_NUMBER, LI_NA.name, LI_NA.identity):
        assert secret.encode() not in sealed
    another = Vault(Pepper("another pepper of 32 characters…"), lambda n: b"n" * n)
    for opener, of, text in (
        (vault, other, sealed),
        (another, row, sealed),
        (vault, row, sealed[:-1] + bytes([sealed[-1] ^ 1])),
    ):
        with pytest.raises(InvalidTag):
            opener.opened(of, text)


async def test_what_cannot_be_opened_is_given_up_and_takes_nothing_with_it(
    door: CertificatesDoor, yuxi: PlainCity, db: Database
) -> None:
    await door.claim(STATED)
    await door.claim(a_statement(AYGUL, number=PLAIN_NUMBER), AYGUL)
    async with db.transaction() as tx:
        await tx.execute(
            "UPDATE pending_questions SET sealed = '\\x00' FROM claims c "
            "WHERE c.claim_id = pending_questions.claim_id AND c.seeker_id = $1",
            AYGUL.seeker_id,
        )
    yuxi.status = 200
    assert await door.partners.retrying.run_once() == 2
    assert await claimed(door) == ("verified", None)
    (other,) = (await door.seeker(AYGUL).get(CLAIMS)).json()["items"]
    assert (other["status"], other["reason"]) == ("claimed", "unanswered")
    assert door.partners.retrying.patience.give_up_after == timedelta(hours=72)
