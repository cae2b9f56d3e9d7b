"""The outbox: an event is written in the transaction that makes it true."""

from collections.abc import Iterable

from contracts.envelope import Event
from services.kit.database import Transaction
from services.kit.telemetry import current_traceparent

CHANNEL = "rengang_outbox"


async def add(tx: Transaction, *events: Event) -> None:
    """Announce events when, and only when, the transaction commits.

    Events of one aggregate must be added under a lock on its row, so that their ids follow its
    versions.
    """
    await add_all(tx, events)


async def add_all(tx: Transaction, events: Iterable[Event]) -> None:
    """Like `add`, for many at once: one statement."""
    trace = current_traceparent()
    rows = [
        (event.topic.name, event.key, event.encoded(event.traceparent or trace)) for event in events
    ]
    if not rows:
        return
    await tx.execute(
        "INSERT INTO outbox (topic, key, value) "
        "SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])",
        [topic for topic, _, _ in rows],
        [key for _, key, _ in rows],
        [value for _, _, value in rows],
    )
    await tx.execute("SELECT pg_notify($1, current_schema())", CHANNEL)


async def waiting(tx: Transaction) -> int:
    """How many events are not sent yet."""
    return int(await tx.fetchval("SELECT count(*) FROM outbox WHERE refused IS NULL"))
