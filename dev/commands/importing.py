"""`./rengang import postings|seekers FILE`: NDJSON over the services' own doors.

Files of certificates are signed; they come in by `registry`.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dev.reach import Reach, refuse

app = typer.Typer(no_args_is_help=True, help="Bring files of postings or seekers in.")

LINES_A_CALL = 500
BYTES_A_CALL = 4 * 1024 * 1024
PATIENCE_S = 120.0

_File = Annotated[str, typer.Argument(help="NDJSON, one object a line; - reads standard input")]
_Json = Annotated[bool, typer.Option("--json", help="The report as one JSON object.")]
_Report = Annotated[Path | None, typer.Option("--report", help="Write a line's fate each, NDJSON.")]


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("created", "revised", "unchanged", "rejected"), 0)
    )
    rejected: list[dict[str, Any]] = field(default_factory=list)
    lines: int = 0


@app.command()
def postings(
    file: _File,
    employer: Annotated[str, typer.Option(help="Whose postings they are.")] = "sample-employer",
    json: _Json = False,
    report: _Report = None,
) -> None:
    """Import postings of one employer; importing a file again changes nothing.

    Example: ./rengang import postings jobs.ndjson --employer acme
    """
    _run(file, "postings", "/v1/postings/import", ("employer", employer), json=json, report=report)


@app.command()
def seekers(file: _File, json: _Json = False, report: _Report = None) -> None:
    """Import seekers, each with the account it belongs to.

    Example: ./rengang import seekers people.ndjson --report fate.ndjson
    """
    who = ("operator", "command-line")
    _run(file, "seekers", "/v1/seekers/import", who, json=json, report=report)


def _run(
    file: str, service: str, path: str, who: tuple[str, str], *, json: bool, report: Path | None
) -> None:
    reach = Reach.found()
    source, size = _opened(file)
    url = reach.url(service) + path
    tally = Tally()
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    fates = report.open("wb") if report else None
    try:
        with (
            source,
            httpx.Client(timeout=120) as client,
            Progress(
                *columns, TimeElapsedColumn(), console=Console(stderr=True), disable=json
            ) as progress,
        ):
            bar = progress.add_task(f"import {service}", total=size, told="")
            for first, chunk in _chunks(source):
                headers = {
                    "authorization": f"Bearer {reach.token(*who)}",
                    "content-type": "application/x-ndjson",
                }
                answer = _post(client, url, b"".join(chunk), headers)
                _count(tally, answer, first, fates)
                progress.update(bar, advance=sum(map(len, chunk)), told=_told(tally))
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}")
    except KeyboardInterrupt:
        refuse(f"stopped after {tally.lines} lines; import the file again to go on", code=130)
    finally:
        if fates:
            fates.close()
    _conclude(tally, time.monotonic() - started, json=json)


def _opened(file: str) -> tuple[BinaryIO, int | None]:
    if file == "-":
        return sys.stdin.buffer, None
    path = Path(file)
    try:
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        refuse(f"{file}: {error.strerror}")


def _chunks(source: BinaryIO) -> Iterator[tuple[int, list[bytes]]]:
    """Runs of lines small enough for one call, each with the number of its first line."""
    first, chunk, size = 1, list[bytes](), 0
    for number, line in enumerate(source, 1):
        if chunk and (len(chunk) == LINES_A_CALL or size + len(line) > BYTES_A_CALL):
            yield first, chunk
            first, chunk, size = number, [], 0
        chunk.append(line)
        size += len(line)
    if chunk:
        yield first, chunk


def _post(
    client: httpx.Client, url: str, content: bytes, headers: dict[str, str]
) -> dict[str, Any]:
    """One call, repeated while the service is away: a line imported twice changes nothing."""
    deadline = time.monotonic() + PATIENCE_S
    pause_s = 0.2
    while True:
        try:
            answer = client.post(url, content=content, headers=headers)
        except httpx.TransportError as error:
            why = f"{type(error).__name__}: {error}"
        else:
            if answer.status_code == httpx.codes.OK:
                report: dict[str, Any] = answer.json()
                return report
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                problem = answer.json()
                refuse(f"{answer.status_code} {problem.get('detail') or problem.get('title')}")
            why = f"answered {answer.status_code}"
        if time.monotonic() > deadline:
            refuse(f"{url} did not take the lines for {PATIENCE_S:.0f} s ({why}); run it again")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 3)


def _count(tally: Tally, answer: dict[str, Any], first: int, fates: BinaryIO | None) -> None:
    for kind in tally.counts:
        tally.counts[kind] += answer.get(kind, 0)
    tally.lines += answer["total"]
    for line in answer["lines"]:
        line["line"] += first - 1
        if line["status"] == "rejected":
            tally.rejected.append(line)
        if fates is not None:
            fates.write(orjson.dumps(line) + b"\n")


def _told(tally: Tally) -> str:
    return "  ".join(f"{kind} {count}" for kind, count in tally.counts.items() if count)


def _conclude(tally: Tally, took_s: float, *, json: bool) -> None:
    if json:
        told = {**tally.counts, "total": tally.lines, "seconds": round(took_s, 2)}
        print(orjson.dumps({**told, "rejected_lines": tally.rejected}).decode())
    else:
        for line in tally.rejected[:20]:
            for error in line.get("errors", [])[:3]:
                where = error.get("pointer") or ""
                print(f"line {line['line']}: {where} {error.get('zh') or error.get('detail')}")
        if len(tally.rejected) > 20:
            print(f"… and {len(tally.rejected) - 20} more; --report FILE lists all")
        print(f"{tally.lines} lines in {took_s:.1f} s: {_told(tally) or 'nothing to do'}")
    raise typer.Exit(1 if tally.rejected else 0)
