"""What a running stack says of itself: kept by the supervisor, read by every command.

Written whole at each change into run/state.json.
"""

import signal
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from dev.stack import process
from dev.stack.folder import DataFolder
from dev.stack.process import Identity


class Phase(StrEnum):
    """Where a part of the stack, or all of it, stands."""

    WAITING = "waiting"
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    UNREADY = "unready"
    RESTARTING = "restarting"
    DONE = "done"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class PartState:
    """A program or an errand. why: a few words on the phase. restarts: after an end not asked for.

    started_at: seconds since the epoch, of the process that runs now. took_s: until ready or done.
    """

    name: str
    kind: str
    phase: Phase = Phase.WAITING
    why: str = ""
    address: str = ""
    pid: int | None = None
    born: str | None = None
    stop_signal: int = signal.SIGTERM
    restarts: int = 0
    started_at: float | None = None
    took_s: float | None = None


@dataclass(slots=True)
class StackState:
    """The whole stack. settings: the environment by which others reach it (RENGANG_…)."""

    phase: Phase = Phase.STARTING
    reason: str = ""
    supervisor: Identity | None = None
    started_at: float = 0.0
    notices: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    parts: list[PartState] = field(default_factory=list)

    def part(self, name: str) -> PartState:
        """Raises KeyError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    @property
    def programs(self) -> list[PartState]:
        return [part for part in self.parts if part.kind == "program"]


def save(folder: DataFolder, state: StackState) -> None:
    """Write the state for the other commands to read."""
    folder.write("run/state.json", asdict(state))


def load(folder: DataFolder) -> StackState | None:
    """The last state written, None if none ever was.

    It may be a dead supervisor's: ask `DataFolder.in_use`.
    """
    content = folder.read("run/state.json")
    if not content:
        return None
    supervisor = content.pop("supervisor")
    parts = [_part(part) for part in content.pop("parts")]
    content["phase"] = Phase(content["phase"])
    return StackState(
        supervisor=Identity(**supervisor) if supervisor else None, parts=parts, **content
    )


def strays(state: StackState | None) -> list[tuple[PartState, Identity]]:
    """The recorded processes that still live, the last started first."""
    found = []
    for part in reversed(state.programs if state else []):
        if part.pid is not None and part.born is not None:
            identity = Identity(part.pid, part.born)
            if identity.alive():
                found.append((part, identity))
    return found


async def end_strays(folder: DataFolder) -> list[str]:
    """End what a killed supervisor left behind; returns the names."""
    ended = []
    for part, identity in strays(load(folder)):
        await process.end(identity, part.stop_signal)
        ended.append(part.name)
    return ended


def _part(content: dict[str, Any]) -> PartState:
    return PartState(**{**content, "phase": Phase(content["phase"])})
