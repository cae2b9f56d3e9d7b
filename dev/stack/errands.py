"""What is done once between the programs: jars fetched, databases and topics made, samples loaded.

When each is due stands in `plan`.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import asyncpg

from dev.stack import jars
from dev.stack.folder import DataFolder
from dev.stack.jars import Jar, JarsUnavailable
from dev.stack.program import Errand, StackFailed

LOADED = "sample.json"
_SHORT = 200
Say = Callable[[str], None]


def fetch_jars(locked: Sequence[Jar]) -> Errand:
    """Kafka's jars into this user's cache."""

    async def run(say: Say) -> str:
        loop = asyncio.get_running_loop()

        def progress(there: int, wanted: int) -> None:
            loop.call_soon_threadsafe(say, f"{there} of {wanted} jars")

        try:
            await asyncio.to_thread(jars.ensure, jars.folder(), locked, progress=progress)
        except (JarsUnavailable, OSError) as error:
            raise StackFailed(f"Kafka's jars: {error}") from error
        return f"{len(locked)} jars"

    return Errand("jars", run)


def databases(server: str, services: Sequence[str]) -> Errand:
    """A database for each service. server: the administrator's URL without a database."""

    async def run(say: Say) -> str:
        made = 0
        try:
            connection = await asyncpg.connect(f"{server}/postgres", timeout=10)
            try:
                for service in services:
                    made += await _create_database(connection, f"rengang_{service}")
            finally:
                await connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            # Neither the address whole nor the server's own words: they may hold the password.
            where = server.rpartition("@")[2]
            raise StackFailed(f"databases: {type(error).__name__} from {where}") from error
        return f"{made} made" if made else f"{len(services)} there"

    return Errand("databases", run)


async def _create_database(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> bool:
    if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        return False
    try:
        await connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    except asyncpg.DuplicateDatabaseError:
        return False
    return True


def topics(kafka: str, folder: DataFolder, root: Path) -> Errand:
    """The topics of the bus, made by the services' own program."""

    async def run(say: Say) -> str:
        code, output = await _run(
            ["services.kit.provision"], {"RENGANG_KAFKA": kafka}, root, folder.log("provision")
        )
        if code != 0:
            raise StackFailed(f"topics: {_last(output) or f'exit code {code}'}")
        return _last(output).removeprefix("topics made: ") + " made"

    return Errand("topics", run)


def sample(settings: Mapping[str, str], folder: DataFolder, root: Path) -> Errand:
    """The sample market, once for each data folder.

    A market that cannot be loaded is said, and does not take the system down with it.
    """

    async def run(say: Say) -> str:
        if folder.read(LOADED):
            return "loaded before"
        say("loading")
        log = folder.log("sample")
        code, output = await _run(["dev.sample.load", "--json"], settings, root, log, say)
        if code != 0:
            said = _last(output).removeprefix("sample data: ") or f"exit code {code}"
            whole = "" if len(said) <= _SHORT else f"… (all of it in {log})"
            raise StackFailed(f"sample data: {said[:_SHORT]}{whole}")
        folder.write(LOADED, {"loaded_at": time.time()})
        return _summary(_last(output))

    return Errand("sample", run, vital=False)


async def _run(
    module: Sequence[str],
    settings: Mapping[str, str],
    root: Path,
    log: Path,
    say: Say = lambda words: None,
) -> tuple[int, list[str]]:
    """Run one of our modules to its end, its lines into a log; returns exit code and lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *module,
        cwd=root,
        env=os.environ | dict(settings) | {"PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        async for raw in process.stdout:
            lines.append(raw.decode("utf-8", "replace").rstrip())
            say(lines[-1][:80])
        return await process.wait(), lines
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(_append, log, lines)


def _append(log: Path, lines: Sequence[str]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _last(lines: Sequence[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _summary(line: str) -> str:
    """The loader's JSON in words: "postings 300, seekers 2000"."""
    try:
        counts = json.loads(line)
    except json.JSONDecodeError:
        return line
    if not isinstance(counts, dict):
        return line
    said = [f"{name} {count}" for name, count in counts.items() if isinstance(count, int)]
    return ", ".join(said) or "loaded"
