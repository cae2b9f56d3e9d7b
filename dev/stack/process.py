"""One process of the machine: started with its log, ended in order, known again later by identity.

When to start it, and what to do when it dies, is the supervisor's.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.stack.account import Account
from dev.stack.logs import LogFile, pump

_LAUNCH = str(Path(__file__).with_name("launch.py"))


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for as long as it lives. born: never the same for two processes with one pid."""

    pid: int
    born: str

    def alive(self) -> bool:
        return born(self.pid) == self.born


def born(pid: int) -> str | None:
    """When that process began, as the kernel counts; None if there is none (or only its corpse)."""
    if sys.platform == "linux":
        # Not psutil's: that is a time of day, which a correction of the clock moves.
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return str(round(process.create_time()))
    except psutil.Error:
        return None


def identity(pid: int) -> Identity | None:
    """The process that has this pid now."""
    since = born(pid)
    return None if since is None else Identity(pid, since)


class Child:
    """A running process of ours."""

    def __init__(self, process: asyncio.subprocess.Process, identity: Identity) -> None:
        self._process = process
        self.identity = identity
        self.started_at = time.time()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end; returns the exit code, below zero for the signal that ended it."""
        return await self._process.wait()

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self, number: int, patience_s: float) -> None:
        """Ask it to end; after the patience, end it."""
        if not self.running:
            return
        self.signal(number)
        try:
            await asyncio.wait_for(self.ended(), patience_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.ended()


async def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    parting_signal: int,
    account: Account | None = None,
) -> Child:
    """Start a process whose output goes to the log and which gets parting_signal if we die.

    In a session of its own, so that Ctrl-C reaches us alone and we stop things in order.
    """
    reading, writing = os.pipe()
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    launcher = [sys.executable, "-I", "-S", _LAUNCH]
    try:
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *(str(number) for number in (os.getpid(), int(parting_signal), uid, gid)),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    pump(reading, LogFile(log))
    return Child(process, identity(process.pid) or Identity(process.pid, "gone"))


async def run(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
) -> int:
    """Run a process to its end; returns the exit code. It does not outlive the call."""
    child = await start(
        command,
        log=log,
        environment=environment,
        folder=folder,
        parting_signal=signal.SIGKILL,
        account=account,
    )
    try:
        return await child.ended()
    finally:
        child.signal(signal.SIGKILL)


async def end(stray: Identity, number: int = signal.SIGTERM, patience_s: float = 10.0) -> bool:
    """End a process that is not our child; False if it was gone already."""
    if not stray.alive():
        return False
    for sending, wait_s in ((number, patience_s), (signal.SIGKILL, 10.0)):
        with suppress(ProcessLookupError):
            os.kill(stray.pid, sending)
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            if not stray.alive():
                return True
            await asyncio.sleep(0.05)
    return True
