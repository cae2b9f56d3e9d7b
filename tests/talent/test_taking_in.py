"""Postings and matches are kept by version: order and repetition of events change nothing."""

import random
from collections.abc import Sequence

import pytest

from contracts.events import AnyEvent, MatchEvent, PostingEvent, parse
from contracts.samples import samples
from contracts.topics import MATCHES, POSTINGS
from services.talent.actions import take_in
from services.talent.domain import Match
from services.talent.handlers import Misplaced, kept_of
from tests.talent.conftest import TalentDoor
from tests.talent.samples import (
    OTHER_POSTING,
    POSTING,
    a_match,
    a_posting,
    a_seeker_id,
    closed,
    withdrawn,
)

HISTORY: Sequence[AnyEvent] = (
    a_posting(),
    a_posting(OTHER_POSTING),
    a_match(1),
    a_match(2, 700_000),
    a_match(1, 650_000, version=2),
    a_posting(version=2, title="焊工（夜班）"),
    withdrawn(2, version=2),
    a_match(3, 500_000, posting_id=OTHER_POSTING),
    a_match(2, 710_000, version=3),
    a_match(3, 500_000, version=2, posting_id=OTHER_POSTING, for_posting=False),
    withdrawn(1, version=3),
    closed(OTHER_POSTING, version=2),
)


async def test_a_match_comes_changes_and_goes(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1), a_match(2, 700_000))
    assert await door.seekers() == [str(a_seeker_id(2)), str(a_seeker_id(1))]
    await door.hear(a_match(1, 800_000, version=2))
    assert await door.seekers() == [str(a_seeker_id(1)), str(a_seeker_id(2))]
    await door.hear(withdrawn(1, version=3))
    assert await door.seekers() == [str(a_seeker_id(2))]
    await door.hear(a_match(1, 900_000, version=4))
    assert await door.seekers() == [str(a_seeker_id(1)), str(a_seeker_id(2))]


async def test_what_is_live_for_the_seeker_alone_is_not_the_posting_s(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1, for_posting=False), a_match(2))
    assert await door.seekers() == [str(a_seeker_id(2))]
    await door.hear(a_match(2, version=2, for_posting=False), a_match(1, version=2))
    assert await door.seekers() == [str(a_seeker_id(1))]


@pytest.mark.parametrize("seed", range(8))
async def test_redelivery_and_reorder_change_nothing(door: TalentDoor, seed: int) -> None:
    await door.hear(*HISTORY)
    expected = await door.everything()
    async with door.db.transaction() as tx:
        await tx.execute("TRUNCATE postings, matches")
    draw = random.Random(seed)
    events = [*HISTORY, *draw.choices(HISTORY, k=10)]
    draw.shuffle(events)
    while events:
        batch = [events.pop() for _ in range(min(len(events), draw.randint(1, 5)))]
        await door.hear(*batch)
    assert await door.everything() == expected


async def test_a_withdrawal_heard_first_is_not_undone_by_what_it_withdrew(
    door: TalentDoor,
) -> None:
    await door.hear(a_posting())
    await door.hear(withdrawn(1, version=2))
    await door.hear(a_match(1, version=1))
    assert await door.seekers() == []


async def test_the_same_version_is_not_taken_twice(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1, 600_000))
    await door.hear(a_match(1, 900_000))
    (match,) = (await door.matches())["items"]
    assert match["score_ppm"] == 600_000


async def test_every_golden_sample_is_taken_in(door: TalentDoor) -> None:
    events = [parse(value) for _, value in samples()]
    mine = [event for event in events if event.topic in (POSTINGS, MATCHES)]
    assert {event.type for event in mine} == {
        "PostingPublished",
        "PostingRevised",
        "PostingClosed",
        "MatchFound",
        "MatchChanged",
        "MatchWithdrawn",
    }
    for event in mine:
        await door.hear(event)
    before = await door.everything()
    await door.hear(*mine)
    assert await door.everything() == before
    assert {row[0] for row in before["postings"]} == {
        event.data.posting_id for event in mine if isinstance(event, PostingEvent)
    }
    operator = door.caller("op-1", "operator")
    for event in mine:
        if isinstance(event, MatchEvent):
            answer = await operator.get(f"/v1/postings/{event.data.posting_id}/matches")
            assert answer.status_code in (200, 404)


async def test_what_does_not_belong_here_is_refused_so_that_it_is_parked(
    door: TalentDoor,
) -> None:
    stray = next(
        event for event in (parse(value) for _, value in samples()) if event.type == "SeekerHired"
    )
    with pytest.raises(Misplaced):
        await door.hear(a_posting(), stray)


async def test_a_batch_is_kept_whole_or_not_at_all(door: TalentDoor) -> None:
    posting = a_posting(POSTING, title="含\0的标题")
    match = kept_of(a_match(1), b"{}")
    assert isinstance(match, Match)
    with pytest.raises(Exception, match="0x00"):
        await take_in(door.db, [posting], [match])
    assert await door.everything() == {"postings": [], "matches": []}
