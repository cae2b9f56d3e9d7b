"""What pydantic finds wrong, put into words in Chinese and English, with where it is.

A rule of a service says its own words by raising said() in a validator.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic_core import PydanticCustomError

Language = Literal["zh", "en"]

_MAX_GIVEN = 40
_PLAIN_KEY = re.compile(r"[A-Za-z_][!-~]{0,63}")
# A phone number has eleven digits, an identity number at least fifteen.
_DIGITS = re.compile(r"[0-9]{9}")
_WITHHELD = object()


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault. where: body, query, path, header or cookie. pointer: JSON Pointer (RFC 6901)."""

    where: str
    pointer: str
    code: str
    zh: str
    en: str


def said(code: str, *, zh: str, en: str) -> PydanticCustomError:
    """An error for a validator to raise that already has both its wordings."""
    return PydanticCustomError(code, "{en}", {"zh": zh, "en": en})


# {given} is what was sent; the other names are pydantic's own context of that error.
_WORDS: dict[str, tuple[str, str]] = {
    "missing": ("缺少此项，请补上。", "This is missing; add it."),
    "extra_forbidden": (
        "没有这一项，请检查拼写或删去。",
        "There is no such field; check its spelling or leave it out.",
    ),
    "invalid_key": ("键必须是文本。", "Keys must be texts."),
    "json_invalid": ("不是有效的 JSON：{error}。", "Not valid JSON: {error}."),
    "model_type": ("应为对象 {{…}}，收到 {given}。", "Must be an object {{…}}, got {given}."),
    "none_required": ("应为 null，收到 {given}。", "Must be null, got {given}."),
    "greater_than": ("应大于 {gt}，收到 {given}。", "Must be greater than {gt}, got {given}."),
    "greater_than_equal": ("不得小于 {ge}，收到 {given}。", "Must be at least {ge}, got {given}."),
    "less_than": ("应小于 {lt}，收到 {given}。", "Must be less than {lt}, got {given}."),
    "less_than_equal": ("不得大于 {le}，收到 {given}。", "Must be at most {le}, got {given}."),
    "multiple_of": (
        "应为 {multiple_of} 的倍数，收到 {given}。",
        "Must be a multiple of {multiple_of}, got {given}.",
    ),
    "finite_number": ("应为有限的数。", "Must be a finite number."),
    "too_short": (
        "至少要有 {min_length} 项，收到 {actual_length} 项。",
        "Must have at least {min_length} item(s), got {actual_length}.",
    ),
    "too_long": (
        "最多 {max_length} 项，请减少。",
        "Must have at most {max_length} item(s); send fewer.",
    ),
    "string_type": ("应为文本，收到 {given}。", "Must be a text, got {given}."),
    "string_too_short": (
        "至少 {min_length} 个字符，收到 {length} 个。",
        "Must have at least {min_length} character(s), got {length}.",
    ),
    "string_too_long": (
        "最多 {max_length} 个字符，收到 {length} 个。",
        "Must have at most {max_length} character(s), got {length}.",
    ),
    "string_pattern_mismatch": (
        "格式不对：应符合 {pattern}，收到 {given}。",
        "Has the wrong form: must match {pattern}, got {given}.",
    ),
    "enum": ("应为以下之一：{expected}；收到 {given}。", "Must be {expected}, got {given}."),
    "dict_type": ("应为对象 {{…}}，收到 {given}。", "Must be an object {{…}}, got {given}."),
    "list_type": ("应为数组 […]，收到 {given}。", "Must be an array […], got {given}."),
    "bool_type": ("应为 true 或 false，收到 {given}。", "Must be true or false, got {given}."),
    "int_type": ("应为整数，收到 {given}。", "Must be a whole number, got {given}."),
    "int_parsing_size": ("整数过大。", "The whole number is too large."),
    "int_from_float": (
        "应为整数，不能有小数，收到 {given}。",
        "Must be a whole number without fraction, got {given}.",
    ),
    "float_type": ("应为数，收到 {given}。", "Must be a number, got {given}."),
    "value_error": ("不符合规则：{error}。", "{error}."),
    "literal_error": (
        "应为以下之一：{expected}；收到 {given}。",
        "Must be {expected}, got {given}.",
    ),
    "date_type": (
        "应为日期，如 2026-03-31，收到 {given}。",
        "Must be a date such as 2026-03-31, got {given}.",
    ),
    "date_from_datetime_inexact": (
        "应只有日期，不带时刻，收到 {given}。",
        "Must be a date without a time of day, got {given}.",
    ),
    "date_past": ("应为过去的日期，收到 {given}。", "Must be in the past, got {given}."),
    "date_future": ("应为将来的日期，收到 {given}。", "Must be in the future, got {given}."),
    "datetime_type": (
        "应为带时区的时间，如 2026-03-31T08:00:00+08:00，收到 {given}。",
        "Must be a time with its zone such as 2026-03-31T08:00:00+08:00, got {given}.",
    ),
    "timezone_aware": (
        "时间要带时区，如 2026-03-31T08:00:00+08:00，收到 {given}。",
        "The time needs its zone, as in 2026-03-31T08:00:00+08:00, got {given}.",
    ),
    "union_tag_invalid": (
        "{discriminator} 应为以下之一：{expected_tags}；收到 {tag}。",
        "{discriminator} must be one of {expected_tags}, got {tag}.",
    ),
    "union_tag_not_found": (
        "缺少 {discriminator}，请补上。",
        "{discriminator} is missing; add it.",
    ),
    "uuid_type": ("应为 UUID，收到 {given}。", "Must be a UUID, got {given}."),
    "uuid_version": (
        "应为第 {expected_version} 版 UUID，收到 {given}。",
        "Must be a UUID of version {expected_version}, got {given}.",
    ),
    "url_type": ("应为网址，收到 {given}。", "Must be a URL, got {given}."),
    "url_scheme": (
        "网址应以 {expected_schemes} 开头，收到 {given}。",
        "The URL must begin with {expected_schemes}, got {given}.",
    ),
    "decimal_type": ("应为数，收到 {given}。", "Must be a number, got {given}."),
    "decimal_max_digits": ("最多 {max_digits} 位数字。", "Must have at most {max_digits} digits."),
    "decimal_max_places": (
        "最多 {decimal_places} 位小数，收到 {given}。",
        "Must have at most {decimal_places} decimal places, got {given}.",
    ),
    "decimal_whole_digits": (
        "小数点前最多 {whole_digits} 位，收到 {given}。",
        "Must have at most {whole_digits} digits before the point, got {given}.",
    ),
}

_NOTHING_SENT = ("请求没有内容，请发送 JSON 对象。", "The request has no body; send a JSON object.")

_SAME_WORDS = {
    "assertion_error": "value_error",
    "bool_parsing": "bool_type",
    "dataclass_type": "model_type",
    "date_from_datetime_parsing": "date_type",
    "date_parsing": "date_type",
    "datetime_from_date_parsing": "datetime_type",
    "datetime_future": "date_future",
    "datetime_object_invalid": "datetime_type",
    "datetime_parsing": "datetime_type",
    "datetime_past": "date_past",
    "decimal_parsing": "decimal_type",
    "float_parsing": "float_type",
    "frozen_set_type": "list_type",
    "int_parsing": "int_type",
    "mapping_type": "dict_type",
    "model_attributes_type": "model_type",
    "set_type": "list_type",
    "string_unicode": "string_type",
    "tuple_type": "list_type",
    "url_parsing": "url_type",
    "uuid_parsing": "uuid_type",
}


def faults_of(
    errors: Sequence[Mapping[str, Any]],
    value: object = None,
    *,
    where: str | None = None,
    repeat: bool = True,
) -> list[FieldFault]:
    """pydantic's `errors()` in words, in their order.

    value: what was validated; it tells the steps of a place that are in the data from those that
    pydantic adds (the branch of a union). where: for a model validated by hand; without it each
    place begins with where it was found, as FastAPI's do.
    """
    faults = []
    for error in errors:
        loc = tuple(error["loc"])
        place = where or (str(loc[0]) if loc else "body")
        steps: Sequence[str | int] = loc if where else loc[1:]
        if place == "body":
            steps = steps_in(value, steps, absent=error["type"] == "missing")
        if error["type"] == "extra_forbidden" and steps:
            steps = [*steps[:-1], shown_key(steps[-1])]
        told = error if repeat else {**error, "input": _WITHHELD}
        zh, en = _wording(told) if steps or error["type"] != "missing" else _NOTHING_SENT
        faults.append(FieldFault(place, pointer_of(steps), error["type"], zh, en))
    return faults


def shown_key(key: str | int) -> str | int:
    """A key as it may be repeated: one that is no plain name may be anything, also a number that
    is somebody's, or a name.
    """
    plain = isinstance(key, int) or (_PLAIN_KEY.fullmatch(key) and not _DIGITS.search(key))
    return key if plain else "…"


def pointer_of(steps: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901) from keys and indexes."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def steps_in(value: object, steps: Sequence[str | int], *, absent: bool = False) -> list[str | int]:
    """The steps that lead into value; absent: the last one names what is missing there."""
    kept: list[str | int] = []
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if isinstance(step, int) and step < len(value):
                value = value[step]
            case _ if last and absent:
                pass
            case _:
                continue
        kept.append(step)
    return kept


def _wording(error: Mapping[str, Any]) -> tuple[str, str]:
    kind, context = str(error["type"]), dict(error.get("ctx") or {})
    if "zh" in context:
        return str(context["zh"]), str(context.get("en", error["msg"]))
    given = error.get("input")
    zh, en = _WORDS.get(_SAME_WORDS.get(kind, kind), ("", ""))
    if not zh:
        message = str(error["msg"]).rstrip(".")
        return f"不符合要求：{message}。", f"{message}."
    if "error" in context:
        context["error"] = str(context["error"]).rstrip("。.")
    expected = str(context.get("expected", ""))
    length = len(given) if isinstance(given, str) else 0
    filled = {**context, "length": length}
    in_chinese = expected.replace(" or ", "、").replace(", ", "、")
    return (
        zh.format_map({**filled, "given": _given(given, "zh"), "expected": in_chinese}),
        en.format_map({**filled, "given": _given(given, "en"), "expected": expected}),
    )


_SOMETHING_ELSE = ("其他内容", "something else")
_KINDS = {"dict": ("对象", "an object"), "list": ("数组", "an array")}


def _given(value: object, language: str) -> str:
    """A short sight of what was sent, as JSON; nothing that looks like somebody's number."""
    if value is _WITHHELD:
        return _SOMETHING_ELSE[language == "en"]
    if isinstance(value, dict | list):
        return _KINDS[type(value).__name__][language == "en"]
    if isinstance(value, bytes | bytearray):
        return "二进制内容" if language == "zh" else "raw bytes"
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = str(value)
    if _DIGITS.search(text):
        return _SOMETHING_ELSE[language == "en"]
    return text if len(text) <= _MAX_GIVEN else f"{text[:_MAX_GIVEN]}…"
