"""The data folder a command works on, and how a refusal is said."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dev.stack.folder import DEFAULT_DATA, DataFolder

Data = Annotated[
    Path,
    typer.Option("--data", envvar="RENGANG_DATA", help="The data folder.", show_default=".rengang"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT = DEFAULT_DATA


def existing(data: Path) -> DataFolder:
    """The folder of a stack that was started at least once; else says how to start one."""
    folder = DataFolder(data)
    if not folder.is_ours:
        refuse(f"there is no stack in {folder.path}; start one: ./rengang up")
    return folder


def refuse(reason: str, code: int = 1) -> NoReturn:
    """Say why not on stderr and end."""
    print(reason, file=sys.stderr)
    raise typer.Exit(code)
