"""The route that takes many profiles at once, a line each."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from starlette.requests import Request

from contracts.values import seeker_id_of
from services.kit.auth import Role, require
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
from services.kit.problems import field_errors
from services.kit.texts import printable
from services.seekers.actions import profiles as actions
from services.seekers.actions.matches import day_of
from services.seekers.actions.profiles import Imported, Outcome
from services.seekers.api.refusals import LEFT_EN, LEFT_ZH, errors_of
from services.seekers.api.shapes import EXAMPLE, ProfileIn
from services.seekers.domain import profile as rules
from services.seekers.domain.profile import ProfileRefused

_STATUS: dict[Outcome, Status] = {
    Outcome.REGISTERED: "created",
    Outcome.REVISED: "revised",
    Outcome.UNCHANGED: "unchanged",
    Outcome.WITHDRAWN: "rejected",
}
_BODY = import_route(
    "Each line a JSON object as POST /v1/seekers takes it, with `account`: the `sub` of the "
    "account that the profile belongs to.",
    orjson.dumps({"account": "acct-1", **EXAMPLE}).decode() + "\n",
)


class LineIn(ProfileIn):
    """一行：账号与其资料。A line: an account, and the profile that belongs to it."""

    account: Annotated[
        str, StringConstraints(min_length=1, max_length=255), AfterValidator(printable)
    ] = Field(description="账号（令牌的 sub）。The account: the `sub` of its tokens.")


def add_routes(router: APIRouter, db: Database, *, clock: Callable[[], datetime]) -> None:
    """Add the route to the router."""

    @router.post(
        "/import",
        dependencies=[Depends(require(Role.OPERATOR, Role.PARTNER))],
        summary="批量导入 Import profiles, a line each",
        openapi_extra=_BODY,
    )
    async def import_profiles(request: Request) -> ImportReport:
        """NDJSON: a profile a line, at most 5,000 lines, 64 KiB a line and 16 MiB together.

        Good lines are in, whatever is wrong with others; the report says of each line what came
        of it. A line of an account that has a profile revises it; the same again changes nothing,
        so after a failure in the middle, send the whole file again. Who has withdrawn is not
        brought back.
        """
        lines = read_lines(await ndjson_body(request))
        reports: list[LineReport] = []
        while batch := list(islice(lines, actions.MOST_LINES)):
            good, bad = _sorted_out(batch, clock())
            try:
                imported = await actions.import_profiles(db, good, clock())
            except DatabaseUnavailable as error:
                raise interrupted(batch[0].number) from error
            reports += bad
            reports += map(_report, imported)
        return ImportReport.of(reports)


def _sorted_out(
    batch: Iterable[Line | BadLine], now: datetime
) -> tuple[list[actions.Line], list[LineReport]]:
    """The lines that can be taken in, and the reports of those that cannot."""
    good: list[actions.Line] = []
    bad: list[LineReport] = []
    for line in batch:
        match line:
            case BadLine(number, error):
                bad.append(rejected(number, [error]))
            case Line(number, value):
                try:
                    said = LineIn.model_validate(value)
                    person, work = said.person.person(), said.work.work()
                    rules.check(person, work, day_of(now))
                except ValidationError as error:
                    bad.append(rejected(number, field_errors(error, value)))
                except ProfileRefused as refused:
                    bad.append(rejected(number, errors_of(refused)))
                else:
                    good.append(actions.Line(number, seeker_id_of(said.account), person, work))
    return good, bad


def _report(imported: Imported) -> LineReport:
    left = imported.outcome is Outcome.WITHDRAWN
    return LineReport(
        line=imported.number,
        status=_STATUS[imported.outcome],
        id=str(imported.seeker_id),
        errors=[LineError(pointer="", zh=LEFT_ZH, en=LEFT_EN)] if left else [],
    )
