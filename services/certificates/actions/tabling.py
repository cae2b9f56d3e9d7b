"""Tables of certificates are looked up part by part, for as long as that takes.

How a file is read, and how the answers are written into one, stands at the door.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.certificates.actions.batching import QueueFull
from services.certificates.actions.inquiries import Inquiry, Outcome, Random, Verified
from services.certificates.actions.verifying import Verifier
from services.certificates.domain.digests import Pepper
from services.certificates.domain.guesses import Allowance, Guessed
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question, Verdict
from services.certificates.store import tables
from services.certificates.store.tables import Part, Table
from services.kit.database import Database

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=7)
MOST_UNFINISHED = 5
"""Tables of one asker that may wait at a time."""

_LINES_PER_PART = 200
_TAKEN_FOR = timedelta(minutes=5)
_USE = "verification tables"
_NONCE_BYTES = 12
_PAUSE_S = 1.0


class TooManyTables(Exception):
    """The asker has MOST_UNFINISHED tables that are not answered yet."""


@dataclass(frozen=True, slots=True)
class TableLine:
    """A line of a table: a question, or why it is none. line: counts from 1, the header too.

    faults: each in Chinese and English; they repeat nothing of the line.
    """

    line: int
    question: Question | None = None
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of a line. verdict: None where it was not answered: faults, or refused."""

    line: int
    number_masked: str | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    upload_lag_days: int | None = None
    receipt_no: str | None = None
    refused: Guessed | None = None
    faults: tuple[tuple[str, str], ...] = ()

    def row(self) -> list[Any]:
        """As it is kept: no name, no number."""
        return [
            self.line,
            self.number_masked,
            self.verdict,
            self.reason,
            self.upload_lag_days,
            self.receipt_no,
            self.refused,
            self.faults,
        ]

    @classmethod
    def of(cls, row: Sequence[Any]) -> "LineResult":
        """As it was kept."""
        line, masked, verdict, reason, lag_days, receipt_no, refused, faults = row
        return cls(
            line,
            masked,
            verdict and Verdict(verdict),
            reason,
            lag_days,
            receipt_no,
            refused and Guessed(refused),
            tuple((zh, en) for zh, en in faults),
        )


class TableVault:
    """Seals lines, so that the database alone tells nobody's number."""

    def __init__(self, pepper: Pepper, random: Random) -> None:
        self._cipher = AESGCM(pepper.key_for(_USE))
        self._random = random

    def sealed(self, table_id: UUID, part: int, lines: Sequence[TableLine]) -> bytes:
        """Nonce and ciphertext, good for this part of this table alone."""
        nonce = self._random(_NONCE_BYTES)
        plain = orjson.dumps([_kept(line) for line in lines])
        return nonce + self._cipher.encrypt(nonce, plain, _bound(table_id, part))

    def opened(self, table_id: UUID, part: int, sealed: bytes) -> list[TableLine]:
        """Raises InvalidTag where it was not sealed here, for this part."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        plain = self._cipher.decrypt(nonce, body, _bound(table_id, part))
        return [_line_of(kept) for kept in orjson.loads(plain)]


def _bound(table_id: UUID, part: int) -> bytes:
    return table_id.bytes + part.to_bytes(4, "big")


def _kept(line: TableLine) -> list[Any]:
    question = line.question
    if question is None:
        return [line.line, None, line.faults]
    asked = [
        question.number.text,
        question.holder_name,
        question.identity_number,
        question.occupation,
        question.issuer,
    ]
    return [line.line, asked, ()]


def _line_of(kept: Sequence[Any]) -> TableLine:
    line, asked, faults = kept
    if asked is None:
        return TableLine(line, None, tuple((zh, en) for zh, en in faults))
    number, holder_name, identity, occupation, issuer = asked
    number = certificate_number(number)
    return TableLine(line, Question(number, holder_name, identity, occupation, issuer))


@dataclass(slots=True)
class Tabling:
    """Takes tables in and answers them in the background. Any number of these may run.

    allowances: by role. poll_s: how long something may wait if nothing wakes us.
    """

    db: Database
    verifier: Verifier
    vault: TableVault
    allowances: Mapping[str, Allowance]
    clock: Callable[[], datetime]
    new_id: Callable[[], UUID]
    poll_s: float = 2.0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def take_in(
        self, db: Database, lines: Sequence[TableLine], *, requester: str, role: str, purpose: str
    ) -> Table:
        """Keep a table to be answered. lines: one at least. Raises TooManyTables."""
        table_id, now = self.new_id(), self.clock()
        table = Table(table_id, requester, role, purpose, len(lines), 0, now, None)
        starts = range(0, len(lines), _LINES_PER_PART)
        parts = [lines[start : start + _LINES_PER_PART] for start in starts]
        sealed = [(len(part), self.vault.sealed(table_id, n, part)) for n, part in enumerate(parts)]
        async with db.transaction() as tx:
            if await tables.count_unfinished(tx, requester, role) >= MOST_UNFINISHED:
                raise TooManyTables
            await tables.insert_table(tx, table, sealed)
        return table

    async def table(self, table_id: UUID) -> Table | None:
        """How far it is."""
        async with self.db.transaction() as tx:
            return await tables.select_table(tx, table_id)

    async def results(self, table_id: UUID) -> list[LineResult]:
        """What became of its lines, in their order."""
        async with self.db.transaction() as tx:
            rows = await tables.select_results(tx, table_id)
        return [LineResult.of(row) for row in rows]

    def wake(self) -> None:
        """A table has come."""
        self._woken.set()

    async def run(self) -> None:
        """Answer parts until cancelled. What is under way then is answered again later."""
        while True:
            self._woken.clear()
            while await self.answer_next():
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll_s):
                    await self._woken.wait()

    async def answer_next(self) -> bool:
        """Answer the part that has waited longest; false where none waits.

        Its answers are committed before the part is: a crash in between has it answered twice,
        which the audit log shows as what it is.
        """
        now = self.clock()
        async with self.db.transaction() as tx:
            part = await tables.update_next_part_taken(tx, now, now + _TAKEN_FOR)
        if part is None:
            return False
        try:
            results = await self._answered(part)
        except QueueFull:
            async with self.db.transaction() as tx:
                await tables.update_part_given_back(tx, part)
            await asyncio.sleep(_PAUSE_S)
            return True
        async with self.db.transaction() as tx:
            await tables.update_part_done(tx, part, [result.row() for result in results])
        # Its own statement and transaction: of two who end the last parts at once, one sees both.
        async with self.db.transaction() as tx:
            if await tables.update_table_finished(tx, part.table_id, self.clock()):
                log.info("table.answered", table_id=str(part.table_id))
        return True

    async def _answered(self, part: Part) -> list[LineResult]:
        try:
            lines = self.vault.opened(part.table_id, part.part, part.sealed)
        except InvalidTag:
            # Nobody can ever answer it: say so, instead of trying for ever.
            log.exception("table.unreadable", table_id=str(part.table_id), part=part.part)
            return [LineResult(0, faults=(_UNREADABLE,))]
        asked = {n: line.question for n, line in enumerate(lines) if line.question is not None}
        inquiries = [self._inquiry(question, part) for question in asked.values()]
        outcomes = await self.verifier.verify(inquiries, bulk=True) if inquiries else []
        answered = dict(zip(asked, outcomes, strict=True))
        return [_result(line, answered.get(n)) for n, line in enumerate(lines)]

    def _inquiry(self, question: Question, part: Part) -> Inquiry:
        return self.verifier.inquiry(
            question,
            requester=part.requester,
            role=part.role,
            purpose=part.purpose,
            allowance=self.allowances[part.role],
        )

    async def forget_old(self) -> int:
        """Delete the tables whose time is over; for kit.periodic."""
        async with self.db.transaction() as tx:
            return await tables.delete_tables_before(tx, self.clock() - KEPT_FOR)


_UNREADABLE = (
    "这一部分内容无法解读，请重新上传。",
    "This part of the table cannot be read any more; send it again.",
)


def _result(line: TableLine, outcome: Outcome | None) -> LineResult:
    if line.question is None or outcome is None:
        return LineResult(line.line, faults=line.faults)
    masked = line.question.number.masked()
    if not isinstance(outcome, Verified):
        return LineResult(line.line, masked, refused=outcome.what)
    answer = outcome.answer
    return LineResult(
        line.line,
        masked,
        answer.verdict,
        answer.reason,
        answer.upload_lag_days,
        outcome.receipt_no,
    )
