"""What this service does, one function each; each owns its transactions and announces changes.

Who may call, and how it is asked and answered over HTTP, is decided at the door.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

import structlog

import contracts.postings as wire
from contracts.events import PostingEvent
from contracts.values import ClosedReason, EmployerId, PostingId, PostingStatus
from services.kit import outbox
from services.kit.database import Database, Transaction
from services.kit.etag import IfMatch
from services.postings import store
from services.postings.domain import offers
from services.postings.domain.contacts import without_contacts
from services.postings.domain.offers import Offer
from services.postings.domain.postings import Posting, PostingAlreadyClosed, published

log = structlog.get_logger(__name__)

NewId = Callable[[], PostingId]

MOST_LINES = 200
"""How many lines of an import share a transaction."""


class PostingNotFound(Exception):
    """There is no such posting, or it is another employer's."""


class ReferenceTaken(Exception):
    """The employer already has a posting of that reference."""

    def __init__(self, posting: Posting) -> None:
        super().__init__(str(posting.posting_id))
        self.posting = posting


class ReferenceFixed(Exception):
    """A posting keeps the reference that it was published with."""

    def __init__(self, posting: Posting) -> None:
        super().__init__(str(posting.posting_id))
        self.posting = posting


# ---------------------------------------------------------------------- reading


async def get_posting(
    db: Database, posting_id: PostingId, employer_id: EmployerId | None
) -> Posting:
    """The posting; an employer's own, or for None anyone's. Raises PostingNotFound."""
    async with db.transaction() as tx:
        posting = await store.select_posting(tx, posting_id)
    return _visible(posting, employer_id)


async def list_postings(
    db: Database,
    employer_id: EmployerId,
    *,
    status: PostingStatus | None,
    before: PostingId | None,
    limit: int,
) -> list[Posting]:
    """The employer's postings, newest first; before: the last one already seen."""
    async with db.transaction() as tx:
        return await store.select_postings(tx, employer_id, status, before, limit)


# ---------------------------------------------------------------------- writing


async def publish_posting(
    db: Database,
    employer_id: EmployerId,
    offer: Offer,
    now: datetime,
    *,
    reference: str | None,
    new_id: NewId,
) -> Posting:
    """Put the offer on the market and announce it.

    Raises OfferRefused, ReferenceTaken.
    """
    offers.check(offer, now)
    async with db.transaction() as tx:
        if reference is not None:
            await store.lock_references(tx, employer_id)
            taken = await store.lock_referenced(tx, employer_id, [reference])
            if taken:
                raise ReferenceTaken(taken[0])
        posting = published(new_id(), employer_id, offer, now, reference)
        await store.insert_postings(tx, [posting])
        await outbox.add(tx, event_of(posting))
    return posting


async def revise_posting(
    db: Database,
    posting_id: PostingId,
    employer_id: EmployerId,
    offer: Offer,
    now: datetime,
    *,
    if_match: IfMatch,
    reference: str | None = None,
) -> Posting:
    """Put this offer in the place of the posting's and announce it; nothing new, nothing announced.

    if_match: the versions that the caller may mean. reference: None, or the posting's own.
    Raises PostingNotFound, PostingAlreadyClosed, ReferenceFixed, OfferRefused, Problem 412.
    """
    async with db.transaction() as tx:
        before = _visible(await store.lock_posting(tx, posting_id), employer_id)
        if before.is_due(now):
            # The expiry job has not come by yet; what a caller may do must not hang on its pace.
            after = before.closed(now, ClosedReason.EXPIRED)
        else:
            after = _revised(before, offer, now, if_match, reference)
        await _keep(tx, before, after)
    if after.status is PostingStatus.CLOSED:
        raise PostingAlreadyClosed(after)
    return after


def _revised(
    posting: Posting, offer: Offer, now: datetime, if_match: IfMatch, reference: str | None
) -> Posting:
    if posting.status is PostingStatus.CLOSED:
        raise PostingAlreadyClosed(posting)
    if_match.check(posting.version)
    if reference is not None and reference != posting.reference:
        raise ReferenceFixed(posting)
    offers.check(offer, now)
    return posting.revised(offer, now)


async def close_posting(
    db: Database,
    posting_id: PostingId,
    employer_id: EmployerId,
    now: datetime,
    *,
    if_match: IfMatch,
) -> Posting:
    """Take the posting off the market and announce it. Closing twice announces once.

    Raises PostingNotFound, Problem 412.
    """
    async with db.transaction() as tx:
        before = _visible(await store.lock_posting(tx, posting_id), employer_id)
        # Who repeats a close whose answer was lost holds the old version, and is right all the
        # same: what was asked for is so (RFC 9110 §13.1.1).
        if before.status is PostingStatus.OPEN:
            if_match.check(before.version)
        after = before.closed(now, ClosedReason.EMPLOYER)
        await _keep(tx, before, after)
    return after


async def expire_postings(db: Database, now: datetime, *, batch: int) -> int:
    """Close every open posting whose time is over and announce each; returns how many.

    Any number of these may run at once: none waits for, or repeats, what another does.
    """
    total = 0
    while True:
        async with db.transaction() as tx:
            due = await store.lock_due(tx, now, batch)
            expired = [posting.closed(now, ClosedReason.EXPIRED) for posting in due]
            await store.update_postings(tx, expired)
            await outbox.add_all(tx, map(event_of, expired))
        total += len(expired)
        if len(expired) < batch:
            break
    if total:
        log.info("postings.expired", postings=total)
    return total


def _visible(posting: Posting | None, employer_id: EmployerId | None) -> Posting:
    if posting is None or employer_id not in (None, posting.employer_id):
        raise PostingNotFound
    return posting


async def _keep(tx: Transaction, before: Posting, after: Posting) -> None:
    if after.version != before.version:
        await store.update_postings(tx, [after])
        await outbox.add(tx, event_of(after))


# -------------------------------------------------------------------- importing


@dataclass(frozen=True, slots=True)
class Line:
    """One good line of an import. number: from 1. reference: None where the line brings none."""

    number: int
    offer: Offer
    reference: str | None


class Outcome(StrEnum):
    """What came of a line."""

    PUBLISHED = "published"
    REVISED = "revised"
    UNCHANGED = "unchanged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a line, and the posting that it speaks of; closed: which it could not change."""

    number: int
    outcome: Outcome
    posting: Posting


async def import_offers(
    db: Database,
    employer_id: EmployerId,
    lines: Sequence[Line],
    now: datetime,
    *,
    new_id: NewId,
) -> list[Imported]:
    """Take in lines whose offers were checked, in their order and in one transaction.

    A line whose reference is known revises that posting; one without is known by its content, and
    changes nothing where it came before. Raises ValueError for more than MOST_LINES lines.
    """
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} lines in one transaction; at most {MOST_LINES}")
    references = [line.reference or offers.derived_reference(line.offer) for line in lines]
    results: list[Imported] = []
    events: list[PostingEvent] = []
    async with db.transaction() as tx:
        await store.lock_references(tx, employer_id)
        stored = await store.lock_referenced(tx, employer_id, references)
        before = {posting.reference: posting for posting in stored}
        after = dict(before)
        for line, reference in zip(lines, references, strict=True):
            known = after.get(reference)
            if known is None:
                posting = published(new_id(), employer_id, line.offer, now, reference)
                outcome = Outcome.PUBLISHED
            else:
                posting, outcome = _taken_in(line, known, now)
            if known is None or posting.version != known.version:
                events.append(event_of(posting))
            after[reference] = posting
            results.append(Imported(line.number, outcome, posting))
        await store.insert_postings(tx, _new(before, after))
        await store.update_postings(tx, _changed(before, after))
        await outbox.add_all(tx, events)
    return results


def _taken_in(line: Line, known: Posting, now: datetime) -> tuple[Posting, Outcome]:
    """What a line does to the posting that it speaks of."""
    current = known.closed(now, ClosedReason.EXPIRED) if known.is_due(now) else known
    match current.status:
        case PostingStatus.CLOSED:
            return current, Outcome.CLOSED
        case PostingStatus.OPEN:
            # A line known by its content alone has been taken in; that the posting was revised
            # since through the door is no reason to turn it back.
            posting = current if line.reference is None else current.revised(line.offer, now)
            return posting, Outcome.UNCHANGED if posting is current else Outcome.REVISED
        case never:
            assert_never(never)


References = dict[str | None, Posting]


def _new(before: References, after: References) -> Iterable[Posting]:
    return [posting for reference, posting in after.items() if reference not in before]


def _changed(before: References, after: References) -> Iterable[Posting]:
    return [
        after[reference] for reference, posting in before.items() if after[reference] != posting
    ]


# ------------------------------------------------------------------- announcing


def event_of(posting: Posting) -> PostingEvent:
    """The event that tells of the change which brought the posting where it stands.

    Holds the whole posting, but for contacts in its texts: nobody's leave this service.
    """
    kind: type[PostingEvent]
    match posting.status:
        case PostingStatus.CLOSED:
            kind = wire.PostingClosed
        case PostingStatus.OPEN:
            kind = wire.PostingPublished if posting.version == 1 else wire.PostingRevised
        case never:
            assert_never(never)
    return kind(
        subject=str(posting.posting_id),
        time=posting.changed_at,
        version=posting.version,
        data=_state_of(posting),
    )


def _state_of(posting: Posting) -> wire.PostingState:
    offer = posting.offer
    return wire.PostingState(
        posting_id=posting.posting_id,
        employer_id=posting.employer_id,
        status=posting.status,
        title=without_contacts(offer.title),
        text=without_contacts(offer.text),
        occupation=offer.occupation,
        county=offer.county,
        remote=offer.remote,
        pay=wire.Pay(min=offer.pay.min, max=offer.pay.max, unit=offer.pay.unit),
        headcount=offer.headcount,
        employment=offer.employment,
        skills=tuple(
            wire.SkillWanted(name=without_contacts(skill.name), required=skill.required)
            for skill in offer.skills
        ),
        certificates=tuple(
            wire.CertificateWanted(
                occupation=wanted.occupation, level=wanted.level, required=wanted.required
            )
            for wanted in offer.certificates
        ),
        education=offer.education,
        experience_years=offer.experience_years,
        valid_until=offer.valid_until,
        closed_reason=posting.closed_reason,
    )
