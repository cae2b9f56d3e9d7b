"""`./rengang registry keygen|sign|import|show`: an issuer's files of certificates, signed.

How they are checked and taken in is the certificates service's.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import UUID, uuid4

import httpx
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from dev import signed_files
from dev.reach import Reach, refuse
from dev.stack.folder import write_private

app = typer.Typer(no_args_is_help=True, help="Files of certificates, signed by their issuer.")

PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.5
_SHOWN = 20
_SIGNATURE = ".jws"

_File = Annotated[Path, typer.Argument(help="NDJSON, or CSV where its name ends in .csv")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SignatureFile = Annotated[
    Path | None, typer.Option("--signature", help="The signature; FILE.jws where left out.")
]


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; must not exist.")],
) -> None:
    """Make an issuer's signing key, and print its public part for the operator to register.

    Example: ./rengang registry keygen issuer.pem
    """
    if file.exists():
        refuse(f"{file} is there already; a key is never written over")
    key, pem = signed_files.new_key()
    try:
        write_private(file, pem)
    except OSError as error:
        refuse(f"{file}: {error.strerror}")
    print(orjson.dumps(signed_files.public_jwk(key)).decode())


@app.command()
def sign(
    file: _File,
    issuer: Annotated[str, typer.Option(help="The issuer's code, as in the file's lines.")],
    key: Annotated[Path, typer.Option(help="The private key that keygen made.")],
    signature: _SignatureFile = None,
    import_id: Annotated[UUID | None, typer.Option(help="A new one where left out.")] = None,
) -> None:
    """Sign a file of certificates; nothing is sent.

    What a later signature says gives way to no earlier one, whichever is imported first.

    Example: ./rengang registry sign june.csv --issuer S000053000123 --key issuer.pem
    """
    try:
        secret = signed_files.read_key(key.read_bytes())
        with file.open("rb") as opened:
            facts = signed_files.facts_of(opened, signed_files.media_type_of(file))
        jws = signed_files.sign(secret, issuer, facts, import_id or uuid4(), int(time.time()))
        target = signature or _beside(file)
        target.write_text(jws + "\n", encoding="ascii")
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")
    except signed_files.KeyUnreadable as error:
        refuse(f"{key}: {error}")
    print(f"{target}: {facts.n_rows} row(s) of {issuer}")


@app.command("import")
def import_(file: _File, signature: _SignatureFile = None, json: _Json = False) -> None:
    """Send a signed file; sent again after a break, it goes on where it stopped.

    Ends with 1 where lines were rejected.

    Example: ./rengang registry import june.csv
    """
    reach = Reach.found()
    jws = _read_signature(file, signature)
    import_id = _said(jws, "import_id")
    headers = {
        signed_files.HEADER: jws,
        "Content-Type": _said(jws, "media_type"),
        "Authorization": f"Bearer {reach.token('operator', 'command-line')}",
    }
    base = reach.url("certificates") + "/v1/registry/imports"
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    console = Console(stderr=True)
    started = time.monotonic()
    with (
        Progress(*columns, TimeElapsedColumn(), console=console, disable=json) as progress,
        httpx.Client(timeout=httpx.Timeout(30, read=None, write=None)) as client,
    ):
        bar = progress.add_task("send", total=None, told="")
        ended = threading.Event()
        watch = threading.Thread(
            target=_watch, args=(f"{base}/{import_id}", headers, progress, bar, ended), daemon=True
        )
        watch.start()
        try:
            report = _send(client, base, file, headers)
        except KeyboardInterrupt:
            refuse("stopped; import the file again to go on", code=130)
        finally:
            ended.set()
            watch.join()
    _conclude(report, time.monotonic() - started, json=json)


@app.command()
def show(
    import_id: Annotated[UUID, typer.Argument(help="As the signature and the report name it.")],
    json: _Json = False,
) -> None:
    """Show how far an import has come, and what became of its lines.

    Example: ./rengang registry show 0c6f2a52-6d56-4c52-9d54-0a2f4ef0b4a1 --json
    """
    reach = Reach.found()
    url = f"{reach.url('certificates')}/v1/registry/imports/{import_id}"
    headers = {"Authorization": f"Bearer {reach.token('operator', 'command-line')}"}
    try:
        answer = httpx.get(url, headers=headers, timeout=120)
    except httpx.TransportError as error:
        refuse(f"{url} does not answer: {type(error).__name__}")
    _conclude(_report_of(answer), None, json=json)


def _beside(file: Path) -> Path:
    return file.with_name(file.name + _SIGNATURE)


def _read_signature(file: Path, signature: Path | None) -> str:
    path = signature or _beside(file)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        refuse(f"{path} is not there; sign the file first: ./rengang registry sign {file} …")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path}: {error}")


def _said(jws: str, name: str) -> str:
    try:
        return str(signed_files.said_by(jws)[name])
    except (LookupError, ValueError):
        refuse("the signature is no compact JWS of a file; sign it again: ./rengang registry sign")


def _send(client: httpx.Client, url: str, file: Path, headers: dict[str, str]) -> dict[str, Any]:
    """Send the file until it is in: what was taken in before is not taken in twice."""
    deadline = time.monotonic() + PATIENCE_S
    pause_s = 0.2
    while True:
        try:
            with file.open("rb") as opened:
                sized = headers | {"Content-Length": str(file.stat().st_size)}
                answer = client.post(url, content=_pieces(opened), headers=sized)
        except OSError as error:
            refuse(f"{file}: {error.strerror}")
        except httpx.TransportError as error:
            why = type(error).__name__
        else:
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return _report_of(answer)
            why = f"answered {answer.status_code}"
        if time.monotonic() > deadline:
            refuse(f"{url} did not take the file for {PATIENCE_S:.0f} s ({why}); run it again")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 3)


def _pieces(opened: BinaryIO) -> Iterator[bytes]:
    while piece := opened.read(1 << 20):
        yield piece


def _report_of(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == httpx.codes.OK:
        report: dict[str, Any] = orjson.loads(answer.content)
        return report
    with suppress(ValueError):
        problem = answer.json()
        refuse(f"{answer.status_code} {problem.get('detail') or problem.get('title')}")
    return refuse(f"{answer.url} answered {answer.status_code}")


def _watch(
    url: str, headers: dict[str, str], progress: Progress, bar: TaskID, ended: threading.Event
) -> None:
    """Show how far the import has come, until it ended."""
    wanted = {"Authorization": headers["Authorization"]}
    with httpx.Client(timeout=10) as client:
        while not ended.wait(_LOOK_EVERY_S):
            try:
                answer = client.get(url, params={"lines": "false"}, headers=wanted)
            except httpx.TransportError:
                continue
            if answer.status_code == httpx.codes.OK:
                said = answer.json()
                told = _told(said)
                progress.update(
                    bar, description="import", completed=said["done"], total=said["rows"], told=told
                )


def _told(report: dict[str, Any]) -> str:
    kinds = ("created", "revised", "unchanged", "rejected")
    return "  ".join(f"{kind} {report[kind]}" for kind in kinds if report[kind])


def _conclude(report: dict[str, Any], took_s: float | None, *, json: bool) -> None:
    if json:
        print(orjson.dumps(report).decode())
    else:
        rejected = [line for line in report["lines"] if line["status"] == "rejected"]
        for line in rejected[:_SHOWN]:
            for error in line["errors"][:3]:
                print(f"line {line['line']}: {error['pointer']} {error['zh']}")
        if len(rejected) > _SHOWN:
            print(f"… and {len(rejected) - _SHOWN} more; --json lists all")
        for line in report["flagged"][:_SHOWN]:
            print(f"line {line['line']}: {', '.join(line['flags'])}")
        if len(report["flagged"]) > _SHOWN:
            print(f"… and {len(report['flagged']) - _SHOWN} more worth a look; --json lists all")
        if report.get("report_dropped_at"):
            print(f"what became of its lines was dropped on {report['report_dropped_at'][:10]}")
        took = "" if took_s is None else f" in {took_s:.1f} s"
        print(f"{report['import_id']}: {report['done']} of {report['rows']} rows{took}")
        print(_told(report) or "nothing to do")
    raise typer.Exit(1 if report["rejected"] else 0)
