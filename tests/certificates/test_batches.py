"""Questions that come together share a transaction, and none of them is lost or waits for ever."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.certificates.actions.batching import Batches, QueueFull
from services.certificates.actions.inquiries import Inquiry, Verified
from services.certificates.actions.verifying import Verifier
from services.certificates.domain.guesses import Allowance
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question
from services.kit.database import Database, DatabaseUnavailable
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import LI_NA, NUMBER, a_line, a_statement


class Work:
    """Doubles numbers, when it is let; remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_end = asyncio.Event()
        self.begun = asyncio.Event()
        self.bad: set[int] = set()
        self.error: Exception = ValueError("bad")

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.may_end.wait()
        if self.bad & set(items):
            raise self.error
        return [2 * item for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


async def put(batches: Batches[int, int], *items: int, bulk: bool = False) -> asyncio.Task[Any]:
    task = asyncio.create_task(batches.put(items, bulk=bulk))
    await asyncio.sleep(0)
    return task


async def test_a_batch_is_what_is_waiting_when_the_last_one_has_ended(work: Work) -> None:
    batches = Batches(work)
    first = await put(batches, 1)
    await work.begun.wait()
    rest = [await put(batches, n) for n in range(2, 6)]
    work.may_end.set()
    assert await asyncio.gather(first, *rest) == [[2], [4], [6], [8], [10]]
    assert work.batches == [[1], [2, 3, 4, 5]]


async def test_after_a_large_batch_a_few_wait_for_those_who_come_again(work: Work) -> None:
    batches = Batches(work, company_s=0.05)
    work.may_end.set()

    async def ask_twice(n: int) -> None:
        await batches.put([n])
        await asyncio.sleep(0)
        await batches.put([n + 100])

    await asyncio.gather(*(ask_twice(n) for n in range(32)))
    assert [len(batch) for batch in work.batches] == [32, 32]


async def test_where_many_wait_already_and_under_little_load_nobody_waits_for_company(
    work: Work,
) -> None:
    batches = Batches(work, company_s=60)
    first = await put(batches, 0)
    await work.begun.wait()
    few = [await put(batches, n) for n in range(1, 16)]
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, *few)
        assert await batches.put([50]) == [100]
    work.may_end.clear()
    work.begun.clear()
    bounded = Batches(work, most=20, company_s=60)
    many = [await put(bounded, n) for n in range(20)]
    await work.begun.wait()
    more = [await put(bounded, n) for n in range(20, 30)]
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*many, *more)
    assert [len(batch) for batch in work.batches] == [1, 15, 1, 1, 20, 9]


async def test_a_batch_has_a_bound_and_bulk_leaves_others_room(work: Work) -> None:
    batches = Batches(work, most=8)
    first = await put(batches, 0)
    await work.begun.wait()
    bulk = await put(batches, *range(100, 120), bulk=True)
    alone = [await put(batches, n) for n in range(1, 11)]
    work.may_end.set()
    assert await bulk == [2 * n for n in range(100, 120)]
    assert await asyncio.gather(first, *alone) == [[2 * n] for n in range(11)]
    assert work.batches[1] == [1, 2, 3, 4, 5, 6, 100, 101]
    assert work.batches[2] == [7, 8, 9, 10, 102, 103, 104, 105]
    assert max(map(len, work.batches)) == 8


async def test_more_than_may_wait_are_told_so_at_once(work: Work) -> None:
    batches = Batches(work, most_waiting=3)
    first = await put(batches, 1)
    await work.begun.wait()
    kept = await put(batches, 2, 3)
    with pytest.raises(QueueFull):
        await batches.put([4, 5])
    last = await put(batches, 6)
    work.may_end.set()
    assert [await each for each in (first, kept, last)] == [[2], [4, 6], [12]]


async def test_a_bad_one_hurts_itself_alone(work: Work) -> None:
    batches = Batches(work)
    work.bad = {3}
    first = await put(batches, 1)
    await work.begun.wait()
    rest = [await put(batches, n) for n in (2, 3, 4)]
    work.may_end.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [results[0], results[1], results[3]] == [[2], [4], [8]]
    assert isinstance(results[2], ValueError)


async def test_a_database_that_is_away_is_told_to_all_and_the_next_batch_is_tried(
    work: Work,
) -> None:
    batches = Batches(work)
    work.bad, work.error = {1}, DatabaseUnavailable("gone")
    work.may_end.set()
    results = await asyncio.gather(*(batches.put([n]) for n in (1, 2)), return_exceptions=True)
    assert all(isinstance(result, DatabaseUnavailable) for result in results)
    assert work.batches == [[1, 2]]
    assert await batches.put([3]) == [6]


async def test_whoever_leaves_stops_nobody(work: Work) -> None:
    batches = Batches(work)
    first = await put(batches, 1)
    await work.begun.wait()
    leaves, stays = await put(batches, 2), await put(batches, 3)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    first.cancel()
    work.may_end.set()
    assert await stays == [6]
    assert work.batches == [[1], [3]]


async def test_the_door_says_when_too_many_wait(door: CertificatesDoor) -> None:
    door.verifier._batches.most_waiting = 0
    answer = await door.caller("desk-1", "partner").post(
        "/v1/verifications", json={**a_statement(), "purpose": "employment"}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:rengang:problem:verifications_busy"


def an_inquiry(verifier: Verifier, **changes: Any) -> Inquiry:
    said: dict[str, Any] = {
        "requester": "desk-1",
        "role": "partner",
        "purpose": "employment",
        "allowance": Allowance(5, 50),
        **changes,
    }
    question = Question(certificate_number(NUMBER), LI_NA.name, LI_NA.identity)
    return verifier.inquiry(question, **said)


async def test_answers_leave_after_the_commit(door: CertificatesDoor, db: Database) -> None:
    """Whoever has a receipt finds it in the log, whatever happens in the next moment."""
    await door.import_(a_line())
    async with db.transaction() as tx:
        await tx.execute("SELECT FROM audit_head FOR UPDATE")
        asked = asyncio.create_task(door.verifier.verify([an_inquiry(door.verifier)]))
        done, _ = await asyncio.wait([asked], timeout=0.3)
        assert not done
    (outcome,) = await asked
    assert isinstance(outcome, Verified)
    async with db.transaction() as tx:
        kept = await tx.fetchval("SELECT receipt_no FROM audit")
    assert kept == outcome.receipt_no


async def test_what_cannot_be_written_down_is_not_answered(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    async with db.transaction() as tx:
        await tx.execute("ALTER TABLE audit ADD CHECK (requester <> 'desk-9')")
    nine, one = an_inquiry(door.verifier, requester="desk-9"), an_inquiry(door.verifier)
    results = await asyncio.gather(
        door.verifier.verify([one]),
        door.verifier.verify([nine]),
        door.verifier.verify([one]),
        return_exceptions=True,
    )
    assert isinstance(results[1], Exception)
    assert not isinstance(results[0], BaseException)
    assert not isinstance(results[2], BaseException)
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM verifications") == 2
        assert await tx.fetchval("SELECT count(*) FROM audit") == 2
