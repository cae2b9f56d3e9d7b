"""`./rengang status`: each process, its health, and how far its reading is behind."""

import asyncio
import json
import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dev.commands import places
from dev.commands.places import AsJson, Data
from dev.stack import state
from dev.stack.lag import lags
from dev.stack.plan import SERVICES
from dev.stack.state import PartState, Phase, StackState

app = typer.Typer(add_completion=False)

_STYLES = {Phase.READY: "green", Phase.UNREADY: "yellow", Phase.RESTARTING: "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One process. lag: records its group has still to read; None where it reads none."""

    name: str
    health: str
    why: str
    address: str
    pid: int | None
    uptime_s: int | None
    restarts: int
    lag: int | None


@app.command()
def status(data: Data = places.DEFAULT, as_json: AsJson = False) -> None:
    """Show the processes of the stack. The exit code is 0 only when all are ready.

    Example: ./rengang status --json
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = places.existing(data)
    seen = state.load(folder)
    if seen is None or not folder.in_use:
        _say_not_running(seen, as_json=as_json)
        raise typer.Exit(1)
    behind = asyncio.run(lags(seen.settings["RENGANG_KAFKA"], tuple(SERVICES)))
    rows = [_row(part, behind.get(part.name)) for part in seen.programs]
    all_ready = seen.phase is Phase.READY and all(row.health == Phase.READY for row in rows)
    if as_json:
        told: dict[str, Any] = {
            "phase": seen.phase,
            "ready": all_ready,
            "data": str(folder.path),
            "supervisor": seen.supervisor.pid if seen.supervisor else None,
            "uptime_s": int(time.time() - seen.started_at),
            "processes": [asdict(row) for row in rows],
            "notices": seen.notices,
        }
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(rows, seen)
    raise typer.Exit(0 if all_ready else 1)


def _row(part: PartState, lag: int | None) -> Row:
    uptime_s = int(time.time() - part.started_at) if part.started_at is not None else None
    return Row(
        part.name, part.phase, part.why, part.address, part.pid, uptime_s, part.restarts, lag
    )


def _print(rows: list[Row], seen: StackState) -> None:
    console = Console(highlight=False)
    table = Table("process", "health", "address", "pid", "up", "restarts", "lag", box=None)
    for row in rows:
        health = f"{row.health} ({row.why})" if row.why else row.health
        table.add_row(
            row.name,
            Text(health, _STYLES.get(Phase(row.health), "red")),
            row.address,
            str(row.pid or "-"),
            _span(row.uptime_s),
            Text(str(row.restarts), "yellow" if row.restarts else ""),
            "-" if row.lag is None else f"{row.lag:,}",
        )
    console.print(table)
    for notice in seen.notices:
        console.print(Text(f"note: {notice}", "yellow"), soft_wrap=True)


def _say_not_running(seen: StackState | None, *, as_json: bool) -> None:
    left = [part.name for part, _ in state.strays(seen)]
    failed = seen.reason if seen is not None and seen.phase is Phase.FAILED else ""
    if as_json:
        told = {"phase": Phase.STOPPED, "ready": False, "left_behind": left, "reason": failed}
        print(json.dumps(told, ensure_ascii=False))
        return
    print("not running" + (f"; the last start failed: {failed}" if failed else ""))
    if left:
        print(f"a killed stack left {', '.join(left)}; ./rengang up or down ends them")


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"
