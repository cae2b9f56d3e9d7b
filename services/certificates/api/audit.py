"""The audit log's door: operators read and check it, a holder sees who asked about them.

What is written into the log does not live here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request

from contracts.values import seeker_id_of
from services.certificates.actions.auditing import (
    Sought,
    audit_rows,
    audit_rows_about,
    check_audit,
)
from services.certificates.domain.audit import Act, Fault, Head, Row
from services.certificates.domain.purposes import Purpose, Recorded
from services.certificates.domain.verdicts import Verdict
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.kit.problems import content_not_accepted

Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]
Seeker = Annotated[Caller, Depends(require(Role.SEEKER))]


class MineRow(BaseModel):
    """Somebody asked about a certificate of the caller's. verdict: null where it was refused."""

    at: datetime
    requester: str = Field(description="an account, or the id of a partner city")
    role: str = Field(examples=["employer", "partner", "operator", "city"])
    act: Act
    purpose: str = Field(examples=[Purpose.EMPLOYMENT])
    verdict: Verdict | None


class AuditRow(MineRow):
    """A row of the log. about, number: keyed digests, which tell whether two rows are about one
    person or one certificate, and no more.
    """

    seq: int
    about: str
    number: str
    receipt_no: str | None
    hash: str


class AuditChecked(BaseModel):
    """Whether the chain holds. rows: how many are right, from the first on. hash: of the last of
    them; noted down elsewhere it tells a log that was rewritten whole.
    """

    whole: bool
    rows: int
    hash: str
    broken_at: int | None = Field(description="seq of the first row that is wrong")
    fault: Fault | None = Field(
        description="missing: rows are gone; changed: a row says something else than it did; "
        "cut: the end is gone, or another; rewritten: all fits together and is not what was noted"
    )


@dataclass
class Wanted:
    """Which rows are wanted."""

    since: Annotated[AwareDatetime | None, Query(description="not before")] = None
    until: Annotated[AwareDatetime | None, Query(description="before")] = None
    requester: Annotated[str | None, Query(min_length=1, max_length=255)] = None
    purpose: Recorded | None = None


@dataclass
class Noted:
    """What a check said before, where it was noted down: the log must still hold those rows."""

    noted_rows: Annotated[int | None, Query(ge=0, le=2**62)] = None
    noted_hash: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None

    def head(self) -> Head | None:
        """As a head of the chain. Raises Problem 422 where only one of the two is given."""
        if self.noted_rows is None and self.noted_hash is None:
            return None
        if self.noted_rows is None or self.noted_hash is None:
            name = "noted_rows" if self.noted_rows is None else "noted_hash"
            raise content_not_accepted(
                [
                    {
                        "parameter": name,
                        "where": "query",
                        "zh": "noted_rows 与 noted_hash 须同时给出。",
                        "en": "noted_rows and noted_hash must come together.",
                    }
                ]
            )
        return Head(self.noted_rows, bytes.fromhex(self.noted_hash))


def routes(db: Database) -> APIRouter:
    """The routes of /v1/audit."""
    router = APIRouter(tags=["audit"])
    all_rows: Cursor[int] = Cursor("audit", int)
    own_rows: Cursor[int] = Cursor("audit-mine", int)

    @router.get("/v1/audit", summary="审计日志 · the audit log")
    async def rows(
        request: Request,
        response: Response,
        _: Operator,
        wanted: Annotated[Wanted, Depends()],
        limit: Limit = DEFAULT_LIMIT,
        cursor: CursorText = None,
    ) -> Page[AuditRow]:
        """Who asked about whom, when, why, and what was answered; the newest first."""
        sought = Sought(wanted.since, wanted.until, wanted.requester, wanted.purpose)
        within = repr(sought)
        before = None if cursor is None else all_rows.decode(cursor, within=within)
        found = await audit_rows(db, sought, before=before, limit=limit + 1)
        page: Page[AuditRow] = Page(items=[_audit_row(row) for row in found[:limit]])
        if len(found) > limit:
            page.next = all_rows.encode(found[limit - 1].seq, within=within)
            response.headers["Link"] = next_link(request, page.next)
        return page

    @router.get("/v1/audit/mine", summary="谁查过我的证书 · who asked about my certificates")
    async def mine(
        request: Request,
        response: Response,
        caller: Seeker,
        limit: Limit = DEFAULT_LIMIT,
        cursor: CursorText = None,
    ) -> Page[MineRow]:
        """About certificates that the caller has claimed and proven to hold; the newest first."""
        before = None if cursor is None else own_rows.decode(cursor)
        seeker_id = seeker_id_of(caller.subject)
        found = await audit_rows_about(db, seeker_id, before=before, limit=limit + 1)
        page: Page[MineRow] = Page(items=[_mine_row(row) for row in found[:limit]])
        if len(found) > limit:
            page.next = own_rows.encode(found[limit - 1].seq)
            response.headers["Link"] = next_link(request, page.next)
        return page

    @router.get("/v1/audit/check", summary="核对审计日志 · check the audit log")
    async def check(_: Operator, noted: Annotated[Noted, Depends()]) -> AuditChecked:
        """Follows the chain from the first row to the last, and says where it first breaks."""
        checked = await check_audit(db, noted.head())
        return AuditChecked(
            whole=checked.broken is None,
            rows=checked.head.seq,
            hash=checked.head.hash.hex(),
            broken_at=checked.broken and checked.broken.seq,
            fault=checked.broken and checked.broken.fault,
        )

    return router


def _mine_row(row: Row) -> MineRow:
    record = row.record
    return MineRow(
        at=record.at,
        requester=record.requester,
        role=record.role,
        act=record.act,
        purpose=record.purpose,
        verdict=None if record.verdict is None else Verdict(record.verdict),
    )


def _audit_row(row: Row) -> AuditRow:
    return AuditRow(
        **dict(_mine_row(row)),
        seq=row.seq,
        about=row.record.about.hex(),
        number=row.record.number.hex(),
        receipt_no=row.record.receipt_no,
        hash=row.hash.hex(),
    )
