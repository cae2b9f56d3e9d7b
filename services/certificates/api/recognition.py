"""The door to the recognition table: what another city's level counts as here.

How it is applied stands in mirroring.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.certificates.actions.mirroring import recognition_table, replace_recognition_table
from services.certificates.api.cities import CityId
from services.certificates.api.fields import IsoDate, IssuerCode, Occupation, Words
from services.certificates.domain.recognition import MOST_RECOGNITIONS, Recognition
from services.kit.auth import Role, require
from services.kit.database import Database
from services.kit.problems import FieldError, content_not_accepted

Level = Annotated[int, Field(ge=1, le=8)]


class RecognitionLine(BaseModel):
    """A line of the table; what is left out of a condition holds for all."""

    model_config = ConfigDict(extra="forbid")

    city: CityId | None = Field(default=None, examples=["qujing"])
    issuer: IssuerCode | None = None
    occupation: Occupation | None = None
    level: Level | None = Field(default=None, description="那边的等级 · the level there, 1…8")
    label: Words | None = Field(default=None, description="那边的字样 · as printed there")
    counts_as: Level | None = Field(
        description="此处的等级；null 为不认可 · the level here; null: not recognised"
    )
    from_day: IsoDate
    until: IsoDate | None = None

    def line(self) -> Recognition:
        """As the domain has it."""
        return Recognition(**dict(self))


class RecognitionView(BaseModel):
    """A line of the table as it stands; null in a condition: it holds for all."""

    city: str | None
    issuer: str | None
    occupation: str | None
    level: int | None
    label: str | None
    counts_as: int | None
    from_day: date
    until: date | None

    @classmethod
    def of(cls, line: Recognition) -> "RecognitionView":
        """The view of a line."""
        return cls(
            city=line.city,
            issuer=line.issuer,
            occupation=line.occupation,
            level=line.level,
            label=line.label,
            counts_as=line.counts_as,
            from_day=line.from_day,
            until=line.until,
        )


class RecognitionTable(BaseModel):
    """The whole table. The line that says most about a certificate decides."""

    model_config = ConfigDict(extra="forbid")

    items: list[RecognitionLine] = Field(max_length=MOST_RECOGNITIONS)


class RecognitionTableView(BaseModel):
    """The table in force."""

    items: list[RecognitionView]


class RecognitionReport(RecognitionTableView):
    """The table in force. changed: how many certificates of other cities count differently."""

    changed: int


def routes(db: Database, *, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of /v1/recognitions."""
    router = APIRouter(tags=["cities"])

    @router.put(
        "/v1/recognitions",
        summary="更换互认表 · replace the recognition table",
        dependencies=[Depends(require(Role.OPERATOR))],
    )
    async def put(table: RecognitionTable) -> RecognitionReport:
        """Claims that rest on certificates of other cities are judged anew at once."""
        lines = [said.line() for said in table.items]
        faults = list(_faults(lines))
        if faults:
            raise content_not_accepted(faults)
        changed = await replace_recognition_table(db, lines, clock())
        return RecognitionReport(
            items=[RecognitionView.of(line) for line in lines], changed=changed
        )

    @router.get(
        "/v1/recognitions",
        summary="互认表 · the recognition table",
        dependencies=[Depends(require(Role.OPERATOR, Role.PARTNER))],
    )
    async def get() -> RecognitionTableView:
        """The table in force."""
        return RecognitionTableView(
            items=[RecognitionView.of(line) for line in await recognition_table(db)]
        )

    return router


def _faults(lines: list[Recognition]) -> list[FieldError]:
    faults: list[FieldError] = []
    seen: dict[tuple[object, ...], int] = {}
    for at, line in enumerate(lines):
        if line.city is None and line.issuer is None:
            faults.append(
                {
                    "pointer": f"/items/{at}",
                    "zh": "应写明城市 city 或发证机构 issuer。",
                    "en": "Name the city or the issuer it is about.",
                }
            )
        if line.until is not None and line.until < line.from_day:
            faults.append(
                {
                    "pointer": f"/items/{at}/until",
                    "zh": "结束日期早于开始日期 from_day。",
                    "en": "Ends before it begins (from_day).",
                }
            )
        first = seen.setdefault(line.key, at)
        if first != at:
            faults.append(
                {
                    "pointer": f"/items/{at}",
                    "zh": f"与第 {first + 1} 项的条件相同，请合并。",
                    "en": f"Has the conditions of item {first + 1}; keep one of them.",
                }
            )
    return faults
