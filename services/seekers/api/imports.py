"""The route that takes many profiles at once, a line each."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from starlette.requests import Request

from contracts.values import seeker_id_of
from services.kit.auth import Role, require
from services.kit.database import Database, DatabaseUnavailable
from services.kit.intake import MIB, body_limit
from services.kit.ndjson import (
    MAX_LINE_BYTES,
    MEDIA_TYPES,
    BadLine,
    ImportReport,
    Line,
    LineError,
    LineReport,
    Status,
    ndjson_body,
    read_lines,
    rejected,
)
from services.kit.problems import FieldError, Problem, field_errors
from services.seekers.actions import profiles as actions
from services.seekers.actions.matches import day_of
from services.seekers.actions.profiles import Imported, Outcome
from services.seekers.api.refusals import LEFT_EN, LEFT_ZH, errors_of
from services.seekers.api.shapes import EXAMPLE, ProfileIn, printable
from services.seekers.domain import profile as rules
from services.seekers.domain.profile import ProfileRefused

MAX_BODY_BYTES = 16 * MIB
MAX_LINES = 5_000
MOST_FAULTS = 20
"""How many faults of one line are told: a line can hold more unknown fields than help anyone."""

_STATUS: dict[Outcome, Status] = {
    Outcome.REGISTERED: "created",
    Outcome.REVISED: "revised",
    Outcome.UNCHANGED: "unchanged",
    Outcome.WITHDRAWN: "rejected",
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPES[0]: {
                "schema": {
                    "type": "string",
                    "description": "Each line a JSON object as POST /v1/seekers takes it, with "
                    "`account`: the `sub` of the account that the profile belongs to.",
                },
                "example": orjson.dumps({"account": "acct-1", **EXAMPLE}).decode() + "\n",
            }
        },
    },
    **body_limit(MAX_BODY_BYTES),
}


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
        lines = read_lines(
            await ndjson_body(request), max_lines=MAX_LINES, max_line_bytes=MAX_LINE_BYTES
        )
        reports: list[LineReport] = []
        while batch := list(islice(lines, actions.MOST_LINES)):
            good, bad = _sorted_out(batch, clock())
            try:
                imported = await actions.import_profiles(db, good, clock())
            except DatabaseUnavailable as error:
                raise _interrupted(batch[0].number) from error
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
                    bad.append(rejected(number, _told(field_errors(error, value))))
                except ProfileRefused as refused:
                    bad.append(rejected(number, _told(errors_of(refused))))
                else:
                    good.append(actions.Line(number, seeker_id_of(said.account), person, work))
    return good, bad


def _told(errors: list[FieldError]) -> list[FieldError]:
    told = errors[:MOST_FAULTS]
    if left := len(errors) - len(told):
        told.append(
            {"pointer": "", "zh": f"另有 {left} 处不符合要求。", "en": f"And {left} more fault(s)."}
        )
    return told


def _report(imported: Imported) -> LineReport:
    left = imported.outcome is Outcome.WITHDRAWN
    return LineReport(
        line=imported.number,
        status=_STATUS[imported.outcome],
        id=str(imported.seeker_id),
        errors=[LineError(pointer="", zh=LEFT_ZH, en=LEFT_EN)] if left else [],
    )


def _interrupted(number: int) -> Problem:
    return Problem(
        503,
        "import_interrupted",
        zh=f"数据库暂时没有响应：第 {number} 行之前的已导入，其余没有。"
        "请稍后重新发送整个文件，已导入的行不会重复。",
        en=f"The database does not answer now: lines before {number} are in, the others are not. "
        "Send the whole file again later; lines that are in will not be doubled.",
        headers={"Retry-After": "2"},
        first_line_not_imported=number,
    )
