"""The real events: what the code says now breaks nobody, and the command fails on what would."""

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pydantic import ConfigDict, Field, create_model

import contracts
from contracts.compatibility import (
    all_breaks,
    current,
    described,
    recorded,
    sample_breaks,
    sample_entry,
)
from contracts.envelope import Event, Wire
from contracts.events import EVENT_TYPES, parse
from contracts.matches import MatchFound, MatchState
from contracts.postings import Pay, PostingPublished, PostingState
from contracts.samples import samples
from contracts.schemas.comparison import BOTH_SIDES, breaks
from contracts.topics import POSTINGS, SEEKERS, Topic

Fields = dict[str, Any]


def test_what_the_code_says_now_breaks_nobody() -> None:
    assert [str(fault) for fault in all_breaks()] == []


def test_all_that_is_deployed_is_recorded() -> None:
    assert recorded().keys() == EVENT_TYPES.keys()


def changed(event: type[Event], state: type[Wire]) -> type[Event]:
    """The event with another model for its data."""
    return create_model(event.__name__, __base__=event, data=(state, ...))


def without(model: type[Wire], gone: str) -> type[Wire]:
    kept: Fields = {
        name: (field.annotation, field)
        for name, field in model.model_fields.items()
        if name != gone
    }
    return create_model(model.__name__, __base__=Wire, **kept)


def with_(model: type[Wire], **fields: Any) -> type[Wire]:
    return create_model(model.__name__, __base__=model, **fields)


def pay_with(**fields: Any) -> type[Wire]:
    return with_(PostingState, pay=(with_(Pay, **fields), ...))


class Node(Wire):
    """Reason, with points that are no longer whole."""

    model_config = ConfigDict(title="Reason")

    code: str
    points_ppm: float
    params: dict[str, str | int] = Field(default_factory=dict)
    certificate_id: UUID | None = None
    children: tuple["Node", ...] = ()


REAL: list[tuple[type[Event], type[Wire], str, str]] = [
    (PostingPublished, without(PostingState, "headcount"), "PostingState/properties/headcount", ""),
    (PostingPublished, pay_with(min=(float, ...)), "Pay/properties/min", "integer to number"),
    (PostingPublished, pay_with(bonus=(int, ...)), "Pay/properties/bonus", "is required"),
    (PostingPublished, with_(PostingState, text=(str, ...)), "PostingState/properties/text", "now"),
    (MatchFound, with_(MatchState, reason=(Node, ...)), "Reason/properties/points_ppm", "number"),
]


@pytest.mark.parametrize(("event", "state", "place", "what"), REAL)
def test_a_break_in_a_real_event_is_found(
    event: type[Event], state: type[Wire], place: str, what: str
) -> None:
    now = current() | {event.__name__: described(changed(event, state))}
    (fault,) = breaks(recorded(), now)
    assert (fault.type, fault.pointer) == (event.__name__, f"/$defs/{place}")
    assert what in fault.what


def places(part: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every schema of a field within a schema."""
    match part:
        case dict():
            for name in part.get("properties", ()):
                yield (*at, "properties", name)
            for key, held in part.items():
                yield from places(held, (*at, key))
        case list():
            for n, held in enumerate(part):
                yield from places(held, (*at, n))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_no_field_of_a_real_event_is_out_of_sight(name: str) -> None:
    deployed = recorded()[name]
    for *way, field in places(deployed):
        for other in (None, {"type": "array"}):
            schema = copy.deepcopy(deployed)
            holder: Any = schema
            for step in way:
                holder = holder[step]
            if other is None:
                del holder[field]
            else:
                holder[field] = other
            assert breaks({name: deployed}, {name: schema}), (way, field)


def test_an_optional_field_deep_in_a_real_event_is_no_break() -> None:
    state = with_(PostingState, pay=(with_(Pay, months=(int | None, None)), ...))
    now = current() | {"PostingPublished": described(changed(PostingPublished, state))}
    assert breaks(recorded(), now) == []


# Samples.

HELD = dict(samples())
MANIFEST = {name: sample_entry(value) for name, value in HELD.items()}
ONE = "PostingClosed.1.json"


def test_the_samples_as_they_are_break_nothing() -> None:
    assert sample_breaks(MANIFEST, HELD) == []


def test_a_sample_may_be_added() -> None:
    added = {"PostingClosed.99.json": HELD[ONE].replace(b"-000000000", b"-900000000")}
    assert sample_breaks(MANIFEST, HELD | added) == []


@pytest.mark.parametrize(
    ("held", "what"),
    [
        ({name: value for name, value in HELD.items() if name != ONE}, "the sample is gone"),
        (HELD | {ONE: HELD[ONE] + b"\n"}, "the sample was changed"),
        (HELD | {ONE: b"{}"}, "the sample cannot be read"),
        (HELD | {"PostingClosed.9.json": b"not json"}, "the sample cannot be read"),
        (HELD | {"PostingClosed.9.json": HELD["MatchFound.1.json"]}, "is of another type"),
    ],
)
def test_a_sample_is_never_changed_or_deleted(held: dict[str, bytes], what: str) -> None:
    (fault,) = sample_breaks(MANIFEST, held)
    assert fault.type == "PostingClosed"
    assert what in fault.what


def moved(topic: Topic = POSTINGS, key: str | None = None) -> Callable[[bytes], Event]:
    """A reader of today whose postings travel otherwise."""

    class Elsewhere(PostingPublished):
        topic: ClassVar[Topic]

        @property
        def key(self) -> str:
            return key or self.subject

    Elsewhere.topic = topic
    return Elsewhere.model_validate_json


@pytest.mark.parametrize(
    ("read", "what"),
    [(moved(topic=SEEKERS), "another topic"), (moved(key="e"), "another partition key")],
)
def test_an_event_that_would_travel_elsewhere_is_a_break(
    read: Callable[[bytes], Event], what: str
) -> None:
    name = "PostingPublished.1.json"
    (fault,) = sample_breaks({name: MANIFEST[name]}, {name: HELD[name]}, read)
    assert what in fault.what
    assert sample_breaks({name: MANIFEST[name]}, {name: HELD[name]}, parse) == []


# The command, on a copy of the package.


@pytest.fixture
def package(tmp_path: Path) -> Path:
    source = Path(contracts.__file__).parent
    shutil.copytree(source, tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "contracts"


def command(package: Path, *arguments: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "contracts.compatibility", *arguments],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def kept(package: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in package.rglob("*.json")}


def test_the_command_is_silent_where_nothing_changed(package: Path) -> None:
    before = kept(package)
    assert command(package) == (0, [])
    assert command(package, "--record") == (0, [])
    assert kept(package) == before


def test_the_command_fails_on_a_break_and_refuses_to_record_it(package: Path) -> None:
    edit(package / "seekers.py", "    amount: int = Field(ge=0)", "    amount: float = Field(ge=0)")
    before = kept(package)
    status, lines = command(package)
    assert status == 1
    assert lines == [
        "SeekerProfiled /$defs/PayFloor/properties/amount: "
        f"the type changed from integer to number; {BOTH_SIDES}"
    ]
    assert command(package, "--record") == (1, lines)
    assert kept(package) == before


def test_the_command_records_what_is_compatible(package: Path) -> None:
    edit(
        package / "seekers.py",
        "    remote_ok: bool",
        "    shift_ok: bool = False\n    remote_ok: bool",
    )
    sample = package / "samples" / "SeekerProfiled.1.json"
    added = sample.with_name("SeekerProfiled.99.json")
    shutil.copy(sample, added)
    edit(added, '"version": 1', '"version": 9')
    news = ["SeekerProfiled", "SeekerProfiled.99.json"]
    assert command(package) == (0, [f"{name}: compatible, not recorded yet" for name in news])
    assert command(package, "--record") == (0, [f"{name}: recorded" for name in news])
    assert command(package) == (0, [])
    assert "shift_ok" in (package / "schemas/SeekerProfiled.json").read_text(encoding="utf-8")
    edit(package / "seekers.py", "    shift_ok: bool = False\n", "")
    assert command(package)[0] == 1


def test_the_command_fails_when_a_record_of_the_past_is_tampered_with(package: Path) -> None:
    edit(package / "samples" / ONE, "sample-employer-1", "sample-employer-2")
    (package / "samples" / "SeekerHired.1.json").unlink()
    (package / "schemas" / "MatchFound.json").unlink()
    status, lines = command(package)
    assert status == 1
    assert [line.split(":")[0] for line in lines] == [
        "MatchFound",
        f"PostingClosed {ONE}",
        "SeekerHired SeekerHired.1.json",
    ]


def test_a_type_is_not_recorded_without_a_sample(package: Path) -> None:
    edit(
        package / "seekers.py",
        "class SeekerGone(Wire):",
        'class SeekerPaused(Event):\n    type: Literal["SeekerPaused"] = "SeekerPaused"\n'
        "    topic: ClassVar[Topic] = SEEKERS\n\n\nclass SeekerGone(Wire):",
    )
    edit(package / "events.py", "import SeekerProfiled,", "import SeekerPaused, SeekerProfiled,")
    edit(
        package / "events.py",
        "        SeekerProfiled,",
        "        SeekerPaused,\n        SeekerProfiled,",
    )
    assert command(package) == (0, ["SeekerPaused: compatible, not recorded yet"])
    assert command(package, "--record") == (1, ["SeekerPaused: has no sample"])


def test_a_misspelt_command_is_not_taken_for_a_check(package: Path) -> None:
    assert command(package, "--recrod") == (2, [])
