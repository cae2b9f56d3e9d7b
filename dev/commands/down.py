"""`./rengang down`: stop the stack of a data folder."""

import asyncio
import os
import signal
import time

import typer

from dev.commands import places
from dev.commands.places import Data
from dev.stack import state
from dev.stack.folder import DataFolder

app = typer.Typer(add_completion=False)

_PATIENCE_S = 60.0


@app.command()
def down(data: Data = places.DEFAULT) -> None:
    """Stop everything in order: the services, Kafka, PostgreSQL. What was stored stays.

    Example: ./rengang down
    """
    folder = DataFolder(data)
    if not folder.in_use:
        ended = asyncio.run(state.end_strays(folder)) if folder.is_ours else []
        print(f"ended what a killed stack left: {', '.join(ended)}" if ended else "not running")
        return
    running = state.load(folder)
    if running is None or running.supervisor is None:
        places.refuse(f"{folder.path} is in use, but does not say by which process")
    try:
        os.kill(running.supervisor.pid, signal.SIGTERM)
    except PermissionError:
        places.refuse(f"the stack is another user's (process {running.supervisor.pid})")
    except ProcessLookupError:
        pass
    deadline = time.monotonic() + _PATIENCE_S
    while folder.in_use:
        if time.monotonic() > deadline:
            places.refuse(f"still stopping after {_PATIENCE_S:.0f} s; see ./rengang status")
        time.sleep(0.1)
    print("stopped")
