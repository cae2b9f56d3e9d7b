"""`./rengang receipt check FILE`: is a receipt genuine? Offline, once the keys are at hand."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dev.reach import Reach, refuse
from dev.stack.folder import ROOT
from dev.stack.jars import cache_folder

app = typer.Typer(no_args_is_help=True, help="Receipts of verified certificates.")


@app.callback()
def receipt() -> None:
    """Receipts of verified certificates."""


@app.command()
def check(  # noqa: PLR0917 (typer gives them by name)
    file: Annotated[str, typer.Argument(help="A JWS, or a saved JSON answer; - for stdin.")],
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="JWKS of the city that signed. Else the stack's, or those kept from it before.",
        ),
    ] = None,
    asked: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Prove what was asked: JSON with number, holder_name, identity_number, and salt "
            "unless the answer has it.",
        ),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="The same, typed in at a prompt.")] = False,
    status: Annotated[
        str | None, typer.Option(metavar="FILE", help="A saved status list: lapsed since?")
    ] = None,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a receipt.")] = False,
) -> None:
    """Check that a receipt is genuine; exit code 0: it is, 1: it is not, 2: it cannot be told.

    The verdict that it tells may still be a bad one: read it.

    Example: ./rengang receipt check receipt.jws --lang en
    """
    if lang not in ("zh", "en"):
        refuse("--lang is zh or en", 2)
    if ask and asked is not None:
        refuse("give --ask or --asked, not both", 2)
    given = (("--keys", keys), ("--asked", asked), ("--status", status), ("--stack", _stack()))
    options = [f"{name}={value}" for name, value in given if value is not None]
    options += [f"--cache={cache_folder() / 'receipt-keys.json'}", f"--lang={lang}"]
    options += [*(["--ask"] if ask else []), *(["--json"] if json else [])]
    command = [sys.executable, "-P", "-m", "services.certificates.check", *options, "--", file]
    here = os.environ.get("PYTHONPATH", "")
    path = f"{ROOT}{os.pathsep}{here}" if here else str(ROOT)
    sys.stdout.flush()
    # In place of this process, so that the prompt, Ctrl-C and the exit code are the checker's own.
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": path})  # noqa: S606


def _stack() -> str | None:
    """Where the running stack publishes its keys; None where none runs."""
    url = Reach.found(_data()).settings.get("RENGANG_CERTIFICATES_URL")
    return None if url is None else f"{url.rstrip('/')}/.well-known/jwks.json"


def _data() -> Path | None:
    named = os.environ.get("RENGANG_DATA")
    return Path(named) if named else None
