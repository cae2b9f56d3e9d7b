"""What was measured, as plain values, and the arithmetic on them.

How it was measured is `blocks`', how it is told `report`'s.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RATIO_AIM = 0.7
"""Of the bare route's look-ups a second that ours should reach, at the median of the rounds."""

FULL = 1_000_000
SMALL = 10_000

OURS = "ours"
OURS_SMALL = "ours, small"
BARE = "bare route"
BATCHES = "ours, batches"


class BenchFailed(Exception):
    """The measurement cannot go on; says why."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which that share lies, straight between its two neighbours.

    values: at least one, in any order. percent: 0 … 100.
    Source: Hyndman and Fan (1996), type 7, as numpy.percentile.
    """
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Saturated:
    """As many calls as connections, each sent as soon as the last was answered.

    looked_up: certificates asked about and answered; calls has the batches. ms: of each call.
    cpu: cores used by each process meanwhile; "bench" sends the calls.
    """

    what: str
    calls: int
    looked_up: int
    seconds: float
    ms: tuple[float, ...]
    cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def a_second(self) -> float:
        return self.looked_up / self.seconds


@dataclass(frozen=True, slots=True)
class Paced:
    """Calls at a given rate, whether or not the ones before were answered.

    wanted, reached: calls a second. ms: from when each was due to its answer, so that one that
    waited for a free connection counts as slow.
    """

    what: str
    wanted: float
    reached: float
    ms: tuple[float, ...]
    cpu: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """Certificates brought in through the import door, signed by their issuer.

    seconds: from the first byte sent to the end of the report. table_bytes, index_bytes: of the
    registry afterwards. cpu: cores used by each process meanwhile.
    """

    certificates: int
    file_bytes: int
    seconds: float
    table_bytes: int
    index_bytes: int
    cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def lines_a_second(self) -> float:
        return self.certificates / self.seconds

    @property
    def bytes_a_row(self) -> float:
        return (self.table_bytes + self.index_bytes) / self.certificates


Block = Saturated | Paced


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run measured. blocks: in the order they were run; a round has one of each."""

    certificates: int
    small: int
    connections: int
    seconds: float
    seed: int
    machine: str
    load: Load
    small_load: Load
    blocks: tuple[Block, ...]

    @property
    def is_full_size(self) -> bool:
        """Whether it is of the size that the aims are for, or larger."""
        return self.certificates >= FULL

    def saturated(self, what: str) -> list[Saturated]:
        """In order of the rounds."""
        return [b for b in self.blocks if isinstance(b, Saturated) and b.what == what]

    def paced(self, what: str) -> list[Paced]:
        """In order of the rounds."""
        return [b for b in self.blocks if isinstance(b, Paced) and b.what == what]

    def ratios(self, what: str = OURS, against: str = BARE) -> list[float]:
        """Look-ups a second of one against the other, round by round."""
        pairs = zip(self.saturated(what), self.saturated(against), strict=False)
        return [one.a_second / other.a_second for one, other in pairs]


def median(values: Sequence[float]) -> float:
    """Raises statistics.StatisticsError of nothing."""
    return statistics.median(values)
