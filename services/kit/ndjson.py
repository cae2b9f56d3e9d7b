"""Many records in one request: a JSON object a line, each accepted or refused on its own.

What a record means, and its effect, is the import's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request

from services.kit import strict_json
from services.kit.intake import MIB, body_limit, require_content_type
from services.kit.problems import FieldError, Problem
from services.kit.strict_json import JsonFault

MEDIA_TYPES = ("application/x-ndjson", "application/jsonl", "application/ndjson")
MAX_BODY_BYTES = 16 * MIB
MAX_LINES = 5_000
MAX_LINE_BYTES = 64 * 1024
MOST_FAULTS = 20
"""How many faults of one line are told: a line can hold more unknown fields than help anyone."""

_BOM = b"\xef\xbb\xbf"

Status = Literal["created", "revised", "unchanged", "rejected"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds an object. number: counts from 1, blank lines too."""

    number: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that does not, and why."""

    number: int
    error: FieldError


class LineError(BaseModel):
    """One fault in a line. pointer: JSON Pointer into its object, "" for the whole line."""

    pointer: str
    zh: str
    en: str


class LineReport(BaseModel):
    """What became of one line. id: of what it made or changed; reference: the sender's own."""

    line: int
    status: Status
    id: str | None = None
    reference: str | None = None
    errors: list[LineError] = []


class ImportReport(BaseModel):
    """What became of an import: counts by outcome, and every line in order."""

    total: int
    created: int
    revised: int
    unchanged: int
    rejected: int
    lines: list[LineReport]

    @classmethod
    def of(cls, lines: Sequence[LineReport]) -> "ImportReport":
        """The report of these lines."""
        statuses = [line.status for line in lines]
        return cls(
            total=len(lines),
            created=statuses.count("created"),
            revised=statuses.count("revised"),
            unchanged=statuses.count("unchanged"),
            rejected=statuses.count("rejected"),
            lines=sorted(lines, key=lambda line: line.line),
        )


def rejected(
    line: int, errors: Sequence[FieldError], *, reference: str | None = None
) -> LineReport:
    """The report of a refused line, with the first of its faults."""
    told = [
        LineError(pointer=e.get("pointer", ""), zh=e["zh"], en=e["en"])
        for e in errors[:MOST_FAULTS]
    ]
    if left := len(errors) - len(told):
        told.append(
            LineError(pointer="", zh=f"另有 {left} 处不符合要求。", en=f"And {left} more fault(s).")
        )
    return LineReport(line=line, status="rejected", reference=reference, errors=told)


def import_route(description: str, example: str) -> dict[str, Any]:
    """An import's `openapi_extra`: its body, and how large that may be."""
    schema = {"type": "string", "description": description}
    content = {MEDIA_TYPES[0]: {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}, **body_limit(MAX_BODY_BYTES)}


def interrupted(first: int) -> Problem:
    """The database went away in the middle. first: number of the first line that is not in."""
    return Problem(
        503,
        "import_interrupted",
        zh=f"数据库暂时没有响应：第 {first} 行之前的已导入，其余没有。"
        "请稍后重新发送整个文件，已导入的行不会重复。",
        en=f"The database does not answer now: lines before {first} are in, the others are not. "
        "Send the whole file again later; lines that are in will not be doubled.",
        headers={"Retry-After": "2"},
        first_line_not_imported=first,
    )


async def ndjson_body(request: Request) -> bytes:
    """The body of an import. Raises Problem 415 if it is said to be something else."""
    require_content_type(request.headers, *MEDIA_TYPES)
    return await request.body()


def read_lines(
    body: bytes, *, max_lines: int = MAX_LINES, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Line | BadLine]:
    """The body's lines, good and bad, in order; blank ones are passed over.

    LF or CRLF ends a line; the last may have no end; a byte order mark is passed over.
    Raises Problem 413, before any line is given, if there are more than max_lines.
    """
    body = body.removeprefix(_BOM)
    n_lines = body.count(b"\n") + (0 if body.endswith(b"\n") or not body else 1)
    if n_lines > max_lines:
        raise Problem(
            413,
            "too_many_lines",
            zh=f"有 {n_lines} 行，一次最多 {max_lines} 行。请分成几次发送。",
            en=f"There are {n_lines} lines; at most {max_lines} may come at once. "
            "Send them in several requests.",
            max_lines=max_lines,
        )
    return _each_line(body, max_line_bytes)


def _each_line(body: bytes, max_line_bytes: int) -> Iterator[Line | BadLine]:
    begin, number = 0, 0
    while begin < len(body):
        end = body.find(b"\n", begin)
        end = len(body) if end < 0 else end
        text = body[begin:end].removesuffix(b"\r")
        begin, number = end + 1, number + 1
        if text.strip(b" \t"):
            yield _read(number, text, max_line_bytes)


def _read(number: int, text: bytes, max_line_bytes: int) -> Line | BadLine:
    if len(text) > max_line_bytes:
        return _bad(
            number,
            f"此行有 {len(text)} 字节，最多 {max_line_bytes}。",
            f"This line has {len(text)} bytes; at most {max_line_bytes} are taken.",
        )
    try:
        value = strict_json.parse(text)
    except JsonFault as fault:
        return _bad(number, fault.zh, fault.en, fault.place)
    if not isinstance(value, dict):
        return _bad(number, "此行不是 JSON 对象 {…}。", "This line is not a JSON object {…}.")
    return Line(number, value)


def _bad(number: int, zh: str, en: str, place: Mapping[str, int | str] | None = None) -> BadLine:
    pointer = (place or {}).get("pointer", "")
    return BadLine(number, {"pointer": str(pointer), "zh": zh, "en": en})
