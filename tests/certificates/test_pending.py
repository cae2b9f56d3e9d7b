"""What another city has to answer is asked there, waits if it must, and is resolved once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from contracts.verifications import VerificationResolved
from services.certificates.domain.receipts import Receipt, check
from services.certificates.domain.verdicts import GAVE_UP, Answer, Question, Verdict
from services.kit.database import Database, Transaction
from tests.certificates.conftest import ALLOWANCES, CertificatesDoor
from tests.certificates.samples import a_line, a_number, a_statement, an_entry
from tests.certificates.test_verifications import register_issuer
from tests.support import NOW

URL = "/v1/verifications"
ELSEWHERE = "Y999953000999233000001"


@dataclass
class Qujing:
    """Another city, as the verifier sees it: says what it is told to, once it may."""

    answer: Answer | None = None
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Question] = field(default_factory=list)
    kept: list[tuple[str, Question]] = field(default_factory=list)
    purposes: list[str] = field(default_factory=list)

    def says(self, verdict: Verdict, **more: Any) -> None:
        said = {"reason": None, "entry": None, "answered_by": "qujing", "answered_at": NOW, **more}
        self.answer = Answer(verdict, **said)
        self.may_answer.set()

    async def ask(self, question: Question, at: datetime, *, purpose: str) -> Answer | None:
        self.asked.append(question)
        self.purposes.append(purpose)
        await self.may_answer.wait()
        return self.answer

    async def keep(
        self, tx: Transaction, question: Question, now: datetime, *, purpose: str, receipt_no: str
    ) -> None:
        self.kept.append((receipt_no, question))
        self.purposes.append(purpose)


@pytest.fixture
def qujing(door: CertificatesDoor) -> Qujing:
    city = Qujing()
    door.verifier.others = door.verifier.keeps = city
    return city


async def look(door: CertificatesDoor, **changes: Any) -> dict[str, Any]:
    question = {**a_statement(), "number": ELSEWHERE, "purpose": "employment", **changes}
    answer = await door.caller("desk-1", "partner").post(URL, json=question)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def acts(db: Database) -> list[tuple[str, str, str]]:
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT act, verdict, receipt_no FROM audit ORDER BY seq")
    return [tuple(row) for row in rows]


async def test_what_nobody_here_knows_is_asked_elsewhere(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    qujing.says(Verdict.VALID, entry=an_entry(origin="qujing"))
    answer = await look(door)
    assert (answer["verdict"], answer["answered_by"]) == ("valid", "qujing")
    assert answer["certificate"]["name"] == "电工"
    receipt = check(answer["receipt"], door.signer.public)
    assert isinstance(receipt, Receipt)
    assert (receipt.answered_by.city, receipt.issuer, receipt.status) == ("qujing", "kunming", ())
    assert len(qujing.asked) == 1


async def test_what_our_own_registry_answers_is_asked_nowhere(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    await door.import_(a_line())
    await register_issuer(db)
    for changes, verdict in (
        ({}, "valid"),
        ({"holder_name": "王伟"}, "holder-mismatch"),
        ({"number": a_number(9)}, "not-found"),
    ):
        answer = await look(door, **{"number": a_statement()["number"], **changes})
        assert (answer["verdict"], answer["answered_by"]) == (verdict, "kunming")
    assert qujing.asked == []


async def test_where_no_city_is_concerned_our_own_answer_stands(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    qujing.may_answer.set()
    answer = await look(door)
    assert (answer["verdict"], answer["answered_by"]) == ("issuer-unknown", "kunming")


async def test_local_answers_do_not_wait_for_another_city(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    await door.import_(a_line())
    slow = asyncio.create_task(look(door))
    while not qujing.asked:
        await asyncio.sleep(0.01)
    here = await asyncio.wait_for(look(door, number=a_statement()["number"]), 5)
    assert (here["verdict"], slow.done()) == ("valid", False)
    qujing.says(Verdict.REVOKED, entry=an_entry())
    assert (await slow)["verdict"] == "revoked"


async def test_a_silent_city_makes_it_pending_and_the_question_is_kept(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    door.verifier.patience_s = 0.05
    answer = await look(door)
    assert (answer["verdict"], answer["reason"]) == ("pending", "city-unreachable")
    assert (answer["answered_by"], answer["certificate"]) == (None, None)
    ((receipt_no, question),) = qujing.kept
    assert (receipt_no, question.number.text) == (answer["receipt_no"], ELSEWHERE)
    assert await acts(db) == [("verified", "pending", receipt_no)]
    assert qujing.purposes == ["employment", "employment"]


async def test_a_late_answer_takes_the_place_of_the_pending_one(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    qujing.says(Verdict.PENDING, reason="city-unreachable")
    pending = await look(door)
    door.clock.pass_(minutes=10)
    late = Answer(Verdict.VALID, None, an_entry(origin="qujing"), "qujing", door.clock())
    await door.verifier.resolve(pending["receipt_no"], late)
    client = door.caller("desk-1", "partner")
    old = (await client.get(f"{URL}/{pending['receipt_no']}")).json()
    new = (await client.get(f"{URL}/{old['superseded_by']}")).json()
    assert (old["verdict"], old["receipt"]) == ("pending", pending["receipt"])
    assert (new["verdict"], new["verified_at"]) == ("valid", "2026-03-01T08:10:00Z")
    before, after = (check(each["receipt"], door.signer.public) for each in (old, new))
    assert isinstance(before, Receipt)
    assert isinstance(after, Receipt)
    assert (after.supersedes, after.verdict) == (before.number, "valid")
    # About the same question: whoever has the salt can prove it of the new one too.
    assert after.asked == before.asked
    assert await acts(db) == [
        ("verified", "pending", before.number),
        ("resolved", "valid", after.number),
    ]
    checked = await door.caller("op-1", "operator").get("/v1/audit/check")
    assert checked.json()["whole"]


async def test_that_it_is_resolved_is_announced_without_any_person(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    qujing.says(Verdict.PENDING)
    pending = await look(door)
    late = Answer(Verdict.NOT_FOUND, None, None, "qujing", door.clock())
    await door.verifier.resolve(pending["receipt_no"], late)
    (event,) = await door.announced()
    assert isinstance(event, VerificationResolved)
    assert event.key == event.subject == event.data.receipt_no == pending["receipt_no"]
    assert event.data.verdict == "not-found"
    new = await door.caller("desk-1", "partner").get(f"{URL}/{event.data.resolved_by}")
    assert new.json()["verdict"] == "not-found"


async def test_resolving_twice_or_at_once_resolves_once(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    qujing.says(Verdict.PENDING)
    pending = await look(door)
    late = Answer(Verdict.VALID, None, an_entry(), "qujing", door.clock())
    other = Answer(Verdict.REVOKED, None, an_entry(), "qujing", door.clock())
    await asyncio.gather(
        *(door.verifier.resolve(pending["receipt_no"], each) for each in (late, other, late))
    )
    await door.verifier.resolve(pending["receipt_no"], other)
    assert len(await acts(db)) == 2
    assert len(await door.announced()) == 1


async def test_only_what_is_pending_can_be_resolved(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    await door.import_(a_line())
    valid = await look(door, number=a_statement()["number"])
    late = Answer(Verdict.REVOKED, None, an_entry(), "qujing", door.clock())
    for receipt_no in (valid["receipt_no"], "0" * 26):
        await door.verifier.resolve(receipt_no, late)
    assert await acts(db) == [("verified", "valid", valid["receipt_no"])]
    assert await door.announced() == []


async def test_what_is_given_up_stays_pending_and_is_not_announced(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    qujing.says(Verdict.PENDING)
    pending = await look(door)
    given_up = Answer(Verdict.PENDING, GAVE_UP, None, None, door.clock())
    await door.verifier.resolve(pending["receipt_no"], given_up)
    client = door.caller("desk-1", "partner")
    old = (await client.get(f"{URL}/{pending['receipt_no']}")).json()
    new = (await client.get(f"{URL}/{old['superseded_by']}")).json()
    receipt = check(new["receipt"], door.signer.public)
    assert isinstance(receipt, Receipt)
    assert (receipt.verdict, receipt.reason) == ("pending", GAVE_UP)
    assert await door.announced() == []


async def misses(db: Database) -> int:
    async with db.transaction() as tx:
        counted = await tx.fetchval("SELECT sum(n) FROM misses WHERE number_digest = ''")
    return int(counted or 0)


@pytest.mark.parametrize(
    ("verdict", "counted"),
    [
        (Verdict.VALID, 0),
        (Verdict.PENDING, 0),
        (Verdict.NOT_FOUND, 1),
        (Verdict.HOLDER_MISMATCH, 1),
    ],
)
async def test_only_a_miss_elsewhere_counts(
    door: CertificatesDoor, qujing: Qujing, db: Database, verdict: Verdict, counted: int
) -> None:
    qujing.says(verdict, entry=an_entry() if verdict is Verdict.VALID else None)
    await look(door)
    assert await misses(db) == counted


async def test_a_late_miss_counts_when_it_comes(
    door: CertificatesDoor, qujing: Qujing, db: Database
) -> None:
    qujing.says(Verdict.PENDING)
    pending = await look(door)
    assert await misses(db) == 0
    late = Answer(Verdict.HOLDER_MISMATCH, None, None, "qujing", door.clock())
    await door.verifier.resolve(pending["receipt_no"], late)
    assert await misses(db) == 1


async def test_who_guesses_at_another_city_at_once_gets_no_more_guesses(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    question = {**a_statement(number=ELSEWHERE), "purpose": "employment"}
    partner = door.caller("desk-1", "partner")
    names = [f"样例{n}" for n in range(20)]
    asked = [
        asyncio.create_task(partner.post(URL, json={**question, "holder_name": name}))
        for name in names
    ]
    most = ALLOWANCES["partner"].number
    while sum(task.done() for task in asked) < len(names) - most:
        await asyncio.sleep(0.01)
    qujing.says(Verdict.HOLDER_MISMATCH)
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
    assert statuses == [200] * most + [429] * (len(names) - most)
    assert len(qujing.asked) == most


async def test_in_a_batch_too_each_is_asked_where_it_belongs(
    door: CertificatesDoor, qujing: Qujing
) -> None:
    await door.import_(a_line())
    qujing.says(Verdict.EXPIRED, entry=an_entry())
    items: Sequence[dict[str, Any]] = [a_statement(), a_statement(number=ELSEWHERE), a_statement()]
    answer = await door.caller("desk-1", "partner").post(
        URL, json={"purpose": "subsidy", "items": items}
    )
    told = [item["verification"] for item in answer.json()["items"]]
    assert [each["verdict"] for each in told] == ["valid", "expired", "valid"]
    assert [each["answered_by"] for each in told] == ["kunming", "qujing", "kunming"]
