"""What single events do to the stored matches and what is announced of it."""

from collections.abc import Sequence

import pytest

from contracts.events import parse
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.postings import Pay, PostingPublished
from contracts.samples import samples
from contracts.topics import CERTIFICATES, POSTINGS, SEEKERS
from contracts.values import PayUnit, match_id_of
from services.matcher.actions import CHUNK
from services.matcher.handlers import arrivals_of
from services.matcher.store import documents
from tests.matcher.harness import Matcher, folded
from tests.matcher.market import (
    MarketEvent,
    certificate,
    closed,
    lapsed,
    posting_id,
    posting_state,
    profiled,
    published,
    revised,
    sample_market,
    seeker_id,
    seeker_state,
    verified,
    withdrawn,
)

WELDER = "6-18-02-04"
JOB = posting_state(
    1,
    {
        "title": "电焊工",
        "text": "负责氩弧焊和二保焊，能看图纸。",
        "occupation": WELDER,
        "county": "530102",
        "pay": {"min": 6000, "max": 9000, "unit": "month"},
        "skills": [{"name": "氩弧焊"}, {"name": "识图", "required": False}],
        "valid_until": "2026-06-30T23:59:59+08:00",
    },
)
PERSON = seeker_state(
    1,
    {
        "titles": ["焊工"],
        "text": "会氩弧焊，看得懂图纸。",
        "occupations": [WELDER],
        "skills": ["氩弧焊"],
        "counties": ["530100"],
    },
)
MATCH = match_id_of(seeker_id(1), posting_id(1))  # type: ignore[arg-type]


async def test_a_posting_and_a_seeker_that_fit_become_a_match(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON))
    await matcher.take(published(JOB))
    (found,) = await matcher.announced()
    assert isinstance(found, MatchFound)
    assert (found.subject, found.version, found.data.match_id) == (str(MATCH), 1, MATCH)
    assert (found.data.posting.title, found.data.posting.employer_id) == ("电焊工", "firm-1")
    assert found.data.for_seeker
    assert found.data.for_posting
    assert found.data.score_ppm == found.data.reason.points_ppm
    await matcher.assert_exact()


async def test_a_commuter_is_matched_across_the_border_of_the_home_county(
    matcher: Matcher,
) -> None:
    # 盘龙 borders 五华, where the job is.
    at_home = PERSON.model_copy(update={"counties": ("530103",)})
    await matcher.take(published(JOB), profiled(at_home))
    assert await matcher.announced() == []
    await matcher.take(profiled(at_home.model_copy(update={"commute": True}), 2))
    (found,) = await matcher.announced()
    assert isinstance(found, MatchFound)
    (fit,) = (part for part in found.data.reason.children if part.code == "fit")
    (place,) = (part for part in fit.children if part.code == "fit.place")
    assert place.params == {"county": "530102", "near": "neighbour"}
    await matcher.assert_exact()
    await matcher.take(profiled(at_home, 3))
    assert [event.type for event in await matcher.announced()] == ["MatchFound", "MatchWithdrawn"]
    await matcher.assert_exact()


async def test_the_same_batch_again_announces_nothing(matcher: Matcher) -> None:
    batch: list[MarketEvent] = [
        profiled(PERSON),
        published(JOB),
        verified(seeker_id(1), 1, certificate(1, WELDER, 3)),
    ]
    await matcher.take(*batch)
    await matcher.take(*batch)
    await matcher.take(*reversed(batch))
    assert len(await matcher.announced()) == 1


async def test_a_version_that_is_older_changes_nothing(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON, 3), published(JOB, 2))
    await matcher.take(withdrawn(seeker_id(1), 2), closed(JOB, 1))
    await matcher.take(withdrawn(seeker_id(1), 3), closed(JOB, 2))
    assert [event.type for event in await matcher.announced()] == ["MatchFound"]


async def test_within_a_batch_the_highest_version_counts(matcher: Matcher) -> None:
    await matcher.take(published(JOB, 2), closed(JOB, 3), published(JOB, 1), profiled(PERSON))
    assert await matcher.live() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "电焊工（急聘）"},
        {"county": "530103"},
        {"pay": Pay(min=6001, max=9000, unit=PayUnit.MONTH)},
        {"employer_id": "firm-9"},
    ],
)
async def test_what_a_seeker_is_shown_of_the_posting_is_announced_when_it_changes(
    matcher: Matcher, change: dict[str, object]
) -> None:
    await matcher.take(profiled(PERSON), published(JOB))
    await matcher.take(revised(JOB.model_copy(update=change), 2))
    found, changed = await matcher.announced()
    assert isinstance(changed, MatchChanged)
    assert changed.version == 2
    assert changed.data.posting != found.data.posting  # type: ignore[union-attr]
    await matcher.assert_exact()


async def test_pay_that_scores_the_same_is_announced_all_the_same(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON), published(JOB))
    raised = JOB.model_copy(update={"pay": Pay(min=7000, max=9000, unit=PayUnit.MONTH)})
    await matcher.take(revised(raised, 2))
    found, changed = await matcher.announced()
    assert isinstance(found, MatchFound)
    assert isinstance(changed, MatchChanged)
    assert changed.data.score_ppm == found.data.score_ppm
    assert changed.data.posting.pay.min == 7000


async def test_a_revision_of_what_nobody_is_shown_announces_nothing(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON), published(JOB))
    await matcher.take(revised(JOB.model_copy(update={"headcount": 9}), 2))
    assert len(await matcher.announced()) == 1


async def test_a_certificate_counts_when_it_is_verified_and_stops_when_it_lapses(
    matcher: Matcher,
) -> None:
    asked = [{"occupation": WELDER, "level": 3}]
    strict = posting_state(1, JOB.model_dump(mode="json") | {"certificates": asked})
    held = certificate(1, WELDER, 4)
    await matcher.take(profiled(PERSON), published(strict))
    assert await matcher.announced() == []
    await matcher.take(verified(seeker_id(1), 1, held))
    await matcher.take(lapsed(seeker_id(1), 2, held))
    await matcher.take(verified(seeker_id(1), 3, held))
    events = await matcher.announced()
    assert [(event.type, event.version) for event in events] == [
        ("MatchFound", 1),
        ("MatchWithdrawn", 2),
        ("MatchFound", 3),
    ]
    assert str(held.certificate_id) in events[0].model_dump_json()


async def test_a_certificate_may_come_before_the_profile(matcher: Matcher) -> None:
    asked = [{"occupation": WELDER, "level": 3}]
    strict = posting_state(1, JOB.model_dump(mode="json") | {"certificates": asked})
    await matcher.take(published(strict), verified(seeker_id(1), 1, certificate(1, WELDER, 4)))
    await matcher.restart()
    await matcher.take(profiled(PERSON))
    assert len(await matcher.live()) == 1


async def test_who_withdraws_leaves_nothing_but_a_version(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON), published(JOB))
    await matcher.take(withdrawn(seeker_id(1), 2))
    async with matcher.db.transaction() as tx:
        kept = await tx.fetchrow("SELECT version, document, terms FROM seekers")
    assert dict(kept or {}) == {"version": 2, "document": None, "terms": None}
    gone = (await matcher.announced())[-1]
    assert isinstance(gone, MatchWithdrawn)
    assert gone.data.employer_id == "firm-1"
    await matcher.take(profiled(PERSON, 3))
    assert folded(await matcher.announced())[str(MATCH)][0] == 3


async def test_a_closed_posting_withdraws_its_matches(matcher: Matcher) -> None:
    await matcher.take(profiled(PERSON), published(JOB))
    await matcher.take(closed(JOB, 2))
    gone = (await matcher.announced())[-1]
    assert isinstance(gone, MatchWithdrawn)
    assert gone.data.employer_id == "firm-1"
    assert await matcher.live() == {}


async def test_documents_come_back_from_the_store_as_they_went_in(matcher: Matcher) -> None:
    batch = list(sample_market(20, 20))
    await matcher.take(*batch)
    arrived = arrivals_of(batch)
    held = {folder.seeker_id: folder.held for folder in arrived.folders}
    async with matcher.db.transaction() as tx:
        postings = await documents.select_postings(tx, [p.posting_id for p in arrived.postings])
        seekers = await documents.select_seekers(tx, [s.seeker_id for s in arrived.seekers])
    assert {key: row.doc for key, row in postings.items()} == {
        doc.posting_id: doc for doc in arrived.postings
    }
    assert {row.doc: row.held for row in seekers.values()} == {
        seeker: held.get(seeker.seeker_id, ()) for seeker in arrived.seekers
    }


async def test_every_sample_of_the_topics_read_is_taken(matcher: Matcher) -> None:
    events = [parse(value) for _, value in samples()]
    read = [event for event in events if event.topic in (POSTINGS, SEEKERS, CERTIFICATES)]
    assert len(read) >= 9
    for event in read:
        await matcher.take(event)
    await matcher.take(*events)
    await matcher.assert_exact()


async def test_statements_of_a_batch_do_not_grow_with_its_rows(matcher: Matcher) -> None:
    """Seven at most for the documents, and three for each CHUNK of pairs that change.

    Where no document is at hand, as after a start, each chunk reads those of both sides, and those
    are read once who must be searched for again.
    """
    matcher.limits = {"k_s": 25, "k_p": 25, "tau_ppm": 0}
    await matcher.restart()
    # The first of each shape on a connection asks for the types it needs.
    await matcher.take(*sample_market(20, 20, seed=2))
    market = list(sample_market(120, 120))
    sizes = (60, 60, len(market))
    changed = len(await matcher.announced())
    for size in sizes:
        batch, market = market[:size], market[size:]
        statements, before = await statements_of(matcher, batch), changed
        changed = len(await matcher.announced())
        chunks = -(-(changed - before) // CHUNK)
        assert len(statements) <= 7 + 3 * chunks, statements
    assert chunks > 1
    await matcher.restart()
    again = [event for event in sample_market(120, 120) if isinstance(event, PostingPublished)]
    lower = {"pay": Pay(min=1, max=2, unit=PayUnit.MONTH)}
    statements = await statements_of(
        matcher, [revised(event.data.model_copy(update=lower), 2) for event in again]
    )
    chunks = -(-(len(await matcher.announced()) - changed) // CHUNK)
    assert chunks > 1
    assert len(statements) <= 8 + 5 * chunks, statements


async def statements_of(matcher: Matcher, batch: Sequence[MarketEvent]) -> list[str]:
    matcher.db.statements.clear()
    await matcher.take(*batch)
    return [*matcher.db.statements]
