"""What was measured, as plain values, and the arithmetic on them.

How it was measured is `blocks`', how it is told `report`'s.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MATCHER = "matcher"
PASSTHROUGH = "pass-through"

RATE_AIM = 100.0
"""Postings a second that the whole system should sustain, at the size below."""

RATIO_AIM = 2.0
"""Times the hops without matching that a posting may take to a seeker's stream, at the median."""

FULL_SEEKERS, FULL_POSTINGS = 100_000, 20_000

HOPS = (
    ("outbox", "201 → on the bus"),
    ("matcher reads", "on the bus → the matcher takes it"),
    ("matcher says", "taken → its match on the bus"),
    ("seekers reads", "match on the bus → seekers takes it"),
    ("stream", "taken → at the seeker's stream"),
)


class BenchFailed(Exception):
    """The measurement cannot go on; says why."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which that share lies, straight between its two neighbours.

    values: at least one, in any order. percent: 0 … 100. Raises ValueError where there is none.
    Source: Hyndman and Fan (1996), type 7, as numpy.percentile.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError(f"no {percent} % of {len(values)} values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Fan:
    """What a posting makes the matcher say, in events a posting.

    seen: found or changed, among the seeker's best. unseen: found or changed, for the posting's
    side alone. gone: withdrawn.
    """

    seen: float = 0.0
    unseen: float = 0.0
    gone: float = 0.0

    @property
    def total(self) -> float:
        return self.seen + self.unseen + self.gone


@dataclass(frozen=True, slots=True)
class RateBlock:
    """Postings offered as fast as the backlog stayed small, and waited for until all was read.

    offered_s: how long postings were offered. whole_s: from the first until every match event was
    delivered to its readers. events, event_bytes: of matches, in that time. held: share of the
    offering in which the backlog held it back. cpu: cores used by each process in the whole time.
    """

    engine: str
    postings: int
    offered_s: float
    whole_s: float
    fan: Fan
    events: int
    event_bytes: int
    held: float
    cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def postings_a_second(self) -> float:
        return self.postings / self.whole_s

    @property
    def events_a_second(self) -> float:
        return self.events / self.whole_s


@dataclass(frozen=True, slots=True)
class LatencyBlock:
    """Postings published at a given rate, and when each reached its probe's stream.

    share: which part of the sustained rate. wanted, reached: postings a second asked for, and
    published. probes: postings whose seeker listened; those that did not arrive are missed.
    from_201_ms: of the others, in order of publishing. hops_ms: by hop, of those whose events were
    all found again. door_ms: median time to the 201 itself.
    """

    engine: str
    share: float
    wanted: float
    reached: float
    probes: int
    from_201_ms: tuple[float, ...]
    hops_ms: Mapping[str, tuple[float, ...]]
    door_ms: float
    fan: Fan
    cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def missed(self) -> int:
        return self.probes - len(self.from_201_ms)

    def ms(self, percent: float) -> float | None:
        """That percentile from the 201 to the stream; None where nothing arrived."""
        return percentile(self.from_201_ms, percent) if self.from_201_ms else None


@dataclass(frozen=True, slots=True)
class Load:
    """How long it took to bring the population in. steps: what, how many, seconds; in order.

    folder_reused: nothing was brought in, an earlier run's folder was there.
    """

    steps: tuple[tuple[str, int, float], ...] = ()
    folder_reused: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """All that one run measured. blocks: in the order they were run."""

    seekers: int
    postings: int
    probes: int
    seconds: float
    seed: int
    machine: str
    load: Load
    blocks: tuple[RateBlock | LatencyBlock, ...]

    @property
    def is_full_size(self) -> bool:
        """Whether it is of the size that the aims are for, or larger."""
        return self.seekers >= FULL_SEEKERS and self.postings >= FULL_POSTINGS

    def rates(self, engine: str) -> list[RateBlock]:
        return [b for b in self.blocks if isinstance(b, RateBlock) and b.engine == engine]

    def latencies(self, engine: str, share: float) -> list[LatencyBlock]:
        return [
            block
            for block in self.blocks
            if isinstance(block, LatencyBlock) and block.engine == engine and block.share == share
        ]

    @property
    def shares(self) -> list[float]:
        return sorted({b.share for b in self.blocks if isinstance(b, LatencyBlock)})

    def ratios(self, share: float, percent: float) -> list[float]:
        """Matcher against pass-through, block by block in order of time."""
        pairs = zip(
            self.latencies(MATCHER, share), self.latencies(PASSTHROUGH, share), strict=False
        )
        times = [(one.ms(percent), other.ms(percent)) for one, other in pairs]
        return [one / other for one, other in times if one is not None and other]


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return statistics.median(values) if values else None
