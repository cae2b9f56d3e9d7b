"""Claims: judged at once, announced with all that counts, and the same to whoever guesses."""

import asyncio
import itertools
from typing import Any

import pytest

from services.certificates.domain.digests import Pepper
from services.certificates.domain.folder import MOST_CLAIMS
from services.kit.database import Database
from tests.certificates.conftest import CLAIMS, CertificatesDoor, a_door
from tests.certificates.samples import (
    ELECTRICIAN,
    LI_NA,
    NUMBER,
    PEPPER,
    WANG_WEI,
    WELDER,
    a_line,
    a_number,
    a_statement,
)
from tests.conftest import FreshDatabase
from tests.kit.bus import until
from tests.kit.door import Issuer
from tests.support import opened


async def test_a_claim_is_verified_at_once_and_announced_twice(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    answer = await door.seeker().post(CLAIMS, json=a_statement())
    assert answer.status_code == 201
    claim = answer.json()
    assert claim == {
        "claim_id": claim["claim_id"],
        "status": "verified",
        "reason": None,
        "explanation": "The registry has this certificate; it is the holder's and in force.",
        "number_masked": "S00****************456",
        "certificate": {
            "occupation": ELECTRICIAN,
            "occupation_name": "电工",
            "level": 4,
            "level_name": "高级工",
            "level_label": "三级",
            "name": "电工",
            "issuer": "S000053000123",
            "issued_on": "2023-06-30",
            "valid_until": None,
            "kind": "skill-level",
            "title_rank": None,
            "review_due": None,
        },
        "claimed_at": "2026-03-01T08:00:00Z",
        "decided_at": "2026-03-01T08:00:00Z",
    }
    assert await door.told() == [("CertificateClaimed", 1, 0), ("CertificateVerified", 2, 1)]
    (proof,) = await door.in_force()
    assert (str(proof.certificate_id), proof.occupation, proof.level) == (
        claim["claim_id"],
        ELECTRICIAN,
        4,
    )


async def test_every_event_is_keyed_by_the_seeker(door: CertificatesDoor) -> None:
    await door.claim(a_statement())
    for event in await door.folder_events():
        assert event.key == event.subject == str(LI_NA.seeker_id) == str(event.data.seeker_id)


async def test_numbers_and_names_are_found_as_they_may_be_typed(door: CertificatesDoor) -> None:
    await door.import_(a_line(holder_name="阿依古丽・样例"))
    typed = a_statement(
        number=" ｓ000053 000123 233 000456 ",
        holder_name="阿依古丽 · 样例",
        identity_number="５３０１０２１９９００３０７００１６",
    )
    assert (await door.claim(typed))["status"] == "verified"


async def test_what_is_not_known_is_rejected_and_counts_for_nothing(
    door: CertificatesDoor,
) -> None:
    claim = await door.claim(a_statement())
    assert (claim["status"], claim["reason"], claim["certificate"]) == (
        "rejected",
        "not-found",
        None,
    )
    assert await door.told() == [("CertificateClaimed", 1, 0), ("CertificateRejected", 2, 0)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": a_number(999)},
        {"holder_name": "王伟样例"},
        {"identity_number": WANG_WEI.identity},
        {"occupation": WELDER},
    ],
)
async def test_whoever_guesses_learns_nothing_about_the_holder(
    door: CertificatesDoor, wrong: dict[str, Any]
) -> None:
    await door.import_(a_line())
    guess = await door.seeker(WANG_WEI).post(CLAIMS, json=a_statement(**wrong))
    blank = await door.seeker(WANG_WEI).post(CLAIMS, json=a_statement(number="Y0000000000001"))
    same = ("status", "reason", "explanation", "certificate", "claimed_at", "decided_at")
    assert [guess.json()[key] for key in same] == [blank.json()[key] for key in same]
    assert guess.status_code == blank.status_code == 201
    events = await door.folder_events(WANG_WEI)
    assert [event.data.changed.reason for event in events] == [None, "not-found"] * 2


async def test_what_the_registry_takes_back_is_rejected_with_its_reason(
    door: CertificatesDoor,
) -> None:
    await door.import_(
        a_line(number=a_number(1), status="revoked"),
        a_line(number=a_number(2), status="suspended"),
        a_line(number=a_number(3), valid_until="2026-02-28"),
        a_line(number=a_number(4), valid_until="2026-03-01"),
    )
    claims = [await door.claim(a_statement(number=a_number(n))) for n in (1, 2, 3, 4)]
    assert [(claim["status"], claim["reason"]) for claim in claims] == [
        ("rejected", "revoked"),
        ("rejected", "suspended"),
        ("rejected", "expired"),
        ("verified", None),
    ]


async def test_claiming_again_returns_the_claim_that_is_there(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    first = await door.claim(a_statement())
    again = await door.seeker().post(CLAIMS, json=a_statement(number=NUMBER.lower()))
    narrower = await door.seeker().post(CLAIMS, json=a_statement(occupation=ELECTRICIAN))
    assert (again.status_code, narrower.status_code) == (200, 200)
    assert again.json() == narrower.json() == first
    assert len(await door.told()) == 2


async def test_a_claim_with_a_slip_can_be_made_again_without_it(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    assert (await door.claim(a_statement(holder_name="李那样例")))["status"] == "rejected"
    assert (await door.claim(a_statement()))["status"] == "verified"
    assert len(await door.in_force()) == 1


async def test_one_key_makes_one_claim(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    key = {"Idempotency-Key": "claim-1"}
    seeker = door.seeker()
    first = await seeker.post(CLAIMS, json=a_statement(), headers=key)
    again = await seeker.post(CLAIMS, json=a_statement(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    other = await seeker.post(CLAIMS, json=a_statement(number=a_number(7)), headers=key)
    assert (other.status_code, other.json()["type"]) == (
        422,
        "urn:rengang:problem:idempotency_key_reused",
    )
    assert len(await door.told()) == 2


async def test_what_a_key_leaves_behind_hangs_on_the_pepper(
    fresh_database: FreshDatabase, issuer_at: tuple[Issuer, str]
) -> None:
    """The kept fingerprint of the body must not be a plain hash: the possibilities are too few."""
    left = []
    for pepper in (PEPPER, Pepper("another pepper of 32 characters…")):
        async with (
            opened(await fresh_database("certificates")) as db,
            a_door(db, issuer_at, pepper) as door,
        ):
            key = {"Idempotency-Key": "claim-1"}
            await door.seeker().post(CLAIMS, json=a_statement(), headers=key)
            async with db.transaction() as tx:
                left.append(await tx.fetchval("SELECT fingerprint FROM idempotency"))
    assert left[0] != left[1]


async def test_special_operation_cards_share_a_number_and_are_claimed_by_occupation(
    door: CertificatesDoor,
) -> None:
    shared: dict[str, Any] = {"number": LI_NA.operation_number, "level": None, "issuer": "YJ-53"}
    await door.import_(
        a_line(**shared, name="低压电工作业"),
        a_line(**shared, name="高压电工作业"),
        a_line(**shared, name="熔化焊接作业", occupation=WELDER),
    )
    stated = a_statement(number=LI_NA.operation_number)
    electrician = await door.claim({**stated, "occupation": ELECTRICIAN})
    welder = await door.claim({**stated, "occupation": WELDER})
    assert electrician["claim_id"] != welder["claim_id"]
    assert electrician["number_masked"] == "T" + "*" * 18
    assert [proof.occupation for proof in await door.in_force()] == [ELECTRICIAN, WELDER]


async def test_concurrent_claims_of_one_seeker_leave_no_gap(door: CertificatesDoor) -> None:
    numbers = [a_number(n) for n in range(12)]
    await door.import_(*(a_line(number=number) for number in numbers))
    claims = await asyncio.gather(*(door.claim(a_statement(number=n)) for n in numbers))
    assert {claim["status"] for claim in claims} == {"verified"}
    told = await door.told()
    assert [version for _, version, _ in told] == list(range(1, 25))
    assert told[-1] == ("CertificateVerified", 24, 12)
    for before, after in itertools.pairwise(told):
        assert after[2] - before[2] == (after[0] == "CertificateVerified")


async def test_the_same_claim_made_twice_at_once_is_one(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    claims = await asyncio.gather(*(door.claim(a_statement()) for _ in range(6)))
    assert len({claim["claim_id"] for claim in claims}) == 1
    assert len(await door.told()) == 2


async def test_an_import_waits_for_a_claim_that_it_could_not_see_yet(
    door: CertificatesDoor, db: Database
) -> None:
    async with db.transaction() as tx:
        # Holds the claim up where it has found nothing and is not committed yet.
        await tx.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
        claiming = asyncio.create_task(door.claim(a_statement()))
        await until(lambda: somebody_waits(db))
        importing = asyncio.create_task(door.import_(a_line()))
        await asyncio.wait([importing], timeout=0.5)
    claim = await claiming
    await importing
    (later,) = (await door.seeker().get(CLAIMS)).json()["items"]
    assert (claim["status"], later["status"]) == ("rejected", "verified")


async def somebody_waits(db: Database) -> bool:
    async with db.transaction() as tx:
        waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = $1::regclass"
        return bool(await tx.fetchval(waiting, "outbox"))


async def test_a_seeker_reads_the_own_claims_alone(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    first = await door.claim(a_statement())
    second = await door.claim(a_statement(number=a_number(5)))
    await door.claim(a_statement(WANG_WEI), WANG_WEI)
    assert (await door.seeker().get(CLAIMS)).json() == {"items": [first, second]}


async def test_the_verdict_is_said_in_the_caller_s_language(door: CertificatesDoor) -> None:
    answer = await door.seeker(language="zh-CN").post(CLAIMS, json=a_statement())
    assert answer.headers["Content-Language"] == "zh"
    assert answer.json()["explanation"].startswith("登记库中没有与所填编号、姓名、身份证号")


async def test_an_account_cannot_claim_without_end(door: CertificatesDoor) -> None:
    async def claim(n: int) -> int:
        answer = await door.seeker().post(CLAIMS, json=a_statement(number=a_number(n)))
        return answer.status_code

    for n in range(MOST_CLAIMS):
        assert await claim(n) == 201
    refused = await door.seeker().post(CLAIMS, json=a_statement(number=a_number(101)))
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:rengang:problem:too_many_claims",
    )
    assert await claim(3) == 200


@pytest.mark.parametrize("role", ["employer", "partner", "planner", "operator"])
async def test_only_seekers_claim(refusing: CertificatesDoor, role: str) -> None:
    caller = refusing.caller("someone", role)
    assert (await caller.post(CLAIMS, json=a_statement())).status_code == 403
    assert (await caller.get(CLAIMS)).status_code == 403
