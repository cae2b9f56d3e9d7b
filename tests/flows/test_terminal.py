"""The system from a terminal: import with a report, watch, parked records and their way back."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.flows.people import HEKOU, a_posting, a_profile, someone
from tests.flows.system import ROOT, System
from tests.kit.bus import send


async def rengang(system: System, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output, errors of one command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dev",
        *arguments,
        cwd=ROOT,
        env=os.environ | system.stack.state.settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def ndjson(*lines: Any) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"


async def test_an_import_brings_the_good_lines_in_and_says_what_was_wrong_with_the_others(
    system: System, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.ndjson"
    lines = [json.dumps(a_posting(reference=f"样例-{n}")) for n in range(600)]
    lines[16] = json.dumps(a_posting(pay={"min": -1, "max": 10, "unit": "month"}))
    lines[559] = '{"title": "half a li'
    file.write_text("\n".join(lines), encoding="utf-8")
    employer = someone("employer")[1]
    code, out, err = await rengang(
        system, "import", "postings", str(file), "--employer", employer, "--json"
    )
    report = json.loads(out)
    assert (code, report["created"], report["rejected"]) == (1, 598, 2), err
    assert [line["line"] for line in report["rejected_lines"]] == [17, 560]
    _, out, _ = await rengang(
        system, "import", "postings", str(file), "--employer", employer, "--json"
    )
    assert json.loads(out)["unchanged"] == 598
    _, out, _ = await rengang(system, "import", "postings", str(file), "--employer", employer)
    assert "line 17:" in out


async def test_watch_shows_what_stands_and_what_comes(system: System) -> None:
    _, account = seeker = someone("seeker")
    await system.call(
        "POST", "seekers", "/v1/seekers", seeker, body=a_profile(counties=[HEKOU]), status=201
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dev",
        "watch",
        account,
        "--lang",
        "en",
        cwd=ROOT,
        env=os.environ | system.stack.state.settings | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    seen = ""
    try:
        async with asyncio.timeout(60):
            while "waiting for matches" not in seen:
                seen += (await process.stdout.readline()).decode()
            title = f"氩弧焊工 {uuid4().hex[:6]}"
            body = a_posting(title=title, county=HEKOU)
            await system.call(
                "POST", "postings", "/v1/postings", someone("employer"), body=body, status=201
            )
            while title not in seen or "missing" not in seen.partition(title)[2]:
                seen += (await process.stdout.readline()).decode()
    finally:
        process.kill()
        await process.wait()
    assert "new match" in seen
    assert "CNY 7,000" in seen


async def test_rubbish_on_the_bus_is_parked_listed_and_can_come_back(system: System) -> None:
    kafka = system.stack.state.settings["RENGANG_KAFKA"]
    marker = uuid4().hex
    rubbish = [f'{{"no": "envelope {marker}"}}'.encode(), b'{"specversion":"1.0","type":7}', None]
    await send(kafka, "rengang.postings", *rubbish, headers=[("odd", b"\xff\xfe")])
    employer = someone("employer")
    answer = await system.call(
        "POST", "postings", "/v1/postings", employer, body=a_posting(), status=201
    )
    await system.at_rest()
    path = f"/v1/postings/{answer.json()['posting_id']}/matches"
    await system.call("GET", "talent", path, employer, status=200)

    code, out, err = await rengang(system, "dead", "list", "postings", "--json")
    assert code == 0, err
    parked = [json.loads(line) for line in out.splitlines()]
    mine = [one for one in parked if marker in (one["value"] or "")]
    assert {one["group"] for one in mine} == {"rengang.matcher.0-of-1", "rengang.talent"}
    assert all("not an envelope" in one["reason"] for one in mine)
    assert any("tombstone" in one["reason"] for one in parked)

    code, out, err = await rengang(system, "dead", "replay", "postings", "--id", mine[0]["id"])
    assert (code, out.strip()) == (0, "sent back: 1"), err
    await system.at_rest()
    _, out, _ = await rengang(system, "dead", "list", "postings", "--json", "--all")
    again = [json.loads(line) for line in out.splitlines()]
    assert [one["replayed"] for one in again if one["id"] == mine[0]["id"]] == [True]
    assert sum(marker in (one["value"] or "") for one in again) == len(mine) + 1, "parked anew"


async def test_the_tail_of_a_topic(system: System) -> None:
    await system.call("POST", "seekers", "/v1/seekers", someone("seeker"), body=a_profile())
    await system.at_rest()
    code, out, _ = await rengang(
        system, "topic", "tail", "seekers", "-n", "2", "--no-follow", "--json"
    )
    newest = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert newest[-1]["value"]["type"] == "SeekerProfiled"
    code, _, err = await rengang(system, "topic", "tail", "nonsense")
    assert code == 1
    assert "no topic rengang.nonsense" in err


async def test_wrong_use_is_told_in_one_line(system: System, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.ndjson")
    for arguments in (
        ("import", "postings", missing),
        ("watch", "nobody-of-this-name"),
        ("dead", "replay", "--id", "0/1"),
    ):
        code, _, err = await rengang(system, *arguments)
        assert code == 1, arguments
        assert len(err.strip().splitlines()) == 1, err
        assert "Traceback" not in err
