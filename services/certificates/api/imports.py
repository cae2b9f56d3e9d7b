"""The issuers' door: many certificates at once, each line accepted or refused on its own.

What is done with what was read stands in actions.importing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from starlette.requests import Request

from services.certificates.actions.importing import import_registrations
from services.certificates.api.fields import (
    HolderName,
    IdentityNumber,
    IsoDate,
    IssuerCode,
    Number,
    Occupation,
    PrintedLevel,
    Words,
)
from services.certificates.domain.digests import Pepper
from services.certificates.domain.registry import (
    Flag,
    Registration,
    RegistrationRule,
    RegistryStatus,
    broken_rules,
    flags_of,
    scope_of,
    today,
)
from services.kit.auth import Role, require
from services.kit.database import Database
from services.kit.intake import MIB, body_limit
from services.kit.ndjson import (
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    MAX_LINES,
    MEDIA_TYPES,
    BadLine,
    ImportReport,
    Line,
    LineReport,
    ndjson_body,
    read_lines,
    rejected,
)
from services.kit.problems import FieldError, field_errors


class RegistryLine(BaseModel):
    """What an issuer says of one certificate."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    number: Number
    holder_name: HolderName
    identity_number: IdentityNumber
    occupation: Occupation
    level: PrintedLevel | None = None
    name: Annotated[Words, Field(description="证书名称", examples=["电工"])]
    issuer: Annotated[IssuerCode, Field(description="发证机构代码", examples=["S000053000123"])]
    issued_on: IsoDate
    valid_until: IsoDate | None = None
    status: Annotated[
        RegistryStatus,
        # In place, not by reference: the schema stands in a body that FastAPI does not know.
        WithJsonSchema({"type": "string", "enum": list(RegistryStatus)}),
    ]


class FlaggedLine(BaseModel):
    """What is odd about a line that was taken in all the same."""

    line: int
    flags: list[Flag]


class RegistryReport(ImportReport):
    """What became of the import. flagged: lines worth a second look."""

    flagged: list[FlaggedLine]


def routes(db: Database, pepper: Pepper, *, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of /v1/registry."""
    router = APIRouter(tags=["registry"])

    @router.post(
        "/v1/registry/import",
        summary="导入证书登记 · import certificates",
        dependencies=[Depends(require(Role.OPERATOR, Role.PARTNER))],
        openapi_extra={**body_limit(MAX_BODY_BYTES), "requestBody": _documented_body()},
    )
    async def import_registry(request: Request) -> RegistryReport:
        """One JSON object a line; a later line wins over an earlier one of the same certificate.

        Sending the same again changes nothing. Claims are judged anew at once.
        """
        body = await ndjson_body(request)
        now = clock()
        # Off the loop: a full import is read for longer than others should wait.
        read = await asyncio.to_thread(_read, body, pepper, today(now))
        imported = await import_registrations(db, [line.registration for line in read.good], now)
        reports = [
            LineReport(
                line=line.number, status=done.outcome, id=done.entry_id and str(done.entry_id)
            )
            for line, done in zip(read.good, imported, strict=True)
        ]
        return RegistryReport(
            **dict(ImportReport.of([*read.bad, *reports])),
            flagged=[
                FlaggedLine(line=line.number, flags=line.flags) for line in read.good if line.flags
            ],
        )

    return router


@dataclass(frozen=True, slots=True)
class _GoodLine:
    number: int
    registration: Registration
    flags: list[Flag]


@dataclass(frozen=True, slots=True)
class _Lines:
    good: list[_GoodLine]
    bad: list[LineReport]


def _read(body: bytes, pepper: Pepper, today: date) -> _Lines:
    """Raises Problem 413."""
    lines = _Lines([], [])
    for line in read_lines(body):
        match line:
            case BadLine():
                lines.bad.append(rejected(line.number, [line.error]))
            case Line():
                read = _registration(line, pepper, today)
                if isinstance(read, _GoodLine):
                    lines.good.append(read)
                else:
                    lines.bad.append(rejected(line.number, read))
    return lines


def _registration(line: Line, pepper: Pepper, today: date) -> _GoodLine | list[FieldError]:
    try:
        said = RegistryLine.model_validate(line.value)
    except ValidationError as error:
        return field_errors(error, line.value)
    broken = broken_rules(
        said.number,
        said.holder_name,
        said.identity_number,
        name=said.name,
        issuer=said.issuer,
        issued_on=said.issued_on,
        valid_until=said.valid_until,
        today=today,
    )
    if broken:
        return [_RULES[rule] for rule in broken]
    level = None if said.level is None else said.level.ordinal
    registration = Registration(
        statement=pepper.statement(said.number, said.holder_name, said.identity_number),
        scope=scope_of(said.number, said.occupation, said.name),
        number_masked=said.number.masked(),
        number_format=said.number.format,
        issuer=said.issuer,
        occupation=said.occupation,
        level=level,
        level_label=None if said.level is None else said.level.label,
        name=said.name,
        issued_on=said.issued_on,
        valid_until=said.valid_until,
        status=said.status,
    )
    flags = flags_of(said.number, said.identity_number, level, said.issued_on)
    return _GoodLine(line.number, registration, flags)


_RULES: dict[RegistrationRule, FieldError] = {
    RegistrationRule.ISSUED_IN_FUTURE: {
        "pointer": "/issued_on",
        "zh": "发证日期在将来。",
        "en": "The date of issue lies in the future.",
    },
    RegistrationRule.ENDS_BEFORE_ISSUE: {
        "pointer": "/valid_until",
        "zh": "有效期在发证日期之前结束。",
        "en": "The validity ends before the date of issue.",
    },
    RegistrationRule.NAME_TELLS_PERSON: {
        "pointer": "/name",
        "zh": "证书名称中有持证人姓名、身份证号或证书编号，请删去。",
        "en": "The certificate's name holds the holder's name, identity number or the "
        "certificate's number; take it out.",
    },
    RegistrationRule.ISSUER_TELLS_PERSON: {
        "pointer": "/issuer",
        "zh": "发证机构代码中有持证人姓名、身份证号或证书编号，请删去。",
        "en": "The issuer's code holds the holder's name, identity number or the certificate's "
        "number; take it out.",
    },
}


def _documented_body() -> dict[str, Any]:
    schema = RegistryLine.model_json_schema()
    return {
        "required": True,
        "description": f"一行一个 JSON 对象 · one JSON object a line; at most {MAX_LINES} lines of "
        f"{MAX_LINE_BYTES // 1024} KiB, {MAX_BODY_BYTES // MIB} MiB in all.",
        "content": {media_type: {"schema": schema} for media_type in MEDIA_TYPES},
    }
