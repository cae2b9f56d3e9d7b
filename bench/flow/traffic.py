"""What stood on the bus in a while: read back afterwards, counted, and dated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.flow.figures import Fan

Places = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Dated:
    """An event on the bus. on_bus_s: when its writer handed it to Kafka; said_s: its own time.

    Both in seconds since the epoch, on this machine's one clock.
    """

    on_bus_s: float
    said_s: float


@dataclass
class Traffic:
    """Match events of a while, counted.

    found: when each pair was said to be live, by (posting id, seeker id). states: samples of what
    was said of a pair, by length.
    """

    events: int = 0
    seen: int = 0
    unseen: int = 0
    gone: int = 0
    n_bytes: int = 0
    found: dict[tuple[str, str], Dated] = field(default_factory=dict)
    states: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def add(self, timestamp_ms: int, value: bytes) -> None:
        """Count a record of the topic of matches."""
        event = orjson.loads(value)
        self.events += 1
        self.n_bytes += len(value)
        data = event["data"]
        if event["type"] == "MatchWithdrawn":
            self.gone += 1
            return
        if data["for_seeker"]:
            self.seen += 1
        else:
            self.unseen += 1
        dated = Dated(timestamp_ms / 1000, datetime.fromisoformat(event["time"]).timestamp())
        self.found.setdefault((data["posting_id"], data["seeker_id"]), dated)
        if event["type"] == "MatchFound":
            self.states.append((len(value), data))

    def fan(self, postings: int) -> Fan:
        """As much as one of so many postings made it be."""
        return Fan(self.seen / postings, self.unseen / postings, self.gone / postings)

    def usual_state(self) -> dict[str, Any] | None:
        """What was said of a pair, of the middle length; None where nothing was."""
        ordered = sorted(self.states, key=lambda state: state[0])
        return ordered[len(ordered) // 2][1] if ordered else None


async def matches_between(kafka: str, begins: Places, ends: Places) -> Traffic:
    """The match events from these offsets to those."""
    traffic = Traffic()
    for timestamp_ms, value in await _records(kafka, begins, ends):
        traffic.add(timestamp_ms, value)
    return traffic


async def postings_between(kafka: str, begins: Places, ends: Places) -> dict[str, Dated]:
    """When each posting published in between came on the bus, by its id."""
    dated: dict[str, Dated] = {}
    for timestamp_ms, value in await _records(kafka, begins, ends):
        event = orjson.loads(value)
        if event["type"] == "PostingPublished":
            said_s = datetime.fromisoformat(event["time"]).timestamp()
            dated[event["subject"]] = Dated(timestamp_ms / 1000, said_s)
    return dated


async def _records(kafka: str, begins: Places, ends: Places) -> list[tuple[int, bytes]]:
    wanted = {place: end for place, end in ends.items() if end > begins[place]}
    if not wanted:
        return []
    found: list[tuple[int, bytes]] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.split(","), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(wanted))
        for place in wanted:
            consumer.seek(place, begins[place])
        while wanted:
            batches = await consumer.getmany(timeout_ms=500, max_records=5000)
            for place, records in batches.items():
                found += [
                    (record.timestamp, record.value)
                    for record in records
                    if record.value and record.offset < ends[place]
                ]
            for place in list(wanted):
                # Compaction may have taken the last record: the position tells, not the record.
                if await consumer.position(place) >= ends[place]:
                    del wanted[place]
    finally:
        await consumer.stop()
    return found
