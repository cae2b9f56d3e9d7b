"""Every kind of break in a schema is found, and nothing that harms nobody."""

from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from contracts.compatibility import current, described
from contracts.envelope import Event, Wire
from contracts.events import EVENT_TYPES
from contracts.schemas.comparison import BOTH_SIDES, OLD_READERS, OLD_RECORDS, Break, breaks
from contracts.topics import POSTINGS, Topic

Fields = dict[str, Any]


def an_event(
    fields: Fields, *, topic: Topic = POSTINGS, base: type[BaseModel] = Wire
) -> type[Event]:
    """An event made up for one case: what stands in its data is all that changes."""
    state = create_model("State", __base__=base, **fields)
    own: Fields = {"type": (Literal["Happened"], "Happened"), "data": (state, ...)}
    event = create_model("Happened", __base__=Event, **own)
    event.topic = topic
    return event


def found(old: type[Event] | Fields, new: type[Event] | Fields) -> list[Break]:
    sides = [an_event(side) if isinstance(side, dict) else side for side in (old, new)]
    before, now = ({"Happened": described(side)} for side in sides)
    return breaks(before, now)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class ColourMore(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class ColourLess(StrEnum):
    RED = "red"


class Grade(IntEnum):
    LOW = 1
    HIGH = 2


class Sized(Wire):
    size: int


class SizedText(Wire):
    size: str


class Leaf(Wire):
    leaf: str


class Tree(Wire):
    children: tuple["Tree", ...] = ()


class TreeWithTime(Wire):
    at: AwareDatetime
    children: tuple["TreeWithTime", ...] = ()


TEXT = {"a": (str, ...)}
AT = "/$defs/State/properties/a"


def limited(**limits: Any) -> Fields:
    kind = str if any("length" in name or name == "pattern" for name in limits) else int
    return {"a": (Annotated[kind, Field(**limits)], ...)}


def of(hint: Any) -> Fields:
    return {"a": (hint, ...)}


BREAKS: list[tuple[Fields, Fields, str, str, str]] = [
    (TEXT | {"b": (str, "")}, TEXT, "/$defs/State/properties/b", "the field is gone", ""),
    (TEXT, TEXT | {"b": (str, ...)}, "/$defs/State/properties/b", "is required", OLD_RECORDS),
    (TEXT, {"a_renamed": (str, "")}, AT, "the field is gone", ""),
    ({"a": (str, "")}, TEXT, AT, "optional field is now required", OLD_RECORDS),
    (TEXT, {"a": (str, "")}, AT, "required field is now optional", OLD_READERS),
    ({"a": (bool, False)}, {"a": (bool, True)}, f"{AT}/default", "default changed", ""),
    (of(str | None), of(str), AT, "null is no longer allowed", OLD_RECORDS),
    (of(str), of(str | None), AT, "null is newly allowed", OLD_READERS),
    (of(str), of(int), AT, "the type changed from string to integer", BOTH_SIDES),
    (of(int), of(float), AT, "the type changed from integer to number", BOTH_SIDES),
    (of(float), of(int), AT, "the type changed from number to integer", BOTH_SIDES),
    (of(str), of(tuple[str, ...]), AT, "the type changed from string to array", BOTH_SIDES),
    (of(str), of(Sized), AT, "the type changed from string to object", BOTH_SIDES),
    (of(str), of(Any), AT, "the type changed from string to anything", BOTH_SIDES),
    (of(UUID), of(str), f"{AT}/format", 'format changed from "uuid" to none', BOTH_SIDES),
    (of(str), of(UUID), f"{AT}/format", 'format changed from none to "uuid"', BOTH_SIDES),
    (of(AwareDatetime), of(UUID), f"{AT}/format", "format changed", BOTH_SIDES),
    (of(Colour), of(ColourMore), "/$defs/Colour", '"green" is newly allowed', OLD_READERS),
    (of(ColourMore), of(Colour), "/$defs/ColourMore", '"green" is no longer', OLD_RECORDS),
    (of(Colour), of(ColourLess), "/$defs/Colour", '"blue" is no longer allowed', OLD_RECORDS),
    (of(str), of(Colour), AT, 'only "red", "blue" is allowed now', OLD_RECORDS),
    (of(Colour), of(str), "/$defs/Colour", 'other values than "red", "blue"', OLD_READERS),
    (of(Colour), of(Grade), "/$defs/Colour", "the type changed", BOTH_SIDES),
    (of(Literal["x"]), of(Literal["y"]), AT, 'changed from "x" to "y"', BOTH_SIDES),
    (of(Literal["x"]), of(Literal["x", "y"]), AT, '"y" is newly allowed', OLD_READERS),
    (of(Literal["x"]), of(str), AT, 'other values than "x"', OLD_READERS),
    (limited(), limited(ge=0), f"{AT}/minimum", "tightened from none to 0", OLD_RECORDS),
    (limited(ge=0), limited(ge=1), f"{AT}/minimum", "tightened from 0 to 1", OLD_RECORDS),
    (limited(ge=1), limited(ge=0), f"{AT}/minimum", "loosened from 1 to 0", OLD_READERS),
    (limited(le=8), limited(le=7), f"{AT}/maximum", "tightened from 8 to 7", OLD_RECORDS),
    (limited(le=8), limited(le=9), f"{AT}/maximum", "loosened from 8 to 9", OLD_READERS),
    (limited(le=8), limited(), f"{AT}/maximum", "loosened from 8 to none", OLD_READERS),
    (limited(gt=0), limited(gt=1), f"{AT}/exclusiveMinimum", "tightened", OLD_RECORDS),
    (limited(lt=9), limited(lt=8), f"{AT}/exclusiveMaximum", "tightened", OLD_RECORDS),
    (limited(multiple_of=2), limited(), f"{AT}/multipleOf", "multipleOf changed", BOTH_SIDES),
    (of(str), limited(min_length=1), f"{AT}/minLength", "tightened", OLD_RECORDS),
    (limited(max_length=9), of(str), f"{AT}/maxLength", "loosened", OLD_READERS),
    (limited(pattern="^a"), limited(pattern="^b"), f"{AT}/pattern", "pattern changed", BOTH_SIDES),
    (of(tuple[int, ...]), of(tuple[str, ...]), f"{AT}/items", "the type changed", BOTH_SIDES),
    (of(tuple[Colour, ...]), of(tuple[ColourMore, ...]), "/$defs/Colour", "newly", OLD_READERS),
    (of(tuple[int, str]), of(tuple[int, int]), f"{AT}/prefixItems/1", "the type", BOTH_SIDES),
    (of(set[int]), of(tuple[int, ...]), f"{AT}/uniqueItems", "uniqueItems changed", BOTH_SIDES),
    (of(dict[str, int]), of(dict[str, str]), f"{AT}/additionalProperties", "type", BOTH_SIDES),
    (of(str | int), of(str), f"{AT}/anyOf/1", "integer is no longer allowed", OLD_RECORDS),
    (of(str), of(str | int), AT, "integer is newly allowed", OLD_READERS),
    (of(Sized | Leaf), of(Leaf), "/$defs/Sized", "Sized is no longer allowed", OLD_RECORDS),
    (of(Leaf), of(Sized | Leaf), AT, "Sized is newly allowed", OLD_READERS),
    (of(Sized | None), of(SizedText | None), "/$defs/Sized/properties/size", "type", BOTH_SIDES),
    (of(Sized | Leaf), of(SizedText | Leaf), "/$defs/Sized/properties/size", "type", BOTH_SIDES),
    (of(Tree), of(TreeWithTime), "/$defs/TreeWithTime/properties/at", "required", OLD_RECORDS),
    (of(TreeWithTime), of(Tree), "/$defs/TreeWithTime/properties/at", "is gone", ""),
]


@pytest.mark.parametrize(("old", "new", "pointer", "what", "why"), BREAKS)
def test_a_break_is_found_once_with_its_place_and_its_reason(
    old: Fields, new: Fields, pointer: str, what: str, why: str
) -> None:
    (fault,) = found(old, new)
    assert (fault.type, fault.pointer) == ("Happened", pointer)
    assert what in fault.what
    assert why in fault.why
    assert "\n" not in str(fault)
    assert str(fault).startswith(f"Happened {pointer}: ")


class Told(Wire):
    """Words that changed."""

    size: int = Field(description="in metres", title="Size", examples=[7])


HARMLESS: list[tuple[Fields, Fields]] = [
    (TEXT, TEXT),
    (TEXT, TEXT | {"b": (str, "")}),
    (TEXT, TEXT | {"b": (str | None, None)}),
    (TEXT, TEXT | {"b": (tuple[Sized, ...], ())}),
    (TEXT, TEXT | {"b": (Tree, Tree())}),
    (TEXT | {"b": (int, 0)}, {"b": (int, 0)} | TEXT),
    (of(str | int), of(int | str)),
    (of(Sized | Leaf), of(Leaf | Sized)),
    (of(Sized), of(Told)),
    (of(Tree), of(Tree)),
    (of(Colour), of(Literal["blue", "red"])),
    (TEXT, {"a": (str, Field(description="other words", title="Else", examples=["x"]))}),
]


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_what_harms_nobody_is_no_break(old: Fields, new: Fields) -> None:
    assert found(old, new) == []


class Closed(Wire):
    model_config = ConfigDict(extra="forbid")


def test_a_model_that_refuses_unknown_fields_is_a_break() -> None:
    (fault,) = found(an_event(TEXT), an_event(TEXT, base=Closed))
    assert fault.pointer == "/$defs/State/additionalProperties"


def test_a_definition_used_twice_breaks_once() -> None:
    twice = {"a": (Sized, ...), "b": (tuple[Sized, ...], ())}
    assert len(found(twice, twice | {"a": (SizedText, ...), "b": (tuple[SizedText, ...], ())})) == 1


def test_each_of_several_breaks_is_found() -> None:
    old = {"a": (str, ...), "b": (int, 0), "c": (Colour, ...)}
    new = {"a": (int, ...), "c": (ColourLess, ...), "d": (str, ...)}
    assert len(found(old, new)) == 4


def test_a_free_object_that_becomes_a_model_is_a_break() -> None:
    first, second = found(of(dict[str, int]), of(Sized))
    assert first.pointer.endswith("/properties/size")
    assert second.pointer == f"{AT}/additionalProperties"


def test_a_new_event_type_is_no_break_and_a_removed_one_is() -> None:
    fewer = {name: model for name, model in EVENT_TYPES.items() if name != "SeekerHired"}
    assert breaks(current(fewer), current()) == []
    (fault,) = breaks(current(), current(fewer))
    assert fault.type == "SeekerHired"
    assert "gone" in fault.what


@pytest.mark.parametrize(
    ("topic", "part"),
    [
        (Topic("rengang.jobs", "posting id", compacted=True), "name"),
        (Topic("rengang.postings", "employer id", compacted=True), "key"),
        (Topic("rengang.postings", "posting id", compacted=True, partitions=48), "partitions"),
        (Topic("rengang.postings", "posting id"), "compacted"),
    ],
)
def test_another_topic_or_key_is_a_break(topic: Topic, part: str) -> None:
    (fault,) = found(an_event(TEXT), an_event(TEXT, topic=topic))
    assert fault.pointer == f"/x-topic/{part}"
