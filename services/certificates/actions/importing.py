"""The registry takes in what issuers say, and the claims it touches are judged at once.

How a line is read stands at the door; how far a signed import has come in signed_importing.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.certificates.actions.reviewing import review
from services.certificates.domain.places import PlaceOrder
from services.certificates.domain.registry import Registration
from services.certificates.store import entries, folders, issuers, registry
from services.certificates.store.entries import Key, Source, Standing, Written
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

IMPORTED = Counter("rengang_registry_lines_total", "Lines taken into the registry", ["outcome"])

MOST_LINES = 1000
"""How many lines share a transaction: claims wait while one is open."""

Outcome = Literal["created", "revised", "unchanged", "rejected"]


class Refusal(StrEnum):
    """Why a line is refused that is well-formed."""

    OF_ANOTHER_CITY = "of_another_city"
    REVOCATION_IS_FINAL = "revocation_is_final"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a registration. entry_id: of what it made or changed.

    is_outdated: the registry has what the issuer said later, so this changed nothing.
    """

    outcome: Outcome
    entry_id: UUID | None = None
    refusal: Refusal | None = None
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import needs beside the database. new_id: never the same twice."""

    order: PlaceOrder
    new_id: Callable[[], UUID]


async def import_registrations(
    db: Database,
    importer: Importer,
    registrations: Sequence[Registration],
    now: datetime,
) -> list[Imported]:
    """Take in what nobody signed, in its order, and say for each what became of it.

    In transactions of MOST_LINES: where the database goes away in between, what was taken in
    before stays, and the same import may simply be sent again.
    """
    imported: list[Imported] = []
    for start in range(0, len(registrations), MOST_LINES):
        batch = registrations[start : start + MOST_LINES]
        async with db.transaction() as tx:
            done = await take_in(tx, importer, batch, Source(stated_at=now, now=now))
        told(done)
        imported += done
    return imported


def told(imported: Sequence[Imported]) -> None:
    """Count what was committed."""
    for outcome, n in Tally(done.outcome for done in imported).items():
        IMPORTED.labels(outcome).inc(n)


async def take_in(
    tx: Transaction,
    importer: Importer,
    batch: Sequence[Registration],
    source: Source,
) -> list[Imported]:
    """Take in these registrations and judge the claims they touch, all in this transaction."""
    if not batch:
        return []
    await registry.lock_registry_for_import(tx)
    elsewhere = await issuers.select_issuers_elsewhere(tx, {said.issuer for said in batch})
    imported: list[Imported] = []
    for part in _once_each(batch):
        standing = await entries.select_standing(tx, (said.key for said in part))
        judged = [
            _judge(said, standing.get(said.key), elsewhere, source.stated_at, importer.new_id)
            for said in part
        ]
        await _write(tx, importer.order, judged, source)
        imported += [each.imported for each in judged]
    changed = {done.entry_id for done in imported if done.entry_id is not None}
    touched = await folders.select_claims_touching(tx, list(changed)) if changed else {}
    if touched:
        locked = await folders.lock_folders(tx, touched)
        await review(tx, touched, locked, source.now)
    log.info("registry.imported", lines=len(batch), entries=len(changed), seekers=len(touched))
    return imported


def _once_each(batch: Sequence[Registration]) -> Iterator[list[Registration]]:
    """Cut so that no part speaks twice of one certificate: the later line must win."""
    part: list[Registration] = []
    keys: set[Key] = set()
    for registration in batch:
        if registration.key in keys:
            yield part
            part, keys = [], set()
        part.append(registration)
        keys.add(registration.key)
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class _Judged:
    """A registration as it comes to beside what stands, and what becomes of it."""

    imported: Imported
    said: Registration
    stands: Standing | None

    @property
    def wants_place(self) -> bool:
        """Whether it has no place in our status lists yet."""
        return self.stands is None or not self.stands.has_place


def _judge(
    said: Registration,
    stands: Standing | None,
    elsewhere: set[str],
    stated_at: datetime,
    new_id: Callable[[], UUID],
) -> _Judged:
    """elsewhere: the issuers that partner cities answer for."""
    said = said if stands is None else said.after(stands.said)
    if said.issuer in elsewhere:
        imported = Imported("rejected", refusal=Refusal.OF_ANOTHER_CITY)
    elif stands is None:
        imported = Imported("created", new_id())
    elif stands.is_mirrored:
        imported = Imported("revised", stands.entry_id)
    elif stands.stated_at is not None and stands.stated_at > stated_at:
        imported = Imported("unchanged", is_outdated=True)
    elif said.says_the_same(stands.said):
        imported = Imported("unchanged")
    elif not said.may_follow(stands.said):
        imported = Imported("rejected", refusal=Refusal.REVOCATION_IS_FINAL)
    else:
        imported = Imported("revised", stands.entry_id)
    return _Judged(imported, said, stands)


async def _write(
    tx: Transaction, order: PlaceOrder, judged: Sequence[_Judged], source: Source
) -> None:
    """judged: no two of one certificate."""
    new = [each for each in judged if each.imported.outcome == "created"]
    revised = [each for each in judged if each.imported.outcome == "revised"]
    homeless = sum(each.wants_place for each in (*new, *revised))
    places = iter(await _places(tx, order, homeless))
    placed = [
        # Each created or revised registration names its entry: an id is never missing here.
        Written(each.imported.entry_id, each.said, next(places) if each.wants_place else None)
        for each in (*new, *revised)
        if each.imported.entry_id is not None
    ]
    if new:
        await entries.insert_entries(tx, placed[: len(new)], source)
    if revised:
        await entries.update_entries(tx, placed[len(new) :], source)
    said_again = [
        each.stands.entry_id
        for each in judged
        if each.imported.outcome == "unchanged"
        and not each.imported.is_outdated
        and each.stands is not None
    ]
    if said_again:
        await entries.update_stated(tx, said_again, source)
    taken_over = [
        each.stands.entry_id for each in revised if each.stands and each.stands.is_mirrored
    ]
    if taken_over:
        await entries.delete_mirrors(tx, taken_over)


async def _places(tx: Transaction, order: PlaceOrder, count: int) -> list[tuple[int, int]]:
    if not count:
        return []
    first = await entries.update_places_given(tx, count)
    # Off the loop: the order of a new list takes a third of a second to draw.
    return await asyncio.to_thread(order.places, first, count)
