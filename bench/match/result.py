"""What was measured, as it is told to machines, and which of it was required.

How it is told to people lives in `telling`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One way at one size. recall: share of the exact top, None where nothing was to be found.

    ratio_*: the other's time over ours in the same blocks, 1 for ours. build_s: without making
    the documents.
    """

    name: str
    seekers: int
    median_ms: float
    p99_ms: float
    queries: int
    recall: float | None
    fused: bool
    bytes_per_seeker: float
    build_s: float
    ratio_median: float = 1.0
    ratio_worst: float = 1.0


@dataclass(frozen=True, slots=True)
class Exactness:
    """On how many queries our answer, pairs and scores, was the exact one."""

    seekers: int
    queries: int
    equal: int


@dataclass(frozen=True, slots=True)
class Updates:
    """The search while seekers come, change and go: so many events before each query."""

    seekers: int
    queries: int
    updates: int
    median_ms: float
    p99_ms: float
    update_us: float
    checked: Exactness


@dataclass(frozen=True, slots=True)
class Extra:
    """Another figure of ours that helps to read the others."""

    name: str
    seekers: int
    median_ms: float
    p99_ms: float
    queries: int


@dataclass(frozen=True, slots=True)
class Required:
    """A required figure: met is None where this run could not say."""

    what: str
    target: str
    measured: str
    met: bool | None


@dataclass(slots=True)
class Result:
    """All of a run. rows: the largest size last. missing: packages of peers not measured."""

    settings: dict[str, Any]
    machine: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    exact: list[Exactness] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    updates: Updates | None = None
    spellings_seen: int = 0
    eligible_by_place: float = 0.0
    lists_bytes: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)

    def row(self, name: str, seekers: int) -> Row | None:
        """The row of a way at a size, if it was measured."""
        rows = (row for row in self.rows if (row.name, row.seekers) == (name, seekers))
        return next(rows, None)

    def as_json(self, required: Sequence[Required]) -> dict[str, Any]:
        """The whole result as JSON values."""
        return asdict(self) | {"required": [asdict(each) for each in required]}
