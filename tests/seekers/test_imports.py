"""Many profiles at once: each line is taken in or told why not; the same again changes nothing."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from contracts.seekers import SeekerProfiled
from contracts.values import seeker_id_of
from tests.seekers.conftest import Door
from tests.seekers.samples import LI_NA, LI_NA_ID, a_profile

IMPORT = "/v1/seekers/import"


@pytest.fixture
def operator(door: Door) -> httpx.AsyncClient:
    return door.caller("op-1", "operator")


def a_line(account: str, **work: Any) -> dict[str, Any]:
    return {"account": account, **a_profile(**work)}


async def send(client: httpx.AsyncClient, *lines: dict[str, Any] | str | bytes) -> dict[str, Any]:
    """Import these lines; returns the report."""
    body = b"\n".join(
        line
        if isinstance(line, bytes)
        else line.encode()
        if isinstance(line, str)
        else json.dumps(line, ensure_ascii=False).encode()
        for line in lines
    )
    answer = await client.post(
        IMPORT, content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def outcomes(report: dict[str, Any]) -> list[str]:
    return [line["status"] for line in report["lines"]]


async def test_imported_profiles_belong_to_their_accounts(
    door: Door, operator: httpx.AsyncClient, li_na: httpx.AsyncClient
) -> None:
    report = await send(operator, a_line(LI_NA), a_line("acct-2"))
    assert outcomes(report) == ["created", "created"]
    assert report["lines"][0]["id"] == str(LI_NA_ID)
    assert (await li_na.get("/v1/seekers/me")).json()["seeker_id"] == str(LI_NA_ID)
    assert {event.subject for event in await door.announced()} == {
        str(LI_NA_ID),
        str(seeker_id_of("acct-2")),
    }


async def test_an_import_says_who_commutes(
    door: Door, operator: httpx.AsyncClient, li_na: httpx.AsyncClient
) -> None:
    assert outcomes(await send(operator, a_line(LI_NA, commute=False))) == ["created"]
    assert outcomes(await send(operator, a_line(LI_NA, commute=True))) == ["revised"]
    assert outcomes(await send(operator, a_line(LI_NA, commute=True))) == ["unchanged"]
    assert (await li_na.get("/v1/seekers/me")).json()["work"]["commute"] is True
    assert [
        event.data.commute for event in await door.announced() if isinstance(event, SeekerProfiled)
    ] == [False, True]


async def test_the_same_file_again_changes_nothing_and_another_revises(
    door: Door, operator: httpx.AsyncClient
) -> None:
    lines = [a_line(f"acct-{n}") for n in range(450)]
    assert (await send(operator, *lines))["created"] == 450
    assert (await send(operator, *lines))["unchanged"] == 450
    lines[7] = a_line("acct-7", skills=["鼻饲"])
    report = await send(operator, *lines)
    assert (report["revised"], report["unchanged"]) == (1, 449)
    assert len(await door.announced()) == 451


async def test_two_lines_of_one_account_count_in_their_order(
    door: Door, operator: httpx.AsyncClient, li_na: httpx.AsyncClient
) -> None:
    report = await send(
        operator, a_line(LI_NA), a_line(LI_NA, text="后来"), a_line(LI_NA, text="后来")
    )
    assert outcomes(report) == ["created", "revised", "unchanged"]
    profile = (await li_na.get("/v1/seekers/me")).json()
    assert (profile["version"], profile["work"]["text"]) == (2, "后来")
    assert [event.version for event in await door.announced()] == [1, 2]


async def test_the_same_file_twice_at_once_is_in_once(
    door: Door, operator: httpx.AsyncClient
) -> None:
    lines = [a_line(f"acct-{n}") for n in range(120)]
    reports = await asyncio.gather(
        send(operator, *lines), send(operator, *reversed(lines)), send(operator, *lines)
    )
    assert sum(report["created"] for report in reports) == 120
    assert sum(report["unchanged"] for report in reports) == 240
    assert len(await door.announced()) == 120


async def test_good_lines_are_in_whatever_is_wrong_with_others(
    operator: httpx.AsyncClient,
) -> None:
    wrong = a_line("acct-2", counties=["110101"], occupations=["9-99-99-99"])
    wrong["person"]["sex"] = "女"
    young = a_line("acct-3")
    young["person"]["birth_date"] = "2015-01-01"
    report = await send(
        operator,
        a_line("acct-1"),
        '{"account": "acct-x", ',
        wrong,
        "[1]",
        "",
        young,
        b'{"account": "\xff"}',
        '{"account": "a\\u0000b"}',
        {**a_profile()},
        "x" * (64 * 1024 + 1),
        a_line("acct-9"),
    )
    assert outcomes(report) == ["created", *["rejected"] * 8, "created"]
    assert [line["line"] for line in report["lines"]] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    faults = {line["line"]: line["errors"] for line in report["lines"]}
    assert [fault["pointer"] for fault in faults[3]] == ["/person/sex"]
    assert [fault["pointer"] for fault in faults[6]] == ["/person/birth_date"]
    assert [fault["pointer"] for fault in faults[9]] == ["/account"]
    assert all(fault["zh"] and fault["en"] for told in faults.values() for fault in told)


async def test_who_withdrew_is_not_brought_back_by_an_import(
    door: Door, operator: httpx.AsyncClient, looking: httpx.AsyncClient
) -> None:
    await looking.delete(f"/v1/seekers/{LI_NA_ID}")
    report = await send(operator, a_line(LI_NA))
    assert outcomes(report) == ["rejected"]
    assert "withdrawn" in report["lines"][0]["errors"][0]["en"]
    assert (await looking.get("/v1/seekers/me")).json()["status"] == "withdrawn"


async def test_who_may_import(door: Door) -> None:
    body = json.dumps(a_line("acct-1"))
    headers = {"Content-Type": "application/x-ndjson"}
    for role, status in (
        ("operator", 200),
        ("partner", 200),
        ("seeker", 403),
        ("employer", 403),
        ("planner", 403),
    ):
        caller = door.caller("acct-x", role)
        assert (await caller.post(IMPORT, content=body, headers=headers)).status_code == status


async def test_too_much_at_once_is_refused_whole(door: Door, operator: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    lines = await operator.post(IMPORT, content=b"{}\n" * 5_001, headers=headers)
    assert (lines.status_code, lines.json()["max_lines"]) == (413, 5_000)
    size = await operator.post(IMPORT, content=b"x" * (16 * 1024 * 1024 + 1), headers=headers)
    assert size.status_code == 413
    as_json = await operator.post(IMPORT, json=a_line("acct-1"))
    assert as_json.status_code == 415
    assert await door.announced() == []
