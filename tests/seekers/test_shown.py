"""What is kept of a match is shown as the event had it, however much of it went without saying."""

import json
from typing import Any

import pytest

from contracts.events import parse
from contracts.matches import MatchState
from contracts.samples import samples, type_of
from services.seekers.api.shown import MatchOut
from services.seekers.handlers import match_of
from tests.seekers.samples import a_posting_id, found
from tests.support import NOW

LIVE = [value for name, value in samples() if type_of(name) in ("MatchFound", "MatchChanged")]
SEEN = [value for value in LIVE if json.loads(value)["data"]["for_seeker"]]


def shown(record: bytes, state: MatchState) -> MatchOut:
    return MatchOut.of(
        record,
        match_id=state.match_id,
        posting_id=state.posting_id,
        version=1,
        changed_at=NOW,
        score_ppm=state.score_ppm,
    )


@pytest.mark.parametrize("value", SEEN)
def test_what_is_kept_is_the_record_as_it_came(value: bytes) -> None:
    event = parse(value)
    kept = match_of(event, value)
    assert kept is not None
    assert kept.content is value
    said: Any = json.loads(value)["data"]
    out = shown(kept.content, event.data).model_dump(mode="json")  # type: ignore[arg-type]
    assert out["reason"]["params"] == said["reason"].get("params", {})
    assert out["posting"]["title"] == said["posting"]["title"]
    assert [one["code"] for one in out["missing"]] == [
        one["code"] for one in said.get("missing", [])
    ]


@pytest.mark.parametrize("lacks", [True, False])
def test_a_record_of_the_time_when_parts_were_kept_is_shown_like_the_whole(lacks: bool) -> None:
    event = found(a_posting_id())
    if not lacks:
        event = event.model_copy(update={"data": event.data.model_copy(update={"missing": ()})})
    parts = event.data.model_dump(
        mode="json", include={"posting", "reason", "missing"}, exclude_defaults=True
    )
    old = json.dumps({"data": parts}).encode()
    assert shown(old, event.data) == shown(event.encoded(), event.data)


def test_what_the_seeker_does_not_see_is_not_kept() -> None:
    event = found(a_posting_id(), for_seeker=False)
    kept = match_of(event, event.encoded())
    assert kept is not None
    assert kept.content is None
