"""Whoever tries numbers out is stopped, seen, and stopped for no longer than that."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.certificates.actions.inquiries import Verified
from services.certificates.actions.keeping_keys import Signer, make_keys
from services.certificates.actions.receipting import Receipts
from services.certificates.actions.verifying import Verifier
from services.certificates.domain.guesses import (
    WINDOWS,
    Allowance,
    Counted,
    Guessed,
    Tally,
    windows_of,
)
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.verdicts import Question
from services.kit.database import Database
from tests.certificates.conftest import ALLOWANCES, CLAIMS, PUBLIC_URL, CertificatesDoor
from tests.certificates.samples import (
    LI_NA,
    NUMBER,
    PEPPER,
    WANG_WEI,
    a_line,
    a_number,
    a_statement,
)

URL = "/v1/verifications"
NOW = datetime(2026, 3, 1, 8, 17, 31, tzinfo=UTC)
ALLOWED = Allowance(number=5, asker=12)
X, Y = b"x" * 32, b"y" * 32


async def ask(
    door: CertificatesDoor, asker: str = "enterprise-1", role: str = "employer", **changes: Any
) -> httpx.Response:
    question = {**a_statement(), "purpose": "employment", **changes}
    return await door.caller(asker, role).post(URL, json=question)


async def statuses(door: CertificatesDoor, n: int, **changes: Any) -> list[int]:
    return [(await ask(door, **changes)).status_code for _ in range(n)]


async def another_process(door: CertificatesDoor) -> Verifier:
    """Another process on the same database."""
    signer = Signer(PEPPER)
    await make_keys(door.db, signer, secrets.token_bytes, door.clock())
    receipts = Receipts(signer, "kunming", PUBLIC_URL)
    return Verifier(door.db, PEPPER, receipts, "kunming", door.clock, secrets.token_bytes)


def refused(what: str, role: str) -> float:
    labels = {"what": what, "role": role}
    return REGISTRY.get_sample_value("rengang_guesses_refused_total", labels) or 0.0


async def audited(db: Database) -> list[tuple[str, str, str | None]]:
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT requester, act, verdict FROM audit ORDER BY seq")
    return [tuple(row) for row in rows]


async def test_after_five_misses_on_a_number_nothing_is_said_about_it(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line(), a_line(number=a_number(2)))
    before = refused("number", "employer")
    assert await statuses(door, 5, holder_name="王伟") == [200] * 5
    right = await ask(door)
    problem = right.json()
    assert (right.status_code, problem["type"]) == (
        429,
        "urn:rengang:problem:too_many_misses_number",
    )
    assert int(right.headers["retry-after"]) == problem["retry_after_s"]
    assert 24 * 3600 <= problem["retry_after_s"] <= 25 * 3600
    assert refused("number", "employer") == before + 1
    assert (await audited(db))[-1] == ("enterprise-1", "refused", None)
    # Another number, another asker: nothing has changed for them.
    assert (await ask(door, number=a_number(2))).json()["verdict"] == "valid"
    assert (await ask(door, asker="enterprise-2")).json()["verdict"] == "valid"
    door.clock.pass_(seconds=problem["retry_after_s"] - 1)
    assert (await ask(door)).status_code == 429
    door.clock.pass_(seconds=1)
    assert (await ask(door)).json()["verdict"] == "valid"


async def test_too_many_misses_in_an_hour_stop_an_asker(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    most = ALLOWANCES["employer"].asker
    misses = [await ask(door, number=f"Y{n:021d}") for n in range(most)]
    assert {answer.status_code for answer in misses} == {200}
    stopped = await ask(door)
    assert stopped.json()["type"] == "urn:rengang:problem:too_many_misses_asker"
    wait_s = int(stopped.headers["retry-after"])
    assert 3600 <= wait_s <= 3900
    door.clock.pass_(seconds=wait_s)
    assert (await ask(door)).status_code == 200


async def test_who_is_right_is_never_stopped(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    most = ALLOWANCES["employer"].asker
    assert await statuses(door, most + 5) == [200] * (most + 5)


async def test_each_item_of_a_batch_counts(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line(), a_line(number=a_number(2)))
    wrong = {**a_statement(), "holder_name": "王伟"}
    items = [wrong] * 7 + [a_statement(), a_statement(number=a_number(2))]
    answer = await door.caller("enterprise-1", "employer").post(
        URL, json={"purpose": "employment", "items": items}
    )
    told = answer.json()["items"]
    assert ["verification" in item for item in told] == [True] * 5 + [False] * 3 + [True]
    assert {item["problem"]["status"] for item in told[5:8]} == {429}
    assert told[5]["problem"]["retry_after_s"] > 0
    assert [act for _, act, _ in await audited(db)].count("refused") == 3


async def test_who_guesses_many_at_once_gets_no_more_guesses(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    names = [f"样例{n}" for n in range(30)]
    answers = await asyncio.gather(*(ask(door, holder_name=name) for name in names))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 25


async def test_who_guesses_at_several_processes_at_once_gets_no_more_guesses(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    for number, most in ((NUMBER, 5), (None, ALLOWANCES["employer"].asker)):
        processes = [door.verifier, *[await another_process(door) for _ in range(3)]]
        inquiries = [
            processes[n % 4].inquiry(
                Question(certificate_number(number or f"Y{n:021d}"), f"样例{n}", LI_NA.identity),
                requester=f"enterprise-{number}",
                role="employer",
                purpose="employment",
                allowance=ALLOWANCES["employer"],
            )
            for n in range(160)
        ]
        outcomes = await asyncio.gather(
            *(processes[n % 4].verify([inquiry]) for n, inquiry in enumerate(inquiries))
        )
        answered = sum(isinstance(outcome, Verified) for (outcome,) in outcomes)
        assert answered == most
    async with db.transaction() as tx:
        counts = await tx.fetch(
            "SELECT requester, sum(n)::int AS n FROM misses WHERE number_digest = '' "
            "GROUP BY 1 ORDER BY 2"
        )
    assert [row["n"] for row in counts] == [5, ALLOWANCES["employer"].asker]
    assert len(await audited(db)) == 320


async def test_misses_outlive_a_restart(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    await statuses(door, 5, holder_name="王伟")
    async with db.transaction() as tx:
        rows = await tx.fetch(
            "SELECT requester, n FROM misses ORDER BY octet_length(number_digest)"
        )
    assert [tuple(row) for row in rows] == [("employer enterprise-1", 5)] * 2


async def test_the_same_subject_in_another_role_is_another_asker(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    await statuses(door, 6, holder_name="王伟")
    assert (await ask(door)).status_code == 429
    assert (await ask(door, role="operator")).status_code == 200


async def test_claims_count_too(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    seeker = door.seeker(WANG_WEI)
    guesses = [a_statement(WANG_WEI, holder_name=f"样例{n}") for n in range(6)]
    claims = [await seeker.post(CLAIMS, json=guess) for guess in guesses]
    assert [answer.status_code for answer in claims] == [201] * 5 + [429]
    assert int(claims[-1].headers["retry-after"]) > 0
    # What was claimed before is still told; the refused one was not taken in.
    assert (await seeker.post(CLAIMS, json=guesses[0])).status_code == 200
    assert len((await seeker.get(CLAIMS)).json()["items"]) == 5
    assert await audited(db) == [(WANG_WEI.subject, "refused", None)]
    assert (await door.claim(a_statement()))["status"] == "verified"


async def test_a_refused_claim_is_recorded_under_an_idempotency_key_too(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    seeker = door.seeker(WANG_WEI)
    for n in range(6):
        guess = a_statement(WANG_WEI, holder_name=f"样例{n}")
        answer = await seeker.post(CLAIMS, json=guess, headers={"Idempotency-Key": f"key-{n}"})
    assert answer.status_code == 429
    assert await audited(db) == [(WANG_WEI.subject, "refused", None)]


async def test_what_counts_no_more_is_deleted(door: CertificatesDoor, db: Database) -> None:
    await door.import_(a_line())
    await statuses(door, 1, holder_name="王伟")
    door.clock.pass_(hours=24)
    await door.verifier.forget_misses()
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM misses WHERE number_digest <> ''") == 1
    door.clock.pass_(hours=2)
    await door.verifier.forget_misses()
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM misses") == 0


async def test_the_log_tells_of_guesses_and_of_nobody(
    door: CertificatesDoor, capsys: pytest.CaptureFixture[str]
) -> None:
    await door.import_(a_line())
    await statuses(door, 6, holder_name="王伟")
    told = capsys.readouterr().out
    assert "guesses.refused" in told
    for secret in (NUMBER, LI_NA.identity, LI_NA.name, "王伟", "enterprise-1"):
        assert secret not in told


def test_a_miss_counts_for_its_window_and_a_bucket_at_most() -> None:
    for what, window in WINDOWS.items():
        tally = Tally()
        tally.count("a", X, NOW)
        once = Allowance(number=1, asker=10**6)
        if what is Guessed.ASKER:
            once = Allowance(number=10**6, asker=1)
        refusal = tally.refusal("a", X, once, NOW)
        assert refusal is not None
        assert refusal.what is what
        assert window.length <= refusal.retry_at - NOW <= window.length + window.bucket
        assert tally.refusal("a", X, once, refusal.retry_at) is None
        assert tally.refusal("a", X, once, refusal.retry_at - timedelta(seconds=1)) is not None
        assert tally.refusal("b", X, once, NOW) is None


def test_a_miss_can_be_taken_back() -> None:
    tally = Tally()
    tally.count("a", X, NOW)
    tally.count("a", X, NOW, -1)
    assert tally.changes() == []
    assert tally.refusal("a", X, Allowance(1, 1), NOW) is None
    tally.count("a", X, NOW, -1)
    assert {each.n for each in tally.changes()} == {-1}


@given(st.lists(st.tuples(st.sampled_from([X, Y]), st.integers(0, 100_000)), max_size=40))
def test_the_tally_counts_as_a_plain_list_of_misses_does(misses: list[tuple[bytes, int]]) -> None:
    at = [(number, NOW - timedelta(seconds=ago)) for number, ago in misses]
    tally = Tally()
    for number, when in at:
        tally.count("a", number, when)
    stored = Tally.of(
        Counted(each.asker, each.number, each.bucket, each.n) for each in tally.changes()
    )
    for each in (tally, stored):
        refusal = each.refusal("a", X, ALLOWED, NOW)
        surely = sum(n == X and NOW - t < timedelta(hours=24) for n, t in at) >= ALLOWED.number
        surely |= sum(NOW - t < timedelta(hours=1) for _, t in at) >= ALLOWED.asker
        perhaps = sum(n == X and NOW - t < timedelta(hours=25) for n, t in at) >= ALLOWED.number
        perhaps |= sum(NOW - t < timedelta(minutes=65) for _, t in at) >= ALLOWED.asker
        assert surely <= (refusal is not None) <= perhaps
        if refusal is not None:
            assert each.refusal("a", X, ALLOWED, refusal.retry_at) is None


def test_only_the_buckets_that_count_are_read() -> None:
    since = windows_of([("a", X), ("a", Y)], NOW)
    assert since[("a", X)] == NOW - timedelta(hours=25) == since[("a", Y)]
    assert since[("a", b"")] == NOW - timedelta(minutes=65)
    assert len(since) == 3
