"""What other cities vouch for is kept beside our own entries, and claims come to rest on it.

How an answer is got and believed stands in asking; how a claim is judged in reviewing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.certificates.actions.reviewing import review
from services.certificates.domain.digests import Statement
from services.certificates.domain.exchange import FOUND, Told
from services.certificates.domain.receipts import CertificateFacts, StatusEntry
from services.certificates.domain.recognition import Foreign, Recognition, standing
from services.certificates.domain.registry import (
    Entry,
    Registration,
    RegistryStatus,
    scope_of,
    today,
)
from services.certificates.domain.verdicts import Question, Verdict
from services.certificates.store import cities, folders, mirrors, recognitions, registry
from services.certificates.store.mirrors import Mirror, Place
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

MIRRORED = Counter("rengang_mirrored_total", "Answers of other cities that were kept", ["city"])

_KINDS = ("skill-level", "qualification", "special-operation", "title")
_STATUS = {Verdict.REVOKED: RegistryStatus.REVOKED, Verdict.SUSPENDED: RegistryStatus.SUSPENDED}


async def mirror(
    db: Database, question: Question, statement: Statement, told: Told, now: datetime
) -> Entry | None:
    """Keep what a city told of a certificate, and judge the claims it touches at once.

    Returns the entry as it counts here; None where the city found none, or spoke of an issuer
    that is not its own. What it vouched for before and no longer does is taken from the holder.
    """
    city_id = told.city_id
    async with db.transaction() as tx:
        await registry.lock_registry_for_import(tx)
        if told.facts is None or told.verdict not in FOUND:
            gone = await mirrors.update_mirrored_to_nobody(
                tx, city_id, statement, question.occupation, now
            )
            await review_touched(tx, gone, now)
            return None
        origins = await cities.select_origins(tx, [told.facts.issuer])
        if origins.get(told.facts.issuer, city_id) != city_id:
            return None
        table = await recognitions.select_recognitions(tx)
        entry_id = await _keep(
            tx, question, statement, told, facts=told.facts, table=table, now=now
        )
        if entry_id is None:
            return None
        await review_touched(tx, [entry_id], now)
        entry = await registry.select_entry(tx, entry_id)
    MIRRORED.labels(city_id).inc()
    return entry


async def _keep(
    tx: Transaction,
    question: Question,
    statement: Statement,
    told: Told,
    *,
    facts: CertificateFacts,
    table: Iterable[Recognition],
    now: datetime,
) -> UUID | None:
    foreign = Foreign(told.city_id, facts.issuer, facts.occupation, facts.level, facts.level_label)
    places = told.status or {}
    suspension = _place(places.get("suspension"))
    kept = Mirror(
        foreign,
        told.answered_at,
        kind=facts.kind if facts.kind in _KINDS else "skill-level",
        # A review that is overdue there sets the bit in its list, and the one that was held
        # clears it: only where the city has no such list must our own clock tell.
        review_due=None if suspension else facts.review_due,
        revocation=_place(places.get("revocation")),
        suspension=suspension,
    )
    registration = Registration(
        statement=statement,
        scope=scope_of(question.number, facts.occupation, facts.name),
        number_masked=question.number.masked(),
        number_format=question.number.format,
        issuer=facts.issuer,
        occupation=facts.occupation,
        level=facts.level,
        level_label=facts.level_label,
        name=facts.name,
        issued_on=facts.issued_on,
        valid_until=facts.valid_until,
        status=_STATUS.get(told.verdict, RegistryStatus.IN_FORCE),
    )
    entry_id = await mirrors.upsert_mirrored(
        tx, registration, kept, standing(table, foreign, today(now)), now
    )
    lists = [place.url for place in (kept.revocation, kept.suspension) if place is not None]
    await mirrors.update_lists_to_read(tx, lists)
    return entry_id


def _place(entry: StatusEntry | None) -> Place | None:
    return None if entry is None else Place(entry.url, entry.index)


async def review_touched(tx: Transaction, entry_ids: Sequence[UUID], now: datetime) -> int:
    """Judge every claim anew that these entries touch; returns how many changed."""
    if not entry_ids:
        return 0
    touched = await folders.select_claims_touching(tx, entry_ids)
    locked = await folders.lock_folders(tx, touched)
    return len(await review(tx, touched, locked, now))


async def replace_recognition_table(
    db: Database, lines: Sequence[Recognition], now: datetime
) -> int:
    """Put this table in force, and judge anew what it changes; returns how many entries."""
    async with db.transaction() as tx:
        await recognitions.lock_recognitions(tx)
        await recognitions.replace_recognitions(tx, lines)
    return await apply_recognitions(db, now)


async def recognition_table(db: Database) -> list[Recognition]:
    """The table in force."""
    async with db.transaction() as tx:
        return await recognitions.select_recognitions(tx)


_AT_ONCE = 500


async def apply_recognitions(db: Database, now: datetime) -> int:
    """Have every mirrored entry count as the table says today; returns how many changed.

    A line may begin or end at any midnight, so this is done over and over.
    """
    async with db.transaction() as tx:
        table = await recognitions.select_recognitions(tx)
        found = await mirrors.select_foreign(tx)
    day = today(now)
    due = [id_ for id_, (of, counts) in found.items() if standing(table, of, day) != counts]
    for start in range(0, len(due), _AT_ONCE):
        async with db.transaction() as tx:
            await registry.lock_registry_for_import(tx)
            await recognitions.lock_recognitions(tx)
            table = await recognitions.select_recognitions(tx)
            batch = due[start : start + _AT_ONCE]
            changed = {id_: standing(table, found[id_][0], day) for id_ in batch}
            await mirrors.update_standings(tx, changed, now)
            await review_touched(tx, batch, now)
    if due:
        log.info("recognitions.applied", entries=len(due))
    return len(due)
