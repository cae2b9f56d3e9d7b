"""A signed file is taken in batch by batch; sent again, it goes on where it stopped.

How its lines are read, and what is said of each, stands at the door.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.certificates.actions.importing import Imported, Importer, take_in, told
from services.certificates.domain.registry import Registration
from services.certificates.domain.signed_imports import SignedImport
from services.certificates.store import imports as store
from services.certificates.store.entries import Source
from services.certificates.store.imports import BatchReport, Counts, Progress
from services.kit.database import Database

log = structlog.get_logger(__name__)

_REPORTS_AT_ONCE = 16
# A report may have a million lines; each of its batches is a row that is written anew.
_DROPPED_AT_ONCE = 4


class OtherFile(Exception):
    """Under this id another file was sent before, or one of another issuer."""


class MovedOn(Exception):
    """Somebody else goes on with the same import in other steps."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file, read. first_row: from 0. registrations: of the rows that are good."""

    first_row: int
    n_rows: int
    registrations: Sequence[Registration]
    tell: Callable[[Sequence[Imported]], BatchReport]


async def begin_import(db: Database, signed: SignedImport, sender: str, now: datetime) -> Progress:
    """Begin the import, or find how far it has come. Raises OtherFile."""
    async with db.transaction() as tx:
        await store.insert_import(tx, signed, sender, now)
        progress = await store.lock_import(tx, signed.import_id)
    if (progress.issuer, progress.sha256) != (signed.issuer, signed.sha256):
        raise OtherFile
    return progress


async def check_import(db: Database, signed: SignedImport) -> None:
    """Raises OtherFile: before a large file was received in vain."""
    async with db.transaction() as tx:
        progress = await store.select_import(tx, signed.import_id)
    if progress is not None and (progress.issuer, progress.sha256) != (
        signed.issuer,
        signed.sha256,
    ):
        raise OtherFile


async def go_on(
    db: Database,
    importer: Importer,
    signed: SignedImport,
    read: Callable[[], Batch | None],
    clock: Callable[[], datetime],
) -> None:
    """Take in the rest of the file. read: the next rows, None at the end; runs in a thread.

    A batch is committed with the report of its rows, so that nothing is done or told twice,
    whoever else sends the same file at the same time. Raises MovedOn.
    """
    # The next rows are read while the database writes these.
    reading = asyncio.create_task(asyncio.to_thread(read))
    try:
        while (batch := await reading) is not None:
            reading = asyncio.create_task(asyncio.to_thread(read))
            await _commit(db, importer, batch, Source(signed.stated_at, clock(), signed.import_id))
    finally:
        # The thread reads from a file that its caller is about to close.
        await asyncio.gather(reading, return_exceptions=True)


async def _commit(db: Database, importer: Importer, batch: Batch, source: Source) -> None:
    import_id = source.import_id
    if import_id is None:
        raise ValueError("only signed imports are kept account of")
    async with db.transaction() as tx:
        progress = await store.lock_import(tx, import_id)
        if progress.n_done >= batch.first_row + batch.n_rows:
            return
        if progress.n_done != batch.first_row:
            raise MovedOn
        imported = await take_in(tx, importer, batch.registrations, source)
        report = batch.tell(imported)
        await store.insert_batch(
            tx,
            import_id,
            first_row=batch.first_row,
            n_rows=batch.n_rows,
            report=report,
            now=source.now,
        )
    told(imported)
    if batch.first_row + batch.n_rows == progress.n_rows:
        log.info("registry.import_finished", import_id=str(import_id), rows=progress.n_rows)


async def import_so_far(db: Database, import_id: UUID) -> tuple[Progress, Counts] | None:
    """How far an import has come, and how many rows had which outcome."""
    async with db.transaction() as tx:
        progress = await store.select_import(tx, import_id)
        if progress is None:
            return None
        return progress, await store.select_counts(tx, import_id)


async def reports_of(db: Database, progress: Progress) -> AsyncIterator[tuple[str, str]]:
    """(lines, flagged) of every batch that was in by then, in order."""
    first_row = 0
    while first_row < progress.n_done:
        async with db.transaction() as tx:
            found = await store.select_reports(
                tx,
                progress.import_id,
                first_row=first_row,
                before_row=progress.n_done,
                limit=_REPORTS_AT_ONCE,
            )
        for first_row, lines, flagged in found:  # noqa: B007 (the last one is where to go on)
            yield lines, flagged
        if not found:
            return


async def drop_old_reports(db: Database, now: datetime, keep: timedelta) -> int:
    """Drop the lines of reports that are older than that; returns of how many imports.

    What came of how many rows stays, and what the issuer signed. For kit.periodic.
    """
    total = 0
    while True:
        async with db.transaction() as tx:
            dropped = await store.update_reports_dropped(tx, now - keep, now, _DROPPED_AT_ONCE)
        total += dropped
        if dropped < _DROPPED_AT_ONCE:
            break
    if total:
        log.info("registry.reports_dropped", imports=total)
    return total
