"""The probes' ears: a live stream for each, and when each posting arrived there."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from bench.flow.figures import BenchFailed
from bench.flow.house import House
from bench.flow.market import Probe
from bench.flow.wire import Door


@dataclass(frozen=True, slots=True)
class Arrival:
    """A posting at its probe's stream. at: by the steady clock; at_s: since the epoch.

    taken_s: when the seekers' service took the match in, since the epoch.
    """

    at: float
    at_s: float
    taken_s: float


@dataclass
class Ears:
    """What the probes heard, by the posting's id; the first time counts. lost: broken streams."""

    arrivals: dict[str, Arrival] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    async def listen(self, house: House, probe: Probe, opened: asyncio.Event) -> None:
        """Hear this probe's stream until cancelled."""
        headers = house.headers("seeker", probe.account)
        path = f"/v1/seekers/{probe.seeker_id}/stream"
        try:
            async with (
                Door(house.url("seekers")) as door,
                aclosing(door.events(path, headers)) as events,
            ):
                async for event in events:
                    at, at_s = time.perf_counter(), time.time()
                    opened.set()
                    if event.name.startswith("match."):
                        entry = orjson.loads(event.data)
                        if entry["kind"] == "found" and entry["posting_id"] not in self.arrivals:
                            taken_s = datetime.fromisoformat(entry["at"]).timestamp()
                            self.arrivals[entry["posting_id"]] = Arrival(at, at_s, taken_s)
            self.lost.append(f"{path} ended")
        except BenchFailed as failed:
            self.lost.append(str(failed))
        finally:
            opened.set()


@asynccontextmanager
async def listening(house: House, probing: Sequence[Probe]) -> AsyncIterator[Ears]:
    """Have all of these listen for as long as the block lasts. Raises BenchFailed."""
    ears = Ears()
    opened = [asyncio.Event() for _ in probing]
    tasks = [
        asyncio.create_task(ears.listen(house, probe, event))
        for probe, event in zip(probing, opened, strict=True)
    ]
    try:
        await asyncio.gather(*(event.wait() for event in opened))
        if ears.lost:
            raise BenchFailed(f"a stream did not open: {ears.lost[0]}")
        yield ears
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
