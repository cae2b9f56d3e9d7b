"""A small market that changes at random, as the events of its three topics tell it.

Documents are drawn from the sample market, so texts and skills are as people write them.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.certificates import (
    CertificateFolder,
    CertificateLapsed,
    CertificateState,
    CertificateVerified,
)
from contracts.events import CertificateEvent, PostingEvent, SeekerEvent
from contracts.postings import PostingClosed, PostingPublished, PostingRevised, PostingState
from contracts.seekers import SeekerGone, SeekerProfiled, SeekerState, SeekerWithdrawn
from contracts.values import CertificateStatus, ClosedReason, PostingStatus
from dev.sample import generate
from tests.support import NOW

MarketEvent = PostingEvent | SeekerEvent | CertificateEvent

_NOT_OF_A_POSTING = ("reference",)
# Few places, so that most pairs may meet and all lists are full.
_COUNTIES = ("530102", "530103", "530115", "530402")
_PLACES = (("530100",), ("530102", "530100"), ("530402", "530100"), ("530102",), ("530402",))


def posting_id(number: int) -> UUID:
    """Ids in order of their numbers."""
    return UUID(int=(1 << 96) + number)


def seeker_id(number: int) -> UUID:
    """Ids in order of their numbers."""
    return UUID(int=(2 << 96) + number)


def posting_state(number: int, line: dict[str, Any], **changes: Any) -> PostingState:
    """A generated line as an event tells it."""
    said = {name: value for name, value in line.items() if name not in _NOT_OF_A_POSTING}
    return PostingState.model_validate(
        {"posting_id": posting_id(number), "employer_id": f"firm-{number % 3}", "status": "open"}
        | said
        | changes
    )


def seeker_state(number: int, work: dict[str, Any]) -> SeekerState:
    """The part of a generated line that is about work, as an event tells it."""
    return SeekerState.model_validate({"seeker_id": seeker_id(number)} | work)


def published(state: PostingState, version: int = 1) -> PostingPublished:
    return PostingPublished(subject=str(state.posting_id), time=NOW, version=version, data=state)


def revised(state: PostingState, version: int) -> PostingRevised:
    return PostingRevised(subject=str(state.posting_id), time=NOW, version=version, data=state)


def closed(state: PostingState, version: int) -> PostingClosed:
    data = state.model_copy(
        update={"status": PostingStatus.CLOSED, "closed_reason": ClosedReason.EMPLOYER}
    )
    return PostingClosed(subject=str(state.posting_id), time=NOW, version=version, data=data)


def profiled(state: SeekerState, version: int = 1) -> SeekerProfiled:
    return SeekerProfiled(subject=str(state.seeker_id), time=NOW, version=version, data=state)


def withdrawn(who: UUID, version: int) -> SeekerWithdrawn:
    return SeekerWithdrawn(
        subject=str(who), time=NOW, version=version, data=SeekerGone(seeker_id=who)
    )


def verified(who: UUID, version: int, *held: CertificateState) -> CertificateVerified:
    data = CertificateFolder(seeker_id=who, changed=held[-1], in_force=held)
    return CertificateVerified(subject=str(who), time=NOW, version=version, data=data)


def lapsed(
    who: UUID, version: int, gone: CertificateState, *held: CertificateState
) -> CertificateLapsed:
    changed = gone.model_copy(update={"status": CertificateStatus.LAPSED, "reason": "revoked"})
    data = CertificateFolder(seeker_id=who, changed=changed, in_force=held)
    return CertificateLapsed(subject=str(who), time=NOW, version=version, data=data)


def certificate(number: int, occupation: str, level: int) -> CertificateState:
    return CertificateState(
        certificate_id=UUID(int=(3 << 96) + number),
        status=CertificateStatus.VERIFIED,
        occupation=occupation,
        level=level,
        name="证书",
        valid_until=NOW + timedelta(days=100),
    )


def sample_market(n_postings: int, n_seekers: int, seed: int = 1) -> Iterator[MarketEvent]:
    """The sample market as it would be published at once, certificates first."""
    for number, line in enumerate(generate.seekers(n_seekers, seed=seed), 1):
        registered = generate.certificate_of(number, seed=seed)
        if registered is not None:
            held = certificate(number, registered["occupation"], registered["level"])
            yield verified(seeker_id(number), 1, held)
        yield profiled(seeker_state(number, line["work"]))
    for number, line in enumerate(generate.postings(n_postings, seed=seed, now=NOW), 1):
        yield published(posting_state(number, line))


class Market:
    """Draws one event after the other, each aggregate's in order of version.

    first: the first number of a posting and of a seeker, for a bus that others use too.
    """

    def __init__(
        self, seed: int, *, n_postings: int = 14, n_seekers: int = 14, first: int = 0
    ) -> None:
        self.draw = random.Random(seed)
        self._first = first
        self._posting_lines = [
            line | {"county": self.draw.choice(_COUNTIES), "education": self.draw.choice((None, 2))}
            for line in generate.postings(4 * n_postings, seed=seed, now=NOW)
        ]
        self._work_lines = [
            line["work"]
            | {
                "counties": self.draw.choice(_PLACES),
                "commute": self.draw.random() < 0.5,
                "employment": [],
            }
            for line in generate.seekers(4 * n_seekers, seed=seed)
        ]
        self._occupations = [code for line in self._posting_lines if (code := line["occupation"])]
        self._n_postings, self._n_seekers = n_postings, n_seekers
        self._postings: dict[int, PostingEvent] = {}
        self._looking: dict[int, bool] = {}
        self._versions: dict[int, int] = {}
        self._folders: dict[int, list[CertificateState]] = {}
        self._folder_versions: dict[int, int] = {}

    def events(self, count: int) -> list[MarketEvent]:
        return [self.event() for _ in range(count)]

    def event(self) -> MarketEvent:
        of = self.draw.choices((self._posting, self._seeker, self._folder), (5, 4, 3))[0]
        return of()

    def _posting(self) -> PostingEvent:
        number = self._first + self.draw.randrange(self._n_postings)
        before = self._postings.get(number)
        event: PostingEvent
        if before is None:
            event = published(self._posting_state(number))
        elif isinstance(before, PostingClosed):
            # Closed is final; a posting that is closed makes room for another of a new id.
            self._n_postings += 1
            number = self._first + self._n_postings - 1
            event = published(self._posting_state(number))
        elif self.draw.random() < 0.2:
            event = closed(before.data, before.version + 1)
        else:
            event = revised(self._revision(number, before.data), before.version + 1)
        self._postings[number] = event
        return event

    def _posting_state(self, number: int) -> PostingState:
        return posting_state(number, self.draw.choice(self._posting_lines))

    def _revision(self, number: int, before: PostingState) -> PostingState:
        """Another job; or one word of it, its pay, or something no seeker is shown."""
        other = self._posting_state(number)
        part = self.draw.choice(("all", "title", "pay", "headcount", "skills", "nothing"))
        match part:
            case "all":
                return other
            case "nothing":
                return before
            case _:
                return before.model_copy(update={part: getattr(other, part)})

    def _seeker(self) -> SeekerEvent:
        number = self._first + self.draw.randrange(self._n_seekers)
        version = self._versions[number] = self._versions.get(number, 0) + 1
        if self._looking.get(number) and self.draw.random() < 0.25:
            self._looking[number] = False
            return withdrawn(seeker_id(number), version)
        self._looking[number] = True
        return profiled(seeker_state(number, self.draw.choice(self._work_lines)), version)

    def _folder(self) -> CertificateEvent:
        """Of anyone, also of those who have no profile yet or no longer."""
        number = self._first + self.draw.randrange(self._n_seekers + 2)
        version = self._folder_versions[number] = self._folder_versions.get(number, 0) + 1
        held = self._folders.setdefault(number, [])
        if held and self.draw.random() < 0.4:
            gone = held.pop(self.draw.randrange(len(held)))
            return lapsed(seeker_id(number), version, gone, *held)
        held.append(
            certificate(
                self.draw.randrange(1 << 40),
                self.draw.choice(self._occupations),
                self.draw.randint(1, 8),
            )
        )
        return verified(seeker_id(number), version, *held)


def deliveries(
    draw: random.Random, events: Sequence[MarketEvent], most: int = 12
) -> Iterator[list[MarketEvent]]:
    """Batches of the events: each at least once, some again, not all in their order."""
    waiting = list(events)
    sent: list[list[MarketEvent]] = []
    while waiting:
        batch = waiting[: draw.randint(1, most)]
        del waiting[: len(batch)]
        if draw.random() < 0.3:
            draw.shuffle(batch)
        if waiting and draw.random() < 0.3:
            # One comes late, behind newer ones of its own aggregate.
            waiting.insert(draw.randrange(len(waiting) + 1), batch.pop())
        if not batch:
            continue
        sent.append(batch)
        yield batch
        if draw.random() < 0.3:
            yield draw.choice(sent)
