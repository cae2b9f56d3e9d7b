"""A stand-in for the matcher that scores nothing: `python -m bench.flow.passthrough`.

Consumer, transaction with outbox, relay: the same hops, of the same kit, saying as much about each
posting as the matcher was seen to say. Which pairs are good it does not know.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from pydantic import Field

from bench.flow.backlog import MATCHER_GROUP
from bench.flow.figures import Fan
from contracts.envelope import Event
from contracts.events import AnyEvent
from contracts.matches import MatchFound, MatchGone, MatchState, MatchWithdrawn
from contracts.postings import PostingClosed, PostingPublished, PostingState
from contracts.topics import POSTINGS, Topic
from contracts.values import PostingId, SeekerId, match_id_of, seeker_id_of
from services.kit import http, outbox
from services.kit.auth import Authenticator, KeySet
from services.kit.background import background
from services.kit.consumer import Bus
from services.kit.database import Database
from services.kit.migrations import migrate
from services.kit.relay import Relay
from services.kit.settings import ServiceSettings, load

SCHEMA = "passthrough"
"""Beside the matcher's own, in the same database."""

_MAX_RECORDS = 200
_SETTLED_POSTINGS = 20
"""So many postings stay as they were announced before a later one pushes their pairs out."""


@dataclass(frozen=True, slots=True)
class Script:
    """What to say. accounts: of the seekers who may be told.

    probes: by employer, the account of the seeker who must be told of that employer's postings.
    fans: how much a posting of a probe's employer, and of any other, makes it say. state: the
    match that is said of each pair, with the pair's ids put in.
    """

    accounts: tuple[str, ...]
    probes: dict[str, str]
    of_probe: Fan
    of_other: Fan
    state: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Script":
        """From the file that the measurement wrote."""
        told = orjson.loads(path.read_bytes())
        return cls(
            accounts=tuple(told["accounts"]),
            probes=told["probes"],
            of_probe=Fan(**told["of_probe"]),
            of_other=Fan(**told["of_other"]),
            state=told["state"],
        )


@dataclass
class Sayer:
    """Turns events of postings into events of matches, as the script says.

    Keeps what it announced in memory alone: it is started for some minutes and never killed.
    """

    script: Script
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    _told: dict[PostingId, dict[SeekerId, PostingState]] = field(default_factory=dict)
    _order: deque[tuple[PostingId, SeekerId]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._seekers = [seeker_id_of(account) for account in self.script.accounts]
        self._state = MatchState.model_validate(self.script.state)

    def said_of(self, event: AnyEvent, now: datetime) -> list[Event]:
        """What follows from one event; nothing from one that came before."""
        match event:
            case PostingPublished(data=posting) if posting.posting_id not in self._told:
                return self._found(posting, now)
            case PostingClosed(data=posting):
                pairs = self._told.pop(PostingId(posting.posting_id), {})
                return [_gone(posting, seeker_id, now) for seeker_id in pairs]
            case _:
                return []

    def _found(self, posting: PostingState, now: datetime) -> list[Event]:
        posting_id = PostingId(posting.posting_id)
        probe = self.script.probes.get(posting.employer_id)
        fan = self.script.of_other if probe is None else self.script.of_probe
        seen, unseen = self._whole(fan.seen), self._whole(fan.unseen)
        first = [] if probe is None else [seeker_id_of(probe)]
        wanted = max(seen + unseen, len(first))
        others = self.draw.sample(self._seekers, min(wanted + 1, len(self._seekers)))
        chosen = [*first, *(one for one in others if one not in first)][:wanted]
        said: list[Event] = []
        # Before its own are told: a posting does not push itself out.
        for _ in range(self._whole(fan.gone)):
            said += self._pushed_out(_SETTLED_POSTINGS * fan.total, now)
        self._told[posting_id] = dict.fromkeys(chosen, posting)
        self._order.extend((posting_id, seeker_id) for seeker_id in chosen)
        for n, seeker_id in enumerate(chosen):
            match_id = match_id_of(seeker_id, posting_id)
            ids = {"match_id": match_id, "seeker_id": seeker_id, "posting_id": posting_id}
            sides = {"for_seeker": n < max(seen, len(first)), "for_posting": True}
            state = self._state.model_copy(update=ids | sides)
            said.append(MatchFound(subject=str(match_id), time=now, version=1, data=state))
        return said

    def _pushed_out(self, spared: float, now: datetime) -> list[Event]:
        while len(self._order) > spared:
            posting_id, seeker_id = self._order.popleft()
            posting = self._told.get(posting_id, {}).pop(seeker_id, None)
            if posting is not None:
                return [_gone(posting, seeker_id, now)]
        return []

    def _whole(self, mean: float) -> int:
        """A whole number whose mean over many is this."""
        return int(mean) + (self.draw.random() < mean % 1)


def _gone(posting: PostingState, seeker_id: SeekerId, now: datetime) -> MatchWithdrawn:
    match_id = match_id_of(seeker_id, PostingId(posting.posting_id))
    gone = MatchGone(
        match_id=match_id,
        seeker_id=seeker_id,
        posting_id=posting.posting_id,
        employer_id=posting.employer_id,
    )
    return MatchWithdrawn(subject=str(match_id), time=now, version=2, data=gone)


class PassthroughSettings(ServiceSettings):
    """script: the file that says what to say."""

    script: Path = Field(validation_alias="PASSTHROUGH_SCRIPT")


def make_app(settings: PassthroughSettings) -> FastAPI:
    """Settings → database → bus → app, as every service does it."""
    url = settings.database_url.get_secret_value()
    db = Database(url, schema=SCHEMA)
    relay = Relay(url, settings.kafka, schema=SCHEMA)
    bus = Bus(settings.kafka)
    bus.subscribe(
        POSTINGS,
        group=MATCHER_GROUP,
        handle=_handler(db, Sayer(Script.read(settings.script)), lambda: datetime.now(UTC)),
        partitions=_every_partition,
        max_records=_MAX_RECORDS,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.kit", schema=SCHEMA)
        await db.open()
        try:
            async with background(relay=relay.run, bus=bus.run):
                yield
        finally:
            await db.close()

    return http.make_app(
        title="Pass-through",
        service="passthrough",
        description="Announces matches without matching, for measurements.",
        authenticator=Authenticator(KeySet(settings.jwks_url), settings.issuer, settings.audience),
        readiness=[http.Check("database", db.ping), http.Check("kafka", bus.ping)],
        lifespan=lifespan,
        routers=[],
    )


def _handler(
    db: Database, sayer: Sayer, clock: Callable[[], datetime]
) -> Callable[[Sequence[AnyEvent]], Any]:
    async def on_postings(events: Sequence[AnyEvent]) -> None:
        now = clock()
        # Off the loop, as the matcher does what takes time.
        said = await asyncio.to_thread(
            lambda: [each for event in events for each in sayer.said_of(event, now)]
        )
        async with db.transaction() as tx:
            await outbox.add_all(tx, said)

    return on_postings


def _every_partition(topic: Topic) -> range:
    return range(topic.partitions)


if __name__ == "__main__":
    http.serve(make_app, load(PassthroughSettings))
