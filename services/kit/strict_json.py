"""JSON as RFC 8259 and I-JSON (RFC 7493) want it, read from bytes, and where it is not.

What the values mean is the models' to say.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from services.kit.wordings import pointer_of, shown_key

MAX_DEPTH = 64
"""How many objects and arrays may stand inside one another."""

_MAX_INT = (1 << 63) - 1
_BOM = b"\xef\xbb\xbf"
# The closing quote is optional: a text that never ends must be read once, not from each of its
# escaped quotes anew.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
# Only where one of these stands is a slower look needed.
_BAD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_LONG_DIGITS = re.compile(r"[0-9]{16}")
_EXPONENT = re.compile(r"[0-9][eE]")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class JsonFault(ValueError):
    """Bytes that are not strict JSON.

    zh, en: what is wrong and where. place: that for a program: line and column, byte, or pointer.
    """

    def __init__(self, zh: str, en: str, **place: int | str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.place = place


_FAULTS_ZH = {
    "Expecting value": "此处应有一个值",
    "Expecting property name enclosed in double quotes": "此处应有双引号括起的键",
    "Expecting ':' delimiter": "此处应有冒号",
    "Expecting ',' delimiter": "此处应有逗号",
    "Extra data": "JSON 已结束，此后有多余内容",
    "Unterminated string starting at": "文本没有结束的双引号",
    "Invalid control character at": "文本中有未转义的控制字符",
    "Invalid \\escape": "转义符无效",
    "Invalid \\uXXXX escape": "\\u 转义无效",
    "Illegal trailing comma before end of object": "对象末尾有多余的逗号",
    "Illegal trailing comma before end of array": "数组末尾有多余的逗号",
}


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value that data says. A byte order mark at the start is passed over.

    Raises JsonFault: not UTF-8, a NUL or half a character also where escaped, malformed or cut
    off, nested deeper than max_depth, a key twice in one object, NaN or an infinity, an integer
    beyond 64 bits.
    """
    text = _decoded(data.removeprefix(_BOM))
    _check_depth(text, max_depth)
    doubled: list[_Doubled] = []

    def gathered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        marked = _Doubled(found)
        times = Counter(key for key, _ in pairs)
        marked.key = next(key for key, n in times.items() if n > 1)
        doubled.append(marked)
        return marked

    try:
        value = json.loads(
            text,
            object_pairs_hook=gathered,
            parse_constant=_no_constant,
            parse_int=_small_int if _LONG_DIGITS.search(text) else None,
            parse_float=_finite if _EXPONENT.search(text) or _LONG_DIGITS.search(text) else None,
        )
    except json.JSONDecodeError as error:
        raise _malformed(error) from None
    if _BAD_ESCAPE.search(text):
        _check_texts(value)
    if doubled:
        # The last one closed is the one that surely is in the value: an earlier one may be gone
        # with a doubled key around it.
        raise _doubled_key(value, doubled[-1])
    return value


class _Doubled(dict[str, Any]):
    """An object that was written with a key twice."""

    key: str


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start + 1
        if "unexpected end" in error.reason:
            zh = f"第 {at} 字节处的 UTF-8 字符不完整，内容在此中断。"
            en = f"The UTF-8 character at byte {at} is cut off."
        else:
            zh = f"第 {at} 字节不是有效的 UTF-8。请用 UTF-8 编码发送。"
            en = f"Byte {at} is not valid UTF-8. Send UTF-8."
        raise JsonFault(zh, en, byte=at) from None
    nul = text.find("\0")
    if nul >= 0:
        line, column = _line_and_column(text, nul)
        raise JsonFault(
            f"第 {line} 行第 {column} 列有 NUL 字符，不允许。",
            f"There is a NUL character at line {line}, column {column}; it is not allowed.",
            line=line,
            column=column,
        )
    return text


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _check_depth(text: str, max_depth: int) -> None:
    # Before parsing: the parser recurses, and its own limit differs between Python versions.
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                if depth > max_depth:
                    line, column = _line_and_column(text, token.start())
                    raise JsonFault(
                        f"第 {line} 行第 {column} 列嵌套超过 {max_depth} 层。",
                        f"Nested more than {max_depth} deep at line {line}, column {column}.",
                        line=line,
                        column=column,
                    )
            case "]" | "}":
                depth -= 1


def _malformed(error: json.JSONDecodeError) -> JsonFault:
    line, column = error.lineno, error.colno
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        zh = f"JSON 在第 {line} 行第 {column} 列处不完整，内容中断了。"
        en = f"The JSON is cut off: incomplete from line {line}, column {column}."
    else:
        reason = _FAULTS_ZH.get(error.msg, error.msg)
        zh = f"第 {line} 行第 {column} 列不是有效的 JSON：{reason}。"
        en = f"Not valid JSON at line {line}, column {column}: {error.msg}."
    return JsonFault(zh, en, line=line, column=column)


def _no_constant(name: str) -> Any:
    raise JsonFault(f"{name} 不是 JSON 的数。", f"{name} is not a number in JSON.")


def _small_int(digits: str) -> int:
    # int() itself refuses more than 4300 digits, with a ValueError of its own.
    number = int(digits) if len(digits) <= 20 else _MAX_INT + 1
    if abs(number) > _MAX_INT:
        raise JsonFault(
            f"有 {len(digits)} 个字符的整数过大，超过 64 位。",
            f"An integer of {len(digits)} characters is too large: more than 64 bits.",
        )
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        length = len(digits)
        raise JsonFault(
            f"有 {length} 个字符的数过大。", f"A number of {length} characters is too large."
        )
    return number


def _walk(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value with the steps that lead to it, outermost first."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        steps, found = waiting.pop()
        yield steps, found
        if isinstance(found, dict):
            waiting.extend(((*steps, key), inner) for key, inner in found.items())
        elif isinstance(found, list):
            waiting.extend(((*steps, index), inner) for index, inner in enumerate(found))


def _doubled_key(value: Any, doubled: _Doubled) -> JsonFault:
    where = next(steps for steps, found in _walk(value) if found is doubled)
    pointer = pointer_of(map(shown_key, (*where, doubled.key)))
    return JsonFault(
        f"键 {pointer} 在同一对象中出现了不止一次，请只保留一个。",
        f"The key {pointer} stands more than once in its object; keep one.",
        pointer=pointer,
    )


def _check_texts(value: Any) -> None:
    for steps, found in _walk(value):
        texts = (
            [found] if isinstance(found, str) else list(found) if isinstance(found, dict) else []
        )
        for text in texts:
            pointer = pointer_of(map(shown_key, steps))
            if "\0" in text:
                raise JsonFault(
                    f"{pointer or '/'} 含有 NUL 字符（\\u0000），不允许。",
                    f"{pointer or '/'} holds a NUL character (\\u0000), which is not allowed.",
                    pointer=pointer,
                )
            if _HALF_CHARACTER.search(text):
                raise JsonFault(
                    f"{pointer or '/'} 含有半个字符（不成对的 \\ud800–\\udfff 转义）。",
                    f"{pointer or '/'} holds half a character (an unpaired \\ud800-\\udfff).",
                    pointer=pointer,
                )
