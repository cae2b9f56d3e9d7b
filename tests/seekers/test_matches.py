"""What the matcher says is kept, listed best first with its reasons, and told of once."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from random import Random

import httpx
import pytest

from contracts.events import MatchEvent, parse
from contracts.matches import content_in
from contracts.samples import samples, type_of
from contracts.values import PostingId, match_id_of
from services.seekers.actions.live import Start, find_start
from services.seekers.actions.matches import trim_feeds
from tests.seekers.conftest import Door
from tests.seekers.samples import LI_NA_ID, PROFILE, a_posting_id, changed, found, withdrawn

MINE = f"/v1/seekers/{LI_NA_ID}"
A, B, C = sorted(a_posting_id() for _ in range(3))

pytestmark = pytest.mark.usefixtures("looking")


async def test_a_found_match_is_listed_with_its_reasons_in_words(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await door.hear(found(A))
    page = (await li_na.get(f"{MINE}/matches")).json()
    (match,) = page["items"]
    assert match["match_id"] == str(match_id_of(LI_NA_ID, A))
    assert match["score_ppm"] == 500_000
    assert match["posting"]["title"] == "养老护理员"
    assert match["posting"]["place"] == {"zh": "昆明市五华区", "en": "Wuhua, Kunming"}
    assert match["posting"]["pay_text"]["zh"] == "5000–7000 元/月"
    (skills,) = match["reason"]["children"]
    (skill,) = skills["children"]
    assert "失能照护" in skill["text"]["zh"]
    assert skill["text"]["en"].isascii() is False
    assert skill["points_ppm"] == match["score_ppm"]
    (missing,) = match["missing"]
    assert "鼻饲" in missing["text"]["zh"]
    assert page["position"] == 1


async def test_the_list_is_best_first_and_pages_without_losing_any(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    scores = {A: 400_000, B: 700_000, C: 400_000}
    await door.hear(*(found(posting, score_ppm=score) for posting, score in scores.items()))
    first = (await li_na.get(f"{MINE}/matches", params={"limit": 2})).json()
    await door.hear(found(a_posting_id(), score_ppm=900_000))
    second = await li_na.get(f"{MINE}/matches", params={"limit": 2, "cursor": first["next"]})
    listed = [match["posting_id"] for match in first["items"] + second.json()["items"]]
    assert listed == [str(B), str(A), str(C)]
    assert (first["position"], second.json()["position"], second.json()["next"]) == (3, 3, None)


async def test_only_what_is_among_the_seekers_best_is_shown(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await door.hear(found(A, for_seeker=False))
    assert (await li_na.get(f"{MINE}/matches")).json()["items"] == []
    assert await door.told() == []


async def test_a_redelivered_match_notifies_once(door: Door) -> None:
    event = found(A)
    await door.hear(event)
    await door.hear(event, event)
    assert await door.told() == [(1, "found", True)]


async def test_an_older_version_changes_nothing(door: Door, li_na: httpx.AsyncClient) -> None:
    await door.hear(changed(A, 3, 600_000))
    await door.hear(found(A, 1, 900_000), changed(A, 2, 800_000))
    (match,) = (await li_na.get(f"{MINE}/matches")).json()["items"]
    assert (match["version"], match["score_ppm"]) == (3, 600_000)
    assert await door.told() == [(1, "found", True)]


async def test_a_withdrawn_match_stays_withdrawn_though_its_finding_comes_again(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await door.hear(found(A), withdrawn(A, 2))
    await door.hear(found(A))
    assert (await li_na.get(f"{MINE}/matches")).json()["items"] == []
    assert await door.told() == [(1, "found", True), (2, "withdrawn", False)]


async def test_a_withdrawal_that_comes_first_is_remembered(door: Door) -> None:
    await door.hear(withdrawn(A, 2))
    await door.hear(found(A))
    assert await door.told() == []


async def test_a_materially_better_match_notifies_again(door: Door) -> None:
    await door.hear(found(A, 1, 500_000))
    await door.hear(changed(A, 2, 549_999))
    await door.hear(changed(A, 3, 550_000))
    await door.hear(changed(A, 4, 599_999))
    assert await door.told() == [
        (1, "found", True),
        (2, "changed", False),
        (3, "improved", True),
        (4, "changed", False),
    ]


async def test_slow_improvement_counts_from_what_was_told_last(door: Door) -> None:
    await door.hear(*(changed(A, n, 500_000 + 10_000 * n) for n in range(1, 12)))
    notified = [seq for seq, _, notify in await door.told() if notify]
    assert notified == [1, 6, 11]


async def test_a_change_nobody_can_see_is_not_told(door: Door) -> None:
    await door.hear(found(A))
    await door.hear(found(A, 2, model="m2"), found(A, 3, for_posting=False))
    assert await door.told() == [(1, "found", True)]
    await door.hear(changed(A, 4, 500_000, title="护理员"))
    assert (await door.told())[1:] == [(2, "changed", False)]


async def test_leaving_the_seekers_side_is_a_withdrawal_and_coming_back_no_news(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await door.hear(found(A), changed(A, 2, 500_000, for_seeker=False))
    assert (await li_na.get(f"{MINE}/matches")).json()["items"] == []
    await door.hear(changed(A, 3, 500_000))
    assert await door.told() == [
        (1, "found", True),
        (2, "withdrawn", False),
        (3, "found", False),
    ]
    await door.hear(withdrawn(A, 4), found(A, 5, 560_000))
    assert (await door.told())[3:] == [(4, "withdrawn", False), (5, "found", True)]


async def test_who_withdrew_is_not_interrupted_but_told_on_coming_back(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await li_na.delete(MINE)
    await door.hear(found(A), found(B, 1, 600_000))
    assert await door.told() == [(1, "found", False), (2, "found", False)]
    await li_na.put(MINE, json=PROFILE, headers={"If-Match": "*"})
    assert (await door.told())[2:] == [(3, "found", True), (4, "found", True)]
    assert [entry.posting_id for entry in await door.feed()][2:] == [B, A]
    await li_na.put(MINE, json=PROFILE, headers={"If-Match": "*"})
    assert len(await door.told()) == 4


async def test_batches_at_once_leave_no_gap_and_no_double(door: Door) -> None:
    random = Random(7)
    postings = [a_posting_id() for _ in range(20)]
    events: list[MatchEvent] = []
    for posting in postings:
        events += [found(posting), changed(posting, 2, 600_000), withdrawn(posting, 3)]
    shuffled = random.sample(events * 2, k=len(events) * 2)
    batches = [shuffled[n : n + 6] for n in range(0, len(shuffled), 6)]
    await asyncio.gather(*(door.hear(*batch) for batch in batches))
    entries = await door.feed()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    for posting in postings:
        versions = [entry.match_version for entry in entries if entry.posting_id == posting]
        assert all(earlier < later for earlier, later in pairwise(versions))
    told = [entry for entry in entries if entry.notify]
    assert len({(entry.match_id, entry.score_ppm) for entry in told}) == len(told)


MATCH_SAMPLES = [(name, value) for name, value in samples() if type_of(name).startswith("Match")]


@pytest.mark.parametrize(("name", "value"), MATCH_SAMPLES, ids=[name for name, _ in MATCH_SAMPLES])
async def test_every_golden_sample_of_the_topic_is_handled(
    door: Door, name: str, value: bytes
) -> None:
    event = parse(value)
    await door.hear(event)
    async with door.db.transaction() as tx:
        rows = await tx.fetch("SELECT version, standing FROM matches")
    if event.topic.name == "rengang.matches":
        assert [row["version"] for row in rows] == [event.version]
    else:
        assert rows == []


async def test_unknown_fields_and_codes_are_shown_as_they_are(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    event = found(A).model_dump(mode="json")
    event["data"]["reason"]["code"] = "telepathy"
    event["data"]["reason"]["new"] = {"x": 1}
    await door.hear(found(A).model_validate(event))
    (match,) = (await li_na.get(f"{MINE}/matches")).json()["items"]
    assert "telepathy" in match["reason"]["text"]["en"]


async def test_feeds_are_trimmed_by_age_and_say_so(door: Door) -> None:
    await door.hear(found(A), found(B))
    door.clock.pass_(days=31)
    await door.hear(found(C))
    assert await trim_feeds(door.db, door.clock() - timedelta(days=30)) == 2
    assert await door.told() == [(3, "found", True)]
    assert await find_start(door.db, LI_NA_ID, after=1, from_start=False) == Start(3, lost=True)
    assert await find_start(door.db, LI_NA_ID, after=2, from_start=False) == Start(2)
    assert await find_start(door.db, LI_NA_ID, after=9, from_start=False) == Start(3, lost=True)
    assert await find_start(door.db, LI_NA_ID, after=None, from_start=True) == Start(2)
    assert await find_start(door.db, LI_NA_ID, after=None, from_start=False) == Start(3)
    await door.hear(changed(C, 2, 600_000))
    assert (await door.told())[-1] == (4, "improved", True)


async def test_a_match_is_shown_as_before_when_the_entry_that_told_of_it_is_trimmed(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    await door.hear(found(A), found(B, 1, 400_000))
    listed = (await li_na.get(f"{MINE}/matches")).json()["items"]
    door.clock.pass_(days=31)
    assert await trim_feeds(door.db, door.clock() - timedelta(days=30)) == 2
    assert (await li_na.get(f"{MINE}/matches")).json()["items"] == listed
    # What nobody can see is still no news, and what can be seen still is.
    await door.hear(changed(A, 2, 500_000, model="m2"))
    assert await door.told() == []
    (first, _) = (await li_na.get(f"{MINE}/matches")).json()["items"]
    assert (first["version"], first["reason"]) == (2, listed[0]["reason"])
    await door.hear(changed(A, 3, 500_000, title="护理员"), withdrawn(B, 2))
    assert await door.told() == [(3, "changed", False), (4, "withdrawn", False)]
    (only,) = (await li_na.get(f"{MINE}/matches")).json()["items"]
    assert only["posting"]["title"] == "护理员"


async def test_a_replayed_entry_says_what_was_said_then(door: Door) -> None:
    await door.hear(found(A, title="a"), changed(A, 2, 500_000, title="b"))
    await door.hear(changed(A, 3, 500_000, title="c"), withdrawn(A, 4), found(A, 5, title="d"))
    told = [
        entry.content and content_in(entry.content).posting.title for entry in await door.feed()
    ]
    assert told == ["a", "b", "c", None, "d"]


async def test_who_comes_back_while_a_match_is_found_is_told_of_it(
    door: Door, li_na: httpx.AsyncClient
) -> None:
    """However the two interleave, nobody's coming back falls between asking and writing."""
    for n in range(12):
        posting = a_posting_id()
        await li_na.delete(MINE)

        async def hear(posting: PostingId = posting, after_s: float = n * 0.001) -> None:
            await asyncio.sleep(after_s)
            await door.hear(found(posting))

        back = li_na.put(MINE, json=PROFILE, headers={"If-Match": "*"})
        answer, _ = await asyncio.gather(back, hear())
        assert answer.status_code == 200
        notified = [entry.posting_id for entry in await door.feed() if entry.notify]
        assert notified.count(posting) == 1
