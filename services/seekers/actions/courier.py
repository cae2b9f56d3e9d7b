"""Brings notifications to webhooks: claims what is due, posts it, notes what came of it."""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.kit.database import Database, DatabaseUnavailable
from services.seekers.actions.sender import Answer, Sender
from services.seekers.domain.deliveries import Claim, DeliveryState
from services.seekers.domain.feed import Entry
from services.seekers.domain.webhooks import message_id, pause_s, signature
from services.seekers.store import feed
from services.seekers.store import webhooks as store

log = structlog.get_logger(__name__)

TRIED = Counter("rengang_seekers_webhook_tries_total", "Tries to deliver", ["outcome"])

SLOTS = 64
"""How many tries are under way at once in one process."""

PER_TARGET = 4
"""How many of them at one target; one where its last try did not even get an answer."""

_MOST_SILENT = 1_000
_GONE = 410

Render = Callable[[Entry], bytes]


class Courier:
    """Sends what is due until cancelled. Any number of them may run, in any number of processes.

    A target that hangs gets one slot of all until it answers again, so it delays nobody else.
    render: the body for an entry. most_tries: after so many failures a delivery is dead. base_s:
    pause after the first. poll_s: how long something due may wait if nothing wakes us. chance:
    uniform over 0 … 1.
    """

    def __init__(
        self,
        db: Database,
        sender: Sender,
        *,
        render: Render,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        most_tries: int,
        base_s: float,
        timeout_s: float,
        poll_s: float,
    ) -> None:
        self._db = db
        self._sender = sender
        self._render = render
        self._clock = clock
        self._chance = chance
        self._most_tries = most_tries
        self._base_s = base_s
        self._lost_after = timedelta(seconds=timeout_s * 2 + 20)
        self._poll_s = poll_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: Tally[str] = Tally()
        self._silent: set[str] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may be due now."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled. What is under way then is tried again after a while."""
        try:
            while True:
                self._woken.clear()
                try:
                    claims = await self._claim()
                except DatabaseUnavailable as error:
                    log.warning("courier.database_away", reason=str(error))
                    claims = []
                if not claims:
                    # Not wait_for: before Python 3.12 it swallows a cancellation that comes with
                    # what it waits for, and this loop would never end.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_s):
                            await self._woken.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _claim(self) -> list[Claim]:
        free = SLOTS - len(self._tasks)
        if free <= 0:
            return []
        async with self._db.transaction() as tx:
            claims = await store.claim_due(
                tx,
                self._clock(),
                lost_after=self._lost_after,
                room=self._room(),
                most_per_target=PER_TARGET,
                limit=free,
            )
            keys = [(claim.seeker_id, claim.seq) for claim in claims]
            entries = await feed.select_entries_of(tx, keys)
        for claim in claims:
            self._under_way[claim.target] += 1
            task = asyncio.create_task(self._deliver(claim, entries[claim.seeker_id, claim.seq]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return claims

    def _room(self) -> Mapping[str, int]:
        targets = self._silent | self._under_way.keys()
        return {
            target: max(0, (1 if target in self._silent else PER_TARGET) - self._under_way[target])
            for target in targets
        }

    async def _deliver(self, claim: Claim, entry: Entry) -> None:
        try:
            body = self._render(entry)
            answer = await self._sender.post(claim.url, self._headers(claim, body), body)
            await self._note(claim, answer)
        except DatabaseUnavailable as error:
            # The claim is lost in time, and the receiver gets it once more, with the same id.
            log.warning("courier.not_noted", reason=str(error))
        except Exception:
            log.exception("courier.failed", seeker_id=str(claim.seeker_id), seq=claim.seq)
        finally:
            self._under_way[claim.target] -= 1
            self._under_way += Tally()  # drops those at zero
            self._woken.set()

    def _headers(self, claim: Claim, body: bytes) -> dict[str, str]:
        message = str(message_id(claim.seeker_id, claim.seq))
        timestamp = int(self._clock().timestamp())
        return {
            "content-type": "application/json",
            "user-agent": "rengang-webhook/1",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(claim.secret, message, timestamp, body),
        }

    async def _note(self, claim: Claim, answer: Answer) -> None:
        if answer.status is None:
            if len(self._silent) >= _MOST_SILENT:
                # Forgetting costs a few slots until they fail again.
                self._silent.clear()
            self._silent.add(claim.target)
        else:
            self._silent.discard(claim.target)
        now = self._clock()
        if answer.arrived:
            state = DeliveryState.DONE
        elif answer.status == _GONE or claim.tries >= self._most_tries:
            state = DeliveryState.DEAD
        else:
            state = DeliveryState.PENDING
            now += timedelta(seconds=pause_s(claim.tries, self._base_s, self._chance()))
        async with self._db.transaction() as tx:
            await store.update_tried(
                tx, claim, state=state, due_at=now, status=answer.status, fault=answer.fault
            )
        outcome = "retry" if state is DeliveryState.PENDING else state.value
        TRIED.labels(outcome).inc()
        say = log.info if answer.arrived else log.warning
        say(
            "webhook.tried",
            seeker_id=str(claim.seeker_id),
            seq=claim.seq,
            tries=claim.tries,
            outcome=outcome,
            status=answer.status,
            fault=answer.fault,
        )
