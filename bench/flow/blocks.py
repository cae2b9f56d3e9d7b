"""The measurements themselves: one block of postings at a time, by whoever sits in the seat.

Their order, and what is said of them, does not live here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice, pairwise
from typing import Any

from bench.flow import cpu, traffic
from bench.flow.backlog import Say, Watch
from bench.flow.figures import HOPS, BenchFailed, Fan, LatencyBlock, RateBlock, median
from bench.flow.house import House
from bench.flow.listening import Ears
from bench.flow.market import OPEN_POSTINGS_EACH, Probe, new_postings
from bench.flow.publishing import Desk, Draft, Published
from contracts.topics import MATCHES, POSTINGS

_WARM_UP_POSTINGS = 24
_PATIENCE_S = 180.0
_GATE_S = 0.2
_LEAST_WINDOW, _MOST_WINDOW = 64, 800
_WINDOW_S = 4.0
_FIRMS = 20
# A stream whose notification was lost finds out by the service's poll, every 5 s.
_LATE_S = 7.0


@dataclass
class Meter:
    """Measures blocks. probing: those who listen at `ears`."""

    house: House
    watch: Watch
    desk: Desk
    ears: Ears
    probing: Sequence[Probe]
    seed: int
    say: Say
    _open: list[Published] = field(default_factory=list)
    _blocks: int = 0

    def __post_init__(self) -> None:
        self._postings = new_postings(seed=self.seed)
        self._firms = cycle(f"flow-firm-{n}" for n in range(_FIRMS))
        self._probes = cycle(self.probing)
        self.window = _LEAST_WINDOW
        self.fan = Fan()
        self.state: dict[str, Any] | None = None

    async def warm_up(self) -> None:
        """A few postings that do not count; from their pace follows how many may be under way."""
        await self.watch.drained(_PATIENCE_S)
        began, before = time.perf_counter(), await self._ends()
        drafts = list(islice(self._ordinary(), _WARM_UP_POSTINGS))
        self._open += await self.desk.at_rate(drafts, 1000.0, self.seed)
        await self.watch.drained(_PATIENCE_S, self.say)
        pace = _WARM_UP_POSTINGS / (time.perf_counter() - began)
        self.window = int(min(max(_WINDOW_S * pace, _LEAST_WINDOW), _MOST_WINDOW))
        found = await self._traffic(before)
        self.fan = found.fan(_WARM_UP_POSTINGS)

    async def rate_block(self, engine: str, seconds: float) -> RateBlock:
        """Publish as fast as the backlog stays below the window, and wait until all is read."""
        before, used = await self._ends(), cpu.read(self.house.pids())
        gate = _Gate(self.watch, self.window, int(self.window * max(1.0, self.fan.total)))
        began = time.perf_counter()
        watching = asyncio.create_task(gate.keep())
        try:
            published = await self.desk.flat_out(self._ordinary(), seconds, gate.may_go)
            offered_s = time.perf_counter() - began
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        self._open += published
        await self.watch.drained(_PATIENCE_S, self.say)
        whole_s = time.perf_counter() - began
        after = cpu.read(self.house.pids())
        found = await self._traffic(before)
        self.house.check()
        if not published:
            raise BenchFailed("not one posting was published")
        block = RateBlock(
            engine=engine,
            postings=len(published),
            offered_s=offered_s,
            whole_s=whole_s,
            fan=found.fan(len(published)),
            events=found.events,
            event_bytes=found.n_bytes,
            held=gate.held_s / offered_s,
            cpu=cpu.cores(used, after),
        )
        self.say(
            f"{engine}: {block.postings} postings in {whole_s:.1f} s, "
            f"{block.postings_a_second:.1f}/s, {block.events_a_second:,.0f} match events/s"
        )
        return block

    async def latency_block(
        self, engine: str, share: float, rate: float, seconds: float
    ) -> LatencyBlock:
        """Publish at this rate, and hear when each probe's posting arrives."""
        drafts = self._with_probes(max(1, round(rate * seconds)))
        before, used = await self._ends(), cpu.read(self.house.pids())
        began = time.perf_counter()
        self._blocks += 1
        published = await self.desk.at_rate(drafts, rate, self.seed + self._blocks)
        took_s = time.perf_counter() - began
        after = cpu.read(self.house.pids())
        self._open += published
        await self.watch.drained(_PATIENCE_S, self.say)
        probes = [one for one in published if one.draft.probe is not None]
        await self._late([one.posting_id for one in probes])
        found = await self._traffic(before)
        dated = await traffic.postings_between(
            self.house.kafka, before[POSTINGS.name], await self.watch.ends(POSTINGS)
        )
        self.house.check()
        if self.ears.lost:
            raise BenchFailed(f"a stream was lost: {self.ears.lost[0]}")
        block = LatencyBlock(
            engine=engine,
            share=share,
            wanted=rate,
            reached=len(published) / took_s,
            probes=len(probes),
            from_201_ms=tuple(
                (self.ears.arrivals[one.posting_id].at - one.at) * 1000
                for one in probes
                if one.posting_id in self.ears.arrivals
            ),
            hops_ms=self._hops(probes, dated, found),
            door_ms=(median([one.door_s for one in published]) or 0.0) * 1000,
            fan=found.fan(len(published)),
            cpu=cpu.cores(used, after),
        )
        middle = block.ms(50)
        self.say(
            f"{engine} at {rate:.1f}/s: {len(block.from_201_ms)} of {block.probes} heard, "
            + ("" if middle is None else f"median {middle:.0f} ms, p99 {block.ms(99):.0f} ms")
        )
        return block

    async def close_all(self) -> None:
        """Take what was published off the market again, so that each block meets the same one."""
        published, self._open = self._open, []
        await self.desk.close(published)
        await self.watch.drained(_PATIENCE_S, self.say)
        self.ears.arrivals.clear()

    # ------------------------------------------------------------------ drafts

    def _ordinary(self) -> Iterator[Draft]:
        for firm, body in zip(self._firms, self._postings, strict=False):
            yield Draft(firm, body)

    def _with_probes(self, count: int) -> list[Draft]:
        """So many drafts, evenly as many of them for probes as may be open at once."""
        taken = Counter(one.draft.probe for one in self._open if one.draft.probe is not None)
        places = sum(max(0, OPEN_POSTINGS_EACH - taken[probe.number]) for probe in self.probing)
        every = -(-count // max(1, min(count, places)))
        now = datetime.now(UTC)
        ordinary = self._ordinary()
        drafts: list[Draft] = []
        for n in range(count):
            if n % every:
                drafts.append(next(ordinary))
            else:
                probe = next(self._probes)
                drafts.append(Draft(probe.account, probe.posting(now), probe.number))
        return drafts

    # ---------------------------------------------------------------- reading

    async def _ends(self) -> dict[str, traffic.Places]:
        return {topic.name: await self.watch.ends(topic) for topic in (MATCHES, POSTINGS)}

    async def _traffic(self, before: Mapping[str, traffic.Places]) -> traffic.Traffic:
        found = await traffic.matches_between(
            self.house.kafka, before[MATCHES.name], await self.watch.ends(MATCHES)
        )
        self.state = found.usual_state() or self.state
        return found

    async def _late(self, posting_ids: Sequence[str]) -> None:
        """Wait a while for those that have not arrived."""
        ends_at = time.perf_counter() + _LATE_S
        while time.perf_counter() < ends_at:
            if all(posting_id in self.ears.arrivals for posting_id in posting_ids):
                return
            await asyncio.sleep(0.1)

    def _hops(
        self,
        probes: Sequence[Published],
        dated: Mapping[str, traffic.Dated],
        found: traffic.Traffic,
    ) -> dict[str, tuple[float, ...]]:
        rows: list[tuple[float, ...]] = []
        for one in probes:
            arrival, posting = self.ears.arrivals.get(one.posting_id), dated.get(one.posting_id)
            seeker = str(self.probing[one.draft.probe or 0].seeker_id)
            match = found.found.get((one.posting_id, seeker))
            if arrival is None or posting is None or match is None:
                continue
            stations = (
                one.at_s,
                posting.on_bus_s,
                match.said_s,
                match.on_bus_s,
                arrival.taken_s,
                arrival.at_s,
            )
            rows.append(tuple((b - a) * 1000 for a, b in pairwise(stations)))
        return {name: tuple(row[n] for row in rows) for n, (name, _) in enumerate(HOPS)}


class _Gate:
    """Lets publishing go on while less than this is under way. held_s: how long it did not."""

    def __init__(self, watch: Watch, most_documents: int, most_matches: int) -> None:
        self._watch = watch
        self._most = (most_documents, most_matches)
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.held_s = 0.0

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            looked_at = time.perf_counter()
            now = await self._watch.look()
            if now.documents < self._most[0] and now.matches < self._most[1]:
                self.may_go.set()
            else:
                self.may_go.clear()
            await asyncio.sleep(_GATE_S)
            if not self.may_go.is_set():
                self.held_s += time.perf_counter() - looked_at
