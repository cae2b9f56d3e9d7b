"""The Kafka door: events become the matcher's documents, and outcomes what it learns from.

What follows from them does not live here.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import structlog

from contracts.certificates import (
    CertificateClaimed,
    CertificateFolder,
    CertificateLapsed,
    CertificateRejected,
    CertificateVerified,
)
from contracts.events import AnyEvent
from contracts.models import ModelChosen
from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.postings import PostingClosed, PostingPublished, PostingRevised, PostingState
from contracts.seekers import SeekerProfiled, SeekerState, SeekerWithdrawn
from contracts.values import CertificateId, EmployerId, PostingId, PostingStatus, SeekerId
from services.kit.consumer import Handler
from services.matcher.actions import Arrivals, choose, take_in
from services.matcher.domain import documents
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.index import Index
from services.matcher.learning.outcomes import Kind, Outcome, reason_code
from services.matcher.noting import note
from services.matcher.store.documents import Folder

log = structlog.get_logger(__name__)


def market_handler(index: Index, clock: Callable[[], datetime]) -> Handler:
    """What handles a batch of any of its topics. clock: the time that events are announced with."""

    async def on_market_events(events: Sequence[AnyEvent]) -> None:
        arrivals = arrivals_of(events)
        if arrivals != Arrivals():
            await take_in(index, arrivals, clock())
        if (chosen := last_choice_of(events)) is not None:
            await choose(index, chosen.data.version, chosen.version)
        if heard := outcomes_of(events):
            await note(index, heard)

    return on_market_events


def arrivals_of(events: Iterable[AnyEvent]) -> Arrivals:
    """The documents these events carry, of each aggregate the one of the highest version."""
    postings: dict[PostingId, Posting] = {}
    seekers: dict[SeekerId, Seeker] = {}
    folders: dict[SeekerId, Folder] = {}
    for event in events:
        match event:
            case PostingPublished() | PostingRevised() | PostingClosed():
                posting = posting_of(event.data, event.version)
                _keep_newer(postings, posting.posting_id, posting)
            case SeekerProfiled():
                seeker = seeker_of(event.data, event.version)
                _keep_newer(seekers, seeker.seeker_id, seeker)
            case SeekerWithdrawn():
                gone = Seeker(SeekerId(event.data.seeker_id), event.version, looking=False)
                _keep_newer(seekers, gone.seeker_id, gone)
            case (
                CertificateClaimed()
                | CertificateVerified()
                | CertificateRejected()
                | CertificateLapsed()
            ):
                folder = folder_of(event.data, event.version)
                _keep_newer(folders, folder.seeker_id, folder)
            case (
                ModelChosen() | MatchAccepted() | MatchDeclined() | SeekerInvited() | SeekerHired()
            ):
                pass
            case _:
                # Another topic's event in one of ours: nothing a matcher reads.
                log.info("handlers.ignored", type=event.type)
    return Arrivals(tuple(postings.values()), tuple(seekers.values()), tuple(folders.values()))


def last_choice_of(events: Iterable[AnyEvent]) -> ModelChosen | None:
    """The latest choice of a model among these events."""
    choices = (event for event in events if isinstance(event, ModelChosen))
    return max(choices, key=lambda event: event.version, default=None)


def outcomes_of(events: Iterable[AnyEvent]) -> list[Outcome]:
    """What these events say became of matches, in their order."""
    return [outcome for event in events if (outcome := outcome_of(event)) is not None]


def outcome_of(event: AnyEvent) -> Outcome | None:
    """What the event says became of a match; None where it is about something else."""
    reason = None
    match event:
        case MatchDeclined():
            kind, reason = Kind.DECLINED, reason_code(event.data.reason)
        case MatchAccepted():
            kind = Kind.ACCEPTED
        case SeekerInvited():
            kind = Kind.INVITED
        case SeekerHired():
            kind = Kind.HIRED
        case _:
            return None
    pair = SeekerId(event.data.seeker_id), PostingId(event.data.posting_id)
    return Outcome(event.id, *pair, kind, reason, event.time)


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


Id = TypeVar("Id")
Document = TypeVar("Document", bound=_Versioned)


def _keep_newer(kept: dict[Id, Document], document_id: Id, document: Document) -> None:
    before = kept.get(document_id)
    if before is None or before.version < document.version:
        kept[document_id] = document


def posting_of(state: PostingState, version: int) -> Posting:
    """The posting as the rules read it."""
    return Posting(
        posting_id=PostingId(state.posting_id),
        employer_id=EmployerId(state.employer_id),
        version=version,
        open=state.status is PostingStatus.OPEN,
        title=state.title,
        text=state.text,
        occupation=state.occupation,
        county=state.county,
        remote=state.remote,
        pay=documents.Pay(state.pay.min, state.pay.max, state.pay.unit),
        skills=tuple(documents.SkillWanted(skill.name, skill.required) for skill in state.skills),
        certificates=tuple(
            documents.CertificateWanted(wanted.occupation, wanted.level, wanted.required)
            for wanted in state.certificates
        ),
        education=state.education,
        experience_years=state.experience_years,
        employment=state.employment,
    )


def seeker_of(state: SeekerState, version: int) -> Seeker:
    """The profile of a seeker who is looking, as the rules read it."""
    floor = state.pay_floor
    return Seeker(
        seeker_id=SeekerId(state.seeker_id),
        version=version,
        looking=True,
        titles=state.titles,
        text=state.text,
        occupations=state.occupations,
        skills=state.skills,
        education=state.education,
        experience_years=state.experience_years,
        counties=state.counties,
        commute=state.commute,
        remote_ok=state.remote_ok,
        pay_floor=documents.PayFloor(floor.amount, floor.unit) if floor else None,
        employment=state.employment,
    )


def folder_of(folder: CertificateFolder, version: int) -> Folder:
    """What the seeker holds in force, as the rules read it."""
    held = tuple(
        HeldCertificate(
            CertificateId(certificate.certificate_id),
            certificate.occupation,
            certificate.level,
            certificate.name,
        )
        for certificate in folder.in_force
    )
    return Folder(SeekerId(folder.seeker_id), version, held)
