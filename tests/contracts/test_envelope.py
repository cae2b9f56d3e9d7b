"""A record's bytes become an event, or a clear refusal that tells nothing of what stood in it."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import REQUIRED, Event, Malformed, UnknownType
from contracts.events import EVENT_TYPES, parse
from contracts.samples import samples
from tests.contracts.strategies import events

SAMPLES = dict(samples())
A_POSTING = json.loads(SAMPLES["PostingPublished.1.json"])
SECRET = "张三13800138000"


def encoded(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def a_posting(**changes: Any) -> bytes:
    return encoded(A_POSTING | changes)


def nested(depth: int) -> bytes:
    return b'{"specversion":"1.0","type":"PostingClosed","data":%s%s}' % (
        b"[" * depth,
        b"]" * depth,
    )


@settings(max_examples=400)
@given(events())
def test_what_is_written_is_what_is_read(event: Event) -> None:
    assert parse(event.encoded()) == event


@given(events())
def test_writing_twice_gives_the_same_bytes(event: Event) -> None:
    assert parse(event.encoded()).encoded() == event.encoded()


@pytest.mark.parametrize("model", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_absent_attributes_are_left_out(model: type[Event]) -> None:
    # encoded() drops what is None, so a reader must take its absence for None.
    for name, field in model.model_fields.items():
        if type(None) in getattr(field.annotation, "__args__", ()):
            assert field.default is None, name


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    # However the record is read: what says the type first may not be what says it.
    value = a_posting().decode()
    assert parse(value.replace('"type"', '"type": "PostingClosed", "type"', 1).encode()) == parse(
        value.encode()
    )
    with pytest.raises(UnknownType, match="PostingArchived"):
        parse(f'{value[:-1]}, "type": "PostingArchived"}}'.encode())
    with pytest.raises(Malformed, match="id: "):
        parse(f'{value[:-1]}, "id": "7"}}'.encode())


def test_the_type_of_something_inside_is_not_the_events() -> None:
    value = a_posting().decode()
    inside = f'{{"later": {{"type": "PostingClosed"}}, {value[1:]}'
    assert parse(inside.encode()) == parse(value.encode())


def test_the_trace_is_added_while_sending() -> None:
    event = parse(a_posting())
    sent = parse(event.encoded(traceparent="00-1-2-01"))
    assert sent.traceparent == "00-1-2-01"
    assert sent.id == event.id


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "a tombstone"),
        (b"", "a tombstone"),
        (b" ", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"not json", "not JSON"),
        (b'{"specversion": "1.0"', "not JSON"),
        ("姓名".encode()[:4], "not JSON"),
        (b'{"type": "' + "岗".encode()[:2] + b'"}', "not JSON"),
        (b'{"type": "\\ud800"}', "not JSON"),
        (b'{"type": "a\x00b"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (nested(10_000), "not JSON"),
        (b'{"version": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b"null", "not an envelope: a JSON object"),
        (b"7", "not an envelope: a JSON object"),
        (b'"PostingClosed"', "not an envelope: a JSON object"),
        (b"[]", "not an envelope: a JSON object"),
        (encoded([A_POSTING]), "not an envelope: a JSON object"),
        (b"{}", "specversion 1.0 is missing"),
        (b'{"type": "PostingClosed"}', "specversion 1.0 is missing"),
        (a_posting(specversion="0.3"), "specversion 1.0 is missing"),
        (a_posting(specversion=1.0), "specversion 1.0 is missing"),
        (a_posting(type=7), "type must be a text"),
        (a_posting(type=None), "type must be a text"),
        (a_posting(type=""), "type must be a text"),
        (a_posting(type=["PostingClosed"]), "type must be a text"),
        (nested(150), "id is missing"),
        (a_posting(title="铁\0匠"), "U+0000"),
        (a_posting(data=A_POSTING["data"] | {"title": "铁\0匠"}), "U+0000"),
        (a_posting(subject=""), "subject: String should have at least 1"),
        (a_posting(id="7"), "id: Input should be a valid UUID"),
        (a_posting(id=None), "id: "),
        (a_posting(version=0), "version: Input should be greater than or equal to 1"),
        (a_posting(version=2**31), "version: Input should be less than"),
        (a_posting(version="1"), "version: Input should be a valid integer"),
        (a_posting(version=True), "version: Input should be a valid integer"),
        (a_posting(time="2026-01-05T01:20:00"), "time: Input should have timezone info"),
        (a_posting(time=1767576000), "time: "),
        (a_posting(datacontenttype="text/xml"), "datacontenttype: "),
        (a_posting(data=None), "data: "),
        (a_posting(data=[]), "data: "),
        (a_posting(data=A_POSTING["data"] | {"pay": 5000}), "data.pay: "),
        (a_posting(data=A_POSTING["data"] | {"status": "paused"}), "data.status: "),
        (a_posting(data=A_POSTING["data"] | {"remote": "no"}), "data.remote: "),
    ],
)
def test_a_bad_record_is_refused_with_its_reason(value: bytes | None, message: str) -> None:
    with pytest.raises(Malformed, match=message.replace("+", r"\+")):
        parse(value)


@pytest.mark.parametrize("name", REQUIRED)
def test_an_envelope_without_identity_is_refused(name: str) -> None:
    # A reader that made up an id would take each delivery for another event.
    with pytest.raises(Malformed, match=name):
        parse(encoded({key: value for key, value in A_POSTING.items() if key != name}))


def test_a_reversed_solidus_before_u0000_is_just_text() -> None:
    event = parse(a_posting(data=A_POSTING["data"] | {"title": r"C:\u0000"}))
    assert r"C:\u0000" in event.encoded().decode().replace("\\\\", "\\")


@pytest.mark.parametrize("type_", ["PostingArchived", "com.example.thing.v2"])
def test_an_unknown_type_is_named(type_: str) -> None:
    with pytest.raises(UnknownType, match=type_) as caught:
        parse(a_posting(type=type_))
    assert caught.value.type == type_


@pytest.mark.parametrize("type_", [SECRET, "13800138000", "a@example.org", "x\ny", "A" * 101])
def test_a_type_that_is_no_name_is_not_repeated(type_: str) -> None:
    with pytest.raises(UnknownType) as caught:
        parse(a_posting(type=type_))
    assert type_ not in str(caught.value)
    assert type_ != caught.value.type


def with_later_fields(part: Any) -> Any:
    """As a newer writer would send it. `params` is a free object: what it holds is no field."""
    match part:
        case dict():
            kept = {
                key: held if key == "params" else with_later_fields(held)
                for key, held in part.items()
            }
            return kept | {"later": [1, {"x": None}]}
        case list():
            return [with_later_fields(held) for held in part]
        case _:
            return part


@pytest.mark.parametrize("name", SAMPLES)
def test_unknown_fields_are_ignored(name: str) -> None:
    newer = with_later_fields(json.loads(SAMPLES[name]))
    assert parse(encoded(newer)) == parse(SAMPLES[name])


def refused(value: bytes) -> Exception | None:
    """The refusal; None where the record is an event."""
    try:
        parse(value)
    except (Malformed, UnknownType) as refusal:
        return refusal
    return None


def with_each_part_replaced(part: Any, by: Any) -> Iterator[Any]:
    """The record again and again, each time with another of its parts replaced, or a key added."""
    yield by
    match part:
        case dict():
            yield part | {str(by): by}
            for key, held in part.items():
                for changed in with_each_part_replaced(held, by):
                    yield part | {key: changed}
        case list():
            for n, held in enumerate(part):
                for changed in with_each_part_replaced(held, by):
                    yield [*part[:n], changed, *part[n + 1 :]]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("secret", [SECRET, [SECRET], {SECRET: {SECRET: SECRET}}, 13800138000.5])
def test_no_refusal_tells_what_stood_in_the_record(name: str, secret: Any) -> None:
    for record in with_each_part_replaced(json.loads(SAMPLES[name]), secret):
        refusal = refused(encoded(record))
        logged = "".join(traceback.format_exception(refusal)) if refusal else ""
        assert "张" not in logged
        assert "13800138000" not in logged


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_refusal(value: bytes) -> None:
    with pytest.raises((Malformed, UnknownType)):
        parse(value)


@settings(max_examples=300)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_damaged_record_is_an_event_or_a_refusal(name: str, data: st.DataObject) -> None:
    value = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    refusal = refused(bytes(value))
    assert refusal is None or str(refusal)
