"""The operators' door to one record of the registry: as it is, and what it was.

How records come and change stands in imports.
"""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.certificates.actions.recalling import recalled
from services.certificates.domain.histories import steps, told
from services.certificates.domain.registry import Kind, RegistryStatus
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.problems import not_found

Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]


class EntryState(BaseModel):
    """What a record says, or said. origin: null for our own issuers', else the partner city."""

    issuer: str
    occupation: str
    level: int | None
    level_label: str | None
    title_rank: int | None
    name: str
    kind: Kind
    issued_on: date
    valid_until: date | None
    review_due: date | None
    status: RegistryStatus
    origin: str | None


class EntryChange(BaseModel):
    """A change. was: the record before it. changed: which fields, holder_name and identity_number
    among them, whose values nobody is told. import_id: the signed import that made it.
    """

    changed_at: datetime
    import_id: UUID | None
    changed: list[str] = Field(examples=[["status"]])
    was: EntryState


class EntryView(BaseModel):
    """A record with its changes, the newest first. stated_at: when its issuer said what it says."""

    entry_id: UUID
    number_masked: str = Field(examples=["S00****************456"])
    now: EntryState
    stated_at: datetime | None
    import_id: UUID | None
    changes: list[EntryChange]


def routes(db: Database) -> APIRouter:
    """The routes of /v1/registry/entries."""
    router = APIRouter(tags=["registry"])

    @router.get("/v1/registry/entries/{entry_id}", summary="一条登记及其变更 · a record's history")
    async def entry(_: Operator, entry_id: UUID) -> EntryView:
        """By the id that the report of its import gives; the last 200 changes."""
        found = await recalled(db, entry_id)
        if found is None:
            raise not_found()
        row, history = found
        states = steps(row, [each.row for each in history])
        return EntryView(
            entry_id=entry_id,
            number_masked=row["number_masked"],
            now=EntryState(**told(row)),
            stated_at=row["stated_at"],
            import_id=row["import_id"],
            changes=[
                EntryChange(
                    changed_at=each.changed_at,
                    import_id=each.import_id,
                    changed=changed,
                    was=EntryState(**told(before)),
                )
                for each, (before, changed) in zip(history, states, strict=True)
            ],
        )

    return router
