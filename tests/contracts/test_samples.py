"""The golden samples: every type has some, they read back whole, and they hold no real person."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from contracts.events import (
    EVENT_TYPES,
    CertificateEvent,
    MatchEvent,
    ModelEvent,
    OutcomeEvent,
    PostingEvent,
    VerificationEvent,
    parse,
)
from contracts.matches import MatchChanged, MatchFound, Reason
from contracts.samples import samples, type_of
from contracts.values import PostingId, SeekerId, match_id_of
from contracts.vocabulary.counties import is_place
from contracts.vocabulary.occupations import is_occupation

SAMPLES = dict(samples())
EACH = pytest.mark.parametrize("name", SAMPLES)


def test_every_type_has_a_sample_and_no_sample_is_of_another() -> None:
    assert {type_of(name) for name in SAMPLES} == EVENT_TYPES.keys()


def test_no_two_samples_are_one_event() -> None:
    assert len({parse(value).id for value in SAMPLES.values()}) == len(SAMPLES)


@EACH
def test_a_sample_is_named_after_its_type(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z]+\.[1-9][0-9]*\.json", name)
    assert parse(SAMPLES[name]).type == type_of(name)


@EACH
def test_nothing_of_a_sample_is_lost(name: str) -> None:
    assert _holds(json.loads(parse(SAMPLES[name]).encoded()), json.loads(SAMPLES[name]))


def _holds(now: Any, then: Any) -> bool:
    """Whether all that stood there then stands there now; optional fields may have come."""
    match then:
        case dict():
            return all(key in now and _holds(now[key], held) for key, held in then.items())
        case list():
            return len(now) == len(then) and all(map(_holds, now, then))
        case _:
            return bool(now == then)


@EACH
def test_a_sample_is_about_its_subject(name: str) -> None:
    event = parse(SAMPLES[name])
    if isinstance(event, MatchEvent | OutcomeEvent):
        pair = SeekerId(event.data.seeker_id), PostingId(event.data.posting_id)
        assert event.data.match_id == match_id_of(*pair)
        assert event.subject == str(event.data.match_id)
        assert event.key == str(event.data.seeker_id)
    elif isinstance(event, PostingEvent):
        assert event.subject == event.key == str(event.data.posting_id)
    elif isinstance(event, ModelEvent):
        assert event.subject == event.data.version
        assert re.fullmatch("[0-9a-f]{16}", event.subject)
    elif isinstance(event, VerificationEvent):
        assert event.subject == event.key == event.data.receipt_no != event.data.resolved_by
    else:
        assert event.subject == event.key == str(event.data.seeker_id)


@EACH
def test_the_folder_holds_what_was_verified_and_nothing_that_is_not(name: str) -> None:
    event = parse(SAMPLES[name])
    if isinstance(event, CertificateEvent):
        changed, in_force = event.data.changed, event.data.in_force
        assert all(held.status == "verified" for held in in_force)
        assert (changed in in_force) == (changed.status == "verified")


@EACH
def test_points_add_up_in_every_tree(name: str) -> None:
    event = parse(SAMPLES[name])
    if isinstance(event, MatchFound | MatchChanged):
        assert _points(event.data.reason) == event.data.score_ppm


def _points(reason: Reason) -> int:
    if reason.children:
        assert sum(map(_points, reason.children)) == reason.points_ppm
    return reason.points_ppm


def test_choices_of_models_share_a_key_and_are_numbered() -> None:
    chosen = [event for event in map(parse, SAMPLES.values()) if isinstance(event, ModelEvent)]
    assert {event.key for event in chosen} == {"model"}
    assert [event.version for event in chosen] == list(range(1, len(chosen) + 1))
    assert len({event.subject for event in chosen}) > 1


def test_the_shapes_that_vary_are_all_there() -> None:
    whole = {name: value.decode() for name, value in SAMPLES.items()}
    published = [json.loads(text)["data"] for name, text in whole.items() if "Published" in name]
    assert {"occupation" in posting for posting in published} == {True, False}
    assert {posting["pay"]["unit"] for posting in published} == {"hour", "day", "month", "year"}
    found = [text for name, text in whole.items() if "MatchFound" in name]
    assert any('"certificate_id"' in text for text in found)
    assert not all('"certificate_id"' in text for text in found)
    assert {json.loads(text)["data"]["for_seeker"] for text in found} == {True, False}


PERSONAL = {
    "a mobile number": r"(?<![0-9a-f-])1[3-9][0-9]{9}(?![0-9a-f-])",
    "an identity number": r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9Xx]",
    "an e-mail address": r"[\w.]+@[\w.]+",
    "a certificate number": r"[YS][0-9]{15,21}",
}


@EACH
@pytest.mark.parametrize("kind", PERSONAL)
def test_no_sample_holds_personal_data(name: str, kind: str) -> None:
    assert not re.search(PERSONAL[kind], SAMPLES[name].decode())


@EACH
def test_codes_are_real_and_ids_are_plainly_samples(name: str) -> None:
    for key, value in _leaves(json.loads(SAMPLES[name])):
        match key:
            case "county" | "counties":
                assert is_place(value)
            case "occupation" | "occupations":
                assert is_occupation(value)
            case "employer_id":
                assert value.startswith("sample-employer-")
            case "id" | "posting_id" | "seeker_id" | "certificate_id":
                assert UUID(value).hex[8:12] == "0000"


def _leaves(part: Any, key: str = "") -> list[tuple[str, Any]]:
    match part:
        case dict():
            return [leaf for name, held in part.items() for leaf in _leaves(held, name)]
        case list():
            return [leaf for held in part for leaf in _leaves(held, key)]
        case _:
            return [(key, part)]
