"""The outbox: an event is written in the transaction that makes it true."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from contracts.envelope import Event
from services.kit.database import Transaction
from services.kit.telemetry import current_traceparent

CHANNEL = "rengang_outbox"


class Outgoing(NamedTuple):
    """An event as Kafka gets it. value: what `Event.encoded` gives."""

    topic: str
    key: str
    value: bytes


async def add(tx: Transaction, *events: Event) -> None:
    """Announce events when, and only when, the transaction commits.

    Events of one aggregate must be added under a lock on its row, so that their ids follow its
    versions.
    """
    await add_all(tx, events)


async def add_all(tx: Transaction, events: Iterable[Event]) -> None:
    """Like `add`, for many at once: one statement."""
    trace = current_traceparent()
    await add_encoded(
        tx,
        [
            Outgoing(event.topic.name, event.key, event.encoded(event.traceparent or trace))
            for event in events
        ],
    )


async def add_encoded(tx: Transaction, outgoing: Sequence[Outgoing]) -> None:
    """Like `add_all`, for events that were encoded before, off the event loop."""
    if not outgoing:
        return
    await tx.copy_records_to_table("outbox", records=outgoing, columns=Outgoing._fields)
    await tx.execute("SELECT pg_notify($1, current_schema())", CHANNEL)


async def waiting(tx: Transaction) -> int:
    """How many events are not sent yet."""
    return int(await tx.fetchval("SELECT count(*) FROM outbox WHERE refused IS NULL"))
