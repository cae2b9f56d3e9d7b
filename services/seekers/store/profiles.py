"""SQL of profiles: the work part in `seekers`, who it is in `persons`."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.values import Education, Employment, PayUnit, SeekerId
from services.kit.database import Record, Transaction
from services.seekers.domain.person import Person
from services.seekers.domain.profile import Profile, Status
from services.seekers.domain.work import Work

_COLUMNS = (
    "seeker_id, version, status, registered_at, changed_at, titles, text, occupations, skills, "
    "education, experience_years, counties, remote_ok, pay_floor_amount, pay_floor_unit, "
    "employment, commute"
)
_SELECT = f"SELECT {_COLUMNS}, name, phone, email, birth_date FROM seekers JOIN persons USING (seeker_id) "  # noqa: E501, S608


async def select_profile(tx: Transaction, seeker_id: SeekerId) -> Profile | None:
    """The profile as it stands."""
    row = await tx.fetchrow(f"{_SELECT} WHERE seeker_id = $1", seeker_id)
    return None if row is None else _profile(row)


async def lock_profile(tx: Transaction, seeker_id: SeekerId) -> Profile | None:
    """The profile as it stands, which nobody else changes before this transaction ends."""
    row = await tx.fetchrow(f"{_SELECT} WHERE seeker_id = $1 FOR UPDATE OF seekers", seeker_id)
    return None if row is None else _profile(row)


async def lock_profiles(tx: Transaction, seeker_ids: Sequence[SeekerId]) -> list[Profile]:
    """Those of these profiles that there are, locked in order of their ids."""
    rows = await tx.fetch(
        f"{_SELECT} WHERE seeker_id = ANY($1::uuid[]) ORDER BY seeker_id FOR UPDATE OF seekers",
        seeker_ids,
    )
    return [_profile(row) for row in rows]


async def is_known(tx: Transaction, seeker_id: SeekerId) -> bool:
    """Whether the seeker ever had a profile."""
    return bool(
        await tx.fetchval("SELECT EXISTS (SELECT FROM seekers WHERE seeker_id = $1)", seeker_id)
    )


async def select_looking(tx: Transaction, seeker_ids: Iterable[SeekerId]) -> set[SeekerId]:
    """Those of the seekers who are on the market now."""
    rows = await tx.fetch(
        # One by one: joined, the whole table might be read for each batch of matches.
        "SELECT seeker_id FROM unnest($1::uuid[]) AS wanted (id), LATERAL ("
        "    SELECT seeker_id, status FROM seekers WHERE seeker_id = wanted.id LIMIT 1"
        ") AS seeker WHERE status = 'looking'",
        list(seeker_ids),
    )
    return {row["seeker_id"] for row in rows}


async def insert_profiles(tx: Transaction, profiles: Iterable[Profile]) -> set[SeekerId]:
    """Keep new profiles; returns the ids of those that were not there yet."""
    profiles = list(profiles)
    added = await tx.fetchmany(
        f"INSERT INTO seekers ({_COLUMNS}) VALUES "  # noqa: S608
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) "
        "ON CONFLICT (seeker_id) DO NOTHING RETURNING seeker_id",
        [_row(profile) for profile in profiles],
    )
    new = {row["seeker_id"] for row in added}
    await tx.executemany(
        "INSERT INTO persons (seeker_id, name, phone, email, birth_date) "
        "VALUES ($1, $2, $3, $4, $5)",
        [_person_row(profile) for profile in profiles if profile.seeker_id in new],
    )
    return new


async def update_profiles(tx: Transaction, profiles: Iterable[Profile]) -> None:
    """Keep what became of profiles that this transaction has locked."""
    profiles = list(profiles)
    await tx.executemany(
        "UPDATE seekers SET version = $2, status = $3, changed_at = $5, titles = $6, text = $7, "
        "occupations = $8, skills = $9, education = $10, experience_years = $11, counties = $12, "
        "remote_ok = $13, pay_floor_amount = $14, pay_floor_unit = $15, employment = $16, "
        "commute = $17 "
        # What never changes is compared, so that each argument has its place and its type.
        "WHERE seeker_id = $1 AND registered_at = $4",
        [_row(profile) for profile in profiles],
    )
    await tx.executemany(
        "UPDATE persons SET name = $2, phone = $3, email = $4, birth_date = $5 "
        "WHERE seeker_id = $1",
        [_person_row(profile) for profile in profiles],
    )


def _row(profile: Profile) -> tuple[Any, ...]:
    work = profile.work
    amount, unit = work.pay_floor or (None, None)
    return (
        profile.seeker_id,
        profile.version,
        profile.status,
        profile.registered_at,
        profile.changed_at,
        work.titles,
        work.text,
        work.occupations,
        work.skills,
        work.education,
        work.experience_years,
        work.counties,
        work.remote_ok,
        amount,
        unit,
        work.employment,
        work.commute,
    )


def _person_row(profile: Profile) -> tuple[Any, ...]:
    person = profile.person
    return profile.seeker_id, person.name, person.phone, person.email, person.birth_date


def _profile(row: Record) -> Profile:
    amount, education = row["pay_floor_amount"], row["education"]
    return Profile(
        seeker_id=SeekerId(row["seeker_id"]),
        person=Person(row["name"], row["phone"], row["email"], row["birth_date"]),
        work=Work(
            titles=tuple(row["titles"]),
            text=row["text"],
            occupations=tuple(row["occupations"]),
            skills=tuple(row["skills"]),
            education=None if education is None else Education(education),
            experience_years=row["experience_years"],
            counties=tuple(row["counties"]),
            commute=row["commute"],
            remote_ok=row["remote_ok"],
            pay_floor=None if amount is None else (amount, PayUnit(row["pay_floor_unit"])),
            employment=tuple(map(Employment, row["employment"])),
        ),
        version=row["version"],
        status=Status(row["status"]),
        registered_at=row["registered_at"],
        changed_at=row["changed_at"],
    )
