"""Files of certificates, NDJSON and CSV, as the same lines.

What a line says is read in registry_lines, who signed the file in signed_imports.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from services.certificates.domain.registry import Kind, RegistryStatus
from services.certificates.domain.signed_imports import MediaType
from services.kit.ndjson import MAX_LINE_BYTES, BadLine, Line, read_lines
from services.kit.problems import Problem

# What a column may be called. The first Chinese name is the one that is documented.
COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("证书编号", "证书号"),
    "holder_name": ("姓名", "持证人姓名", "持证人"),
    "identity_number": ("身份证号", "身份证号码", "证件号码"),
    "occupation": ("职业编码", "职业代码"),
    "kind": ("证书类型", "证书类别"),
    "level": ("等级", "技能等级", "级别", "职称级别"),
    "name": ("证书名称", "名称"),
    "issuer": ("发证机构代码", "发证机构"),
    "issued_on": ("发证日期", "核发日期"),
    "valid_until": ("有效期至", "有效期止"),
    "status": ("状态", "证书状态"),
    "review_due": ("应复审日期", "下次复审日期"),
    "reviewed_on": ("复审日期", "最近复审日期"),
    "action": ("操作",),
}
_WANTED = (
    "number",
    "holder_name",
    "identity_number",
    "occupation",
    "name",
    "issuer",
    "issued_on",
    "status",
)
_FIELD_OF = {name: field for field, names in COLUMNS.items() for name in (field, *names)}

# Words in cells, where the file speaks Chinese.
_VALUES: dict[str, dict[str, str]] = {
    "status": {
        "有效": RegistryStatus.IN_FORCE,
        "正常": RegistryStatus.IN_FORCE,
        "暂停": RegistryStatus.SUSPENDED,
        "撤销": RegistryStatus.REVOKED,
        "已撤销": RegistryStatus.REVOKED,
    },
    "kind": {
        "职业技能等级证书": Kind.SKILL_LEVEL,
        "职业资格证书": Kind.QUALIFICATION,
        "特种作业操作证": Kind.SPECIAL_OPERATION,
        "职称": Kind.TITLE,
        "职称证书": Kind.TITLE,
    },
    "action": {"更正": "correct", "登记": "state"},
}

ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030"}
"""The encodings a file may be said to have, and how each is read: GB18030 holds all of GBK."""

_CHUNK_BYTES = 1 << 20
_UNREADABLE = "\ufffd"


class CertificateFile:
    """A file that was received whole. encoding: of CSV, where the sender named it."""

    def __init__(self, file: BinaryIO, media_type: MediaType, encoding: str | None = None) -> None:
        self._file = file
        self._media_type = media_type
        self._encoding = encoding
        self._fields: list[str] = []

    def count(self) -> int:
        """How many rows it has: lines that are not blank, records without the header.

        Raises Problem 422 where a table has no header that could be understood.
        """
        return sum(1 for _ in self._raw())

    def rows(self, first_row: int) -> Iterator[Line | BadLine]:
        """The rows from that one on (from 0), each under the number of its line in the file.

        Of a table that is its record, the header being the first: as a spreadsheet counts.
        """
        for row, raw in enumerate(self._raw()):
            if row >= first_row:
                yield raw if isinstance(raw, BadLine) else self._read(*raw)

    def _raw(self) -> Iterator[tuple[int, bytes | list[str]] | BadLine]:
        self._file.seek(0)
        if self._media_type is MediaType.NDJSON:
            return _lines(self._file)
        if self._encoding is None:
            self._encoding = _encoding_of(self._file)
            self._file.seek(0)
        return self._records()

    def _read(self, number: int, raw: bytes | list[str]) -> Line | BadLine:
        if isinstance(raw, list):
            return self._from_record(number, raw)
        flat = _flat_object(raw)
        if flat is not None:
            return Line(number, flat)
        match next(iter(read_lines(raw)), None):
            case Line(value=value):
                return Line(number, value)
            case BadLine(error=error):
                return BadLine(number, error)
        return _bad(number, "此行没有内容。", "There is nothing in this line.")

    def _records(self) -> Iterator[tuple[int, bytes | list[str]] | BadLine]:
        encoding = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        text = io.TextIOWrapper(self._file, encoding, errors="replace", newline="")
        try:
            reader = csv.reader(text, strict=True)
            self._fields = _header(reader)
            yield from _each_record(reader)
        finally:
            # Else the file would be closed with its wrapper.
            text.detach()

    def _from_record(self, number: int, cells: Sequence[str]) -> Line | BadLine:
        if len(cells) != len(self._fields):
            n, wanted = len(cells), len(self._fields)
            return _bad(
                number,
                f"此行有 {n} 格，表头有 {wanted} 列；格内如有逗号或换行，请用双引号括起。",
                f"This row has {n} cells and the header {wanted}; put a cell with a comma or a "
                "line break in double quotes.",
            )
        if any(_UNREADABLE in cell for cell in cells):
            return _bad(
                number,
                f"此行不是有效的 {self._encoding} 编码；请在 Content-Type 中写明 charset。",
                f"This row is not valid {self._encoding}; name the charset in Content-Type.",
            )
        said = {
            field: _VALUES.get(field, {}).get(text, text)
            for field, cell in zip(self._fields, cells, strict=True)
            if (text := cell.strip())
        }
        for field, words in _VALUES.items():
            if field in said and said[field] not in words.values():
                return _unknown_word(number, field, words)
        return Line(number, dict(said))


_FLAT = frozenset((str, int, type(None)))
_MOST_INT = 1 << 63


def _flat_object(raw: bytes) -> dict[str, Any] | None:
    """The object, where it is one that the strict reader would read alike; else None.

    Seven times as fast, and nearly every line of a large file is one. In an object without escapes
    whose values are texts, whole numbers and nulls, each quotation mark begins or ends a key or a
    text: any beyond those belong to a key that stands there twice.
    """
    if len(raw) > MAX_LINE_BYTES or b"\\" in raw or b"\0" in raw:
        return None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(value) is not dict:
        return None
    n_texts = 0
    for item in value.values():
        kind = type(item)
        if kind is str:
            n_texts += 1
        elif kind not in _FLAT or (kind is int and not -_MOST_INT < item < _MOST_INT):
            return None
    return value if raw.count(b'"') == 2 * (len(value) + n_texts) else None


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 2):
        number += 1
        end = line
        # The rest of a line that is too long: refused for what was read of it already.
        while not end.endswith(b"\n") and (end := file.readline(_CHUNK_BYTES)):
            pass
        if line.strip(b" \t\r\n"):
            yield number, line


def _each_record(
    reader: Iterator[list[str]],
) -> Iterator[tuple[int, bytes | list[str]] | BadLine]:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # The reader goes on with the next line.
            yield _bad(
                number,
                "此行的双引号不成对，或一格过长（RFC 4180）。",
                "Double quotes in this row do not pair, or a cell is too long (RFC 4180).",
            )
        else:
            if any(map(str.strip, cells)):
                yield number, cells


def _header(reader: Iterator[list[str]]) -> list[str]:
    """Raises Problem 422."""
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error:
        names = []
    fields = [_FIELD_OF.get(name.casefold(), "") for name in names]
    unknown = [name[:40] for name, field in zip(names, fields, strict=True) if not field]
    missing = [field for field in _WANTED if field not in fields]
    twice = [field for field in dict.fromkeys(fields) if field and fields.count(field) > 1]
    if unknown or missing or twice:
        raise _bad_header(len(unknown), missing, twice)
    return fields


def _bad_header(unknown: int, missing: list[str], twice: list[str]) -> Problem:
    # Unknown names are counted, not repeated: a file without a header has a person there.
    zh, en = [], []
    if unknown:
        zh.append(f"有 {unknown} 列的名称不认识")
        en.append(f"{unknown} column(s) have a name that is not known")
    if missing:
        zh.append("缺少" + "、".join(COLUMNS[field][0] for field in missing))
        en.append("missing: " + ", ".join(missing))
    if twice:
        zh.append("重复" + "、".join(COLUMNS[field][0] for field in twice))
        en.append("twice: " + ", ".join(twice))
    known = "、".join(names[0] for names in COLUMNS.values())
    return Problem(
        422,
        "header_not_understood",
        zh=f"第一行应为表头：{'；'.join(zh)}。可用的列名：{known}，或其英文名。",
        en=f"The first line must be a header: {'; '.join(en)}. Columns: {', '.join(COLUMNS)}, or "
        "their Chinese names.",
    )


def _encoding_of(file: BinaryIO) -> str:
    """UTF-8 if all of it is; else it can only be GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _bad(number: int, zh: str, en: str, pointer: str = "") -> BadLine:
    return BadLine(number, {"pointer": pointer, "zh": zh, "en": en})


def _unknown_word(number: int, field: str, words: dict[str, str]) -> BadLine:
    # Here and not by the line's schema, which knows nothing of the words of tables.
    return _bad(
        number,
        f"“{COLUMNS[field][0]}”应为以下之一：{'、'.join(words)}，或其代码。",
        f"{field} must be one of {', '.join(dict.fromkeys(words.values()))}, or its Chinese word.",
        pointer=f"/{field}",
    )
