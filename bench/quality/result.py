"""What was measured, as it is told to machines, and which of it was required.

How it is told to people lives in `telling`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

OURS = "rengang"


@dataclass(frozen=True, slots=True)
class Row:
    """One way on one task. metric: the task's own; low, high: the 95 % interval of its mean.

    ahead: ours less this way's over the same queries; ahead_low, ahead_high: its interval. seconds:
    of all scores.
    """

    task: str
    name: str
    metric: str
    value: float
    low: float
    high: float
    ahead: float
    ahead_low: float
    ahead_high: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Required:
    """A required figure: met is None where this run could not say."""

    what: str
    target: str
    measured: str
    met: bool | None


@dataclass(slots=True)
class Result:
    """All of a run. sizes: of each task, how many queries and documents it has."""

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, task: str) -> list[Row]:
        """The rows of a task, ours first."""
        return [row for row in self.rows if row.task == task]

    def as_json(self, required: Sequence[Required]) -> dict[str, Any]:
        """The whole result as JSON values."""
        return asdict(self) | {"required": [asdict(each) for each in required]}
