"""What was measured of a start, and what it is held to.

How it is told lives in `telling`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MILLION = 1_000_000
MOST_S = 60.0


class StartFailed(Exception):
    """A start came to no end that could be measured; says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a start, of wall clock and of the process's own processors (the server's aside)."""

    name: str
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Start:
    """What the process that started told of itself.

    begun_s: from the order to build until it serves. process_s: the same from the start of the
    process, with all it imports. nbytes: of the index by what for. restored: whether the lists are
    the stored ones. answers: what it finds for some postings, (posting, [(score, seeker)…]).
    agreeing, asked: of stored live pairs, how many stand in the lists as they are stored.
    """

    steps: tuple[Step, ...]
    begun_s: float
    cpu_s: float
    process_s: float
    peak_bytes: int
    nbytes: Mapping[str, int]
    restored: bool
    answers: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    agreeing: int
    asked: int


@dataclass(frozen=True, slots=True)
class Filled:
    """What the store holds. exact: whether the live pairs are the true ones of both sides."""

    seekers: int
    postings: int
    live: int
    exact: bool
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """All of a run. right, checked: answers that are the exact ones, and how many were looked at.

    server_cpu_s: of PostgreSQL during the start.
    """

    filled: Filled
    start: Start
    server_cpu_s: float
    right: int
    checked: int
    machine: Mapping[str, Any]

    @property
    def met(self) -> bool | None:
        """Whether a million was ready in time; None where this run cannot say."""
        if self.start.begun_s >= MOST_S:
            return False
        return True if self.filled.seekers >= MILLION else None

    @property
    def seekers_per_second(self) -> float:
        """Seekers ready for each second of the whole start."""
        return self.filled.seekers / self.start.begun_s
