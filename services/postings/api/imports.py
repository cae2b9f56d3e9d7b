"""The route that takes many postings at once, a line each.

What a line may say is in shapes, what comes of it in actions.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.requests import Request

from contracts.values import EmployerId
from services.kit.auth import Caller, Role, require
from services.kit.database import Database, DatabaseUnavailable
from services.kit.ndjson import (
    BadLine,
    ImportReport,
    Line,
    LineError,
    LineReport,
    Status,
    import_route,
    interrupted,
    ndjson_body,
    read_lines,
    rejected,
)
from services.kit.problems import FieldError, field_errors
from services.postings import actions
from services.postings.actions import Imported, NewId, Outcome
from services.postings.api.refusals import CLOSED_EN, CLOSED_ZH, errors_of
from services.postings.api.shapes import PostingIn
from services.postings.domain import offers
from services.postings.domain.offers import OfferRefused

MOST_AT_ONCE = 4
"""How many transactions of imports this process runs at a time."""

_STATUS: dict[Outcome, Status] = {
    Outcome.PUBLISHED: "created",
    Outcome.REVISED: "revised",
    Outcome.UNCHANGED: "unchanged",
    Outcome.CLOSED: "rejected",
}
_EXAMPLE = (
    '{"reference":"A-1","title":"养老护理员","county":"530102","pay":{"min":5000,"max":7000,'
    '"unit":"month"},"valid_until":"2026-06-30T23:59:59+08:00"}\n'
    '{"title":"叉车司机","county":"530181","pay":{"min":220,"max":280,"unit":"day"},'
    '"valid_until":"2026-05-31T23:59:59+08:00"}\n'
)
_BODY = import_route("Each line a JSON object as POST /v1/postings takes it.", _EXAMPLE)


def add_routes(
    router: APIRouter, db: Database, *, clock: Callable[[], datetime], new_id: NewId
) -> None:
    """Add the route to the router."""
    # Imports of one employer wait for each other on a connection; the others stay for everybody.
    turns = asyncio.Semaphore(MOST_AT_ONCE)

    @router.post("/import", summary="批量导入 Import postings, a line each", openapi_extra=_BODY)
    async def import_postings(
        request: Request, caller: Annotated[Caller, Depends(require(Role.EMPLOYER))]
    ) -> ImportReport:
        """NDJSON: a posting a line, at most 5,000 lines, 64 KiB a line and 16 MiB together.

        Good lines are in, whatever is wrong with others; the report says of each line what came
        of it. A line whose reference this employer has used revises that posting. A line without
        one is known by its content. So importing a file again changes nothing; after a failure in
        the middle, send it again.
        """
        lines = read_lines(await ndjson_body(request))
        reports: list[LineReport] = []
        # Off the loop: reading some hundred lines would hold up everybody else's requests.
        while batch := await asyncio.to_thread(_read, lines, clock()):
            try:
                async with turns:
                    imported = await actions.import_offers(
                        db, EmployerId(caller.subject), batch.good, batch.now, new_id=new_id
                    )
            except DatabaseUnavailable as error:
                raise interrupted(batch.first) from error
            reports += batch.bad
            reports += map(_report, imported)
        return ImportReport.of(reports)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The lines that can be taken in, and the reports of those that cannot.

    first: the first line's number. now: when the lines were checked, and so are taken in: a
    posting must not be published after its time.
    """

    first: int
    now: datetime
    good: list[actions.Line]
    bad: list[LineReport]


def _read(lines: Iterator[Line | BadLine], now: datetime) -> _Batch | None:
    """The next lines, as many as may share a transaction; None after the last."""
    batch = list(islice(lines, actions.MOST_LINES))
    if not batch:
        return None
    good: list[actions.Line] = []
    bad: list[LineReport] = []
    for line in batch:
        match line:
            case BadLine(number, error):
                bad.append(rejected(number, [error]))
            case Line(number, value):
                try:
                    posting = PostingIn.model_validate(value)
                    offer = posting.offer()
                    offers.check(offer, now)
                except ValidationError as error:
                    bad.append(_rejected(number, value, field_errors(error, value)))
                except OfferRefused as refused:
                    bad.append(_rejected(number, value, errors_of(refused)))
                else:
                    good.append(actions.Line(number, offer, posting.reference))
    return _Batch(batch[0].number, now, good, bad)


def _rejected(number: int, value: dict[str, Any], errors: list[FieldError]) -> LineReport:
    reference = value.get("reference")
    known = isinstance(reference, str) and len(reference) <= 100
    return rejected(number, errors, reference=reference if known else None)


def _report(imported: Imported) -> LineReport:
    closed = imported.outcome is Outcome.CLOSED
    return LineReport(
        line=imported.number,
        status=_STATUS[imported.outcome],
        id=str(imported.posting.posting_id),
        reference=imported.posting.reference,
        errors=[LineError(pointer="", zh=CLOSED_ZH, en=CLOSED_EN)] if closed else [],
    )
