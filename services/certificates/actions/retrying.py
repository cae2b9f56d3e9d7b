"""Questions that another city has still to answer: kept sealed, and asked again until it does.

What an answer means to a receipt stands in verifying, and to a claim in settling.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import Counter, Gauge

from contracts.values import CertificateId
from services.certificates.domain.digests import Pepper
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.purposes import Recorded
from services.certificates.domain.verdicts import GAVE_UP, Answer, Question, Verdict
from services.certificates.store import pending as store
from services.certificates.store.pending import Pending
from services.kit.database import Database, DatabaseUnavailable, Transaction

log = structlog.get_logger(__name__)

TRIED = Counter("rengang_pending_tries_total", "Pending questions asked again", ["outcome"])
WAITING = Gauge("rengang_pending_questions", "Questions that wait for another city")

_USE = "pending questions"
_NONCE_BYTES = 12
_AT_ONCE = 16

Random = Callable[[int], bytes]


class Asks(Protocol):
    """Who asks other cities."""

    async def ask(self, question: Question, at: datetime, *, purpose: str) -> Answer | None:
        """The answer; None where no other city is concerned any more."""
        ...

    async def ours(self, question: Question, at: datetime) -> Answer:
        """What our own registry has for it by now."""
        ...


class Settles(Protocol):
    """What a late answer is told to. Settling twice settles once."""

    async def receipt(self, receipt_no: str, answer: Answer) -> None:
        """The receipt that said pending is superseded."""
        ...

    async def claim(self, claim_id: CertificateId, answer: Answer) -> None:
        """The claim is judged."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """first_s: the pause after the first try; doubled each time, up to most_s. give_up_after: a
    question is asked for so long.
    """

    first_s: float = 2.0
    most_s: float = 300.0
    give_up_after: timedelta = timedelta(hours=72)

    def pause_s(self, tries: int, chance: float) -> float:
        """How long to wait after that many tries (≥ 1), spread over half to one and a half."""
        return min(self.first_s * 2.0 ** min(tries - 1, 30), self.most_s) * (0.5 + chance)


class Vault:
    """Seals questions, so that the database alone tells nobody's number. random: unguessable."""

    def __init__(self, pepper: Pepper, random: Random) -> None:
        self._cipher = AESGCM(pepper.key_for(_USE))
        self._random = random

    def sealed(self, question_id: UUID, question: Question, purpose: str) -> bytes:
        """Nonce and ciphertext. The id is bound to it: a row cannot be given another's question."""
        plain = orjson.dumps(
            [
                question.number.text,
                question.holder_name,
                question.identity_number,
                question.occupation,
                question.issuer,
                purpose,
            ]
        )
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, question_id.bytes)

    def opened(self, question_id: UUID, sealed: bytes) -> tuple[Question, str]:
        """With its purpose. Raises InvalidTag where it was not sealed here, for this row."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        if len(nonce) < _NONCE_BYTES:
            raise InvalidTag
        number, holder_name, identity, occupation, issuer, *purpose = orjson.loads(
            self._cipher.decrypt(nonce, body, question_id.bytes)
        )
        question = Question(
            number=certificate_number(number),
            holder_name=holder_name,
            identity_number=identity,
            occupation=occupation,
            issuer=issuer,
        )
        # What was sealed before purposes were told has none.
        return question, purpose[0] if purpose else Recorded.EXCHANGE


@dataclass(slots=True)
class Retrying:
    """Keeps questions that wait, and asks them again. Any number of these may run.

    lost_after: a try of which nothing was heard for so long is made again, as after the end of a
    process. poll_s: how long something due may wait if nothing wakes us. new_id: never the same
    twice.
    """

    db: Database
    vault: Vault
    others: Asks
    settle: Settles
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    new_id: Callable[[], UUID]
    patience: Patience = field(default_factory=Patience)
    lost_after: timedelta = timedelta(seconds=30)
    poll_s: float = 2.0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _city_is_back: bool = False

    async def keep(
        self,
        tx: Transaction,
        question: Question,
        now: datetime,
        *,
        purpose: str,
        receipt_no: str | None = None,
        claim_id: CertificateId | None = None,
    ) -> None:
        """Keep a question to be asked again. A claim's was not asked yet: that is done at once."""
        question_id = self.new_id()
        pause_s = 0.0 if claim_id else self.patience.pause_s(1, self.chance())
        await store.insert_pending(
            tx,
            question_id,
            receipt_no=receipt_no,
            claim_id=claim_id,
            sealed=self.vault.sealed(question_id, question, purpose),
            asked_at=now,
            next_try_at=now + timedelta(seconds=pause_s),
            gives_up_at=now + self.patience.give_up_after,
        )

    def wake(self) -> None:
        """Something may be due now."""
        self._woken.set()

    def city_is_back(self) -> None:
        """A city that was away answers again: ask for everything that waits."""
        self._city_is_back = True
        self._woken.set()

    async def run(self) -> None:
        """Ask again until cancelled. What is under way then is asked again after a while."""
        while True:
            self._woken.clear()
            try:
                tried = await self.run_once()
            except DatabaseUnavailable as error:
                log.warning("retrying.database_away", reason=str(error))
                tried = 0
            if tried < _AT_ONCE:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.poll_s):
                        await self._woken.wait()

    async def run_once(self) -> int:
        """Ask once for what is due, some at once; returns how many were."""
        now = self.clock()
        async with self.db.transaction() as tx:
            if self._city_is_back:
                self._city_is_back = False
                await store.update_all_due(tx, now)
            due = await store.claim_due(tx, now, lost_after=self.lost_after, limit=_AT_ONCE)
            WAITING.set(await store.count_pending(tx))
        results = await asyncio.gather(*map(self._try, due), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, DatabaseUnavailable):
                log.error("retrying.failed", exc_info=result)
        return len(due)

    async def _try(self, pending: Pending) -> None:
        try:
            question, purpose = self.vault.opened(pending.question_id, pending.sealed)
        except InvalidTag:
            log.exception("retrying.unreadable", question_id=str(pending.question_id))
            await self._give_up(pending)
            return
        now = self.clock()
        answer = await self.others.ask(question, now, purpose=purpose)
        if answer is None:
            answer = await self.others.ours(question, now)
        if answer.verdict is Verdict.PENDING:
            await self._put_off(pending, answer)
            return
        await self._settle(pending, answer)
        async with self.db.transaction() as tx:
            await store.delete_pending(tx, pending.question_id)
        TRIED.labels("answered").inc()

    async def _put_off(self, pending: Pending, answer: Answer) -> None:
        TRIED.labels("silent").inc()
        now = self.clock()
        if now >= pending.gives_up_at:
            await self._give_up(pending)
            return
        # So that whoever waits sees why, from the first try on.
        if pending.claim_id is not None and pending.tries == 1:
            await self.settle.claim(pending.claim_id, answer)
        pause_s = self.patience.pause_s(pending.tries, self.chance())
        async with self.db.transaction() as tx:
            await store.update_next_try(tx, pending.question_id, now + timedelta(seconds=pause_s))

    async def _give_up(self, pending: Pending) -> None:
        answer = Answer(Verdict.PENDING, GAVE_UP, None, None, self.clock())
        await self._settle(pending, answer)
        async with self.db.transaction() as tx:
            await store.update_given_up(tx, pending.question_id)
        TRIED.labels("given_up").inc()
        log.warning("retrying.given_up", question_id=str(pending.question_id))

    async def _settle(self, pending: Pending, answer: Answer) -> None:
        if pending.claim_id is not None:
            await self.settle.claim(pending.claim_id, answer)
        elif pending.receipt_no is not None:
            await self.settle.receipt(pending.receipt_no, answer)
