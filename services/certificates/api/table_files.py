"""Tables of certificates as CSV: how one that was sent is read, and how the answers are written.

Who may send one, and what becomes of it, does not live here.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator

from pydantic import ValidationError
from starlette.datastructures import Headers

from services.certificates.actions.tabling import LineResult, TableLine
from services.certificates.api.answers import TOO_MANY_MISSES, in_words_of
from services.certificates.api.verifications import Item
from services.kit.problems import FieldError, Problem, content_not_accepted, field_errors
from services.kit.wordings import Language

MOST_LINES = 20_000
MOST_BYTES = 8 * 1024 * 1024
MEDIA_TYPE = "text/csv"

_COLUMNS = {
    "number": ("number", "证书编号", "证书号", "证书号码", "编号"),
    "holder_name": ("holder_name", "name", "姓名", "持证人姓名", "持证人"),
    "identity_number": (
        "identity_number",
        "身份证号",
        "身份证号码",
        "身份证",
        "居民身份证号码",
        "证件号码",
    ),
    "occupation": ("occupation", "职业编码", "职业代码"),
    "issuer": ("issuer", "发证机构代码"),
}
_NEEDED = ("number", "holder_name", "identity_number")
_FIELD_OF = {title: field for field, titles in _COLUMNS.items() for title in titles}
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
_MOST_FAULTS = 5


def read_table(body: bytes, headers: Headers) -> list[TableLine]:
    """The lines of a file, good and bad. Raises Problem where it is no such table.

    UTF-8, with or without a byte order mark, or GB18030; RFC 4180; the first line names the
    columns, in any order.
    """
    rows = _rows(_text(body, headers))
    try:
        _, titles = next(rows)
    except StopIteration:
        raise _refused("文件是空的。", "The file is empty.") from None
    fields = _fields(titles)
    lines = [_line(number, cells, fields) for number, cells in rows]
    if not lines:
        raise _refused("表中没有数据行。", "The table has no line below its header.")
    if len(lines) > MOST_LINES:
        raise Problem(
            413,
            "too_many_lines",
            zh=f"表中有 {len(lines)} 行，一次最多 {MOST_LINES} 行。请分成几份上传。",
            en=f"The table has {len(lines)} lines; at most {MOST_LINES} are taken. Split it.",
            max_lines=MOST_LINES,
        )
    return lines


def _text(body: bytes, headers: Headers) -> str:
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    name, _, charset = parameters.strip().partition("=")
    said = charset.strip().strip('"').lower() if name.strip().lower() == "charset" else ""
    if media_type.strip().lower() != MEDIA_TYPE or (said and said not in _CHARSETS):
        raise Problem(
            415,
            "content_type_not_supported",
            zh="请求头 Content-Type 应为 text/csv，charset 为 utf-8 或 gb18030。",
            en="The header Content-Type must be text/csv, with charset utf-8 or gb18030.",
            headers={"Accept": MEDIA_TYPE},
        )
    for encoding in [_CHARSETS[said]] if said else ["utf-8", "gb18030"]:
        try:
            return body.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    if said:
        raise _refused(
            f"文件不是 Content-Type 中写明的 {said} 编码。请改正或省去 charset：系统会辨认。",
            f"The file is not encoded in {said} as its Content-Type says. Correct the charset, or "
            "leave it out: it is found out then.",
        )
    raise _refused(
        "文件编码应为 UTF-8 或 GB18030（WPS、Excel 另存为 CSV）。",
        "The file must be encoded in UTF-8 or GB18030.",
    )


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line that it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error:
        raise _refused(
            f"第 {reader.line_num} 行附近的引号不成对，或有不允许的字符。",
            f"Around line {reader.line_num} a quote is not closed, or a character is not allowed.",
        ) from None


def _fields(titles: list[str]) -> list[str]:
    """Which field each column holds. What a wrong title says is not repeated: it may be data."""
    while titles and not titles[-1]:
        # A spreadsheet writes what was once a column.
        titles = titles[:-1]
    fields = [
        _FIELD_OF.get(unicodedata.normalize("NFKC", title).strip().casefold()) for title in titles
    ]
    zh, en = [], []
    if len(titles) == 1 and any(mark in titles[0] for mark in _OTHER_SEPARATORS):
        zh.append("列之间应以半角逗号分隔，此文件用的是分号、制表符或全角逗号")
        en.append("columns are separated by commas, here they are by something else")
    elif unknown := [str(n) for n, field in enumerate(fields, 1) if field is None]:
        zh.append(f"第 {'、'.join(unknown)} 列的标题不认识")
        en.append(f"the title of column {', '.join(unknown)} is not known")
    known = [field for field in fields if field is not None]
    twice = [field for field in dict.fromkeys(known) if known.count(field) > 1]
    missing = [field for field in _NEEDED if field not in known]
    if twice:
        zh.append(f"重复：{'、'.join(map(_title, twice))}")
        en.append(f"twice: {', '.join(twice)}")
    if missing:
        zh.append(f"缺少：{'、'.join(map(_title, missing))}")
        en.append(f"missing: {', '.join(missing)}")
    if zh:
        raise _refused(
            f"第一行应为列标题：{'；'.join(zh)}。可用的标题：{'、'.join(map(_title, _COLUMNS))}，"
            "或其英文名。",
            f"The first line must name the columns: {'; '.join(en)}. There are: "
            f"{', '.join(_COLUMNS)}, or their Chinese names.",
        )
    return known


# What spreadsheets write where they are not asked for commas.
_OTHER_SEPARATORS = (";", "\t", "，", "；", "|")


def _title(field: str) -> str:
    """The documented Chinese title of a column."""
    return next(title for title in _COLUMNS[field] if not title.isascii())


def _line(number: int, cells: list[str], fields: list[str]) -> TableLine:
    if len(cells) > len(fields) and any(cells[len(fields) :]):
        fault = ("此行的列比标题行多。", "This line has more cells than the header.")
        return TableLine(number, None, (fault,))
    value = {name: cell for name, cell in zip(fields, cells, strict=False) if cell}
    try:
        return TableLine(number, Item.model_validate(value).question())
    except ValidationError as error:
        faults = field_errors(error, value, repeat=False)[:_MOST_FAULTS]
        return TableLine(number, None, tuple((_in_column(f, 0), _in_column(f, 1)) for f in faults))


def _in_column(fault: FieldError, language: int) -> str:
    name = fault.get("pointer", "").removeprefix("/")
    title = name if language or name not in _COLUMNS else _title(name)
    return f"{title}: {fault['en']}" if language else f"{title}：{fault['zh']}"


def _fault(zh: str, en: str) -> FieldError:
    return {"pointer": "", "zh": zh, "en": en}


def _refused(zh: str, en: str) -> Problem:
    return content_not_accepted([_fault(zh, en)])


_TITLES = {
    "zh": ("行号", "证书编号（部分隐藏）", "结论", "原因", "说明", "回执编号", "未作答的原因"),
    "en": ("line", "number_masked", "verdict", "reason", "explanation", "receipt_no", "problem"),
}


def written(results: Iterable[LineResult], language: Language) -> bytes:
    """The answers as CSV: UTF-8 with a byte order mark, without which Excel guesses wrong."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_TITLES[language])
    english = language == "en"
    for result in results:
        words = ""
        if result.verdict is not None:
            words = in_words_of(result.verdict, result.reason, result.upload_lag_days, language)
        problem = " ".join(fault[english] for fault in result.faults)
        if result.refused is not None:
            problem = TOO_MANY_MISSES[result.refused][english]
        cells = (
            result.line,
            result.number_masked,
            result.verdict,
            result.reason,
            words,
            result.receipt_no,
            problem,
        )
        writer.writerow(["" if cell is None else _safe(str(cell)) for cell in cells])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _safe(cell: str) -> str:
    # A spreadsheet would run what begins so as a formula.
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
