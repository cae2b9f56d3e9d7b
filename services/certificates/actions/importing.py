"""The registry takes in what issuers say, and the claims it touches are judged at once.

How a line is read stands at the door.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.certificates.actions.reviewing import review
from services.certificates.domain.registry import Registration
from services.certificates.store import folders, registry
from services.kit.database import Database

log = structlog.get_logger(__name__)

IMPORTED = Counter("rengang_registry_lines_total", "Lines taken into the registry", ["outcome"])

MOST_LINES = 500
"""How many lines share a transaction: claims wait while one is open."""

Outcome = Literal["created", "revised", "unchanged"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a registration. entry_id: of what it made or changed."""

    outcome: Outcome
    entry_id: UUID | None = None


async def import_registrations(
    db: Database, registrations: Sequence[Registration], now: datetime
) -> list[Imported]:
    """Take these in, in their order, and say for each what became of it.

    In transactions of MOST_LINES: where the database goes away in between, what was taken in
    before stays, and the same import may simply be sent again.
    """
    imported: list[Imported] = []
    for batch in _batches(registrations):
        imported += await _import_batch(db, batch, now)
    for outcome in imported:
        IMPORTED.labels(outcome.outcome).inc()
    return imported


def _batches(registrations: Sequence[Registration]) -> Iterator[list[Registration]]:
    """Cut so that no batch speaks twice of one certificate: the later line must win."""
    batch: list[Registration] = []
    keys: set[tuple[str, bytes, str]] = set()
    for registration in registrations:
        if len(batch) == MOST_LINES or registration.key in keys:
            yield batch
            batch, keys = [], set()
        batch.append(registration)
        keys.add(registration.key)
    if batch:
        yield batch


async def _import_batch(
    db: Database, batch: Sequence[Registration], now: datetime
) -> list[Imported]:
    async with db.transaction() as tx:
        await registry.lock_registry_for_import(tx)
        stored = {row.key: row for row in await registry.upsert_entries(tx, batch, now)}
        touched = await folders.select_claims_touching(tx, [r.entry_id for r in stored.values()])
        locked = await folders.lock_folders(tx, touched)
        changes = await review(tx, touched, locked, now)
    log.info("registry.imported", lines=len(batch), entries=len(stored), claims=len(changes))
    imported = []
    for registration in batch:
        row = stored.get(registration.key)
        if row is None:
            imported.append(Imported("unchanged"))
        else:
            imported.append(Imported("created" if row.created else "revised", row.entry_id))
    return imported
