"""`./rengang audit`: against the service's own door, and without any."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import a_line, a_statement
from tests.certificates.test_audit import tamper
from tests.dev.programs import ROOT_ENVIRONMENT
from tests.kit.door import served


@dataclass
class Line:
    """The command line, told where a service is."""

    settings: dict[str, str]

    async def run(self, *arguments: str) -> tuple[int | None, str, str]:
        """`./rengang audit …`: exit code, output, complaints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "dev", "audit", *arguments),
            env=ROOT_ENVIRONMENT | {"COLUMNS": "80"} | self.settings,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def line(door: CertificatesDoor) -> AsyncIterator[Line]:
    await door.import_(a_line())
    for n in range(3):
        answer = await door.caller(f"desk-{n}", "partner").post(
            "/v1/verifications", json={**a_statement(), "purpose": "subsidy"}
        )
        assert answer.status_code == 200
    async with served(door.app) as url:
        token = door.issuer.token(sub="op-1", role="operator")
        yield Line({"RENGANG_CERTIFICATES_URL": url, "RENGANG_TOKEN": token})


async def test_a_whole_log_is_checked_and_what_was_noted_is_compared(line: Line) -> None:
    code, told, complaint = await line.run("check")
    assert (code, complaint) == (0, "")
    noted = told.strip().removeprefix("the log is whole: ")
    assert noted.startswith("3:")
    assert await line.run("check", "--noted", noted) == (0, told, "")
    code, told, complaint = await line.run("check", "--noted", f"3:{'0' * 64}")
    assert (code, told) == (1, "")
    assert "not what was noted, up to row 3" in complaint
    code, told, complaint = await line.run("check", "--noted", "yesterday's")
    assert (code, told, complaint.count("\n")) == (1, "", 1)


async def test_a_broken_log_is_said_with_its_row(line: Line, db: Database) -> None:
    await tamper(db, "DELETE FROM audit WHERE seq = 2")
    code, told, complaint = await line.run("check", "--json")
    assert (code, json.loads(told)["broken_at"]) == (1, 2)
    assert "rows are missing from row 2" in complaint


async def test_the_rows_are_listed(line: Line) -> None:
    code, told, complaint = await line.run("list", "--requester", "desk-1", "--json")
    assert (code, complaint) == (0, "")
    (row,) = [json.loads(each) for each in told.splitlines()]
    assert (row["seq"], row["purpose"], row["verdict"]) == (2, "subsidy", "valid")
    code, told, _ = await line.run("list")
    assert all(
        text in told for text in ("desk-0", "desk-1", "desk-2", "subsidy", row["receipt_no"])
    )
    code, told, complaint = await line.run("list", "--since", "yesterday")
    assert (code, told, complaint.count("\n")) == (1, "", 1)
    assert "since" in complaint


async def test_a_service_that_is_away_is_said_in_one_line() -> None:
    away = Line({"RENGANG_CERTIFICATES_URL": "http://127.0.0.1:9", "RENGANG_TOKEN": "t"})
    code, told, complaint = await away.run("check")
    assert (code, told, complaint.count("\n")) == (1, "", 1)
    assert "does not answer" in complaint
