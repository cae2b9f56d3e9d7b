"""What is kept of a match is shown as the event had it, however much of it went without saying."""

import pytest

from contracts.matches import MatchState
from contracts.values import PostingId
from services.seekers.api.shown import MatchOut
from services.seekers.handlers import live_match_of
from tests.seekers.samples import a_posting_id, found
from tests.support import NOW


def shown(state: MatchState, *, whole: bool) -> MatchOut:
    kept = live_match_of(state, 1).content
    content = state.model_dump(mode="json") if whole else kept
    assert content is not None
    return MatchOut.of(
        content,
        match_id=state.match_id,
        posting_id=state.posting_id,
        version=1,
        changed_at=NOW,
        score_ppm=state.score_ppm,
    )


@pytest.mark.parametrize("lacks", [True, False])
def test_what_is_kept_is_shown_like_the_whole(lacks: bool) -> None:
    state = found(PostingId(a_posting_id())).data
    if not lacks:
        state = state.model_copy(update={"missing": ()})
    assert shown(state, whole=False) == shown(state, whole=True)


def test_what_goes_without_saying_is_not_kept() -> None:
    kept = live_match_of(found(a_posting_id()).data, 1).content
    assert kept is not None
    leaf = kept["reason"]["children"][0]["children"][0]
    assert "children" not in leaf
    assert "params" not in kept["reason"]
