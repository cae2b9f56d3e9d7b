"""Profiles: registered, revised, withdrawn, imported; each change announced with a masked copy."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

import contracts.seekers as wire
from contracts.events import SeekerEvent
from contracts.values import SeekerId
from services.kit import outbox
from services.kit.database import Database
from services.kit.etag import IfMatch
from services.seekers.actions import matches
from services.seekers.domain import profile as rules
from services.seekers.domain.masking import blinded
from services.seekers.domain.person import Person
from services.seekers.domain.profile import Profile, Status, registered
from services.seekers.domain.work import Work
from services.seekers.store import profiles as store

MOST_LINES = 200
"""How many lines of an import share a transaction."""


class ProfileNotFound(Exception):
    """The seeker has no profile."""


class ProfileExists(Exception):
    """The seeker has a profile already; it may be revised."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(str(profile.seeker_id))
        self.profile = profile


async def get_profile(db: Database, seeker_id: SeekerId) -> Profile:
    """The profile as it stands. Raises ProfileNotFound."""
    async with db.transaction() as tx:
        profile = await store.select_profile(tx, seeker_id)
    if profile is None:
        raise ProfileNotFound
    return profile


async def ensure_known(db: Database, seeker_id: SeekerId) -> None:
    """Raises ProfileNotFound where the seeker never had a profile."""
    async with db.transaction() as tx:
        if not await store.is_known(tx, seeker_id):
            raise ProfileNotFound


async def register(
    db: Database, seeker_id: SeekerId, person: Person, work: Work, now: datetime
) -> Profile:
    """Keep the seeker's first profile and announce it. Raises ProfileRefused, ProfileExists."""
    rules.check(person, work, matches.day_of(now))
    copy = await masked_copy(person, work)
    profile = registered(seeker_id, person, work, now)
    async with db.transaction() as tx:
        if not await store.insert_profiles(tx, [profile]):
            known = await store.select_profile(tx, seeker_id)
            raise ProfileExists(known or profile)
        await outbox.add(tx, event_of(profile, copy))
    return profile


async def revise(
    db: Database,
    seeker_id: SeekerId,
    person: Person,
    work: Work,
    now: datetime,
    *,
    if_match: IfMatch,
) -> Profile:
    """Put this in the place of the profile and announce it; nothing new, nothing announced.

    Who had withdrawn is back on the market, and is told of what was found meanwhile.
    Raises ProfileRefused, ProfileNotFound, Problem 412.
    """
    rules.check(person, work, matches.day_of(now))
    copy = await masked_copy(person, work)
    async with db.transaction() as tx:
        before = await store.lock_profile(tx, seeker_id)
        if before is None:
            raise ProfileNotFound
        if_match.check(before.version)
        after = before.revised(person, work, now)
        if after is not before:
            await store.update_profiles(tx, [after])
            await outbox.add(tx, event_of(after, copy))
        if before.status is Status.WITHDRAWN:
            await matches.tell_untold(tx, seeker_id, now)
    return after


async def withdraw(db: Database, seeker_id: SeekerId, now: datetime) -> Profile:
    """Take the seeker off the market and announce it; doing so twice announces once.

    Raises ProfileNotFound.
    """
    async with db.transaction() as tx:
        before = await store.lock_profile(tx, seeker_id)
        if before is None:
            raise ProfileNotFound
        after = before.withdrawn(now)
        if after is not before:
            await store.update_profiles(tx, [after])
            await outbox.add(tx, event_of(after))
    return after


# -------------------------------------------------------------------- importing


@dataclass(frozen=True, slots=True)
class Line:
    """One good line of an import. number: from 1."""

    number: int
    seeker_id: SeekerId
    person: Person
    work: Work


class Outcome(StrEnum):
    """What came of a line. Withdrawn: the seeker has left, and only the seeker comes back."""

    REGISTERED = "registered"
    REVISED = "revised"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a line."""

    number: int
    seeker_id: SeekerId
    outcome: Outcome


class _RegisteredMeanwhile(Exception):
    """Another transaction registered one of the seekers after this one had looked."""


async def import_profiles(db: Database, lines: Sequence[Line], now: datetime) -> list[Imported]:
    """Take in lines whose profiles were checked, in their order and in one transaction.

    Raises ValueError for more than MOST_LINES lines.
    """
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} lines in one transaction; at most {MOST_LINES}")
    while True:
        try:
            return await _import(db, lines, now)
        except _RegisteredMeanwhile:
            # Now it is there: looking again finds it, so this ends.
            continue


async def _import(db: Database, lines: Sequence[Line], now: datetime) -> list[Imported]:
    results: list[Imported] = []
    news: list[Profile] = []
    async with db.transaction() as tx:
        locked = await store.lock_profiles(tx, [line.seeker_id for line in lines])
        before = {profile.seeker_id: profile for profile in locked}
        after = dict(before)
        for line in lines:
            profile, outcome = _taken_in(line, after.get(line.seeker_id), now)
            if outcome in (Outcome.REGISTERED, Outcome.REVISED):
                news.append(profile)
            after[line.seeker_id] = profile
            results.append(Imported(line.number, line.seeker_id, outcome))
        # In order of id: another import of these seekers waits for us, and we not for it.
        new = [after[key] for key in sorted(after.keys() - before.keys())]
        if len(await store.insert_profiles(tx, new)) < len(new):
            raise _RegisteredMeanwhile
        await store.update_profiles(tx, _changed(before, after))
        # Most lines of a file that comes again say nothing new and need no copy.
        await outbox.add_all(tx, await asyncio.to_thread(_events_of, news))
    return results


def _events_of(profiles: Iterable[Profile]) -> list[SeekerEvent]:
    return [event_of(profile, blinded(profile.work, profile.person)) for profile in profiles]


def _taken_in(line: Line, known: Profile | None, now: datetime) -> tuple[Profile, Outcome]:
    if known is None:
        return registered(line.seeker_id, line.person, line.work, now), Outcome.REGISTERED
    match known.status:
        case Status.WITHDRAWN:
            return known, Outcome.WITHDRAWN
        case Status.LOOKING:
            after = known.revised(line.person, line.work, now)
            return after, Outcome.UNCHANGED if after is known else Outcome.REVISED
        case never:
            assert_never(never)


def _changed(
    before: Mapping[SeekerId, Profile], after: Mapping[SeekerId, Profile]
) -> list[Profile]:
    return [after[key] for key, profile in before.items() if after[key] is not profile]


# ------------------------------------------------------------------- announcing


async def masked_copy(person: Person, work: Work) -> Work:
    """What the bus may carry of the profile. Off the loop: long texts take milliseconds."""
    return await asyncio.to_thread(blinded, work, person)


def event_of(profile: Profile, copy: Work | None = None) -> SeekerEvent:
    """The event that tells of the change which brought the profile where it stands.

    copy: the masked work part; nothing else of a profile may stand in an event.
    """
    if profile.status is Status.WITHDRAWN or copy is None:
        return wire.SeekerWithdrawn(
            subject=str(profile.seeker_id),
            time=profile.changed_at,
            version=profile.version,
            data=wire.SeekerGone(seeker_id=profile.seeker_id),
        )
    floor = copy.pay_floor
    return wire.SeekerProfiled(
        subject=str(profile.seeker_id),
        time=profile.changed_at,
        version=profile.version,
        data=wire.SeekerState(
            seeker_id=profile.seeker_id,
            titles=copy.titles,
            text=copy.text,
            occupations=copy.occupations,
            skills=copy.skills,
            education=copy.education,
            experience_years=copy.experience_years,
            counties=copy.counties,
            commute=copy.commute,
            remote_ok=copy.remote_ok,
            pay_floor=None if floor is None else wire.PayFloor(amount=floor[0], unit=floor[1]),
            employment=copy.employment,
        ),
    )
