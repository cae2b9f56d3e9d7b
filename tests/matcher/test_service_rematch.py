"""From one model to another on a real database: served, then swept, and never in doubt."""

import asyncio
import threading
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import pytest

from contracts.values import SeekerId
from services.kit.database import DatabaseUnavailable
from services.matcher.actions import SEEKERS_SWEPT_AT_ONCE, follow_choices, rematch
from services.matcher.domain.base_model import base_model
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.model import Model, Weights
from services.matcher.domain.prepare import prepare_seeker
from services.matcher.index.building import Builder
from services.matcher.store import documents
from services.matcher.store import shard as shards
from services.matcher.verify import NothingToCheck, verify
from tests.matcher.harness import Failure, Matcher, folded, running
from tests.matcher.market import (
    Market,
    certificate,
    sample_market,
    seeker_id,
    verified,
    withdrawn,
)
from tests.support import NOW, opened

OTHER = base_model().weighted(
    Weights(
        text=200_000, skills=450_000, pay=50_000, place=150_000, experience=50_000,
        occupation=50_000, certificate=50_000,
    )
)  # fmt: skip
"""It sees skills where the one in force reads texts: nearly all scores are others."""

_PATIENCE_S = 60.0

T = TypeVar("T")


async def in_force(matcher: Matcher) -> str:
    async with matcher.db.transaction() as tx:
        return str(await tx.fetchval("SELECT version FROM models WHERE active"))


async def swept_to(matcher: Matcher) -> UUID | None:
    async with matcher.db.transaction() as tx:
        under_way = await shards.select_sweep(tx)
    return under_way.swept_to if under_way else None


def as_limited(matcher: Matcher, model: Model) -> str:
    """The version of the model under the shard's limits, which is what matches name."""
    return matcher.index.limited(model).version


async def test_all_is_matched_and_announced_by_the_model_that_was_chosen(matcher: Matcher) -> None:
    await matcher.take(*sample_market(40, 40))
    before = await matcher.live()
    await matcher.store(OTHER)
    await matcher.switch(OTHER.version)
    await matcher.assert_exact()
    after = await matcher.live()
    assert matcher.index.model.version == as_limited(matcher, OTHER)
    assert await in_force(matcher) == OTHER.version
    moved = [pair for pair in before | after if before.get(pair) != after.get(pair)]
    assert len(moved) > len(before) / 2
    assert {after[pair].model for pair in moved if pair in after} == {as_limited(matcher, OTHER)}
    # And back: nothing of the other is left.
    await matcher.switch(base_model().version)
    await matcher.assert_exact()
    assert {pair: row.standing for pair, row in (await matcher.live()).items()} == {
        pair: row.standing for pair, row in before.items()
    }


class HeldEngine(FastEngine):
    """One whose build stands still while the gate is closed."""

    gate = threading.Event()

    def lay_out(self) -> None:
        assert self.gate.wait(_PATIENCE_S)
        super().lay_out()


async def test_events_go_on_while_the_index_is_built_and_while_matches_are_swept(
    empty_database: str,
) -> None:
    market = Market(3, n_postings=40, n_seekers=40)
    HeldEngine.gate.set()
    async with running(empty_database, engine_of=HeldEngine) as matcher:
        await matcher.take(*market.events(150))
        old, known = matcher.index.model.version, len(await matcher.announced())
        await matcher.store(OTHER)
        await matcher.choose(OTHER.version)

        HeldEngine.gate.clear()
        building = asyncio.create_task(rematch(matcher.index))
        for _ in range(20):
            await matcher.take(*market.events(4))
        meanwhile = (await matcher.announced())[known:]
        assert len(meanwhile) > 20
        assert {said_by(event) for event in meanwhile} == {old, None}
        # The old set is exact all the while.
        await matcher.assert_exact()
        assert not building.done()
        HeldEngine.gate.set()
        assert await building

        sweeping = asyncio.create_task(matcher.sweep())
        while not sweeping.done():
            await matcher.take(*market.events(4))
        await sweeping
        await matcher.assert_exact()
        known = len(await matcher.announced())
        await matcher.take(*market.events(30))
        said = {said_by(event) for event in (await matcher.announced())[known:]}
        assert said == {as_limited(matcher, OTHER), None}
        await matcher.assert_exact()


def said_by(event: Any) -> str | None:
    """The model an event names; None: a withdrawal names none."""
    return getattr(event.data, "model", None)


@pytest.mark.parametrize("failure", ["before commit", "after commit"])
async def test_a_switch_that_breaks_off_anywhere_is_finished_by_the_next_process(
    matcher: Matcher, failure: Failure
) -> None:
    await matcher.take(*sample_market(15, 15))
    await matcher.store(OTHER)
    for transaction in count():
        wanted = (OTHER, base_model())[transaction % 2]
        await matcher.choose(wanted.version)
        matcher.db.failures = [*[None] * transaction, failure]
        try:
            await rematch(matcher.index)
            await matcher.sweep()
        except DatabaseUnavailable:
            matcher.db.failures = []
            await matcher.restart()
            await matcher.assert_exact()
            assert await in_force(matcher) == wanted.version
        else:
            break
    assert transaction > 8, "so many transactions there are"


@pytest.mark.parametrize("failure", ["before commit", "after commit"])
async def test_a_switch_that_breaks_off_anywhere_is_finished_by_the_same_process(
    matcher: Matcher, failure: Failure
) -> None:
    """Its job is begun again, as every job is; events come in between."""
    market = Market(4)
    await matcher.take(*market.events(50))
    await matcher.store(OTHER)
    for transaction in count():
        wanted = (OTHER, base_model())[transaction % 2]
        await matcher.choose(wanted.version)
        matcher.db.failures = [*[None] * transaction, failure]
        if await followed(matcher, wanted):
            break
        await matcher.take(*market.events(5))
        matcher.db.failures = []
        assert await followed(matcher, wanted)
        assert matcher.index.model.version == as_limited(matcher, wanted)
        await matcher.assert_exact()
    assert transaction > 8, "so many transactions there are"


async def followed(matcher: Matcher, wanted: Model) -> bool:
    """Let the job follow choices until all is matched by this model; False where it breaks off."""
    job = asyncio.create_task(follow_choices(matcher.index, lambda: NOW))
    async with asyncio.timeout(_PATIENCE_S), opened(matcher.url) as db:
        while not job.done():
            async with db.transaction() as tx:
                at = await tx.fetchrow(
                    f"SELECT model, sweep_of, wanted_model FROM {matcher.shard.schema}.shard"
                )
            if at is not None and tuple(at) == (as_limited(matcher, wanted), None, None):
                job.cancel()
                return True
    assert isinstance(job.exception(), DatabaseUnavailable)
    return False


@pytest.mark.parametrize("failure", ["before commit", "after commit"])
async def test_a_sweep_goes_on_where_the_last_process_stopped(
    matcher: Matcher, failure: Failure
) -> None:
    await matcher.take(*sample_market(30, 3 * SEEKERS_SWEPT_AT_ONCE + 20))
    before, known = await matcher.live(), len(await matcher.announced())
    await matcher.store(OTHER)
    await matcher.choose(OTHER.version)
    assert await rematch(matcher.index)
    cursors: list[UUID] = []
    while True:
        # One transaction goes well and the next does not: a process a chunk or two.
        matcher.db.failures = [None, failure]
        try:
            await matcher.sweep()
        except DatabaseUnavailable:
            matcher.db.failures = []
            await matcher.restart_unswept()
        else:
            break
        reached = await swept_to(matcher)
        if reached is None:
            continue
        cursors.append(reached)
        # Whose turn has not come keeps what was announced last.
        live = await matcher.live()
        assert {pair: row for pair, row in live.items() if pair[0] > reached} == {
            pair: row for pair, row in before.items() if pair[0] > reached
        }
        with pytest.raises(NothingToCheck):
            await verify(matcher.url, matcher.shard)
    matcher.db.failures = []
    assert len(cursors) > 1
    assert cursors == sorted(set(cursors))
    await matcher.assert_exact()
    said = (await matcher.announced())[known:]
    assert len(said) > 100
    assert len({event.subject for event in said}) == len(said), "nothing is announced twice"


async def test_an_event_between_two_chunks_is_announced_once_and_by_the_new_model(
    matcher: Matcher,
) -> None:
    market = list(sample_market(30, 3 * SEEKERS_SWEPT_AT_ONCE))
    await matcher.take(*market[:-1])
    await matcher.store(OTHER)
    await matcher.choose(OTHER.version)
    assert await rematch(matcher.index)
    matcher.db.failures = [None, "before commit"]
    with pytest.raises(DatabaseUnavailable):
        await matcher.sweep()
    known = len(await matcher.announced())
    await matcher.take(market[-1])
    said = (await matcher.announced())[known:]
    assert said
    assert {said_by(event) for event in said} <= {as_limited(matcher, OTHER), None}
    await matcher.sweep()
    await matcher.assert_exact()
    folded(await matcher.announced())


async def test_the_last_choice_counts_even_while_another_is_being_built(matcher: Matcher) -> None:
    await matcher.take(*sample_market(25, 25))
    await matcher.store(OTHER)
    await matcher.choose(OTHER.version)
    building = asyncio.create_task(rematch(matcher.index))
    await asyncio.sleep(0)
    await matcher.choose(base_model().version)
    assert not await building
    assert await rematch(matcher.index)
    await matcher.sweep()
    await matcher.assert_exact()
    assert await in_force(matcher) == base_model().version


async def test_the_model_in_force_chosen_again_is_matched_anew_by_the_next_process_too(
    matcher: Matcher,
) -> None:
    await matcher.take(*Market(6).events(60))
    async with matcher.db.transaction() as tx:
        await tx.execute("UPDATE matches SET digest = sha256('other') WHERE live")
    wrong = (await verify(matcher.url, matcher.shard)).by_fault["reasons"]
    await matcher.choose(await in_force(matcher))
    await matcher.restart()
    assert wrong > 5
    await matcher.assert_exact()


async def test_a_model_that_is_not_stored_changes_nothing(matcher: Matcher) -> None:
    await matcher.take(*Market(7).events(40))
    announced = await matcher.announced()
    await matcher.choose("0" * 16)
    assert not await rematch(matcher.index)
    await matcher.restart()
    assert await matcher.announced() == announced


async def test_a_certificate_that_comes_while_a_text_is_made_anew_is_not_written_over(
    matcher: Matcher,
) -> None:
    await matcher.take(*sample_market(0, 3))
    came: list[asyncio.Task[None]] = []

    async def compute(work: Callable[[], T]) -> T:
        """The first work is to make seekers anew: meanwhile one of them is certified."""
        if not came:
            event = verified(seeker_id(1), 9, certificate(99, "4-03-02-01", 5))
            came.append(asyncio.create_task(matcher.take(event)))
            await asyncio.sleep(0.3)
        return await asyncio.to_thread(work)

    engine = FastEngine(matcher.index.limited(OTHER))
    await Builder(matcher.db, compute, engine, matcher.index.lock).built(restored=False)
    await came[0]
    async with matcher.db.transaction() as tx:
        (row,) = (await documents.select_seekers(tx, [SeekerId(seeker_id(1))])).values()
    assert row.made is not None
    certified = SeekerFacts.of(prepare_seeker(base_model(), row.doc, row.held))
    assert ("4-03-02-01", 5) in certified.certificates
    assert row.made.facts.to_bytes() == certified.to_bytes()


async def test_a_choice_waits_for_what_is_being_written(matcher: Matcher) -> None:
    await matcher.store(OTHER)
    async with matcher.index.lock:
        choosing = asyncio.create_task(matcher.choose(OTHER.version))
        await asyncio.sleep(0.1)
        assert not choosing.done()
    await choosing
    async with matcher.db.transaction() as tx:
        assert await shards.select_wanted_model(tx) == OTHER.to_bytes()


async def test_of_a_seeker_who_withdrew_nothing_is_kept_at_hand(matcher: Matcher) -> None:
    who = SeekerId(seeker_id(1))
    await matcher.take(*sample_market(3, 3))
    async with matcher.db.transaction() as tx:
        assert (await matcher.index.seekers(tx, [who]))[who].doc.titles
    await matcher.take(withdrawn(who, 2))
    async with matcher.db.transaction() as tx:
        assert not (await matcher.index.seekers(tx, [who]))[who].doc.titles
