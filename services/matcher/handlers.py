"""The Kafka door: events of postings, seekers and certificates become the matcher's documents.

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
from contracts.postings import PostingClosed, PostingPublished, PostingRevised, PostingState
from contracts.seekers import SeekerProfiled, SeekerState, SeekerWithdrawn
from contracts.values import CertificateId, EmployerId, PostingId, PostingStatus, SeekerId
from services.kit.consumer import Handler
from services.matcher.actions import Arrivals, choose, take_in
from services.matcher.domain import documents
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.index import Index
from services.matcher.store.documents import Folder

log = structlog.get_logger(__name__)


def market_handler(index: Index, clock: Callable[[], datetime]) -> Handler:
    """What handles a batch of the three topics. clock: the time that events are announced with."""

    async def on_market_events(events: Sequence[AnyEvent]) -> None:
        arrivals = arrivals_of(events)
        if arrivals != Arrivals():
            await take_in(index, arrivals, clock())
        if (chosen := last_choice_of(events)) is not None:
            await choose(index, chosen.data.version, chosen.version)

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
            case ModelChosen():
                pass
            case _:
                # Another topic's event in one of ours: nothing a matcher reads.
                log.info("handlers.ignored", type=event.type)
    return Arrivals(tuple(postings.values()), tuple(seekers.values()), tuple(folders.values()))


def last_choice_of(events: Iterable[AnyEvent]) -> ModelChosen | None:
    """The latest choice of a model among these events."""
    choices = (event for event in events if isinstance(event, ModelChosen))
    return max(choices, key=lambda event: event.version, default=None)


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
