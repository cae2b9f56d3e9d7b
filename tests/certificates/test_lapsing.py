"""Verified certificates stop counting at once, and count again once the registry says so."""

import asyncio
from typing import Any

import pytest

from services.certificates.actions.reviewing import lapse_expired
from services.kit.database import Database
from tests.certificates.conftest import CLAIMS, CertificatesDoor
from tests.certificates.samples import (
    EVERYBODY,
    LI_NA,
    WANG_WEI,
    WELDER,
    a_line,
    a_number,
    a_statement,
)


async def test_claimed_verified_revoked_lapsed(door: CertificatesDoor) -> None:
    await door.import_(a_line(), a_line(number=a_number(2), occupation=WELDER))
    first = await door.claim(a_statement())
    await door.claim(a_statement(number=a_number(2)))
    await door.import_(a_line(status="revoked"))
    assert await door.told() == [
        ("CertificateClaimed", 1, 0),
        ("CertificateVerified", 2, 1),
        ("CertificateClaimed", 3, 1),
        ("CertificateVerified", 4, 2),
        ("CertificateLapsed", 5, 1),
    ]
    event = (await door.folder_events())[-1]
    assert (str(event.data.changed.certificate_id), event.data.changed.reason) == (
        first["claim_id"],
        "revoked",
    )
    assert [proof.occupation for proof in event.data.in_force] == [WELDER]
    (claim, _) = (await door.seeker().get(CLAIMS)).json()["items"]
    assert (claim["status"], claim["reason"]) == ("lapsed", "revoked")


async def test_a_suspended_certificate_counts_again_when_that_is_lifted(
    door: CertificatesDoor,
) -> None:
    for status in ("in_force", "suspended", "revoked", "in_force"):
        await door.import_(a_line(status=status, action="correct"))
        if status == "in_force" and not await door.announced():
            await door.claim(a_statement())
    assert await door.told() == [
        ("CertificateClaimed", 1, 0),
        ("CertificateVerified", 2, 1),
        ("CertificateLapsed", 3, 0),
        ("CertificateLapsed", 4, 0),
        ("CertificateVerified", 5, 1),
    ]


async def test_a_claim_too_early_is_verified_when_the_registry_learns_of_it(
    door: CertificatesDoor,
) -> None:
    early = await door.claim(a_statement())
    await door.claim(a_statement(WANG_WEI), WANG_WEI)
    door.clock.pass_(days=3)
    await door.import_(a_line(number=a_number(8)), a_line())
    (late,) = (await door.seeker().get(CLAIMS)).json()["items"]
    assert (early["status"], late["status"]) == ("rejected", "verified")
    assert (late["claim_id"], late["decided_at"]) == (early["claim_id"], "2026-03-04T08:00:00Z")
    assert [kind for kind, _, _ in await door.told()] == [
        "CertificateClaimed",
        "CertificateRejected",
        "CertificateVerified",
    ]
    assert len(await door.told(WANG_WEI)) == 2


@pytest.mark.parametrize(
    ("correction", "reason"),
    [
        ({"holder_name": "李那样例"}, "not-found"),
        ({"identity_number": WANG_WEI.identity, "holder_name": WANG_WEI.name}, "not-found"),
        ({"valid_until": "2026-01-31"}, "expired"),
    ],
)
async def test_a_correction_that_takes_it_from_the_holder_lapses_it(
    door: CertificatesDoor, correction: dict[str, Any], reason: str
) -> None:
    await door.import_(a_line())
    await door.claim(a_statement())
    await door.import_(a_line(**correction))
    event = (await door.folder_events())[-1]
    assert (event.type, event.data.changed.reason) == ("CertificateLapsed", reason)
    assert event.data.in_force == ()


async def test_a_correction_of_what_it_says_is_announced(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    await door.claim(a_statement())
    await door.import_(a_line(level="技师", valid_until="2030-12-31"))
    assert (await door.told())[-1] == ("CertificateVerified", 3, 1)
    (proof,) = await door.in_force()
    assert proof.level == 5
    assert proof.valid_until is not None
    assert proof.valid_until.isoformat() == "2030-12-31T16:00:00+00:00"


async def test_an_entry_passes_to_the_claim_that_it_now_fits(door: CertificatesDoor) -> None:
    number = LI_NA.operation_number
    card = a_line(number=number, level=None, name="特种作业")
    await door.import_(card)
    await door.claim(a_statement(number=number, occupation=card["occupation"]))
    await door.claim(a_statement(number=number, occupation=WELDER))
    await door.import_({**card, "status": "revoked"}, {**card, "occupation": WELDER})
    assert [kind for kind, _, _ in await door.told()][-2:] == [
        "CertificateLapsed",
        "CertificateVerified",
    ]
    assert [proof.occupation for proof in await door.in_force()] == [WELDER]


async def test_it_expires_when_its_last_day_is_over_in_china(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line(valid_until="2026-03-01"))
    await door.claim(a_statement())
    door.clock.pass_(hours=7, minutes=59, seconds=59)
    assert await lapse_expired(db, door.clock()) == 0
    door.clock.pass_(seconds=1)
    assert await lapse_expired(db, door.clock()) == 1
    event = (await door.folder_events())[-1]
    assert (event.type, event.version, event.time, event.data.changed.reason) == (
        "CertificateLapsed",
        3,
        door.clock(),
        "expired",
    )
    assert await lapse_expired(db, door.clock()) == 0
    assert len(await door.told()) == 3


async def test_two_jobs_at_once_expire_each_once(door: CertificatesDoor, db: Database) -> None:
    for person in EVERYBODY:
        numbers = [a_number(int(person.identity[-4:-1]) * 10 + n) for n in range(5)]
        await door.import_(*(a_line(person, number=n, valid_until="2026-03-01") for n in numbers))
        for number in numbers:
            await door.claim(a_statement(person, number=number), person)
    door.clock.pass_(days=1)
    lapsed = await asyncio.gather(*(lapse_expired(db, door.clock()) for _ in range(2)))
    assert sum(lapsed) == 15
    for person in EVERYBODY:
        told = await door.told(person)
        assert [version for _, version, _ in told] == list(range(1, 16))
        assert told[-5:] == [("CertificateLapsed", 11 + n, 4 - n) for n in range(5)]


async def test_expiry_and_renewal_at_once_end_with_the_renewal(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line(valid_until="2026-03-01"))
    await door.claim(a_statement())
    door.clock.pass_(days=1)
    await asyncio.gather(
        lapse_expired(db, door.clock()),
        door.import_(a_line(valid_until="2032-03-01")),
        lapse_expired(db, door.clock()),
    )
    told = await door.told()
    assert told[-1][0] == "CertificateVerified"
    assert [version for _, version, _ in told] == list(range(1, len(told) + 1))
    assert len(await door.in_force()) == 1


async def test_claiming_again_after_the_end_does_not_wait_for_the_job(
    door: CertificatesDoor,
) -> None:
    await door.import_(a_line(valid_until="2026-03-01"))
    await door.claim(a_statement())
    door.clock.pass_(days=1)
    again = await door.claim(a_statement())
    assert (again["status"], again["reason"]) == ("lapsed", "expired")
