"""The measurements themselves: one block at a time, ours and the bare route in turns.

Their order stands in `command`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

from bench.certificates import drawing
from bench.certificates.drawing import Drawn, Kind
from bench.certificates.figures import (
    BARE,
    BATCHES,
    OURS,
    OURS_SMALL,
    Paced,
    Saturated,
)
from bench.certificates.house import House
from bench.certificates.sending import Call, Lines, request
from bench.flow import cpu

PATH = "/v1/verifications"
_ASKER = ("partner", "bench-desk")
_DRAWN = 20_000
_BATCH = 1_000
_BATCHES_DRAWN = 12
_BATCH_LINES = 2


@dataclass
class Meter:
    """Measures blocks. count, small: how many certificates either deployment has."""

    house: House
    count: int
    small: int
    connections: int
    seed: int
    say: Callable[[str], None]
    _calls: dict[str, Iterator[Call]] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Draw what will be asked, so that no block waits for it."""
        digests = await self.house.digests(OURS, _DRAWN)
        self._calls = {
            OURS: cycle(self._questions(self.count)),
            OURS_SMALL: cycle(self._questions(self.small)),
            BATCHES: cycle(self._batches()),
            # Each of its rows is there: a miss would cost it an exception.
            BARE: cycle(
                [
                    Call(request("GET", f"/certificates/{digest.hex()}", {}), b"200", b'"issuer":')
                    for digest in digests
                ]
            ),
        }

    async def saturated(self, what: str, seconds: float) -> Saturated:
        """As much as it takes."""
        connections = _BATCH_LINES if what == BATCHES else self.connections
        async with Lines(self._port(what), connections) as lines:
            before = cpu.read(self.house.pids())
            ms, looked_up = await lines.saturate(self._calls[what], seconds)
            after = cpu.read(self.house.pids())
        self.house.check()
        used = cpu.cores(before, after)
        block = Saturated(what, len(ms), looked_up, after.at - before.at, tuple(ms), used)
        self.say(f"{what}: {block.a_second:,.0f} look-ups/s")
        return block

    async def paced(self, what: str, rate: float, seconds: float) -> Paced:
        """At that many calls a second."""
        async with Lines(self._port(what), self.connections) as lines:
            before = cpu.read(self.house.pids())
            ms = await lines.at_rate(self._calls[what], rate, seconds)
            after = cpu.read(self.house.pids())
        self.house.check()
        reached = len(ms) / (after.at - before.at)
        block = Paced(what, rate, reached, tuple(ms), cpu.cores(before, after))
        self.say(f"{what}: {block.reached:,.0f} look-ups/s as asked")
        return block

    def _port(self, what: str) -> int:
        return self.house.port_of(OURS if what == BATCHES else what)

    def _headers(self) -> dict[str, str]:
        headers = self.house.headers(*_ASKER)
        return {**headers, "Content-Type": "application/json", "Accept-Language": "zh-CN"}

    def _questions(self, count: int) -> list[Call]:
        drawn, headers = Drawn(count, self.seed), self._headers()
        asked = [drawn.one() for _ in range(_DRAWN)]
        return [
            Call(request("POST", PATH, headers, each.body), b"200", _verdict(each.kind))
            for each in asked
        ]

    def _batches(self) -> list[Call]:
        drawn, headers = Drawn(self.count, self.seed + 1), self._headers()
        calls = []
        for _ in range(_BATCHES_DRAWN):
            _, body = drawn.many(_BATCH)
            answered = f'"answered":{_BATCH},"not_answered":0'.encode()
            calls.append(Call(request("POST", PATH, headers, body), b"200", answered, _BATCH))
        return calls


def _verdict(kind: Kind) -> bytes:
    return f'"verdict":"{kind.value}"'.encode()


def mixture() -> str:
    """What is asked, in words."""
    return ", ".join(f"{share} % {kind.value}" for kind, share in drawing.MIXTURE)
