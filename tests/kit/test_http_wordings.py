"""Every fault that pydantic can find has words, and its place is one in what was sent."""

import json
import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    field_validator,
)
from pydantic_core._pydantic_core import list_all_errors

from services.kit.problems import field_errors
from services.kit.wordings import faults_of, pointer_of, said

CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Kind(StrEnum):
    A = "a"
    B = "b"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(gt=0, lt=10, multiple_of=2)] = 2
    real: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0
    price: Annotated[Decimal, Field(max_digits=4, decimal_places=1)] = Decimal(1)
    text: Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]+$")] = "ab"
    flag: bool = True
    kind: Kind = Kind.A
    day: date = date(2026, 3, 1)
    at: AwareDatetime | None = None
    url: HttpUrl | None = None
    id: UUID = UUID(int=0)
    some: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    either: int | Cat = 1
    mapped: dict[int, int] = {}
    ruled: str = ""

    @field_validator("ruled")
    @classmethod
    def rule(cls, value: str) -> str:
        if value == "said":
            raise said("rule_broken", zh="规则不许这样。", en="The rule forbids it.")
        if value == "plain":
            raise ValueError("must not be plain")
        return value


def errors_of(value: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate_json(json.dumps(value))
    return [dict(error) for error in field_errors(caught.value, value)]


@pytest.mark.parametrize(
    ("value", "pointer", "zh", "en"),
    [
        ({"number": 0}, "/number", "应大于 0，收到 0。", "Must be greater than 0, got 0."),
        ({"number": 3}, "/number", "应为 2 的倍数，收到 3。", "Must be a multiple of 2, got 3."),
        ({"number": "x"}, "/number", '应为整数，收到 "x"。', 'Must be a whole number, got "x".'),
        ({"real": 2}, "/real", "不得大于 1.0，收到 2。", "Must be at most 1.0, got 2."),
        (
            {"text": "焊工焊工"},
            "/text",
            "最多 3 个字符，收到 4 个。",
            "Must have at most 3 character(s), got 4.",
        ),
        (
            {"kind": "c"},
            "/kind",
            "应为以下之一：'a'、'b'；收到 \"c\"。",
            "Must be 'a' or 'b', got \"c\".",
        ),
        (
            {"day": "01/03/2026"},
            "/day",
            '应为日期，如 2026-03-31，收到 "01/03/2026"。',
            'Must be a date such as 2026-03-31, got "01/03/2026".',
        ),
        ({"some": []}, "/some", "至少要有 1 项，收到 0 项。", None),
        (
            {"some": [1, {}]},
            "/some/1",
            "应为整数，收到 对象。",
            "Must be a whole number, got an object.",
        ),
        ({"pets": [{"kind": "dog"}]}, "/pets/0/name", "缺少此项，请补上。", None),
        (
            {"pets": [{"kind": "cow"}]},
            "/pets/0",
            None,
            "'kind' must be one of 'cat', 'dog', got cow.",
        ),
        ({"pets": [{}]}, "/pets/0", "缺少 'kind'，请补上。", "'kind' is missing; add it."),
        ({"either": {"kind": "cat"}}, "/either", None, None),
        ({"ruled": "said"}, "/ruled", "规则不许这样。", "The rule forbids it."),
        ({"ruled": "plain"}, "/ruled", "不符合规则：must not be plain。", "must not be plain."),
        ({"lifes": 1}, "/lifes", "没有这一项，请检查拼写或删去。", None),
        ({"a/b~c": 1}, "/a~1b~0c", "没有这一项，请检查拼写或删去。", None),
        # May be anybody's name or number.
        ({"样例求职者": 1}, "/…", "没有这一项，请检查拼写或删去。", None),
        ({"999999199003070012": 1}, "/…", "没有这一项，请检查拼写或删去。", None),
        ({"id": "999999199003070012"}, "/id", "应为 UUID，收到 其他内容。", None),
        ([], "", "应为对象 {…}，收到 数组。", "Must be an object {…}, got an array."),
        ({"id": "x" * 99}, "/id", '应为 UUID，收到 "' + "x" * 39 + "…。", None),
    ],
)
def test_a_fault_is_said_in_both_languages(
    value: Any, pointer: str, zh: str | None, en: str | None
) -> None:
    error = errors_of(value)[0]
    assert error["pointer"] == pointer
    assert error["zh"] == (zh or error["zh"])
    assert error["en"] == (en or error["en"])


def test_no_kind_of_fault_is_without_words() -> None:
    for kind in list_all_errors():
        context = {key: held or 1 for key, held in (kind["example_context"] or {}).items()}
        error = {
            "type": kind["type"],
            "loc": ("body", "x"),
            "msg": kind["message_template_python"],
            "ctx": context,
            "input": "x",
        }
        (fault,) = faults_of([error], {"x": "x"})
        assert CHINESE.search(fault.zh), kind["type"]
        assert fault.en.endswith("."), kind["type"]


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Everything.model_fields, "lives", "name", "cat"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON_LIKE)
def test_a_pointer_always_leads_into_what_was_sent(value: Any) -> None:
    try:
        Everything.model_validate(value)
    except ValidationError as error:
        for found in error.errors():
            (fault,) = faults_of([found], value, where="body")
            assert CHINESE.search(fault.zh)
            steps = fault.pointer.split("/")[1:]
            last = steps[:-1] if found["type"] == "missing" else steps
            at: Any = value
            for step in last:
                key = step.replace("~1", "/").replace("~0", "~")
                at = at[int(key)] if isinstance(at, list) else at[key]


def test_a_pointer_is_written_as_the_rfc_says() -> None:
    assert pointer_of([]) == ""
    assert pointer_of(["a/b", 0, "m~n", ""]) == "/a~1b/0/m~0n/"


def test_where_nothing_was_sent_that_is_said() -> None:
    error = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
    (fault,) = faults_of([error], None)
    assert (fault.pointer, fault.en) == ("", "The request has no body; send a JSON object.")


def test_a_time_needs_its_zone() -> None:
    value = {"at": "2026-03-31T08:00:00"}
    (error,) = errors_of(value)
    assert "带时区" in error["zh"]
    Everything.model_validate({"at": "2026-03-31T08:00:00+08:00"})


def test_what_was_sent_is_left_out_where_it_may_be_about_somebody() -> None:
    try:
        Everything.model_validate({"id": "样例求职者"})
    except ValidationError as error:
        (fault,) = (
            fault
            for fault in faults_of(error.errors(), {"id": "样例求职者"}, where="body", repeat=False)
            if fault.pointer == "/id"
        )
        assert (fault.zh, fault.en) == (
            "应为 UUID，收到 其他内容。",
            "Must be a UUID, got something else.",
        )
    else:
        raise AssertionError("it was accepted")
