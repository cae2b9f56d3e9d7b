"""`./rengang logs`: what the processes print."""

import json
import os
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from dev.commands import places
from dev.commands.places import Data
from dev.stack.logs import last_lines

app = typer.Typer(add_completion=False)

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
_POLL_S = 0.2
_KNOWN_ANYWAY = ("service", "logger", "span_id")


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="One process; all if left out.")] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as they come.")] = False,
    lines: Annotated[int, typer.Option("-n", min=0, help="How many of the last lines.")] = 20,
    data: Data = places.DEFAULT,
) -> None:
    """Show the last lines of the logs.

    Example: ./rengang logs matcher -f
    """
    folder = places.existing(data)
    there = sorted(path.stem for path in folder.logs.glob("*.log"))
    if service is not None and service not in there:
        places.refuse(f"there is no log of {service}; there are: {', '.join(there) or 'none'}")
    chosen = [service] if service else there
    width = max((len(name) for name in chosen), default=0)
    colours = dict(zip(chosen, cycle(_COLOURS), strict=False))
    console = Console(highlight=False, soft_wrap=True)

    def show(name: str, line: str) -> None:
        prefix = (f"{name:<{width}} ", colours[name]) if len(chosen) > 1 else ""
        # As they were written where a program reads them.
        console.print(Text.assemble(prefix, readable(line) if console.is_terminal else line))

    tails = {name: Tail(folder.log(name)) for name in chosen}
    for name in chosen:
        for line in last_lines(folder.log(name), lines):
            show(name, line)
    try:
        while follow:
            for name, tail in tails.items():
                for line in tail.fresh():
                    show(name, line)
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        pass


def readable(line: str) -> str:
    """A JSON line of a service as time, level, event and the rest; any other line as it is."""
    try:
        said = json.loads(line)
        when, level, event = (str(said.pop(name)) for name in ("timestamp", "level", "event"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return line
    for name in _KNOWN_ANYWAY:
        said.pop(name, None)
    rest = " ".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return f"{when[11:23]} {level:<7} {event} {rest}".rstrip()


class Tail:
    """Whole lines as they are added to a file, also over its turning over. Starts at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb") if path.exists() else None
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)
        self._begun = b""

    def fresh(self) -> Iterator[str]:
        """The lines since the last call."""
        yield from self._read()
        try:
            current = self._path.stat().st_ino
        except FileNotFoundError:
            return
        if self._file is None or os.fstat(self._file.fileno()).st_ino != current:
            if self._file is not None:
                self._file.close()
            self._file = self._path.open("rb")
            yield from self._read()

    def _read(self) -> Iterator[str]:
        if self._file is None:
            return
        *whole, self._begun = (self._begun + self._file.read()).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
