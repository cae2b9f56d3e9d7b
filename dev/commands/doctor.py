"""`./rengang doctor`: whether this machine has what the stack needs, and how to get what it lacks.

It changes nothing. Each check is a function that gives one line.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import typer
from packaging.requirements import Requirement
from rich.console import Console
from rich.text import Text

from dev.commands import places
from dev.commands.places import AsJson, Data
from dev.stack import account, jars, java, kafka, postgres
from dev.stack.folder import ROOT, DataFolder
from dev.stack.plan import (
    ISSUER_PORT,
    KAFKA_CONTROLLER_PORT,
    KAFKA_PORT,
    POSTGRES_PORT,
    SERVICES,
    Elsewhere,
)
from dev.stack.ports import is_free

app = typer.Typer(add_completion=False)

_GB = 1024**3
_DISK_GB = 2.0
_MEMORY_GB = 1.5


class Verdict(StrEnum):
    """What a check comes to. NOTE: worth knowing, and no obstacle."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. remedy: what to do where something is missing."""

    name: str
    verdict: Verdict
    said: str
    remedy: str = ""


@app.command()
def doctor(data: Data = places.DEFAULT, as_json: AsJson = False) -> None:
    """Check this machine. The exit code is 1 if something is missing.

    Example: ./rengang doctor
    """
    found = list(findings(DataFolder(data), Elsewhere.from_environment()))
    sound = all(finding.verdict is not Verdict.MISSING for finding in found)
    if as_json:
        told = {"sound": sound, "checks": [asdict(finding) for finding in found]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print(found)
    raise typer.Exit(0 if sound else 1)


def findings(folder: DataFolder, elsewhere: Elsewhere) -> Iterator[Finding]:
    """Every check that applies, in the order in which a start needs the things."""
    checks: list[Callable[[], Finding]] = [
        _python,
        lambda: packages(ROOT / "requirements.lock"),
        _encoding,
        lambda: _data_folder(folder),
        lambda: _disk(folder.path),
        _memory,
    ]
    if elsewhere.database_server is None:
        checks += [_postgres_binaries, lambda: _postgres_account(folder)]
    else:
        server = elsewhere.database_server
        checks.append(lambda: _answers("PostgreSQL", postgres.unready(f"{server}/postgres")))
    if elsewhere.kafka is None:
        checks += [_java, _jars]
    else:
        address = elsewhere.kafka
        checks.append(lambda: _answers("Kafka", kafka.unready(address)))
    checks.append(lambda: _ports(folder, elsewhere))
    for check in checks:
        yield check()


def _python() -> Finding:
    # Which versions will do is for `rengang` to judge, before any of this can run.
    return Finding("python", Verdict.OK, f"{sys.version.split()[0]} in {sys.prefix}")


def packages(lock: Path) -> Finding:
    """Whether every package of the lock is installed here, in that version."""
    wanted = [
        Requirement(line.rstrip(" \\"))
        for line in lock.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    here = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    wrong = [each.name for each in here if not _installed(each)]
    if wrong:
        said = f"not as {lock.name} says: {', '.join(wrong)}"
        stamp = Path(sys.prefix) / "rengang-stamp"
        return Finding("packages", Verdict.MISSING, said, f"rm '{stamp}' and run ./rengang again")
    return Finding("packages", Verdict.OK, f"all {len(here)} of {lock.name}")


def _installed(requirement: Requirement) -> bool:
    try:
        return version(requirement.name) in requirement.specifier
    except PackageNotFoundError:
        return False


def _encoding() -> Finding:
    encoding = sys.getfilesystemencoding()
    if encoding.lower().replace("-", "") == "utf8":
        return Finding("locale", Verdict.OK, f"file names in {encoding}")
    return Finding("locale", Verdict.MISSING, f"file names in {encoding}", "export LANG=C.UTF-8")


def _data_folder(folder: DataFolder) -> Finding:
    path = folder.path
    if folder.is_ours:
        state = "a stack runs on it" if folder.in_use else "no stack runs on it"
        if os.access(path, os.W_OK):
            return Finding("data folder", Verdict.OK, f"{path}, {state}")
    elif not path.exists():
        if os.access(_nearest(path), os.W_OK):
            return Finding("data folder", Verdict.OK, f"{path}, made at the first start")
    elif path.is_dir() and os.access(path, os.W_OK) and not any(path.iterdir()):
        return Finding("data folder", Verdict.OK, f"{path}, empty")
    said = f"{path} cannot be written, or holds other things"
    return Finding("data folder", Verdict.MISSING, said, "choose another: --data DIR")


def _disk(path: Path) -> Finding:
    free_gb = shutil.disk_usage(_nearest(path)).free / _GB
    if free_gb < _DISK_GB:
        remedy = f"free {_DISK_GB:.0f} GB, or choose another disk: --data DIR"
        return Finding("disk", Verdict.MISSING, f"{free_gb:.1f} GB free", remedy)
    return Finding("disk", Verdict.OK, f"{free_gb:.1f} GB free")


def _memory() -> Finding:
    available_gb = psutil.virtual_memory().available / _GB
    verdict = Verdict.OK if available_gb >= _MEMORY_GB else Verdict.NOTE
    wish = "" if verdict is Verdict.OK else f"; the stack likes {_MEMORY_GB} GB"
    return Finding("memory", verdict, f"{available_gb:.1f} GB available{wish}")


def _postgres_binaries() -> Finding:
    try:
        command = [str(postgres.binaries() / "bin" / "postgres"), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (postgres.PostgresUnavailable, OSError, subprocess.SubprocessError) as error:
        remedy = "a server elsewhere serves as well: RENGANG_DATABASE_SERVER=postgresql://…"
        return Finding("PostgreSQL", Verdict.MISSING, f"the wheel's does not run: {error}", remedy)
    return Finding("PostgreSQL", Verdict.OK, f"{said.stdout.strip()} of the wheel")


def _postgres_account(folder: DataFolder) -> Finding:
    if not account.needed():
        return Finding("user", Verdict.OK, "not root; PostgreSQL runs as you")
    user = account.existing()
    if user is None:
        return Finding("user", Verdict.NOTE, f"root; the account {account.NAME} will be made")
    where = postgres.home(folder.path, user) if folder.path.exists() else None
    if where is None or user.can_enter(folder.path):
        return Finding("user", Verdict.OK, f"root; PostgreSQL runs as {user.name}")
    if where.is_relative_to(postgres.SHARED):
        said = f"root; {user.name} cannot enter {folder.path}, so PostgreSQL's data lie in {where}"
        return Finding("user", Verdict.NOTE, said)
    said = f"root; PostgreSQL runs as {user.name}, who cannot enter {where}"
    return Finding("user", Verdict.MISSING, said, "open the folders above it, or use --data DIR")


def _java() -> Finding:
    try:
        found = java.find()
    except java.NoJava as error:
        return Finding("java", Verdict.MISSING, "none of 17 or newer", str(error))
    return Finding("java", Verdict.OK, f"{found.version} ({found.source})")


def _jars() -> Finding:
    locked = jars.locked()
    there = jars.sound(jars.folder(), locked)
    said = f"{len(there)} of {len(locked)} of Kafka {kafka.VERSION} in {jars.folder()}"
    if len(there) == len(locked):
        return Finding("jars", Verdict.OK, said)
    return Finding("jars", Verdict.NOTE, f"{said}; the next start fetches the others")


def _ports(folder: DataFolder, elsewhere: Elsewhere) -> Finding:
    if folder.in_use:
        return Finding("ports", Verdict.OK, "in use by the stack that runs")
    wanted = [*SERVICES.values(), ISSUER_PORT]
    if elsewhere.database_server is None:
        wanted.append(POSTGRES_PORT)
    if elsewhere.kafka is None:
        wanted += [KAFKA_PORT, KAFKA_CONTROLLER_PORT]
    taken = [str(port) for port in wanted if not is_free(port)]
    if taken:
        said = f"taken: {', '.join(taken)}; a start takes others and says which"
        return Finding("ports", Verdict.NOTE, said)
    return Finding("ports", Verdict.OK, f"{min(wanted)} to {max(wanted)} as far as needed")


def _answers(name: str, probe: Coroutine[Any, Any, str | None]) -> Finding:
    try:
        why_not = asyncio.run(asyncio.wait_for(probe, 10))
    except TimeoutError:
        why_not = "no answer"
    if why_not is None:
        return Finding(name, Verdict.OK, "the one named by the settings answers")
    said = f"the one named by the settings: {why_not}"
    return Finding(name, Verdict.MISSING, said, "start it, or unset the setting")


def _nearest(path: Path) -> Path:
    """The folder itself, or the one above it that exists."""
    return next(step for step in (path, *path.parents) if step.exists())


def _print(found: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    styles = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.MISSING: "red"}
    for finding in found:
        verdict = (f"{finding.verdict:<8}", styles[finding.verdict])
        console.print(Text.assemble(verdict, f"{finding.name:<12} {finding.said}"))
        if finding.remedy:
            console.print(f"{'':<21}{finding.remedy}")
