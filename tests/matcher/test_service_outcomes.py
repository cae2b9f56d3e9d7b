"""Outcomes are kept once, with what the pair was made of, and weights are learned from them."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from uuid import UUID

import pytest

from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.postings import PostingPublished
from contracts.seekers import SeekerProfiled
from contracts.topics import OUTCOMES, SEEKERS
from contracts.values import PostingId, SeekerId
from services.kit.provision import provision
from services.matcher.actions import explain_pair
from services.matcher.domain.base_model import base_model
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.model import Model, Weights
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.handlers import arrivals_of
from services.matcher.index.making import made_by
from services.matcher.learn import NothingToLearn, learn_stored
from services.matcher.learning.comparing import Verdict
from services.matcher.learning.outcomes import NAMES, Kind, Noted, Outcome
from services.matcher.settings import Shard
from services.matcher.store import outcomes
from tests.kit.door import eventually
from tests.matcher.harness import Matcher, running
from tests.matcher.market import (
    MarketEvent,
    closed,
    posting_id,
    profiled,
    sample_market,
    seeker_id,
    withdrawn,
)
from tests.matcher.outcomes import LOCAL, outcome_event, said_by_people_who_want
from tests.matcher.running import is_ready, living, settings
from tests.matcher.test_service_bus import PATIENCE_S, send
from tests.support import opened

MARKET = list(sample_market(20, 30))
FIRST_POSTING = next(event for event in MARKET if isinstance(event, PostingPublished)).data
FIRST_SEEKER = next(event for event in MARKET if isinstance(event, SeekerProfiled)).data
PAIR = FIRST_SEEKER.seeker_id, FIRST_POSTING.posting_id


async def kept(matcher: Matcher) -> list[Noted]:
    async with matcher.db.transaction() as tx:
        found = [each async for page in outcomes.all_outcomes(tx, 10) for each in page]
    return sorted(found, key=lambda each: each.outcome.event_id)


# Noting.


async def test_an_outcome_is_kept_once_with_what_the_pair_is_made_of(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    live, told = await matcher.live(), await matcher.announced()
    event = outcome_event(MatchDeclined, *PAIR, reason="too_far")
    await matcher.take(event, event)
    await matcher.take(event)
    (noted,) = await kept(matcher)
    assert noted.outcome == Outcome(
        event.id, SeekerId(PAIR[0]), PostingId(PAIR[1]), Kind.DECLINED, "too_far", event.time
    )
    explained = await explain_pair(matcher.index, SeekerId(PAIR[0]), PostingId(PAIR[1]))
    assert explained is not None
    weights = asdict(matcher.index.model.weights)
    mean = sum(weights[name] * noted.parts[name] for name in NAMES) / 1_000_000
    assert explained.explanation.score_ppm == pytest.approx(mean, abs=20)
    assert noted.by == made_by(matcher.index.model)
    # Promise 4: a match does not change by what is said of it.
    assert (await matcher.live(), await matcher.announced()) == (live, told)
    await matcher.assert_exact()


async def test_every_kind_of_outcome_is_kept_and_no_text_of_anybody(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    await matcher.take(
        outcome_event(MatchAccepted, *PAIR),
        outcome_event(SeekerInvited, *PAIR),
        outcome_event(SeekerHired, *PAIR, reason="too_far"),
        outcome_event(MatchDeclined, *PAIR),
        outcome_event(MatchDeclined, *PAIR, reason="我住在学校旁边，太远了"),
    )
    assert [(each.outcome.kind, each.outcome.reason) for each in await kept(matcher)] == [
        (Kind.ACCEPTED, None),
        (Kind.INVITED, None),
        (Kind.HIRED, None),
        (Kind.DECLINED, None),
        (Kind.DECLINED, "other"),
    ]


async def test_an_outcome_in_one_batch_with_its_documents_finds_them(matcher: Matcher) -> None:
    await matcher.take(outcome_event(MatchAccepted, *PAIR), *MARKET)
    assert len(await kept(matcher)) == 1


async def test_a_closed_posting_still_teaches_with_its_text(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    await matcher.take(outcome_event(MatchAccepted, *PAIR), closed(FIRST_POSTING, 2))
    await matcher.take(outcome_event(SeekerHired, *PAIR))
    before, after = await kept(matcher)
    assert after.parts == before.parts
    assert after.parts["text"] > 0


async def test_a_later_profile_does_not_change_what_was_kept(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    event = outcome_event(MatchAccepted, *PAIR)
    await matcher.take(event)
    before = await kept(matcher)
    await matcher.take(profiled(FIRST_SEEKER.model_copy(update={"skills": (), "text": ""}), 2))
    await matcher.take(event)
    assert await kept(matcher) == before
    await matcher.take(outcome_event(MatchDeclined, *PAIR))
    assert (await kept(matcher))[1].parts != before[0].parts


async def test_pairs_that_are_not_known_are_left_out(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    await matcher.take(
        outcome_event(MatchAccepted, PAIR[0], posting_id(999)),
        outcome_event(MatchAccepted, seeker_id(999), PAIR[1]),
        outcome_event(MatchAccepted, *PAIR),
    )
    assert len(await kept(matcher)) == 1


async def test_who_withdraws_is_forgotten(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    other = seeker_id(2)
    await matcher.take(
        outcome_event(MatchAccepted, *PAIR), outcome_event(MatchAccepted, other, PAIR[1])
    )
    late = outcome_event(SeekerHired, *PAIR)
    await matcher.take(withdrawn(PAIR[0], 2))
    await matcher.take(late)
    assert [each.outcome.seeker_id for each in await kept(matcher)] == [other]


async def test_what_could_not_be_written_is_written_when_it_comes_again(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    event = outcome_event(MatchAccepted, *PAIR)
    await matcher.try_to_take([event], "before commit")
    assert await kept(matcher) == []
    await matcher.try_to_take([event], "after commit")
    await matcher.take(event)
    assert len(await kept(matcher)) == 1
    await matcher.assert_exact()


def test_a_shard_reads_the_outcomes_of_its_own_seekers() -> None:
    for shard in (Shard(0, 1), Shard(1, 3)):
        assert shard.partitions(OUTCOMES) == shard.partitions(SEEKERS)


async def test_outcomes_move_with_their_seekers_to_shards_of_another_count(
    empty_database: str,
) -> None:
    people = [seeker_id(number) for number in range(1, 31)]
    said = [outcome_event(MatchAccepted, who, PAIR[1]) for who in people]
    async with running(empty_database) as one:
        await one.take(*MARKET, *said)
        before = await kept(one)
    assert len(before) == 30
    moved: list[Noted] = []
    for shard in (Shard(0, 2), Shard(1, 2)):
        async with running(empty_database, shard=shard) as half:
            # The topic is read again by a group of another name.
            await half.take(*(each for each in said if shard.owns(SeekerId(UUID(each.key)))))
            mine = await kept(half)
            assert all(shard.owns(each.outcome.seeker_id) for each in mine)
            moved += mine
    assert sorted(moved, key=lambda each: each.outcome.event_id) == before
    async with opened(empty_database) as db, db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM shard_0_of_1.outcomes") == 0


async def test_outcomes_of_the_bus_are_kept(empty_database: str, kafka_server: str) -> None:
    await provision(kafka_server)
    market: list[MarketEvent] = list(sample_market(3, 3, seed=77))
    chosen = settings(empty_database, kafka_server)
    async with living(chosen) as door, opened(empty_database) as db:
        await eventually(lambda: is_ready(door), PATIENCE_S)
        await send(kafka_server, market)

        async def count(table: str) -> int:
            async with db.transaction() as tx:
                return int(await tx.fetchval(f"SELECT count(*) FROM shard_0_of_1.{table}"))

        async def arrived() -> bool:
            return await count("postings") >= 3 and await count("seekers") >= 3

        await eventually(arrived, PATIENCE_S)
        event = outcome_event(MatchAccepted, seeker_id(1), posting_id(1))
        await send(kafka_server, [event, event])

        async def is_kept() -> bool:
            return await count("outcomes") > 0

        await eventually(is_kept, PATIENCE_S)
        assert await count("outcomes") == 1


# Learning.


async def models_of(matcher: Matcher) -> dict[str, tuple[bool, bytes, int | None]]:
    async with matcher.db.transaction() as tx:
        rows = await tx.fetch("SELECT version, active, artefact, documents FROM models")
    return {row["version"]: (row["active"], row["artefact"], row["documents"]) for row in rows}


async def test_a_better_model_is_stored_and_can_be_put_in_force(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    await said_by_people_who_want(matcher, LOCAL, 2000)
    dry = await asyncio.to_thread(learn_stored, matcher.url, dry_run=True)
    assert (dry.verdict, dry.stored, len(await models_of(matcher))) == (Verdict.BETTER, False, 1)
    found = await asyncio.to_thread(learn_stored, matcher.url)
    assert (found.version, found.stored, found.known_before) == (dry.version, True, False)
    assert found.version is not None
    active, artefact, fitted_to = (await models_of(matcher))[found.version]
    model = Model.from_bytes(artefact)
    assert (active, fitted_to) == (False, None)
    assert asdict(model.weights) == found.weights_after
    assert model.weights.place > base_model().weights.place
    assert model.idf.tobytes() == base_model().idf.tobytes()
    assert (model.limits.k_s, model.limits.k_p) == (20, 30)
    assert found.foreign == found.silent == 0
    again = await asyncio.to_thread(learn_stored, matcher.url)
    assert (again.version, again.known_before) == (found.version, True)
    await matcher.switch(found.version)
    await matcher.assert_exact()


async def test_tau_follows_the_weights(matcher: Matcher) -> None:
    """Under these weights all scores are higher: by the old τ nearly everybody would be live."""
    await matcher.take(*MARKET)
    await said_by_people_who_want(matcher, LOCAL, 2000)
    found = await asyncio.to_thread(learn_stored, matcher.url)
    moved = found.threshold
    assert moved is not None
    assert found.version is not None
    model = Model.from_bytes((await models_of(matcher))[found.version][1])
    assert model.limits.tau_ppm == moved.after_ppm > moved.before_ppm
    assert moved.live_unmoved > 2 * moved.live > 0
    eligible = scores_of_eligible_pairs(model)
    assert len(eligible) == moved.pairs
    assert sum(each >= moved.after_ppm for each in eligible) == moved.live


def scores_of_eligible_pairs(model: Model) -> list[int]:
    """Of the whole market, which is smaller than a sample."""
    arrived = arrivals_of(MARKET)
    held = {folder.seeker_id: folder.held for folder in arrived.folders}
    jobs = [prepare_posting(model, doc) for doc in arrived.postings]
    people = [prepare_seeker(model, doc, held.get(doc.seeker_id, ())) for doc in arrived.seekers]
    return [
        score(job, person).score_ppm
        for job in jobs
        for person in people
        if not broken_rules(job, person)
    ]


async def test_outcomes_of_all_shards_are_learned_from(empty_database: str) -> None:
    async with (
        running(empty_database, shard=Shard(0, 2)) as first,
        running(empty_database, shard=Shard(1, 2)) as second,
    ):
        await said_by_people_who_want(second, LOCAL, 2000)
        found = await asyncio.to_thread(learn_stored, empty_database)
        assert (found.shards, sum(found.outcomes.values())) == (2, 2000)
        for matcher in (first, second):
            assert found.version in await models_of(matcher)


@pytest.mark.parametrize(
    ("wanted", "n", "verdict"),
    [(Weights(), 2000, Verdict.NOT_BETTER), (LOCAL, 200, Verdict.TOO_FEW)],
)
async def test_what_is_not_proven_better_is_not_stored(
    matcher: Matcher, wanted: Weights, n: int, verdict: Verdict
) -> None:
    await said_by_people_who_want(matcher, wanted, n)
    found = await asyncio.to_thread(learn_stored, matcher.url)
    assert (found.verdict, found.version, found.stored) == (verdict, None, False)
    assert list(await models_of(matcher)) == [base_model().version]


async def test_where_there_is_nothing_to_learn_it_says_so(matcher: Matcher) -> None:
    with pytest.raises(NothingToLearn, match="no outcome"):
        await asyncio.to_thread(learn_stored, matcher.url)
    async with matcher.db.transaction() as tx:
        await tx.execute(
            "UPDATE shard SET model = NULL, tau_ppm = NULL, k_s = NULL, k_p = NULL, rules = NULL"
        )
    with pytest.raises(NothingToLearn, match="no shard was ever computed"):
        await asyncio.to_thread(learn_stored, matcher.url)


async def test_a_shard_left_by_an_older_release_is_passed_over(matcher: Matcher) -> None:
    async with matcher.db.transaction() as tx:
        await tx.execute("DROP TABLE outcomes")
    with pytest.raises(NothingToLearn):
        await asyncio.to_thread(learn_stored, matcher.url)


async def command(matcher: Matcher, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.matcher.learn", *arguments),
        env=os.environ | {"RENGANG_DATABASE_URL": matcher.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_command_reports_what_changed_and_what_it_is_worth(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    await said_by_people_who_want(matcher, LOCAL, 2000)
    code, told, progress = await command(matcher)
    assert code == 0
    assert progress.startswith("learn: 2,000 outcomes read; learning from 2,000 pairs\n")
    rows = {line.split()[0]: line for line in told.splitlines() if line}
    assert rows.keys() >= {*NAMES, "τ", "AUC", "better:", "model"}
    assert rows["text"].split()[1] == f"{base_model().weights.text / 10_000:.1f}"
    assert told.splitlines()[-1].endswith(f"./rengang model use {rows['model'].split()[1]}")
    code, told, _ = await command(matcher, "--json", "--dry-run")
    found = json.loads(told)
    assert (code, found["verdict"], found["stored"]) == (0, "better", False)
    assert found["version"] == rows["model"].split()[1]
    assert found["comparison"]["auc"]["gain"]["low"] > 0


async def test_the_command_refuses_in_a_report_that_says_why(matcher: Matcher) -> None:
    await said_by_people_who_want(matcher, Weights(), 2000)
    code, told, _ = await command(matcher)
    assert code == 1
    *_, why, nothing = told.splitlines()
    assert why.startswith("not better: the AUC")
    assert nothing == f"nothing was stored; {base_model().version} stays in force"
