"""A model is fitted to what is stored, listed, and chosen by an event that every shard hears."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from contracts.events import AnyEvent
from contracts.models import ModelChosen
from contracts.postings import PostingPublished
from contracts.seekers import SeekerProfiled
from contracts.topics import MATCHES, MODELS, POSTINGS, SEEKERS
from contracts.values import SeekerId
from services.kit.auth import assert_every_route_is_guarded
from services.matcher import api
from services.matcher.choosing import State, choose_model
from services.matcher.domain.base_model import base_model
from services.matcher.domain.language.glossary import rank_buckets, terms
from services.matcher.domain.language.terms import IDF_UNIT
from services.matcher.domain.model import Limits, Model, Weights, fit
from services.matcher.domain.wording import text_of_posting, text_of_seeker
from services.matcher.fit import (
    Fitted,
    NothingToFit,
    Progress,
    compared,
    fit_stored,
)
from services.matcher.handlers import posting_of, seeker_of
from services.matcher.settings import Shard
from services.matcher.store.shard import want_model
from tests.kit.door import an_app
from tests.matcher.harness import Matcher, running
from tests.matcher.market import MarketEvent, closed, sample_market, withdrawn
from tests.support import NOW, Door, published_issuer

MARKET = list(sample_market(20, 30))


@pytest.fixture
async def door(matcher: Matcher) -> AsyncIterator[Door]:
    """The matcher's own door; `announced` tells all that is in its outbox."""
    async with published_issuer() as (issuer, jwks_url):
        router = api.routes(matcher.index, shard="0/1", clock=lambda: NOW)
        app = an_app(router, jwks_url=jwks_url, service="matcher")
        door = Door(app, matcher.db, issuer)
        yield door
        await door.close()


async def fitted(matcher: Matcher, **limits: int) -> Fitted:
    return await asyncio.to_thread(fit_stored, matcher.url, limits=limits, weights={})


async def stored(matcher: Matcher) -> dict[str, tuple[bool, bytes]]:
    """Every model of the shard: whether it is in force, and its artefact."""
    async with matcher.db.transaction() as tx:
        rows = await tx.fetch("SELECT version, active, artefact FROM models")
    return {row["version"]: (row["active"], row["artefact"]) for row in rows}


def wording(events: Iterable[AnyEvent]) -> list[str]:
    """The texts of the market, put together in another way than the code does it."""
    return [
        "\n".join((event.data.text, event.data.title, *(skill.name for skill in event.data.skills)))
        if isinstance(event, PostingPublished)
        else "\n".join((*event.data.skills, event.data.text, *event.data.titles))
        for event in events
        if isinstance(event, PostingPublished | SeekerProfiled)
    ]


def owned(shard: Shard, events: Iterable[MarketEvent]) -> list[MarketEvent]:
    """What lies in the shard's partitions."""
    return [
        event
        for event in events
        if event.topic is POSTINGS or shard.owns(SeekerId(UUID(event.key)))
    ]


# Fitting.


async def test_the_stored_model_is_the_fit_of_what_is_stored(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    made = await fitted(matcher)
    expected = fit(wording(MARKET), base_model().weights, base_model().limits)
    active, artefact = (await stored(matcher))[made.version]
    model = Model.from_bytes(artefact)
    assert not active
    assert model.version == made.version == expected.version
    assert np.array_equal(model.idf, expected.idf)
    assert (made.postings, made.seekers, made.n_bytes) == (20, 30, len(artefact))
    assert (made.before, made.known_before) == (base_model().version, False)
    assert 0 < made.new_terms_ppm < 1_000_000
    assert made.idf_moved_median > 0
    assert await matcher.live() != {}


async def test_a_text_has_the_terms_that_its_vector_is_made_of() -> None:
    model = fit(wording(MARKET))
    for event in MARKET:
        match event:
            case PostingPublished():
                doc = posting_of(event.data, 1)
                said = (doc.title, doc.text, *(skill.name for skill in doc.skills))
                assert set(terms(text_of_posting(doc))) == {t for each in said for t in terms(each)}
            case SeekerProfiled():
                person = seeker_of(event.data, 1)
                said = (*person.titles, person.text, *person.skills)
                assert set(terms(text_of_seeker(person))) == {
                    t for each in said for t in terms(each)
                }
    assert model.unseen > IDF_UNIT


async def test_the_same_corpus_gives_the_same_version_and_is_stored_once(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    first, second = await fitted(matcher), await fitted(matcher)
    assert (second.version, second.known_before) == (first.version, True)
    assert len(await stored(matcher)) == 2
    other = await fitted(matcher, tau_ppm=250_000)
    assert other.version != first.version
    assert len(await stored(matcher)) == 3


async def test_who_is_over_is_no_part_of_the_corpus(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    first_posting = next(event for event in MARKET if isinstance(event, PostingPublished))
    first_seeker = next(event for event in MARKET if isinstance(event, SeekerProfiled))
    await matcher.take(closed(first_posting.data, 2), withdrawn(first_seeker.data.seeker_id, 2))
    made = await fitted(matcher)
    left = [event for event in MARKET if event not in (first_posting, first_seeker)]
    assert (made.postings, made.seekers) == (19, 29)
    assert made.version == fit(wording(left)).version


async def test_limits_and_weights_are_taken_over_unless_given(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    made = await asyncio.to_thread(
        fit_stored,
        matcher.url,
        limits={"k_p": 7},
        weights={"text": 400_000, "skills": 400_000},
    )
    _, artefact = (await stored(matcher))[made.version]
    model = Model.from_bytes(artefact)
    assert model.limits == Limits(k_p=7)
    assert model.weights == Weights(text=400_000, skills=400_000)
    with pytest.raises(ValueError, match="limits out of range"):
        await fitted(matcher, tau_ppm=-1)
    with pytest.raises(ValueError, match="add up to"):
        await asyncio.to_thread(fit_stored, matcher.url, limits={}, weights={"text": 1})
    assert len(await stored(matcher)) == 2


async def test_all_shards_are_read_and_each_gets_the_model(empty_database: str) -> None:
    shards = [Shard(0, 2), Shard(1, 2)]
    async with (
        running(empty_database, shard=shards[0]) as first,
        running(empty_database, shard=shards[1]) as second,
    ):
        for matcher, shard in zip((first, second), shards, strict=True):
            await matcher.take(*owned(shard, MARKET))
        made = await fitted(second)
        assert (made.shards, made.postings, made.seekers) == (2, 20, 30)
        assert made.version == fit(wording(MARKET)).version
        for matcher in (first, second):
            assert made.version in await stored(matcher)


async def test_where_there_is_nothing_to_fit_to_it_says_so(matcher: Matcher) -> None:
    with pytest.raises(NothingToFit, match="no posting is open"):
        await fitted(matcher)
    async with matcher.db.transaction() as tx:
        await tx.execute(
            "UPDATE shard SET model = NULL, tau_ppm = NULL, k_s = NULL, k_p = NULL, rules = NULL"
        )
    with pytest.raises(NothingToFit, match="no shard was ever computed"):
        await fitted(matcher)
    assert len(await stored(matcher)) == 1


def test_what_moved_is_measured_on_the_terms_that_either_has_seen() -> None:
    # Characters that no phrase is known of.
    before, now = fit(["龘鱻", "靐鱻"]), fit(["龘鱻", "齉鱻", "齉鱻"])
    new_ppm, moved = compared(before, now)
    # Seen now are 龘 鱻 齉 and two pairs, two of them new; and what every model knows.
    assert new_ppm == 1_000_000 * 2 // (5 + len(rank_buckets()))
    unseen_before, unseen_now = before.unseen / IDF_UNIT, now.unseen / IDF_UNIT
    assert 0 < moved <= max(unseen_before, unseen_now) - 1
    assert compared(now, now) == (0, 0.0)


async def test_the_command_tells_what_it_made(matcher: Matcher) -> None:
    code, _, complaint = await command(matcher)
    assert (code, complaint) == (2, "fit: no posting is open and no seeker is looking\n")
    await matcher.take(*MARKET)
    code, told, progress = await command(matcher, "--json", "--tau", "250000")
    assert code == 0
    made = json.loads(told)
    assert made["limits"] == {"tau_ppm": 250_000, "k_s": 20, "k_p": 30}
    assert made["version"] in await stored(matcher)
    assert progress.startswith("fit: 50 of 50 documents (100 %)")
    code, told, _ = await command(matcher, "--tau-ppm", "250000")
    assert (code, "it was stored before" in told) == (0, True)
    code, told, complaint = await command(matcher, "--weight", "text=1")
    assert (code, told, complaint.count("\n")) == (2, "", 1)
    assert "add up to" in complaint
    code, _, complaint = await command(matcher, "--weight", "age=1")
    assert (code, "age=1 is no weight" in complaint) == (2, True)


async def command(matcher: Matcher, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.matcher.fit", *arguments),
        env=os.environ | {"RENGANG_DATABASE_URL": matcher.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def progressed(out: io.StringIO, seconds: int) -> str:
    """What is said of 500 documents a second, for so long, of a thousand seconds' work."""
    clock = iter(range(seconds + 2))
    progress = Progress(out, lambda: float(next(clock)))
    for second in range(1, seconds + 1):
        progress(500 * second, 500_000)
    progress.end()
    return out.getvalue()


def test_progress_is_a_line_in_ten_seconds_in_a_log() -> None:
    said = progressed(io.StringIO(), 25).splitlines()
    assert said == [
        "fit: 5,000 of 500,000 documents (1 %), 500 a second",
        "fit: 10,000 of 500,000 documents (2 %), 500 a second",
    ]


def test_progress_is_one_line_on_a_terminal() -> None:
    said = progressed(Terminal(), 25)
    assert said.count("\r") == 25
    assert said.count("\n") == 1
    assert said.endswith("12,500 of 500,000 documents (2 %), 500 a second\x1b[K\n")


# Choosing.


async def chosen(door: Door) -> list[ModelChosen]:
    return [event for event in await door.announced() if isinstance(event, ModelChosen)]


async def test_stored_models_are_listed_with_what_they_hold(matcher: Matcher, door: Door) -> None:
    await matcher.take(*MARKET)
    made = await fitted(matcher, k_s=9)
    answer = await door.caller("op", "operator").get("/v1/models")
    newest, first = answer.json()["items"]
    assert (newest["version"], newest["state"], newest["active"]) == (made.version, "stored", False)
    assert (newest["documents"], newest["n_terms"], newest["n_bytes"]) == (
        50,
        made.n_terms,
        made.n_bytes,
    )
    assert newest["limits"] == made.limits
    assert newest["weights"] == made.weights
    assert (first["version"], first["state"]) == (base_model().version, "in_force")
    assert (first["documents"], first["choice"], first["progress"]) == (None, None, None)


async def test_a_choice_is_announced_once_to_all_shards(matcher: Matcher, door: Door) -> None:
    await matcher.take(*MARKET)
    made = await fitted(matcher)
    operator = door.caller("op", "operator")
    answer = await operator.post(f"/v1/models/{made.version}/choice")
    assert answer.status_code == 202, answer.text
    assert answer.json() == {
        "version": made.version,
        "state": "chosen",
        "choice": 1,
        "announced": True,
    }
    (event,) = await chosen(door)
    assert (event.subject, event.version, event.time) == (made.version, 1, NOW)
    assert (event.data.version, event.data.documents) == (made.version, 50)
    async with matcher.db.transaction() as tx:
        row = await tx.fetchrow("SELECT topic, key FROM outbox WHERE topic <> $1", MATCHES.name)
    assert row is not None
    assert tuple(row) == ("rengang.models", "model")
    again = await operator.post(f"/v1/models/{made.version}/choice")
    assert (again.status_code, again.json()["announced"]) == (202, False)
    assert await chosen(door) == [event]
    states = {one["version"]: one["state"] for one in (await listed(door))}
    assert states == {made.version: "chosen", base_model().version: "in_force"}


async def listed(door: Door) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await door.caller("op", "operator").get("/v1/models")).json()[
        "items"
    ]
    return items


async def test_choosing_the_one_in_force_has_everything_matched_anew(
    matcher: Matcher, door: Door
) -> None:
    version = base_model().version
    answer = await door.caller("op", "operator").post(f"/v1/models/{version}/choice")
    assert (answer.status_code, answer.json()["announced"]) == (202, True)
    assert [(event.subject, event.version) for event in await chosen(door)] == [(version, 1)]


async def test_a_choice_is_taken_back_by_choosing_the_one_in_force(
    matcher: Matcher, door: Door
) -> None:
    await matcher.take(*MARKET)
    made = await fitted(matcher)
    operator = door.caller("op", "operator")
    for version, status in ((made.version, 202), (base_model().version, 202)):
        assert (await operator.post(f"/v1/models/{version}/choice")).status_code == status
    assert [(event.subject, event.version) for event in await chosen(door)] == [
        (made.version, 1),
        (base_model().version, 2),
    ]


@pytest.mark.parametrize(("version", "status"), [("0" * 16, 404), ("latest", 422), ("A" * 16, 422)])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_model_that_is_not_stored_cannot_be_chosen(
    door: Door, version: str, status: int, language: str
) -> None:
    answer = await door.caller("op", "operator", language).post(f"/v1/models/{version}/choice")
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["type"] == "urn:rengang:problem:model_unknown"
        assert "./rengang model fit" in answer.json()["detail"]
    assert await chosen(door) == []


async def test_only_operators_see_and_choose_models(door: Door) -> None:
    assert_every_route_is_guarded(door.app)
    for role in ("employer", "seeker", "partner", "planner"):
        caller = door.caller("someone", role)
        assert (await caller.get("/v1/models")).status_code == 403
        answer = await caller.post(f"/v1/models/{base_model().version}/choice")
        assert answer.status_code == 403


async def test_choices_at_several_shards_are_numbered_one_after_the_other(
    empty_database: str,
) -> None:
    async with (
        running(empty_database, shard=Shard(0, 2)) as first,
        running(empty_database, shard=Shard(1, 2)) as second,
    ):
        await first.take(*owned(Shard(0, 2), MARKET))
        versions = [(await fitted(first, k_s=k_s)).version for k_s in range(5, 11)]
        done = await asyncio.gather(
            *(
                choose_model(matcher.db, version, NOW)
                for version, matcher in zip(versions, [first, second] * 3, strict=True)
            )
        )
        numbers = {each.version: each.choice for each in done if each}
        assert sorted(filter(None, numbers.values())) == [1, 2, 3, 4, 5, 6]
        for matcher in (first, second):
            async with matcher.db.transaction() as tx:
                rows = await tx.fetch("SELECT version, choice FROM models WHERE NOT active")
            assert {row["version"]: row["choice"] for row in rows} == numbers


async def test_a_choice_that_comes_late_or_again_changes_nothing(matcher: Matcher) -> None:
    await matcher.take(*MARKET)
    first, second = [(await fitted(matcher, k_s=k_s)).version for k_s in (5, 6)]
    wanted = []
    async with matcher.db.transaction() as tx:
        for version, choice in ((second, 2), (first, 1), (first, 2), (first, 3)):
            assert await want_model(tx, version, choice)
            wanted.append(await tx.fetchval("SELECT wanted_model FROM shard"))
        assert not await want_model(tx, "f" * 16, 4)
    assert wanted == [second, second, second, first]


async def test_a_shard_that_lacks_the_chosen_model_is_given_it(empty_database: str) -> None:
    async with running(empty_database, shard=Shard(0, 2)) as first:
        await first.take(*owned(Shard(0, 2), MARKET))
        made = await fitted(first)
        async with running(empty_database, shard=Shard(1, 2)) as second:
            assert made.version not in await stored(second)
            done = await choose_model(first.db, made.version, NOW)
            assert done is not None
            assert done.state is State.CHOSEN
            assert (await stored(second))[made.version] == (await stored(first))[made.version]


def test_every_shard_hears_of_every_choice() -> None:
    for shard in (Shard(0, 1), Shard(1, 3), Shard(23, 24)):
        assert list(shard.partitions(MODELS)) == list(range(MODELS.partitions))
    assert len(Shard(1, 3).partitions(SEEKERS)) == 8
