"""A table of certificates is looked up in the background, and its file is destroyed with that."""

import asyncio
import csv
import io
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from starlette.datastructures import Headers

from services.certificates.actions.tabling import LineResult, TableLine, TableVault
from services.certificates.api.table_files import MOST_LINES, read_table, written
from services.certificates.domain.digests import Pepper
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question, Verdict
from services.kit.database import Database
from services.kit.problems import Problem
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import (
    LI_NA,
    NUMBER,
    PEPPER,
    WANG_WEI,
    a_line,
    a_number,
)

URL = "/v1/verifications/table"
CSV = {"Content-Type": "text/csv"}
HEADER = "证书编号,姓名,身份证号\r\n"


def a_table(*rows: str, header: str = HEADER) -> bytes:
    return (header + "".join(f"{row}\r\n" for row in rows)).encode()


def a_row(number: str = NUMBER, name: str = LI_NA.name, identity: str = LI_NA.identity) -> str:
    return f"{number},{name},{identity}"


async def send(
    door: CertificatesDoor, body: bytes, asker: str = "desk-1", **more: Any
) -> httpx.Response:
    client = door.caller(asker, "partner")
    params = {"purpose": "subsidy", **more.pop("params", {})}
    return await client.post(URL, content=body, params=params, headers={**CSV, **more})


async def answer_all(door: CertificatesDoor) -> None:
    while await door.tabling.answer_next():
        pass


async def rows_of(door: CertificatesDoor, table: dict[str, Any]) -> list[list[str]]:
    answer = await door.caller("desk-1", "partner").get(f"{URL}/{table['table_id']}/result")
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_each_line_is_answered_and_the_file_says_so(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line(), a_line(WANG_WEI, number=a_number(2), status="revoked"))
    body = a_table(
        a_row(),
        "",
        a_row(a_number(2), WANG_WEI.name, WANG_WEI.identity),
        a_row(a_number(2)),
        a_row(identity="530102199003070017"),
        f"{a_row()},too,much",
        a_row(LI_NA.operation_number),
    )
    sent = await send(door, body)
    assert sent.status_code == 202
    table = sent.json()
    assert sent.headers["location"] == f"{URL}/{table['table_id']}"
    assert (table["state"], table["total"], table["done"]) == ("waiting", 6, 0)
    assert (table["result"], table["kept_until"]) == (None, "2026-03-08T08:00:00Z")
    early = await door.caller("desk-1", "partner").get(f"{URL}/{table['table_id']}/result")
    assert (early.status_code, early.headers["retry-after"]) == (409, "2")
    await answer_all(door)
    done = (await door.caller("desk-1", "partner").get(sent.headers["location"])).json()
    assert (done["state"], done["done"]) == ("done", 6)
    assert done["result"] == f"{URL}/{table['table_id']}/result"
    header, *rows = await rows_of(door, table)
    assert header[:3] == ["line", "number_masked", "verdict"]
    assert [(row[0], row[2]) for row in rows] == [
        ("2", "valid"),
        ("4", "revoked"),
        ("5", "holder-mismatch"),
        ("6", ""),
        ("7", ""),
        ("8", "not-found"),
    ]
    assert "check digit" in rows[3][6]
    assert "more cells" in rows[4][6]
    async with db.transaction() as tx:
        receipts = await tx.fetch("SELECT receipt_no FROM verifications")
        purposes = await tx.fetch("SELECT DISTINCT requester, purpose FROM audit")
    assert {row[5] for row in rows if row[5]} == {row["receipt_no"] for row in receipts}
    assert [tuple(row) for row in purposes] == [("desk-1", "subsidy")]
    told = str(rows)
    for secret in (LI_NA.name, LI_NA.identity, NUMBER, WANG_WEI.identity):
        assert secret not in told


async def test_what_was_sent_is_never_in_clear_and_destroyed_once_answered(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    await send(door, a_table(*[a_row()] * 250))
    async with db.transaction() as tx:
        parts = await tx.fetch("SELECT * FROM verification_table_parts ORDER BY part")
    assert [part["n_lines"] for part in parts] == [200, 50]
    for part in parts:
        for secret in (NUMBER, LI_NA.identity, LI_NA.name):
            assert secret.encode() not in part["sealed"]
    await door.tabling.answer_next()
    async with db.transaction() as tx:
        open_parts = await tx.fetch(
            "SELECT part FROM verification_table_parts WHERE sealed IS NOT NULL"
        )
    assert [part["part"] for part in open_parts] == [1]
    await door.tabling.answer_next()
    async with db.transaction() as tx:
        count = "SELECT count(*) FROM verification_table_parts WHERE sealed IS NULL"
        assert await tx.fetchval(count) == 2


async def test_a_table_goes_on_after_a_crash(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    table = (await send(door, a_table(*[a_row()] * 250))).json()
    await door.tabling.answer_next()
    async with db.transaction() as tx:
        # Somebody took the second part and was never heard of again.
        await tx.execute(
            "UPDATE verification_table_parts SET taken_until = $1 WHERE part = 1",
            door.clock() + timedelta(minutes=5),
        )
    assert not await door.tabling.answer_next()
    state = (await door.caller("desk-1", "partner").get(f"{URL}/{table['table_id']}")).json()
    assert (state["state"], state["done"]) == ("running", 200)
    door.clock.pass_(minutes=5)
    await answer_all(door)
    assert len(await rows_of(door, table)) == 251


async def test_several_who_answer_at_once_answer_each_part_once(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    table = (await send(door, a_table(*[a_row()] * 900))).json()
    await asyncio.gather(*(answer_all(door) for _ in range(3)))
    _, *rows = await rows_of(door, table)
    assert [int(row[0]) for row in rows] == list(range(2, 902))
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM verifications") == 900


async def test_the_job_is_woken_by_a_table(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    door.tabling.poll_s = 60
    running = asyncio.create_task(door.tabling.run())
    try:
        await asyncio.sleep(0)
        table = (await send(door, a_table(a_row()))).json()
        client = door.caller("desk-1", "partner")
        async with asyncio.timeout(10):
            while (await client.get(f"{URL}/{table['table_id']}")).json()["state"] != "done":
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_guessing_stops_in_a_table_too(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    table = (await send(door, a_table(*[a_row(name="王伟")] * 8))).json()
    await answer_all(door)
    _, *rows = await rows_of(door, table)
    assert [row[2] for row in rows] == ["holder-mismatch"] * 5 + [""] * 3
    assert all("did not fit" in row[6] for row in rows[5:])


async def test_a_table_is_its_senders_alone_and_for_seven_days(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    table = (await send(door, a_table(a_row()))).json()
    await answer_all(door)
    place = f"{URL}/{table['table_id']}"
    for other in (door.caller("desk-2", "partner"), door.caller("desk-1", "operator")):
        assert (await other.get(place)).status_code == 404
        assert (await other.get(f"{place}/result")).status_code == 404
    mine = door.caller("desk-1", "partner")
    door.clock.pass_(days=6, hours=23)
    assert await door.tabling.forget_old() == 0
    assert (await mine.get(place)).status_code == 200
    door.clock.pass_(hours=2)
    assert await door.tabling.forget_old() == 1
    assert (await mine.get(f"{place}/result")).status_code == 404


async def test_the_result_is_in_the_language_of_the_reader(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    table = (await send(door, a_table(a_row()))).json()
    await answer_all(door)
    client = door.caller("desk-1", "partner", "zh")
    answer = await client.get(f"{URL}/{table['table_id']}/result")
    assert answer.headers["content-language"] == "zh"
    assert "attachment" in answer.headers["content-disposition"]
    assert "持证人一致" in answer.content.decode("utf-8-sig")


async def test_an_asker_may_have_five_tables_waiting(door: CertificatesDoor) -> None:
    for _ in range(5):
        assert (await send(door, a_table(a_row()))).status_code == 202
    sixth = await send(door, a_table(a_row()))
    assert (sixth.status_code, sixth.headers["retry-after"]) == (429, "30")
    assert (await send(door, a_table(a_row()), asker="desk-2")).status_code == 202
    await answer_all(door)
    assert (await send(door, a_table(a_row()))).status_code == 202


async def test_a_table_sent_twice_under_one_key_is_one(
    door: CertificatesDoor, db: Database
) -> None:
    key = {"Idempotency-Key": "table-1"}
    first, again = [await send(door, a_table(a_row()), **key) for _ in range(2)]
    assert first.json() == again.json()
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM verification_tables") == 1


@pytest.mark.parametrize(
    ("body", "headers", "params", "status"),
    [
        (a_table(a_row()), {}, {"purpose": "curiosity"}, 422),
        (a_table(a_row()), {"Content-Type": "application/json"}, {}, 415),
        (a_table(a_row()), {"Content-Type": "text/csv; charset=utf-16"}, {}, 415),
        (b"", {}, {}, 422),
        (a_table(), {}, {}, 422),
        (a_table(a_row(), header="证书编号,姓名\r\n"), {}, {}, 422),
        (a_table(a_row(), header="证书编号,姓名,身份证号,身份证号\r\n"), {}, {}, 422),
        (a_table(header=f"{a_row()}\r\n"), {}, {}, 422),
        (a_table('"S000'), {}, {}, 422),
        (b"\xff\xfe" + a_table(a_row()), {"Content-Type": "text/csv; charset=utf-8"}, {}, 422),
        (a_table(*["a,b,c"] * (MOST_LINES + 1)), {}, {}, 413),
        (b"x" * (9 << 20), {}, {}, 413),
    ],
)
async def test_what_is_no_table_is_refused(
    refusing: CertificatesDoor,
    body: bytes,
    headers: dict[str, str],
    params: dict[str, str],
    status: int,
) -> None:
    answer = await send(refusing, body, params=params, **headers)
    assert answer.status_code == status
    told = answer.text
    for secret in (LI_NA.name, LI_NA.identity, NUMBER):
        assert secret not in told
    async with refusing.db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM verification_tables") == 0


async def test_an_employer_sends_tables_to_employ_alone(refusing: CertificatesDoor) -> None:
    employer = refusing.caller("enterprise-1", "employer")
    answer = await employer.post(
        URL, content=a_table(a_row()), params={"purpose": "subsidy"}, headers=CSV
    )
    assert answer.status_code == 422


GOOD = TableLine(2, Question(certificate_number(NUMBER), LI_NA.name, LI_NA.identity))


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (a_table(a_row()), ""),
        (b"\xef\xbb\xbf" + a_table(a_row()), ""),
        (a_table(a_row()), "; charset=UTF-8"),
        (a_table(a_row()).decode().encode("gb18030"), ""),
        (a_table(a_row()).decode().encode("gb18030"), "; charset=GBK"),
        (a_table(a_row(), header="number,holder_name,identity_number\n"), ""),
        (
            a_table(f"{LI_NA.identity},{NUMBER},{LI_NA.name}", header="身份证号码, Number ,姓名\n"),
            "",
        ),
        (a_table(f'"{NUMBER}","{LI_NA.name}","\t{LI_NA.identity}"'), ""),
        (a_table(f"{a_row()},,", header="证书号,持证人,身份证,,\n"), ""),
        (a_table(a_row()).replace(b"\r\n", b"\r"), ""),
    ],
)
def test_a_file_is_read_as_programs_write_it(body: bytes, charset: str) -> None:
    assert read_table(body, Headers({"content-type": f"text/csv{charset}"})) == [GOOD]


@pytest.mark.parametrize(
    ("body", "charset", "zh", "en"),
    [
        (
            a_table(header=f"{a_row()}\n"),
            "",
            "第 1、2、3 列的标题不认识；缺少：证书编号、姓名、",
            "",
        ),
        (
            a_table(a_row(), header="证书编号,名,身份证号\n"),
            "",
            "第 2 列的标题不认识；缺少：姓名。",
            "",
        ),
        (
            a_table(a_row(), header="编号,姓名,姓名,身份证\n"),
            "",
            "重复：姓名。",
            "twice: holder_name",
        ),
        (a_table(a_row()).replace(b",", b";"), "", "应以半角逗号分隔", "separated by commas"),
        (a_table(a_row()).replace(b",", b"\t"), "", "应以半角逗号分隔", "separated by commas"),
        (a_table(a_row()).decode().encode("gb18030"), "utf-8", "写明的 utf-8 编码", "leave it out"),
        (a_table(a_row()).decode().encode("utf-16"), "", "UTF-8 或 GB18030", "UTF-8 or GB18030"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_so_that_a_clerk_can_mend_it(
    body: bytes, charset: str, zh: str, en: str
) -> None:
    parameter = f"; charset={charset}" if charset else ""
    with pytest.raises(Problem) as refused:
        read_table(body, Headers({"content-type": f"text/csv{parameter}"}))
    (fault,) = refused.value.errors
    assert zh in fault["zh"]
    assert en in fault["en"]
    for secret in (LI_NA.name, LI_NA.identity, NUMBER):
        assert secret not in str(fault)


def test_what_a_spreadsheet_would_run_is_made_text() -> None:
    results = [
        LineResult(2, "=1+1", Verdict.VALID, None, None, "0" * 26),
        LineResult(3, "@x", faults=(("-坏", "-bad"),)),
    ]
    rows = list(csv.reader(io.StringIO(written(results, "en").decode("utf-8-sig"))))
    assert [rows[1][1], rows[2][1], rows[2][6]] == ["'=1+1", "'@x", "'-bad"]


def test_a_sealed_part_is_good_in_its_own_place_alone() -> None:
    vault = TableVault(PEPPER, secrets.token_bytes)
    bad = TableLine(3, None, (("坏", "bad"),))
    sealed = vault.sealed(UUID(int=1), 0, [GOOD, bad])
    assert vault.opened(UUID(int=1), 0, sealed) == [GOOD, bad]
    other = TableVault(Pepper("another pepper of 32 characters or more"), secrets.token_bytes)
    for opener, table_id, part in (
        (vault, UUID(int=2), 0),
        (vault, UUID(int=1), 1),
        (other, UUID(int=1), 0),
    ):
        with pytest.raises(InvalidTag):
            opener.opened(table_id, part, sealed)


def test_too_many_lines_are_told_before_anything_is_kept() -> None:
    body = a_table(*["a,b,c"] * (MOST_LINES + 1))
    with pytest.raises(Problem) as refused:
        read_table(body, Headers({"content-type": "text/csv"}))
    assert refused.value.status == 413
