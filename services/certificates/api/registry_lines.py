"""What an issuer says of one certificate: how a line of an import is read.

Files and what is done with them stand in certificate_files and imports.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from services.certificates.actions.importing import Imported, Refusal
from services.certificates.api.fields import (
    HolderName,
    IdentityNumber,
    IsoDate,
    IssuerCode,
    Level,
    Number,
    Occupation,
    Words,
    read_level,
    title_level,
)
from services.certificates.domain.digests import Pepper, holder
from services.certificates.domain.registry import (
    Flag,
    Kind,
    Registration,
    RegistrationRule,
    RegistryStatus,
    Review,
    broken_rules,
    flags_of,
    kind_by,
    review_of,
    scope_of,
)
from services.kit.ndjson import BadLine, ImportReport, Line, LineReport, rejected
from services.kit.problems import FieldError, field_errors


class Action(StrEnum):
    """What a line does. correct: may take back a revocation, which else is final."""

    STATE = "state"
    CORRECT = "correct"


def _one_of(values: type[StrEnum], description: str) -> WithJsonSchema:
    # In place, not by reference: the schema stands in a body that FastAPI does not know.
    return WithJsonSchema(
        {"type": "string", "enum": [each.value for each in values], "description": description}
    )


class RegistryLine(BaseModel):
    """What an issuer says of one certificate."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    number: Number
    holder_name: HolderName
    identity_number: IdentityNumber
    occupation: Occupation
    # Before the level, which is read by it.
    kind: Annotated[
        Kind | None, _one_of(Kind, "证书类型；缺省由编号格式判断 · else the number's format says")
    ] = None
    level: Annotated[
        Level | None,
        WithJsonSchema(
            {
                "description": "等级：1 到 8，或证书上的字样；职称为 1 到 5 或“初级”至“正高级” · "
                "1 to 8, or as printed; of a title 1 to 5, or as printed",
                "oneOf": [{"type": "integer", "minimum": 1, "maximum": 8}, {"type": "string"}],
                "examples": [4, "高级工", "三级", "副高级"],
            }
        ),
    ] = None
    name: Annotated[Words, Field(description="证书名称", examples=["电工"])]
    issuer: Annotated[IssuerCode, Field(description="发证机构代码", examples=["S000053000123"])]
    issued_on: IsoDate
    valid_until: IsoDate | None = None
    status: Annotated[RegistryStatus, _one_of(RegistryStatus, "状态")]
    review_due: Annotated[
        IsoDate | None, Field(description="应复审日期 · the last good day without a review")
    ] = None
    reviewed_on: Annotated[
        IsoDate | None, Field(description="最近一次复审日期 · when it was reviewed last")
    ] = None
    action: Annotated[
        Action, _one_of(Action, "correct：更正，可撤回撤销 · may take back a revocation")
    ] = Action.STATE

    @field_validator("level", mode="plain")
    @classmethod
    def _level_of_kind(cls, value: object, info: ValidationInfo) -> Level | None:
        if value is None:
            return None
        return title_level(value) if info.data.get("kind") is Kind.TITLE else read_level(value)


class FlaggedLine(BaseModel):
    """What is odd about a line that was taken in all the same."""

    line: int
    flags: list[Flag]


class RegistryReport(ImportReport):
    """What became of the import. flagged: lines worth a second look."""

    flagged: list[FlaggedLine]


@dataclass(frozen=True, slots=True)
class GoodLine:
    """A line that can be taken in. number: which line of the file."""

    number: int
    registration: Registration
    flags: list[Flag]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads lines. today: in China. issuer: who signed them, where somebody did."""

    pepper: Pepper
    today: date
    issuer: str | None = None

    def read(self, line: Line | BadLine) -> GoodLine | LineReport:
        """The line, or the report of its refusal."""
        if isinstance(line, BadLine):
            return rejected(line.number, [line.error])
        read = self._registration(line)
        return read if isinstance(read, GoodLine) else rejected(line.number, read)

    def _registration(self, line: Line) -> GoodLine | list[FieldError]:
        try:
            said = RegistryLine.model_validate(line.value)
        except ValidationError as error:
            return field_errors(error, line.value, repeat=False)
        if self.issuer is not None and said.issuer != self.issuer:
            return [_OTHER_ISSUER]
        kind = said.kind or kind_by(said.number)
        broken = broken_rules(
            said.number,
            said.holder_name,
            said.identity_number,
            name=said.name,
            issuer=said.issuer,
            issued_on=said.issued_on,
            valid_until=said.valid_until,
            today=self.today,
        )
        review = review_of(
            kind,
            said.issued_on,
            reviewed_on=said.reviewed_on,
            due=said.review_due,
            today=self.today,
        )
        if not isinstance(review, Review):
            broken.append(review)
        if broken or not isinstance(review, Review):
            return [_RULES[rule] for rule in broken]
        return self._good(line.number, said, kind, review)

    def _good(self, line: int, said: RegistryLine, kind: Kind, review: Review) -> GoodLine:
        rank = None if said.level is None else said.level.ordinal
        level, title_rank = (None, rank) if kind is Kind.TITLE else (rank, None)
        registration = Registration(
            statement=self.pepper.statement_of(
                said.number, holder(said.holder_name), said.identity_number
            ),
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
            kind=kind,
            title_rank=title_rank,
            review_due=review.due,
            review_stated=review.is_stated,
            corrects=said.action is Action.CORRECT,
        )
        flags = flags_of(
            said.number,
            said.identity_number,
            level,
            said.issued_on,
            kind=kind,
            issuer=said.issuer,
        )
        return GoodLine(line, registration, flags)


def reported(
    good: Sequence[GoodLine], bad: Sequence[LineReport], imported: Sequence[Imported]
) -> RegistryReport:
    """The report of these lines. imported: what became of the good ones, in their order."""
    reports = [*bad]
    flagged = []
    for line, done in zip(good, imported, strict=True):
        if done.refusal is not None:
            reports.append(rejected(line.number, [_REFUSALS[done.refusal]]))
            continue
        entry_id = None if done.entry_id is None else str(done.entry_id)
        reports.append(LineReport(line=line.number, status=done.outcome, id=entry_id))
        if flags := _flags(line, done):
            flagged.append(FlaggedLine(line=line.number, flags=flags))
    counted = ImportReport.of(reports)
    return RegistryReport(
        total=counted.total,
        created=counted.created,
        revised=counted.revised,
        unchanged=counted.unchanged,
        rejected=counted.rejected,
        lines=counted.lines,
        flagged=flagged,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """The report of some lines as text: its lines and flagged ones as JSON, comma-separated."""

    counts: Counter[str]
    lines: str
    flagged: str


def told_briefly(
    good: Sequence[GoodLine], bad: Sequence[LineReport], imported: Sequence[Imported]
) -> Told:
    """What reported() says, as text: no object is made for each of a million lines."""
    counts: Counter[str] = Counter(rejected=len(bad))
    lines = [(report.line, report.model_dump_json()) for report in bad]
    flagged = []
    for line, done in zip(good, imported, strict=True):
        counts[done.outcome] += 1
        if done.refusal is not None:
            report = rejected(line.number, [_REFUSALS[done.refusal]])
            lines.append((line.number, report.model_dump_json()))
            continue
        entry_id = "null" if done.entry_id is None else f'"{done.entry_id}"'
        lines.append(
            (
                line.number,
                f'{{"line":{line.number},"status":"{done.outcome}","id":{entry_id},'
                '"reference":null,"errors":[]}',
            )
        )
        if flags := _flags(line, done):
            flagged.append(FlaggedLine(line=line.number, flags=flags).model_dump_json())
    lines.sort(key=itemgetter(0))
    return Told(counts, ",".join(text for _, text in lines), ",".join(flagged))


def _flags(line: GoodLine, done: Imported) -> list[Flag]:
    return [*line.flags, Flag.NEWER_STATEMENT_KEPT] if done.is_outdated else line.flags


def _fault(pointer: str, zh: str, en: str) -> FieldError:
    return {"pointer": pointer, "zh": zh, "en": en}


_OTHER_ISSUER = _fault(
    "/issuer",
    "此行的发证机构不是签名的机构；一个文件只能有签名机构自己的证书。",
    "The issuer of this line is not the one that signed; a file holds the signer's own "
    "certificates alone.",
)

_REFUSALS: dict[Refusal, FieldError] = {
    Refusal.OF_ANOTHER_CITY: _fault(
        "/issuer",
        "此发证机构由协作城市负责，其证书请向该城市导入。",
        "A partner city answers for this issuer; its certificates are imported there.",
    ),
    Refusal.REVOCATION_IS_FINAL: _fault(
        "/status",
        '此证书已被撤销。如撤销有误，请以 "action": "correct" 重新发送此行。',
        'This certificate was revoked. If that was a mistake, send the line again with "action": '
        '"correct".',
    ),
}

_RULES: dict[RegistrationRule, FieldError] = {
    RegistrationRule.ISSUED_IN_FUTURE: _fault(
        "/issued_on", "发证日期在将来。", "The date of issue lies in the future."
    ),
    RegistrationRule.ENDS_BEFORE_ISSUE: _fault(
        "/valid_until",
        "有效期在发证日期之前结束。",
        "The validity ends before the date of issue.",
    ),
    RegistrationRule.REVIEW_BEFORE_ISSUE: _fault(
        "/review_due",
        "复审日期早于发证日期。",
        "The review lies before the date of issue.",
    ),
    RegistrationRule.REVIEWED_IN_FUTURE: _fault(
        "/reviewed_on",
        "复审日期在将来；应复审日期请写在 review_due。",
        "The date of the last review lies in the future; when the next is due goes to review_due.",
    ),
    RegistrationRule.NEXT_REVIEW_UNKNOWN: _fault(
        "/review_due",
        "此类证书没有固定的复审周期，请写明应复审日期 review_due。",
        "Certificates of this kind have no fixed period of review: say in review_due when the next "
        "one is due.",
    ),
    RegistrationRule.NAME_TELLS_PERSON: _fault(
        "/name",
        "证书名称中有持证人姓名、身份证号或证书编号，请删去。",
        "The certificate's name holds the holder's name, identity number or the certificate's "
        "number; take it out.",
    ),
    RegistrationRule.ISSUER_TELLS_PERSON: _fault(
        "/issuer",
        "发证机构代码中有持证人姓名、身份证号或证书编号，请删去。",
        "The issuer's code holds the holder's name, identity number or the certificate's number; "
        "take it out.",
    ),
}


def schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return RegistryLine.model_json_schema()
