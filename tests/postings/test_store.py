"""The table of postings: it gives back what it was given, and takes no bad state from anyone."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.values import ClosedReason, PayUnit
from services.kit.database import Database, Transaction
from services.postings import store
from services.postings.domain.offers import PAY_CEILING_CNY, Offer
from services.postings.domain.postings import Posting
from tests.postings.samples import EMPLOYER, a_posting, an_offer, offers
from tests.support import NOW

ON_ONE_DATABASE = settings(
    max_examples=60,
    # Each example brings postings of its own, so one database serves them all.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def kept(tx: Transaction, posting: Posting) -> Posting | None:
    return await store.select_posting(tx, posting.posting_id)


@ON_ONE_DATABASE
@given(offer=offers(), revised=offers(), close=st.booleans())
async def test_whatever_keeps_to_the_rules_is_kept_and_given_back(
    db: Database, offer: Offer, revised: Offer, close: bool
) -> None:
    posting = a_posting(offer)
    async with db.transaction() as tx:
        await store.insert_postings(tx, [posting])
        assert await kept(tx, posting) == posting
        after = posting.revised(revised, NOW + timedelta(microseconds=1))
        if close:
            after = after.closed(NOW + timedelta(days=400), ClosedReason.EMPLOYER)
        await store.update_postings(tx, [after])
        assert await kept(tx, posting) == after


@pytest.mark.parametrize("unit", PayUnit)
async def test_the_table_and_the_rules_know_the_same_ceilings(db: Database, unit: PayUnit) -> None:
    ceiling = PAY_CEILING_CNY[unit]
    async with db.transaction() as tx:
        await store.insert_postings(tx, [a_posting()])
        set_pay = "UPDATE postings SET pay_min = 1, pay_max = $1, pay_unit = $2"
        await tx.execute(set_pay, ceiling, unit)
        with pytest.raises(asyncpg.CheckViolationError):
            async with tx.transaction():
                await tx.execute(set_pay, ceiling + 1, unit)


@pytest.mark.parametrize(
    "change",
    [
        "version = 0",
        "employer_id = ''",
        "reference = ''",
        "reference = repeat('a', 101)",
        "status = 'lost'",
        "status = 'closed'",
        "closed_reason = 'employer'",
        "status = 'closed', closed_reason = 'bored', version = 2",
        "status = 'closed', closed_reason = 'employer'",
        "status = 'closed', closed_reason = 'expired', version = 2",
        "changed_at = changed_at + interval '1 s'",
        "changed_at = changed_at - interval '1 s', version = 2",
        "valid_until = published_at",
        "valid_until = published_at + interval '367 days'",
        "title = ''",
        "title = repeat('a', 201)",
        "text = repeat('a', 10001)",
        "county = '530100'",
        "county = '5301'",
        "county = NULL",
        "occupation = '6-18-02'",
        "pay_min = 0",
        "pay_min = pay_max + 1",
        "pay_max = NULL",
        "pay_unit = 'week'",
        "headcount = 0",
        "employment = 'slave'",
        "education = 8",
        "experience_years = 61",
        """skills = '{}'""",
        """skills = '[{"name": "A", "required": true}, {"name": "A", "required": false}]'""",
        """skills = '[{"name": 1, "required": true}]'""",
        """skills = '[{"name": "A"}]'""",
        """skills = '["A"]'""",
        """certificates = '[{"occupation": "6-18-02-04", "level": 9, "required": true}]'""",
        """certificates = '[{"occupation": "6-18-02-04", "level": "3", "required": true}]'""",
        """certificates = '[{"occupation": "6-18-02-04", "level": 3.5, "required": true}]'""",
        """certificates = '[{"level": 3, "required": true}]'""",
    ],
)
async def test_a_bad_state_cannot_be_written(db: Database, change: str) -> None:
    async with db.transaction() as tx:
        await store.insert_postings(tx, [a_posting()])
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.NotNullViolationError)):
        async with db.transaction() as tx:
            await tx.execute(f"UPDATE postings SET {change}")


@pytest.mark.parametrize(
    ("column", "most"),
    [("skills", 50), ("certificates", 10)],
)
async def test_lists_have_an_end(db: Database, column: str, most: int) -> None:
    items = [{"name": str(n), "occupation": "x", "level": 1, "required": True} for n in range(51)]
    async with db.transaction() as tx:
        await store.insert_postings(tx, [a_posting()])
        await tx.execute(f"UPDATE postings SET {column} = $1", items[:most])
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.transaction() as tx:
            await tx.execute(f"UPDATE postings SET {column} = $1", items[: most + 1])


async def test_a_reference_is_unique_for_each_employer(db: Database) -> None:
    async with db.transaction() as tx:
        await store.insert_postings(
            tx,
            [
                a_posting(),
                a_posting(),
                a_posting(reference="A"),
                a_posting(reference="A", employer_id="emp-2"),
            ],
        )
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as tx:
            await store.insert_postings(tx, [a_posting(reference="A")])


async def _plan(tx: Transaction, statement: str, *arguments: Any) -> str:
    rows = await tx.fetch(f"EXPLAIN {statement}", *arguments)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT * FROM postings WHERE employer_id = 'e' AND reference = ANY('{A,B}'::text[])",
            "postings_reference",
        ),
        (
            "SELECT * FROM postings WHERE employer_id = 'e' ORDER BY posting_id DESC LIMIT 50",
            "postings_of_employer",
        ),
        (
            "SELECT * FROM postings WHERE employer_id = 'e' AND status = 'open' "
            "ORDER BY posting_id DESC LIMIT 50",
            "open_postings_of_employer",
        ),
        (
            "SELECT * FROM postings WHERE status = 'open' AND valid_until <= '2026-03-31' "
            "ORDER BY valid_until LIMIT 500 FOR UPDATE SKIP LOCKED",
            "postings_due",
        ),
    ],
)
async def test_each_query_has_its_index(db: Database, query: str, index: str) -> None:
    async with db.transaction() as tx:
        # Many employers, and more closed than open: what the indexes are for.
        await store.insert_postings(tx, [a_posting()])
        await tx.execute(
            "INSERT INTO postings SELECT (p).* FROM (SELECT jsonb_populate_record(p, "
            "jsonb_build_object('posting_id', gen_random_uuid(), 'employer_id', "
            "CASE WHEN n % 40 = 0 THEN 'e' ELSE 'e' || n END, 'reference', 'R' || n, 'version', 2, "
            "'status', CASE WHEN n % 7 = 0 THEN 'open' ELSE 'closed' END, 'closed_reason', "
            "CASE WHEN n % 7 = 0 THEN NULL ELSE 'employer' END, 'valid_until', "
            "p.valid_until + n * interval '1 h')) AS p "
            "FROM postings p, generate_series(1, 8000) n)"
        )
        await tx.execute("ANALYZE postings")
        plan = await _plan(tx, query)
    assert f"using {index} " in plan, plan
    assert "Seq Scan" not in plan


async def test_an_employer_sees_its_own_list_only(db: Database) -> None:
    mine, others = a_posting(), a_posting(employer_id="emp-2")
    async with db.transaction() as tx:
        await store.insert_postings(tx, [mine, others])
        found = await store.select_postings(tx, EMPLOYER, None, None, 10)
    assert found == [mine]
    assert mine.offer == an_offer()
