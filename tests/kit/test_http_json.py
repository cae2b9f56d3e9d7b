"""Strict JSON, and records by the line: what is taken, and where what is not is."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.ndjson import BadLine, ImportReport, Line, LineReport, read_lines, rejected
from services.kit.problems import Problem
from services.kit.strict_json import MAX_DEPTH, JsonFault, parse
from services.kit.wordings import pointer_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63) + 1, (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_a_writer_of_json_writes_is_read_back(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse(written) == value


@given(st.binary())
def test_any_bytes_are_json_or_a_fault(data: bytes) -> None:
    with suppress(JsonFault):
        parse(data)


@given(JSON_VALUES, st.data())
def test_json_cut_short_is_never_taken_for_another(value: Any, data: st.DataObject) -> None:
    written = json.dumps([value], ensure_ascii=False).encode()
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(JsonFault):
        parse(written[:cut])


@given(st.dictionaries(TEXT, st.integers(0, 9) | TEXT, min_size=1, max_size=9), st.data())
def test_a_doubled_key_is_found_wherever_it_is(found: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(found)))
    members = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in found.items()]
    members.insert(data.draw(st.integers(0, len(members))), f"{json.dumps(key)}:0")
    with pytest.raises(JsonFault) as refused:
        parse(f'[0,{{"in":{{{",".join(members)}}}}}]'.encode())
    # A key that is no plain name is not repeated: it may be anybody's number or name.
    shown = pointer_of([key]) if re.fullmatch(r"[A-Za-z_][!-~]{0,63}", key) else "/…"
    assert refused.value.place["pointer"] in (f"/1/in{shown}", "/1/in/…")


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("holder_name", "/holder_name"),
        ("a.b-c", "/a.b-c"),
        ("999999199003070012", "/…"),
        ("n999999199003070012", "/…"),
        ("样例求职者", "/…"),
        ("a b", "/…"),
        ("", "/…"),
    ],
)
def test_a_doubled_key_is_repeated_where_it_is_a_plain_name(key: str, shown: str) -> None:
    with pytest.raises(JsonFault) as refused:
        parse(f'{{"{key}": 1, "{key}": 2}}'.encode())
    assert refused.value.place["pointer"] == shown
    assert not key or (key in refused.value.en) == (shown != "/…")


@pytest.mark.parametrize("number", ["9999991990030700129999", "1e99999999912"])
def test_digits_are_not_repeated(number: str) -> None:
    with pytest.raises(JsonFault) as refused:
        parse(f'{{"n": {number}}}'.encode())
    assert number[:9] not in refused.value.en + refused.value.zh
    assert f"of {len(number)} characters" in refused.value.en


def test_depth_ends_at_the_limit() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    flat = b"[" + b",".join([b'{"a":[1]}'] * 1000) + b"]"
    assert len(parse(flat)) == 1000
    assert parse(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]
    assert parse(b'["\\"' + b"[" * 1000 + b'"]') == ['"' + "[" * 1000]
    with pytest.raises(JsonFault):
        parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_brackets_in_a_text_do_not_hide_those_outside() -> None:
    with pytest.raises(JsonFault, match="deep"):
        parse(b'["]]]]"' + b",[" * 100)


def test_a_place_counts_characters_not_bytes() -> None:
    with pytest.raises(JsonFault) as refused:
        parse('{"职位": 焊工}'.encode())
    assert refused.value.place == {"line": 1, "column": 8}


BODY = "\r\n".join(
    [
        '\ufeff{"title": "焊工"}',
        "",
        '{"title": ',
        "[1]",
        '{"a": 1, "a": 2}',
        '{"a": "\\u0000"}',
        "   \t",
        '{"title": "钳工"}',
    ]
).encode()


def test_each_line_stands_on_its_own() -> None:
    lines = list(read_lines(BODY))
    assert [line.number for line in lines] == [1, 3, 4, 5, 6, 8]
    assert [type(line) for line in lines] == [Line, BadLine, BadLine, BadLine, BadLine, Line]
    assert lines[0] == Line(1, {"title": "焊工"})
    doubled = lines[3]
    assert isinstance(doubled, BadLine)
    assert doubled.error["pointer"] == "/a"
    assert "不止一次" in doubled.error["zh"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"a": "\xff"}', "Byte 8"),
        ('{"a": "焊'.encode()[:-1], "byte 8 is cut off"),
        (b'{"a": 1', "cut off"),
        (b'{"a"\x00: 1}', "NUL"),
        (b"7", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": "' + b"x" * 100 + b'"}', "109 bytes"),
        (b'{"a": NaN}', "NaN"),
        (b"\x1a", "Not valid JSON"),
        (b"{}{}", "Extra data"),
    ],
)
def test_a_bad_line_says_what_is_wrong_and_stops_no_other(line: bytes, told: str) -> None:
    bad, good = read_lines(line + b"\n" + b"{}", max_line_bytes=100)
    assert isinstance(bad, BadLine)
    assert told in bad.error["en"]
    assert good == Line(2, {})


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \r\n", b"\xef\xbb\xbf"])
def test_nothing_is_no_line(body: bytes) -> None:
    assert list(read_lines(body)) == []


def test_too_many_lines_are_refused_before_the_first_is_read() -> None:
    assert len(list(read_lines(b"{}\n" * 3, max_lines=3))) == 3
    assert len(list(read_lines(b"{}\n" * 2 + b"{}", max_lines=3))) == 3
    with pytest.raises(Problem) as refused:
        read_lines(b"{}\n" * 4, max_lines=3)
    assert refused.value.status == 413


@given(st.lists(st.dictionaries(TEXT, st.integers(-1000, 1000))), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_by_the_line_is_read_by_the_line(
    records: list[dict[str, int]], end: str
) -> None:
    body = "".join(json.dumps(record) + end for record in records).encode()
    assert [line.value for line in read_lines(body) if isinstance(line, Line)] == records


def test_a_report_counts_its_lines() -> None:
    report = ImportReport.of(
        [
            LineReport(line=2, status="created", id="1"),
            rejected(1, [{"pointer": "/a", "zh": "缺", "en": "missing"}], reference="r1"),
            LineReport(line=3, status="unchanged", id="2"),
        ]
    )
    assert (report.total, report.created, report.revised) == (3, 1, 0)
    assert (report.unchanged, report.rejected) == (1, 1)
    assert [line.line for line in report.lines] == [1, 2, 3]
    assert report.lines[0].model_dump() == {
        "line": 1,
        "status": "rejected",
        "id": None,
        "reference": "r1",
        "errors": [{"pointer": "/a", "zh": "缺", "en": "missing"}],
    }
