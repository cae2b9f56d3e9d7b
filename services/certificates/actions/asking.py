"""A question is taken to the city it belongs to; nobody waits long for one that is away.

How a city is spoken to stands in adapters; what its answer leaves behind here, in mirroring.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.certificates.actions.adapters import CityAdapter
from services.certificates.actions.calling import NoAnswer
from services.certificates.actions.mirroring import mirror
from services.certificates.domain.breaker import Breaker, BreakerState
from services.certificates.domain.cities import AdapterKind, City, addressees
from services.certificates.domain.digests import Pepper, Statement
from services.certificates.domain.exchange import FOUND, Told, Unbelievable, credible
from services.certificates.domain.registry import answer as best_of
from services.certificates.domain.registry import today
from services.certificates.domain.verdicts import Answer, Question, Verdict
from services.certificates.store import cities as store
from services.certificates.store import mirrors, registry
from services.kit.database import Database

log = structlog.get_logger(__name__)

ASKED = Counter("rengang_city_questions_total", "Questions to other cities", ["city", "outcome"])
SECONDS = Histogram("rengang_city_seconds", "Time that a city took for an answer", ["city"])
BREAKERS = Gauge("rengang_city_breaker_open", "1 where a city is left alone", ["city"])

_MOST_MISSES = 10_000
_CITIES_FRESH_S = 5.0

# Of several answers that found nothing, the one that says most.
_SAYS_MOST = (Verdict.HOLDER_MISMATCH, Verdict.NOT_FOUND, Verdict.ISSUER_UNKNOWN)


@dataclass(frozen=True, slots=True)
class Limits:
    """fresh_for: an answer that a city gave is given again for so long; miss_for: where it found
    nothing. at_once: how many questions are under way at one city.
    """

    fresh_for: timedelta = timedelta(minutes=10)
    miss_for: timedelta = timedelta(seconds=30)
    at_once: int = 16


@dataclass(slots=True)
class _Line:
    """What we know of the way to a city."""

    breaker: Breaker
    room: asyncio.Semaphore


@dataclass(slots=True)
class OtherCities:
    """Whom to ask beside our own registry, and what they say.

    clock: aware, UTC. ticks: seconds, monotonic. chance: uniform over 0 … 1. on_back: called when
    a city that was left alone answers again.
    """

    db: Database
    pepper: Pepper
    adapters: Mapping[AdapterKind, CityAdapter]
    chance: Callable[[], float]
    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    ticks: Callable[[], float] = time.monotonic
    on_back: Callable[[], None] | None = None
    _lines: dict[str, _Line] = field(default_factory=dict)
    _misses: OrderedDict[bytes, tuple[datetime, Answer]] = field(default_factory=OrderedDict)
    _table: tuple[float, list[City]] | None = None

    def forget(self) -> None:
        """The table of cities was changed: read it again."""
        self._table = None
        self._misses.clear()
        self._lines.clear()

    async def cities(self) -> list[City]:
        """The table, as it was a few seconds ago at most."""
        if self._table is None or self.ticks() - self._table[0] > _CITIES_FRESH_S:
            async with self.db.transaction() as tx:
                self._table = (self.ticks(), await store.select_cities(tx))
        return self._table[1]

    def state(self, city_id: str) -> BreakerState:
        """Whether that city is asked at present."""
        line = self._lines.get(city_id)
        return BreakerState.CLOSED if line is None else line.breaker.state(self.ticks())

    async def addressed(self, question: Question) -> list[City]:
        """Which cities the question belongs to; none where it is our own or nobody's."""
        table = await self.cities()
        if not any(city.enabled for city in table):
            return []
        known = question.named_issuers
        async with self.db.transaction() as tx:
            origins = await store.select_origins(tx, known)
        for code in known:
            if code in origins:
                origin = origins[code]
                if origin is None:
                    return []
                return addressees(question.number, table, origin=origin)
        return addressees(question.number, table, origin=None)

    async def concerns(self, question: Question) -> bool:
        """Whether another city is to be asked, where our own registry has nothing."""
        return bool(await self.addressed(question))

    async def ask(self, question: Question, at: datetime, *, purpose: str) -> Answer | None:
        """What other cities say of it; None where it concerns none of them.

        An answer that was believed is kept, so that claims may rest on it. Where a city that had
        to answer did not, the answer is pending, unless another has the certificate.
        """
        asked = await self.addressed(question)
        if not asked:
            return None
        statement = self.pepper.statement(
            question.number, question.holder_name, question.identity_number
        )
        kept = await self._kept(question, statement, asked, at)
        if kept is not None:
            ASKED.labels("*", "kept").inc()
            return kept
        answer = await self._ask_all(asked, question, purpose, statement, at)
        if answer.verdict not in FOUND and answer.verdict is not Verdict.PENDING:
            self._remember(self._key(question, statement), answer, at)
        return answer

    async def ours(self, question: Question, at: datetime) -> Answer:
        """What our own registry has for exactly this question by now."""
        statement = self.pepper.statement(
            question.number, question.holder_name, question.identity_number
        )
        async with self.db.transaction() as tx:
            entries = await registry.select_entries_stating(tx, statement, question.occupation)
        verdict, entry = best_of((e for e in entries if e.origin is None), at)
        reason = None if entry is None else entry.judged(at)[1]
        return Answer(verdict, reason, entry, None, at)

    async def _kept(
        self, question: Question, statement: Statement, asked: Sequence[City], at: datetime
    ) -> Answer | None:
        miss = self._misses.get(self._key(question, statement))
        if miss is not None and at - miss[0] < self.limits.miss_for:
            return miss[1]
        async with self.db.transaction() as tx:
            found = await mirrors.select_mirrored_stating(
                tx, statement, occupation=question.occupation, issuer=question.issuer
            )
        names = {city.city_id: city for city in asked}
        fresh = [
            each
            for each in found
            if each.mirror.foreign.city in names
            and timedelta(0) <= at - each.mirror.answered_at < self.limits.fresh_for
        ]
        if not fresh:
            return None
        best = max(fresh, key=lambda each: each.mirror.answered_at)
        verdict, reason = best.entry.judged(at)
        return Answer(
            verdict=verdict,
            reason=reason,
            entry=best.entry,
            answered_by=best.mirror.foreign.city,
            answered_at=best.mirror.answered_at,
            is_signed=names[best.mirror.foreign.city].is_signed,
        )

    async def _ask_all(
        self,
        asked: Sequence[City],
        question: Question,
        purpose: str,
        statement: Statement,
        at: datetime,
    ) -> Answer:
        tasks = {
            asyncio.create_task(self._ask_one(city, question, purpose, statement)): city
            for city in asked
        }
        missed: list[Answer] = []
        silent: list[str] = []
        waiting = set(tasks)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda task: tasks[task].city_id):
                    answer = task.result()
                    if answer is None:
                        silent.append(tasks[task].city_id)
                    elif answer.verdict in FOUND:
                        return answer
                    else:
                        missed.append(answer)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if silent:
            by = silent[0] if len(asked) == 1 else None
            return Answer(Verdict.PENDING, "city-unreachable", None, by, at)
        return min(missed, key=lambda answer: _SAYS_MOST.index(answer.verdict))

    async def _ask_one(
        self, city: City, question: Question, purpose: str, statement: Statement
    ) -> Answer | None:
        """What that city says, kept; None where it said nothing that can be believed."""
        line = self._line(city)
        async with line.room:
            if not line.breaker.admits(self.ticks()):
                ASKED.labels(city.city_id, "left_alone").inc()
                return None
            told = await self._told(city, line, question, purpose)
        if told is None:
            return None
        entry = await mirror(self.db, question, statement, told, self.clock())
        if entry is None and told.verdict in FOUND:
            # It speaks of an issuer that is not its own.
            self._note(city, "unbelievable", "issuer_not_its_own")
            return None
        now = self.clock()
        verdict, reason = (told.verdict, told.reason) if entry is None else entry.judged(now)
        return Answer(
            verdict=verdict,
            reason=reason,
            entry=entry,
            answered_by=city.city_id,
            answered_at=told.answered_at,
            upload_lag_days=told.upload_lag_days,
            is_signed=told.is_signed,
        )

    async def _told(self, city: City, line: _Line, question: Question, purpose: str) -> Told | None:
        now = self.clock()
        try:
            with SECONDS.labels(city.city_id).time():
                adapter = self.adapters[city.adapter]
                told = await adapter.ask(city, question, now, purpose=purpose)
            told = credible(
                told,
                number=question.number,
                holder_name=question.holder_name,
                identity=question.identity_number,
                issuer=question.issuer,
                occupation=question.occupation,
                today=today(now),
            )
        except NoAnswer as error:
            if error.away:
                self._failed(city, line)
            else:
                self._succeeded(city, line)
            self._note(city, "no_answer", error.fault)
            return None
        except Unbelievable as error:
            self._failed(city, line)
            self._note(city, "unbelievable", error.why)
            return None
        self._succeeded(city, line)
        ASKED.labels(city.city_id, "answered").inc()
        return told

    def _succeeded(self, city: City, line: _Line) -> None:
        if line.breaker.succeeded():
            BREAKERS.labels(city.city_id).set(0)
            log.info("city.back", city=city.city_id)
            if self.on_back is not None:
                self.on_back()

    def _failed(self, city: City, line: _Line) -> None:
        line.breaker.failed(self.ticks(), self.chance())
        state = line.breaker.state(self.ticks())
        BREAKERS.labels(city.city_id).set(state is not BreakerState.CLOSED)

    def _note(self, city: City, outcome: str, why: str) -> None:
        ASKED.labels(city.city_id, outcome).inc()
        log.warning(f"city.{outcome}", city=city.city_id, reason=why)

    def _line(self, city: City) -> _Line:
        if city.city_id not in self._lines:
            room = asyncio.Semaphore(self.limits.at_once)
            self._lines[city.city_id] = _Line(Breaker(), room)
        return self._lines[city.city_id]

    def _key(self, question: Question, statement: Statement) -> bytes:
        about = f"{question.occupation or ''}\0{question.issuer or ''}".encode()
        return statement.number + statement.holder + statement.identity + about

    def _remember(self, key: bytes, answer: Answer, at: datetime) -> None:
        self._misses[key] = (at, answer)
        self._misses.move_to_end(key)
        while len(self._misses) > _MOST_MISSES:
            self._misses.popitem(last=False)
