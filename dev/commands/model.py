"""`./rengang model fit|learn|list|use`: models made of what is stored, and the one to match by."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from dev.reach import Reach, refuse
from dev.stack import plan, state
from dev.stack.folder import ROOT, DataFolder
from dev.stack.program import StackFailed

app = typer.Typer(no_args_is_help=True, help="Models: what terms are worth, and which pairs live.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_VERSION_LETTERS = 16
_STATES = {"in_force": "in force", "chosen": "chosen", "preparing": "being prepared", "stored": ""}


@app.command()
def fit(
    tau_ppm: Annotated[
        int | None,
        typer.Option("--tau-ppm", "--tau", help="Least score that is live, in millionths."),
    ] = None,
    k_s: Annotated[int | None, typer.Option(help="How many postings a seeker sees.")] = None,
    k_p: Annotated[int | None, typer.Option(help="How many seekers a posting sees.")] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PPM", help="A weight, in millionths; may be repeated."),
    ] = None,
    json: _Json = False,
) -> None:
    """Fit a model to all open postings and looking seekers, and store it; it changes no match yet.

    What is not given is taken over from the model in force.

    Example: ./rengang model fit --tau-ppm 250000
    """
    given = (("--tau-ppm", tau_ppm), ("--k-s", k_s), ("--k-p", k_p))
    options = [word for name, value in given if value is not None for word in (name, str(value))]
    options += [word for each in weight or () for word in ("--weight", each)]
    _become("services.matcher.fit", *options, *(["--json"] if json else []))


@app.command()
def learn(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    json: _Json = False,
) -> None:
    """Learn the weights from what became of matches; store a model if it is better.

    It is compared with the one in force on outcomes that were held back, and changes no match yet.
    Exit code 1: it would not be better, or there are too few outcomes to tell.

    Example: ./rengang model learn --dry-run
    """
    _become(
        "services.matcher.learn",
        *(["--dry-run"] if dry_run else []),
        *(["--json"] if json else []),
    )


@app.command("list")
def list_(json: _Json = False) -> None:
    """Show the models that are stored, and which is in force or on its way.

    Example: ./rengang model list
    """
    items = _call("GET", "/v1/models")["items"]
    if json:
        for item in items:
            print(orjson.dumps(item).decode())
        return
    # The version is what `use` wants: whole, however narrow the terminal.
    version = Column("model", no_wrap=True, min_width=_VERSION_LETTERS)
    table = Table(version, "state", "stored at", "documents", "terms", "kB", "τ", "K_s", "K_p")
    for item in items:
        limits = item["limits"]
        table.add_row(
            item["version"],
            _state(item),
            datetime.fromisoformat(item["stored_at"]).astimezone().strftime("%Y-%m-%d %H:%M"),
            "-" if item["documents"] is None else f"{item['documents']:,}",
            f"{item['n_terms']:,}",
            f"{item['n_bytes'] // 1000:,}",
            f"{limits['tau_ppm'] / 1_000_000:g}",
            str(limits["k_s"]),
            str(limits["k_p"]),
        )
    Console(highlight=False).print(table)
    print("make one:  ./rengang model fit|learn     put one in force:  ./rengang model use VERSION")


@app.command()
def use(
    version: Annotated[str, typer.Argument(help="As `model fit` and `model list` show it.")],
    json: _Json = False,
) -> None:
    """Have everything matched by this model; the old matches stay until the new ones are there.

    The one in force may be chosen too: everything is matched anew.

    Example: ./rengang model use 3f9c0a52be7d4416
    """
    chosen = _call("POST", f"/v1/models/{quote(version, safe='')}/choice")
    if json:
        print(orjson.dumps(chosen).decode())
    elif chosen["announced"]:
        print(f"chosen: {version}; how far it is:  ./rengang model list")
    else:
        print(f"{version} was chosen before; how far it is:  ./rengang model list")


def _become(module: str, *options: str) -> NoReturn:
    """Go on as this program, so that Ctrl-C and the exit code are its own."""
    command = [sys.executable, "-P", "-m", module, *options]
    os.execve(sys.executable, command, _environment())  # noqa: S606


def _state(item: dict[str, Any]) -> str:
    progress = item["progress"]
    told = _STATES[item["state"]]
    if progress is None:
        return told
    return f"{told}, matches of {progress['done']:,} of {progress['seekers']:,} seekers"


def _call(method: str, path: str) -> dict[str, Any]:
    reach = Reach.found()
    url = reach.url("matcher") + path
    token = reach.token("operator", "command-line")
    headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
    try:
        answer = httpx.request(method, url, headers=headers, timeout=60)
    except httpx.TransportError as error:
        refuse(f"{url} does not answer: {error}")
    if not answer.is_success:
        refuse(f"{answer.status_code} {_why(answer)}")
    found: dict[str, Any] = answer.json()
    return found


def _why(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.reason_phrase
    faults = [
        f"{each.get('parameter', '')}: {each['detail']}" for each in problem.get("errors", ())
    ]
    return "; ".join(faults) or str(problem.get("detail", answer.reason_phrase))


def _environment() -> dict[str, str]:
    """As the matcher's own process has it, of its database; the caller's settings come first."""
    here = os.environ.get("PYTHONPATH", "")
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{here}" if here else str(ROOT)}
    if {"RENGANG_DATABASE_URL", "RENGANG_DATABASE_URL_FILE"} & os.environ.keys():
        return os.environ | path | plan.compiled_code()
    settings = Reach.found().settings
    folder = DataFolder(Path(settings.get("RENGANG_DATA", "")))
    running = state.load(folder) if "RENGANG_DATA" in settings and folder.in_use else None
    if running is None:
        refuse("no stack runs here; start it with ./rengang up, or set RENGANG_DATABASE_URL")
    try:
        return plan.beside("matcher", folder, running) | path
    except StackFailed as error:
        refuse(str(error))
