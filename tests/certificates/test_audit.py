"""The audit log: everything asked is in it, nothing leaves it unnoticed, and holders see theirs."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificates.actions.auditing import append
from services.certificates.domain.audit import (
    GENESIS,
    Act,
    Break,
    Fault,
    Head,
    Record,
    Row,
    Walk,
    chained,
    hash_of,
)
from services.certificates.store import audit
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import LI_NA, PEPPER, WANG_WEI, a_line, a_number, a_statement
from tests.support import opened

AUDIT = "/v1/audit"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def look(door: CertificatesDoor, asker: str = "desk-1", **changes: Any) -> dict[str, Any]:
    question = {**a_statement(), "purpose": "employment", **changes}
    answer = await door.caller(asker, "partner").post("/v1/verifications", json=question)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def listed(door: CertificatesDoor, **query: Any) -> list[dict[str, Any]]:
    answer = await door.caller("op-1", "operator").get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def checked(door: CertificatesDoor, **noted: Any) -> dict[str, Any]:
    answer = await door.caller("op-1", "operator").get(f"{AUDIT}/check", params=noted)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def tamper(db: Database, statement: str, *args: object) -> None:
    """What somebody with all rights in the database could do."""
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute(statement, *args)


async def test_each_look_is_a_row(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    good = await look(door)
    door.clock.pass_(minutes=5)
    wrong = await look(door, asker="desk-2", holder_name="王伟", purpose="subsidy")
    second, first = await listed(door)
    assert (first["seq"], first["requester"], first["role"]) == (1, "desk-1", "partner")
    assert (first["purpose"], first["act"], first["verdict"]) == ("employment", "verified", "valid")
    assert (first["receipt_no"], second["receipt_no"]) == (good["receipt_no"], wrong["receipt_no"])
    assert (second["verdict"], second["at"]) == ("holder-mismatch", "2026-03-01T08:05:00Z")
    # One person and one certificate in both, told by digests alone.
    assert (first["about"], first["number"]) == (second["about"], second["number"])
    assert LI_NA.identity not in str(first)


async def test_the_log_is_read_by_time_asker_and_purpose_page_by_page(
    door: CertificatesDoor,
) -> None:
    await door.import_(a_line())
    for n in range(6):
        await look(door, asker=f"desk-{n % 2}", purpose="subsidy" if n < 2 else "employment")
        door.clock.pass_(hours=1)
    since, until = "2026-03-01T09:00:00Z", "2026-03-01T12:00:00Z"
    assert [row["seq"] for row in await listed(door)] == [6, 5, 4, 3, 2, 1]
    assert [row["seq"] for row in await listed(door, since=since, until=until)] == [4, 3, 2]
    assert [row["seq"] for row in await listed(door, requester="desk-1")] == [6, 4, 2]
    assert [row["seq"] for row in await listed(door, purpose="subsidy", requester="desk-0")] == [1]
    operator = door.caller("op-1", "operator")
    first = await operator.get(AUDIT, params={"requester": "desk-1", "limit": 2})
    following = await operator.get(first.links["next"]["url"])
    assert [row["seq"] for row in first.json()["items"]] == [6, 4]
    assert [row["seq"] for row in following.json()["items"]] == [2]
    assert following.json()["next"] is None
    mixed = await operator.get(AUDIT, params={"cursor": first.json()["next"]})
    assert mixed.status_code == 400


async def test_a_holder_sees_who_asked_about_them(door: CertificatesDoor) -> None:
    await door.import_(a_line(), a_line(WANG_WEI, number=a_number(2)))
    await look(door, asker="desk-1")
    await look(door, asker="desk-2", identity_number=WANG_WEI.identity, holder_name=WANG_WEI.name)
    await look(door, asker="desk-3", number=a_number(99))
    other = a_statement(WANG_WEI, number=a_number(2))
    await look(door, asker="desk-4", **other)
    mine = door.seeker()
    assert (await mine.get(f"{AUDIT}/mine")).json()["items"] == []
    assert (await door.claim(a_statement()))["status"] == "verified"
    items = (await mine.get(f"{AUDIT}/mine")).json()["items"]
    seen = [(item["requester"], item["verdict"]) for item in items]
    assert seen == [
        ("desk-3", "issuer-unknown"),
        ("desk-2", "holder-mismatch"),
        ("desk-1", "valid"),
    ]
    assert items[0].keys() == {"at", "requester", "role", "act", "purpose", "verdict"}
    page = (await mine.get(f"{AUDIT}/mine", params={"limit": 2})).json()
    rest = (await mine.get(f"{AUDIT}/mine", params={"limit": 2, "cursor": page["next"]})).json()
    assert [*page["items"], *rest["items"]] == items
    assert rest["next"] is None


async def test_a_claim_that_was_rejected_shows_nothing(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    await look(door)
    claim = await door.claim(a_statement(holder_name=WANG_WEI.name), WANG_WEI)
    assert claim["status"] == "rejected"
    answer = await door.seeker(WANG_WEI).get(f"{AUDIT}/mine")
    assert answer.json()["items"] == []


@pytest.mark.parametrize("path", ["", "/check"])
@pytest.mark.parametrize("role", ["partner", "employer", "seeker", "planner"])
async def test_only_operators_read_the_log(
    refusing: CertificatesDoor, path: str, role: str
) -> None:
    assert (await refusing.caller("x", role).get(f"{AUDIT}{path}")).status_code == 403


async def test_a_whole_log_is_said_to_be_whole(door: CertificatesDoor) -> None:
    empty = await checked(door)
    assert empty == {
        "whole": True,
        "rows": 0,
        "hash": GENESIS.hex(),
        "broken_at": None,
        "fault": None,
    }
    await door.import_(a_line())
    for _ in range(3):
        await look(door)
    whole = await checked(door)
    assert (whole["whole"], whole["rows"]) == (True, 3)
    assert whole["hash"] == (await listed(door))[0]["hash"]


async def test_a_log_that_was_rewritten_whole_shows_by_what_was_noted(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    for _ in range(3):
        await look(door)
    before = await checked(door)
    noted = {"noted_rows": before["rows"], "noted_hash": before["hash"]}
    await look(door)
    assert (await checked(door, **noted))["whole"]
    async with db.transaction() as tx:
        rows = await audit.select_rows_after(tx, 0, 10)
    forged = [replace(row.record, requester="nobody") for row in rows]
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("DELETE FROM audit")
        await audit.insert_rows(tx, chained(Head(), forged))
    assert (await checked(door))["whole"]
    told = await checked(door, **noted)
    assert (told["whole"], told["broken_at"], told["fault"]) == (False, 3, "rewritten")
    async with db.transaction() as tx:
        await tx.execute("SET LOCAL session_replication_role = replica")
        await tx.execute("DELETE FROM audit WHERE seq > 2")
        await tx.execute(
            "UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 2)"
        )
    assert (await checked(door))["whole"]
    told = await checked(door, **noted)
    assert (told["whole"], told["broken_at"], told["fault"]) == (False, 3, "cut")
    operator = door.caller("op-1", "operator")
    half = await operator.get(f"{AUDIT}/check", params={"noted_rows": 3})
    assert half.status_code == 422
    assert half.json()["errors"][0]["parameter"] == "noted_hash"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET purpose = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE audit SET at = at WHERE false",
    ],
)
async def test_rows_are_only_ever_added(
    door: CertificatesDoor, db: Database, statement: str
) -> None:
    await door.import_(a_line())
    await look(door)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        async with db.transaction() as tx:
            await tx.execute(statement)
    assert (await checked(door))["whole"]


@pytest.mark.parametrize(
    ("statement", "broken_at", "fault"),
    [
        ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
        ("DELETE FROM audit WHERE seq = 3", 3, "missing"),
        ("DELETE FROM audit WHERE seq = 5", 5, "cut"),
        ("DELETE FROM audit", 1, "cut"),
        ("UPDATE audit SET requester = 'nobody' WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET role = 'operator' WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET purpose = 'subsidy' WHERE seq = 4", 4, "changed"),
        ("UPDATE audit SET verdict = 'revoked' WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 1", 1, "changed"),
        ("UPDATE audit SET about = number_digest WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET receipt_no = '0' WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET hash = sha256('x') WHERE seq = 2", 2, "changed"),
        ("UPDATE audit_head SET seq = 4", 4, "cut"),
        ("UPDATE audit_head SET hash = sha256('x')", 5, "cut"),
    ],
)
async def test_what_was_tampered_with_shows(
    door: CertificatesDoor, db: Database, statement: str, broken_at: int, fault: str
) -> None:
    await door.import_(a_line())
    for _ in range(5):
        await look(door)
    await tamper(db, statement)
    told = await checked(door)
    assert (told["whole"], told["broken_at"], told["fault"]) == (False, broken_at, fault)


async def test_a_row_put_in_between_shows(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    for _ in range(3):
        await look(door)
    await tamper(
        db,
        "INSERT INTO audit SELECT 4, at, 'forged', role, act, about, number_digest, purpose, "
        "verdict, receipt_no, hash FROM audit WHERE seq = 3",
    )
    # Behind the head it is not part of the log; the next row that is added finds its place taken.
    answer = await door.caller("desk-9", "partner").post(
        "/v1/verifications", json={**a_statement(), "purpose": "employment"}
    )
    assert answer.status_code == 500


async def test_processes_that_add_at_once_make_one_chain(
    door: CertificatesDoor, db: Database
) -> None:
    async with opened(db.url) as other:

        async def add(database: Database, who: str) -> None:
            for n in range(20):
                async with database.transaction() as tx:
                    await append(tx, [a_record(requester=who, purpose=f"p{n}")] * 3)

        await asyncio.gather(add(db, "one"), add(other, "two"), add(db, "three"))
    told = await checked(door)
    assert (told["whole"], told["rows"]) == (True, 180)
    rows = await listed(door, limit=200)
    for who in ("one", "two", "three"):
        seen = [row["purpose"] for row in reversed(rows) if row["requester"] == who]
        assert seen == [f"p{n}" for n in range(20) for _ in range(3)]


async def test_what_is_rolled_back_leaves_no_gap(door: CertificatesDoor, db: Database) -> None:
    class Undone(Exception):
        pass

    async def add(*, fails: bool) -> None:
        async with db.transaction() as tx:
            await append(tx, [a_record()])
            if fails:
                raise Undone

    await add(fails=False)
    with pytest.raises(Undone):
        await add(fails=True)
    await add(fails=False)
    told = await checked(door)
    assert (told["whole"], told["rows"]) == (True, 2)


def a_record(**changes: Any) -> Record:
    said: dict[str, Any] = {
        "at": NOW,
        "requester": "desk-1",
        "role": "partner",
        "act": Act.VERIFIED,
        "about": PEPPER.digest("identity", LI_NA.identity),
        "number": PEPPER.digest("number", "x"),
        "purpose": "employment",
        "verdict": "valid",
        "receipt_no": "0" * 26,
        **changes,
    }
    return Record(**said)


def test_the_hash_is_of_the_written_form() -> None:
    """So that whoever has the rows can check them without this program."""
    record = a_record(about=bytes(32), number=b"\1" * 32)
    written = (
        f'[1,1772352000000000,"desk-1","partner","verified","{"00" * 32}","{"01" * 32}",'
        f'"employment","valid","{"0" * 26}"]'
    )
    assert hash_of(GENESIS, 1, record) == hashlib.sha256(bytes(32) + written.encode()).digest()


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=8),
    st.integers(0, 7),
    st.sampled_from(["drop", "swap", "change", "double"]),
)
def test_any_one_change_is_found(names: list[str], at: int, kind: str) -> None:
    records = [
        a_record(requester=name, at=NOW + timedelta(seconds=n)) for n, name in enumerate(names)
    ]
    rows = chained(Head(), records)
    head = Head(rows[-1].seq, rows[-1].hash)
    assert walked(rows, head) is None
    at %= len(rows)
    tampered = list(rows)
    match kind:
        case "drop":
            del tampered[at]
        case "double":
            tampered.insert(at, rows[at])
        case "swap":
            tampered[at], tampered[at - 1] = tampered[at - 1], tampered[at]
        case _:
            row = rows[at]
            tampered[at] = Row(row.seq, row.hash, a_record(requester="another"))
    found = walked(tampered, head)
    assert found is not None
    if kind == "change":
        assert found == Break(rows[at].seq, Fault.CHANGED)
    if kind == "drop":
        assert found.seq == rows[at].seq


def walked(rows: list[Row], head: Head) -> Break | None:
    walk = Walk()
    for row in rows:
        found = walk.step(row)
        if found is not None:
            return found
    return walk.end(head)
