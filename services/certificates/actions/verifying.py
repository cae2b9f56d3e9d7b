"""Certificates are looked up for those who were shown them: judged, signed, and written down.

Which questions share a transaction stands in batching; what is asked of other cities, in asking.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from prometheus_client import Counter

from contracts.verifications import VerificationResolved, VerificationState
from services.certificates.actions.auditing import append
from services.certificates.actions.batching import Batches
from services.certificates.actions.guessing import asker_of, count_miss, tell_refused
from services.certificates.actions.inquiries import (
    UNREACHABLE,
    Elsewhere,
    Inquiry,
    Keeps,
    Outcome,
    Random,
    Verified,
)
from services.certificates.actions.receipting import Receipts
from services.certificates.domain.audit import Act, Record
from services.certificates.domain.digests import Pepper, holder
from services.certificates.domain.guesses import (
    WINDOWS,
    Allowance,
    Counted,
    Tally,
    TooManyMisses,
    windows_of,
)
from services.certificates.domain.lookups import Candidate, KnownIssuer, looked_up, may_be_elsewhere
from services.certificates.domain.receipt_numbers import RANDOM_BYTES, ReceiptNo, receipt_number
from services.certificates.domain.receipts import SALT_BYTES, Asked, Malformed, unproven
from services.certificates.domain.verdicts import Answer, Question, Verdict
from services.certificates.store import audit, verifications
from services.certificates.store.verifications import Verification
from services.kit import outbox
from services.kit.database import Database, Transaction

VERIFIED = Counter("rengang_verifications_total", "Certificates looked up", ["verdict"])


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Nothing was found here, and another city may have it. counted_at: as a miss, for now."""

    here: Answer
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class _Settled:
    """An inquiry that was asked elsewhere, with what came of it."""

    inquiry: Inquiry
    answer: Answer
    counted_at: datetime


_Item = Inquiry | _Settled
_Result = Verified | TooManyMisses | _Elsewhere


@dataclass(slots=True)
class Verifier:
    """Answers questions, many in one transaction; each answer leaves once it is committed.

    city_id: our own. random: as many bytes as asked for, which nobody can guess. others, keeps:
    None where there is no other city. patience_s: how long an answer of another city is waited for
    before it is pending.
    """

    db: Database
    pepper: Pepper
    receipts: Receipts
    city_id: str
    clock: Callable[[], datetime]
    random: Random
    others: Elsewhere | None = None
    keeps: Keeps | None = None
    patience_s: float = 5.0
    most_waiting: int = 8192
    _batches: Batches[_Item, _Result] = field(init=False)

    def __post_init__(self) -> None:
        self._batches = Batches(self._answer_together, most_waiting=self.most_waiting)

    def inquiry(
        self,
        question: Question,
        *,
        requester: str,
        role: str,
        purpose: str,
        allowance: Allowance,
        audience: str | None = None,
        nonce: str | None = None,
    ) -> Inquiry:
        """A question, made ready to be put."""
        number, name = question.number, holder(question.holder_name)
        return Inquiry(
            question=question,
            statement=self.pepper.statement_of(number, name, question.identity_number),
            asked=Asked(
                salt=self.random(SALT_BYTES),
                number=number.text,
                holder=name,
                identity=question.identity_number,
                occupation=question.occupation,
                issuer=question.issuer,
            ),
            requester=requester,
            role=role,
            purpose=purpose,
            allowance=allowance,
            audience=audience,
            nonce=nonce,
        )

    async def verify(self, inquiries: Sequence[Inquiry], *, bulk: bool = False) -> list[Outcome]:
        """The outcomes, in their order. bulk: others may go first. Raises QueueFull."""
        results = await self._batches.put(inquiries, bulk=bulk)
        elsewhere = [n for n, result in enumerate(results) if isinstance(result, _Elsewhere)]
        if elsewhere:
            asked = [self._ask_others(inquiries[n], results[n]) for n in elsewhere]
            settled = await self._batches.put(await asyncio.gather(*asked), bulk=bulk)
            for n, result in zip(elsewhere, settled, strict=True):
                results[n] = result
        return [result for result in results if not isinstance(result, _Elsewhere)]

    async def _ask_others(self, inquiry: Inquiry, result: _Result) -> _Settled:
        if self.others is None or not isinstance(result, _Elsewhere):
            raise AssertionError("not asked elsewhere")
        now = self.clock()
        answer: Answer | None
        try:
            async with asyncio.timeout(self.patience_s):
                answer = await self.others.ask(inquiry.question, now, purpose=inquiry.purpose)
        except TimeoutError:
            answer = Answer(Verdict.PENDING, UNREACHABLE, None, None, now)
        return _Settled(inquiry, answer or result.here, result.counted_at)

    async def _answer_together(self, items: Sequence[_Item]) -> list[_Result]:
        now = self.clock()
        inquiries = [item for item in items if isinstance(item, Inquiry)]
        pairs = [(i.asker, i.statement.number) for i in inquiries]
        codes = {code for i in inquiries for code in i.question.named_issuers}
        async with self.db.transaction() as tx:
            counted: list[Counted] = []
            found: Mapping[bytes, list[Candidate]] = {}
            issuers: Mapping[str, KnownIssuer] = {}
            if inquiries:
                # The same two statements whatever is found, so that time tells nobody what.
                numbers = list({i.statement.number for i in inquiries})
                found = await verifications.select_candidates(tx, numbers)
                since = windows_of(pairs, now)
                issuers, counted = await verifications.select_issuers_and_misses(tx, codes, since)
            tally = Tally.of(counted)
            results = self._judged_all(items, tally, found, issuers, now)
            if changes := tally.changes():
                written = await verifications.upsert_misses(tx, changes)
                others = tally.others_since(counted, written)
                if others is not None:
                    # Another process has counted since we read: judge anew by what is true. What
                    # was written is ours alone from here on, so that once is enough.
                    anew = Tally.of(others)
                    results = self._judged_all(items, anew, found, issuers, now)
                    await verifications.upsert_misses(tx, anew.instead_of(tally))
            await self._write_down(tx, items, results)
        self._tell(items, results)
        return results

    def _judged_all(
        self,
        items: Sequence[_Item],
        tally: Tally,
        found: Mapping[bytes, list[Candidate]],
        issuers: Mapping[str, KnownIssuer],
        now: datetime,
    ) -> list[_Result]:
        return [
            self._judged(item, tally, found, issuers, now)
            if isinstance(item, Inquiry)
            else self._settled(item, tally, now)
            for item in items
        ]

    def _judged(
        self,
        inquiry: Inquiry,
        tally: Tally,
        found: Mapping[bytes, list[Candidate]],
        issuers: Mapping[str, KnownIssuer],
        now: datetime,
    ) -> _Result:
        number = inquiry.statement.number
        refusal = tally.refusal(inquiry.asker, number, inquiry.allowance, now)
        if refusal is not None:
            return refusal
        candidates = found.get(number, [])
        answer = looked_up(inquiry.question, inquiry.statement, candidates, issuers, now)
        if answer.is_miss:
            tally.count(inquiry.asker, number, now)
        elsewhere = (
            self.others is not None
            and inquiry.audience is None
            and may_be_elsewhere(answer, inquiry.question, issuers)
        )
        # Counted as a miss although another city may find it: else many questions at once would
        # all be asked before the first of them is counted.
        return _Elsewhere(answer, now) if elsewhere else self._signed(inquiry, answer, now)

    def _settled(self, item: _Settled, tally: Tally, now: datetime) -> Verified:
        inquiry = item.inquiry
        if not item.answer.is_miss:
            tally.count(inquiry.asker, inquiry.statement.number, item.counted_at, -1)
        return self._signed(inquiry, item.answer, now)

    def _signed(self, inquiry: Inquiry, answer: Answer, now: datetime) -> Verified:
        receipt_no = receipt_number(self.random(RANDOM_BYTES))
        jws = self.receipts.issue(
            answer,
            inquiry.asked.hash,
            receipt_no=receipt_no,
            at=now,
            audience=inquiry.audience,
            nonce=inquiry.nonce,
        )
        return Verified(receipt_no, answer, jws, inquiry.asked.salt, now)

    async def _write_down(
        self, tx: Transaction, items: Sequence[_Item], results: Sequence[_Result]
    ) -> None:
        now = self.clock()
        records: list[Record] = []
        kept: list[Verification] = []
        waiting: list[tuple[Inquiry, ReceiptNo]] = []
        for item, result in zip(items, results, strict=True):
            inquiry = item if isinstance(item, Inquiry) else item.inquiry
            match result:
                case Verified():
                    records.append(_record(inquiry, result.at, result))
                    kept.append(_verification(inquiry, result))
                    if result.answer.verdict is Verdict.PENDING:
                        waiting.append((inquiry, result.receipt_no))
                case TooManyMisses():
                    records.append(_record(inquiry, now, None))
                case _Elsewhere():
                    pass
                case _:
                    assert_never(result)
        if self.keeps is not None:
            for asked, number in waiting:
                await self.keeps.keep(
                    tx, asked.question, now, purpose=asked.purpose, receipt_no=number
                )
        head = await verifications.insert_verifications(tx, kept) if kept else None
        await append(tx, records, head)

    def _tell(self, items: Sequence[_Item], results: Sequence[_Result]) -> None:
        for item, result in zip(items, results, strict=True):
            if isinstance(result, Verified):
                VERIFIED.labels(result.answer.verdict).inc()
            elif isinstance(result, TooManyMisses):
                role = item.role if isinstance(item, Inquiry) else item.inquiry.role
                tell_refused(result, role)

    async def forget_misses(self) -> None:
        """Delete what counts no more; for kit.periodic."""
        now = self.clock()
        oldest = min(now - window.length - window.bucket for window in WINDOWS.values())
        async with self.db.transaction() as tx:
            await verifications.delete_misses_before(tx, oldest)

    async def resolve(self, receipt_no: str, answer: Answer) -> None:
        """Give the late answer of another city to a receipt that said pending.

        A new receipt takes its place, and that is announced. Doing it twice does it once.
        """
        now = self.clock()
        async with self.db.transaction() as tx:
            pending = await verifications.select_verification(tx, receipt_no, lock=True)
            if (
                pending is None
                or pending.verdict is not Verdict.PENDING
                or pending.superseded_by is not None
            ):
                return
            asked_about = await audit.select_row_of_receipt(tx, receipt_no, pending.verified_at)
            said = unproven(pending.jws)
            if asked_about is None or isinstance(said, Malformed):
                raise LookupError("a receipt without its row in the audit log")
            number = receipt_number(self.random(RANDOM_BYTES))
            jws = self.receipts.issue(
                answer,
                said.asked,
                receipt_no=number,
                at=now,
                audience=said.audience,
                nonce=said.nonce,
                supersedes=ReceiptNo(receipt_no),
            )
            entry_id = None if answer.entry is None else answer.entry.entry_id
            new = replace(
                pending,
                receipt_no=number,
                verdict=answer.verdict,
                entry_id=entry_id,
                verified_at=now,
                jws=jws,
            )
            if answer.is_miss:
                # Before the log's last row is locked: everybody takes these two in this order.
                asker = asker_of(pending.role, pending.requester)
                await count_miss(tx, asker, asked_about.record.number, now)
            head = await verifications.insert_verifications(tx, [new])
            await verifications.update_superseded(tx, receipt_no, number)
            if answer.verdict is not Verdict.PENDING:
                # Else it was given up: nothing came of it that anybody should hear.
                state = VerificationState(
                    receipt_no=receipt_no, verdict=answer.verdict.value, resolved_by=number
                )
                event = VerificationResolved(subject=receipt_no, time=now, version=1, data=state)
                await outbox.add(tx, event)
            record = replace(
                asked_about.record,
                at=now,
                act=Act.RESOLVED,
                verdict=answer.verdict.value,
                receipt_no=number,
            )
            await append(tx, [record], head)
        VERIFIED.labels(answer.verdict).inc()


def _record(inquiry: Inquiry, at: datetime, verified: Verified | None) -> Record:
    return Record(
        at=at,
        requester=inquiry.requester,
        role=inquiry.role,
        act=Act.REFUSED if verified is None else Act.VERIFIED,
        about=inquiry.statement.identity,
        number=inquiry.statement.number,
        purpose=inquiry.purpose,
        verdict=None if verified is None else verified.answer.verdict.value,
        receipt_no=None if verified is None else verified.receipt_no,
    )


def _verification(inquiry: Inquiry, verified: Verified) -> Verification:
    entry = verified.answer.entry
    return Verification(
        receipt_no=verified.receipt_no,
        requester=inquiry.requester,
        role=inquiry.role,
        purpose=inquiry.purpose,
        verdict=verified.answer.verdict,
        entry_id=None if entry is None else entry.entry_id,
        verified_at=verified.at,
        jws=verified.jws,
    )
