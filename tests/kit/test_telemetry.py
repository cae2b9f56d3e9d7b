"""Traces as W3C has them; logs as JSON lines that hold nothing personal."""

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.kit.telemetry import (
    blank_personal_data,
    child,
    configure,
    current_traceparent,
    parse_traceparent,
    start_trace,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        PARENT.upper(),
        PARENT + "-00",
        PARENT + " ",
        PARENT[:-1],
        "ff" + PARENT[2:],
        PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
        "01" + PARENT[2:] + ".x",
        PARENT.replace("-01", "-0g"),
        "٠٠" + PARENT[2:],
    ],
)
def test_what_is_no_traceparent_is_none(text: str | None) -> None:
    assert parse_traceparent(text) is None


@pytest.mark.parametrize(
    "text", [PARENT, "01" + PARENT[2:], "cc" + PARENT[2:] + "-what-comes-later"]
)
def test_a_traceparent_is_read_also_of_later_versions(text: str) -> None:
    trace = parse_traceparent(text)
    assert trace is not None
    assert str(trace) == PARENT


@given(st.text())
def test_any_text_is_read_or_not(text: str) -> None:
    parse_traceparent(text)


def test_a_trace_goes_on_and_ends_with_its_block() -> None:
    assert current_traceparent() is None
    with start_trace(PARENT) as outer:
        assert outer.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert outer.span_id != "00f067aa0ba902b7"
        assert current_traceparent() == str(outer)
        with start_trace("nonsense") as other:
            assert other.trace_id != outer.trace_id
        assert current_traceparent() == str(outer)
        sent = parse_traceparent(child())
        assert sent is not None
        assert sent.trace_id == outer.trace_id
        assert sent.span_id != outer.span_id
    assert current_traceparent() is None


def test_an_unsampled_trace_stays_unsampled() -> None:
    with start_trace(PARENT[:-1] + "0") as trace:
        assert str(trace).endswith("-00")


def test_outside_a_trace_what_is_sent_begins_one() -> None:
    assert parse_traceparent(child()) is not None


async def test_tasks_side_by_side_keep_their_own_traces() -> None:
    async def work() -> bool:
        with start_trace(None) as trace:
            await asyncio.sleep(0.01)
            return current_traceparent() == str(trace)

    assert all(await asyncio.gather(*(work() for _ in range(20))))


class Log:
    """What was written, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().split("\n")[:-1]]

    def line(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    log = Log()
    configure("sample", "INFO", log.stream)
    yield log
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_when_who_and_in_which_trace(log: Log) -> None:
    with start_trace(PARENT) as trace:
        structlog.get_logger("services.sample").info("sample.done", count=3, 县区="昆明")
    line = log.line()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "services.sample",
        "service": "sample",
        "event": "sample.done",
        "trace_id": trace.trace_id,
        "span_id": trace.span_id,
        "count": 3,
        "县区": "昆明",
    }


@pytest.mark.parametrize("library", ["uvicorn.error", "faststream", "aiokafka.producer", "asyncio"])
def test_the_libraries_write_the_same_lines(log: Log, library: str) -> None:
    logging.getLogger(library).info("started %s", "well")
    line = log.line()
    assert (line["event"], line["logger"], line["service"]) == ("started well", library, "sample")


def test_warnings_are_lines_too(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert "old way" in log.line()["event"]


def test_levels_hold(log: Log) -> None:
    structlog.get_logger().debug("quiet")
    logging.getLogger("aiokafka").debug("quiet")
    assert log.lines() == []


def test_secrets_and_names_are_blanked_wherever_they_are(log: Log) -> None:
    structlog.get_logger().info(
        "sample",
        Authorization="Bearer x",
        access_token="x",
        seeker_name="李娜",
        contact={"phone_number": "13812345678", "kind": "work", "others": [{"email": "a@b.cn"}]},
        identity=None,
        count=1,
    )
    line = log.line()
    assert line["Authorization"] == line["access_token"] == line["seeker_name"] == "[blank]"
    assert line["contact"] == {
        "phone_number": "[blank]",
        "kind": "work",
        "others": [{"email": "[blank]"}],
    }
    assert line["identity"] is None
    assert line["count"] == 1


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("call 13812345678 now", "call [blank] now"),
        ("id 53010219900101123X,", "id [blank],"),
        ("mail li.na@example.com.cn!", "mail [blank]!"),
        ("trace 4bf92f13812345678a6a3ce929d0e0e4736", "trace 4bf92f13812345678a6a3ce929d0e0e4736"),
        ("0190a6c4-7b5e-7000-8000-13812345678a", "0190a6c4-7b5e-7000-8000-13812345678a"),
        ("took 13812345678901 ns", "took 13812345678901 ns"),
    ],
)
def test_what_looks_personal_is_blanked_and_ids_are_not(text: str, blanked: str) -> None:
    event = blank_personal_data(None, "info", {"event": text, "values": [text]})
    assert event == {"event": blanked, "values": [blanked]}


def test_an_exception_tells_where_but_not_with_which_input(log: Log) -> None:
    class Contact(BaseModel):
        number: int

    def read() -> None:
        Contact.model_validate({"number": "李娜 13812345678"})

    try:
        try:
            read()
        except ValueError as error:
            raise RuntimeError("cannot read") from error
    except RuntimeError:
        structlog.get_logger().exception("sample.failed")
    line = log.line()
    outer, inner = line["exception"]
    assert outer["type"] == "builtins.RuntimeError"
    assert outer["text"] == "cannot read"
    assert inner["text"] == "number: int_parsing"
    assert any(" read" in frame for frame in inner["at"])
    assert "李娜" not in json.dumps(line, ensure_ascii=False)


def test_a_database_error_does_not_tell_the_row(log: Log) -> None:
    error = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
    error.detail = "Key (contact)=(李娜) already exists."
    structlog.get_logger().error("sample.failed", exc_info=error)
    (told,) = log.line()["exception"]
    assert told["text"].startswith("23505: duplicate key value")
    assert "李娜" not in told["text"]


def test_a_group_tells_of_each_error_in_it(log: Log) -> None:
    group = ExceptionGroup("two", [ValueError("a"), KeyError("b")])
    logging.getLogger("library").error("failed", exc_info=group)
    (told,) = log.line()["exception"]
    assert [inner["type"] for inner in told["within"]] == [
        "builtins.ValueError",
        "builtins.KeyError",
    ]


def test_no_value_can_break_a_line(log: Log) -> None:
    class Odd:
        def __repr__(self) -> str:
            return "odd"

    structlog.get_logger().info(
        "half \ud800 character", big=1 << 80, odd=Odd(), data=b"\xff", keys={1: {2, 3}}, nul="\0"
    )
    line = log.line()
    assert line["odd"] == "odd"
    assert line["big"] == str(1 << 80)
    assert line["data"] == "1 bytes"
