"""`./rengang up`: start the whole system, here or in the background."""

import asyncio
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from dev.commands import places, progress
from dev.commands.places import AsJson, Data
from dev.sample import generate
from dev.stack import errands, plan, state
from dev.stack.folder import DEFAULT_DATA, ROOT, DataFolder, FolderRefused
from dev.stack.logs import last_lines
from dev.stack.plan import Elsewhere
from dev.stack.program import StackFailed
from dev.stack.state import Phase, StackState
from dev.stack.supervisor import Stack

app = typer.Typer(add_completion=False)

_POLL_S = 0.1
_SETTLED = (Phase.READY, Phase.FAILED, Phase.STOPPED)


@app.command()
def up(
    data: Data = places.DEFAULT,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete all data first.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when ready; go on in the background.")
    ] = False,
    sample: Annotated[bool, typer.Option(help="Load the sample market once.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start PostgreSQL, Kafka and the services, and keep them running.

    Ctrl-C stops everything; so does ./rengang down. RENGANG_KAFKA (host:port) and
    RENGANG_DATABASE_SERVER (postgresql://admin:password@host:port) name servers to use instead.

    Example: ./rengang up --detach
    """
    # What fails is said once, by the part that failed; the clients would say it at each probe.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = DataFolder(data)
    console = Console(stderr=as_json, highlight=False)
    try:
        if folder.in_use:
            _join(folder, console, fresh=fresh)
        else:
            if fresh:
                _forget(folder)
            if detach:
                _start_in_background(folder, console, sample=sample)
            else:
                asyncio.run(_run(folder, console, sample=sample, as_json=as_json))
                return
    except (StackFailed, FolderRefused) as error:
        if as_json:
            print(json.dumps({"phase": Phase.FAILED, "reason": str(error)}, ensure_ascii=False))
        places.refuse(f"not started: {error}")
    running = state.load(folder)
    if running is not None:
        _welcome(folder, running, console, as_json=as_json)


async def _run(folder: DataFolder, console: Console, *, sample: bool, as_json: bool) -> None:
    """Be the supervisor until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _on_signal, stop)
    with progress.on(console) as display:
        stack = await plan.local_stack(
            folder, elsewhere=Elsewhere.from_environment(), sample=sample, on_change=display.show
        )
        display.show(stack.state)
        stopped_early = await _start_unless(stop, stack, display)
    if stopped_early:
        console.print("stopped before it was ready")
        raise typer.Exit(130)
    _welcome(folder, stack.state, console, as_json=as_json)
    if console.is_terminal and not as_json:
        console.print("\nCtrl-C stops it.", style="dim")
    await stop.wait()
    with progress.on(console) as display:
        stack.on_change = display.show
        await stack.stop()


async def _start_unless(stop: asyncio.Event, stack: Stack, display: progress.Progress) -> bool:
    """Start; if told to stop meanwhile, undo it and return True."""
    starting = asyncio.create_task(stack.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        while not starting.done() and not stop.is_set():
            either: set[asyncio.Task[Any]] = {starting, stopping}
            await asyncio.wait(either, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            display.show(stack.state)
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            return True
        await starting
        return False
    finally:
        stopping.cancel()


def _on_signal(stop: asyncio.Event) -> None:
    if stop.is_set():
        # Asked twice: end at once. The processes get their parting signal from the kernel.
        os._exit(130)
    stop.set()


def _join(folder: DataFolder, console: Console, *, fresh: bool) -> None:
    """A stack runs here already: wait until it is ready, and say so."""
    if fresh:
        raise StackFailed(f"a stack is running on {folder.path}; stop it first: ./rengang down")
    running = state.load(folder)
    if running is not None and running.phase is Phase.STARTING:
        running = _follow(folder, console, None)
    console.print(f"already up, for {_ago(running)}" if running else "already up")


def _forget(folder: DataFolder) -> None:
    if not folder.path.exists():
        return
    if folder.is_ours:
        folder.open()
        if not folder.acquire():
            raise StackFailed(f"a stack is just starting on {folder.path}")
        asyncio.run(state.end_strays(folder))
        plan.forget(folder)
        folder.release()
    else:
        folder.open()


def _start_in_background(folder: DataFolder, console: Console, *, sample: bool) -> None:
    folder.open()
    before = state.load(folder)
    command = [sys.executable, "-m", "dev", "up", "--data", str(folder.path)]
    with folder.log("supervisor").open("ab") as log:
        child = subprocess.Popen(
            [*command, *([] if sample else ["--no-sample"])],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    started = _follow(folder, console, child, before)
    if child.poll() is not None or started is None or started.phase is not Phase.READY:
        said = (started.reason if started else "") or " ".join(
            last_lines(folder.log("supervisor"), 1)
        )
        raise StackFailed(said.removeprefix("not started: ") or "the supervisor ended")


def _follow(
    folder: DataFolder,
    console: Console,
    child: subprocess.Popen[bytes] | None,
    before: StackState | None = None,
) -> StackState | None:
    """Show another process's start until it is settled; Ctrl-C stops it if it is our child."""
    known = before.supervisor if before else None
    running: StackState | None = None
    try:
        with progress.on(console) as display:
            while child.poll() is None if child else folder.in_use:
                seen = state.load(folder)
                if seen is not None and seen.supervisor != known:
                    running = seen
                    display.show(running)
                    if running.phase in _SETTLED:
                        break
                time.sleep(_POLL_S)
    except KeyboardInterrupt:
        if child is not None:
            child.terminate()
            child.wait()
        places.refuse("stopped before it was ready", 130)
    seen = state.load(folder)
    return seen if seen is not None and seen.supervisor != known else running


def _welcome(folder: DataFolder, running: StackState, console: Console, *, as_json: bool) -> None:
    """Where everything is, and what to try first."""
    if as_json:
        told = {
            "phase": running.phase,
            "data": str(folder.path),
            "addresses": {part.name: part.address for part in running.programs},
            "settings": running.settings,
            "notices": running.notices,
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    for notice in running.notices:
        console.print(Text(f"note: {notice}", "yellow"), soft_wrap=True)
    console.print(Text("\nready", "bold green"))
    for part in running.programs:
        console.print(Text(f"  {part.name:<13} {part.address}"), soft_wrap=True)
    console.print("\ntry")
    for words in _first_steps(folder, running):
        console.print(Text(f"  {words}"), soft_wrap=True)


def _first_steps(folder: DataFolder, running: StackState) -> tuple[str, str, str]:
    """Three things to try, of the sample market if it is there."""
    rengang = "./rengang"
    if folder.path != DEFAULT_DATA:
        rengang = f"RENGANG_DATA={shlex.quote(str(folder.path))} ./rengang"
    loaded = bool(folder.read(errands.LOADED))
    firm, seeker = (generate.firm(1), generate.account(1)) if loaded else ("acme", "li-na")
    postings = running.settings["RENGANG_POSTINGS_URL"]
    bearer = f'"Authorization: Bearer $({rengang} token employer {firm})"'
    return (
        f"{rengang} watch {seeker}",
        f"curl -H {bearer} {postings}/v1/postings",
        f"{postings}/docs in a browser",
    )


def _ago(running: StackState) -> str:
    minutes = max(0, int(time.time() - running.started_at)) // 60
    return "less than a minute" if minutes == 0 else f"{minutes} min"
