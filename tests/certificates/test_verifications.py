"""A certificate is looked up by whoever is shown it: a typed verdict, signed, and recorded."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from services.certificates.api.answers import VerificationView
from services.certificates.domain.digests import holder
from services.certificates.domain.keys import from_base64url
from services.certificates.domain.receipts import Asked, Receipt, check
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import (
    AYGUL,
    ELECTRICIAN,
    ISSUER,
    LI_NA,
    NUMBER,
    WANG_WEI,
    WELDER,
    a_line,
    a_number,
    a_statement,
)

URL = "/v1/verifications"
DESK = "qujing-desk-3"


async def ask(
    door: CertificatesDoor, role: str = "partner", asker: str = DESK, **changes: Any
) -> httpx.Response:
    question = {**a_statement(), "purpose": "employment", **changes}
    return await door.caller(asker, role).post(URL, json=question)


async def verify(door: CertificatesDoor, role: str = "partner", **changes: Any) -> dict[str, Any]:
    answer = await ask(door, role, **changes)
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    VerificationView.model_validate(verdict)
    assert verdict.keys() == VerificationView.model_fields.keys()
    return verdict


async def register_issuer(db: Database, code: str = ISSUER, lag_days: int = 7) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO issuers (code, name, province, cities, bases, recognised_by, keys,
                upload_lag_days, origin, changed_at)
            VALUES ($1, '样例评价机构', '53', '{530102}', '{样例备案}', '{}', '[]', $2, null, now())
            """,
            code,
            lag_days,
        )


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({}, "valid", None),
        ({"valid_until": "2026-03-01"}, "valid", None),
        ({"valid_until": "2026-02-28"}, "expired", None),
        ({"status": "revoked"}, "revoked", None),
        ({"status": "revoked", "valid_until": "2026-02-28"}, "revoked", None),
        ({"status": "suspended"}, "suspended", None),
        ({"review_due": "2026-03-01"}, "valid", None),
        ({"review_due": "2026-02-28"}, "suspended", "review-overdue"),
    ],
)
async def test_the_verdict_is_typed(
    door: CertificatesDoor, changes: dict[str, Any], verdict: str, reason: str | None
) -> None:
    await door.import_(a_line(**changes))
    answer = await verify(door)
    assert (answer["verdict"], answer["reason"]) == (verdict, reason)
    assert answer["certificate"]["occupation"] == ELECTRICIAN
    assert (answer["answered_by"], answer["upload_lag_days"]) == ("kunming", None)


async def test_of_several_under_one_number_the_one_that_is_meant_is_answered(
    door: CertificatesDoor,
) -> None:
    number = LI_NA.operation_number
    await door.import_(
        a_line(number=number, level=None, name="低压电工作业"),
        a_line(number=number, level=None, name="焊接", occupation=WELDER, status="revoked"),
    )
    best = await verify(door, number=number)
    welder = await verify(door, number=number, occupation=WELDER)
    other = await verify(door, number=number, occupation="4-10-01-05")
    verdicts = [answer["verdict"] for answer in (best, welder, other)]
    assert verdicts == ["valid", "revoked", "not-found"]


async def test_numbers_and_names_are_found_as_they_may_be_typed(door: CertificatesDoor) -> None:
    await door.import_(a_line(AYGUL, holder_name="阿依古丽・样例"))
    typed = {
        "number": " ｓ000053 000123 233 000456 ",
        "holder_name": "阿依古丽 · 样例",
        "identity_number": "５３０４０２２０００ ０２２９０１３１".replace(" ", ""),
    }
    answer = await verify(door, **typed)
    assert answer["verdict"] == "valid"
    receipt = check(answer["receipt"], door.signer.public)
    assert isinstance(receipt, Receipt)
    plain = Asked(from_base64url(answer["salt"]), NUMBER, holder(AYGUL.name), AYGUL.identity)
    assert receipt.says_of(plain)


async def test_not_found_says_how_late_the_issuer_may_be(
    door: CertificatesDoor, db: Database
) -> None:
    await register_issuer(db, lag_days=7)
    known = await verify(door, number=a_number(9))
    assert (known["verdict"], known["upload_lag_days"]) == ("not-found", 7)
    assert "7 day" in known["explanation"]
    unknown = await verify(door, number="Y" + "9" * 12 + "233000001")
    assert (unknown["verdict"], unknown["upload_lag_days"]) == ("issuer-unknown", None)
    named = await verify(door, number="昆明字第20230017号", issuer="nobody-1")
    assert named["verdict"] == "issuer-unknown"
    silent = await verify(door, number="昆明字第20230017号")
    assert (silent["verdict"], silent["upload_lag_days"]) == ("not-found", None)


def _but_for_the_receipt(answer: httpx.Response) -> bytes:
    """The answer's bytes without receipt, salt and number, which are random."""
    text = answer.content
    for key in ("receipt_no", "receipt", "salt"):
        text = text.replace(answer.json()[key].encode(), b"")
    return text


@pytest.mark.parametrize(
    "wrong",
    [
        {"holder_name": "王伟"},
        {"identity_number": WANG_WEI.identity},
        {"holder_name": WANG_WEI.name, "identity_number": WANG_WEI.identity},
        {"holder_name": "王伟", "occupation": WELDER},
        {"holder_name": "王伟", "occupation": ELECTRICIAN},
    ],
)
async def test_a_wrong_holder_learns_nothing_of_the_certificate(
    door: CertificatesDoor, wrong: dict[str, str]
) -> None:
    over = {"valid_until": "2026-02-28", "level": "五级"}
    kinds: list[dict[str, Any]] = [{}, {"status": "revoked"}, over]
    await door.import_(*(a_line(number=a_number(n), **kind) for n, kind in enumerate(kinds)))
    answers = [await ask(door, number=a_number(n), **wrong) for n in range(len(kinds))]
    assert {answer.json()["verdict"] for answer in answers} == {"holder-mismatch"}
    assert len({_but_for_the_receipt(answer) for answer in answers}) == 1
    receipts = [check(answer.json()["receipt"], door.signer.public) for answer in answers]
    for receipt in receipts:
        assert isinstance(receipt, Receipt)
        assert (receipt.certificate, receipt.status, receipt.reason) == (None, (), None)
    unknown = await ask(door, number="昆明字第20230099号", **wrong)
    assert unknown.json().keys() == answers[0].json().keys()


async def test_the_same_statements_run_whatever_is_found(
    door: CertificatesDoor, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register_issuer(db)
    await door.import_(a_line())
    ran: list[str] = []
    for method in ("fetch", "fetchrow", "execute"):
        whole = getattr(asyncpg.Connection, method)

        async def counted(
            self: Any, query: str, *args: Any, whole: Any = whole, **more: Any
        ) -> Any:
            ran.append(query)
            return await whole(self, query, *args, **more)

        monkeypatch.setattr(asyncpg.Connection, method, counted)

    async def statements(**changes: Any) -> list[str]:
        ran.clear()
        await verify(door, **changes)
        return list(ran)

    await verify(door)
    mismatch = await statements(holder_name="王伟")
    assert any("FROM misses" in query or "JOIN misses" in query for query in mismatch)
    assert mismatch == await statements(number=a_number(7))
    found = await statements()
    counting = [query for query in mismatch if "INSERT INTO misses" in query]
    assert found == [query for query in mismatch if query not in counting]
    assert len(counting) == 1


async def test_the_receipt_is_signed_and_proves_what_was_asked(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    answer = await verify(door)
    receipt = check(answer["receipt"], door.signer.public)
    assert isinstance(receipt, Receipt)
    assert (receipt.number, receipt.verdict, receipt.issuer) == (
        answer["receipt_no"],
        "valid",
        "kunming",
    )
    asked = Asked(
        from_base64url(answer["salt"]), NUMBER, holder(LI_NA.name), LI_NA.identity, None, None
    )
    assert receipt.says_of(asked)
    assert len(receipt.status) == 2


async def test_no_two_receipts_have_a_number_or_a_salt_in_common(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    answers = [await verify(door) for _ in range(3)]
    assert len({answer["receipt_no"] for answer in answers}) == 3
    assert len({answer["salt"] for answer in answers}) == 3


async def test_a_receipt_is_read_back_by_its_asker_and_by_operators_alone(
    door: CertificatesDoor,
) -> None:
    await door.import_(a_line())
    answer = await verify(door)
    url = f"{URL}/{answer['receipt_no']}"
    spelled = f"{URL}/{answer['receipt_no'].lower()}"
    mine = await door.caller(DESK, "partner").get(url)
    assert mine.status_code == 200
    assert mine.json() == {
        "receipt_no": answer["receipt_no"],
        "verdict": "valid",
        "purpose": "employment",
        "verified_at": answer["verified_at"],
        "superseded_by": None,
        "receipt": answer["receipt"],
    }
    assert (await door.caller("op-1", "operator").get(spelled)).json() == mine.json()
    for other in (door.caller("other-desk", "partner"), door.caller(DESK, "employer")):
        assert (await other.get(url)).status_code == 404
    for nothing in ("0" * 26, "no-number", "%20"):
        answered = await door.caller(DESK, "partner").get(f"{URL}/{nothing}")
        assert answered.status_code == 404


async def test_who_looked_and_why_is_recorded_but_not_about_whom(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    answer = await verify(door, role="operator", purpose="subsidy")
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT * FROM verifications")
    assert row["receipt_no"] == answer["receipt_no"]
    said = (row["requester"], row["role"], row["purpose"], row["verdict"], row["jws"])
    assert said == (DESK, "operator", "subsidy", "valid", answer["receipt"])


async def test_looking_claims_nothing(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    await verify(door)
    assert await door.announced() == []


async def test_many_are_answered_each_on_its_own(door: CertificatesDoor) -> None:
    await door.import_(a_line(), a_line(WANG_WEI, number=a_number(2), status="revoked"))
    items = [
        a_statement(),
        {**a_statement(), "identity_number": "530102199003070017"},
        "nonsense",
        a_statement(WANG_WEI, number=a_number(2)),
        {**a_statement(), "purpose": "employment"},
        a_statement(WANG_WEI),
    ]
    answer = await door.caller(DESK, "partner").post(
        URL, json={"purpose": "subsidy", "items": items}
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["answered"], body["not_answered"]) == (3, 3)
    assert [item["index"] for item in body["items"]] == list(range(6))
    verdicts = [item.get("verification", {}).get("verdict") for item in body["items"]]
    assert verdicts == ["valid", None, None, "revoked", None, "holder-mismatch"]
    faults = [
        item["problem"]["errors"][0]["pointer"] for item in body["items"] if "problem" in item
    ]
    assert faults == ["/identity_number", "", "/purpose"]
    assert LI_NA.identity[:-1] not in str([item.get("problem") for item in body["items"]])
    for item in body["items"]:
        if "verification" in item:
            VerificationView.model_validate(item["verification"])


async def test_a_thousand_are_taken_in_one_call_and_no_more(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(*(a_line(number=a_number(n)) for n in range(1000)))
    items = [a_statement(number=a_number(n)) for n in range(1000)]
    partner = door.caller(DESK, "partner")
    answer = await partner.post(URL, json={"purpose": "subsidy", "items": items})
    assert answer.json()["answered"] == 1000
    assert {i["verification"]["verdict"] for i in answer.json()["items"]} == {"valid"}
    async with db.transaction() as tx:
        kept = await tx.fetchval("SELECT count(DISTINCT receipt_no) FROM verifications")
        assert (kept, await tx.fetchval("SELECT count(*) FROM audit")) == (1000, 1000)
    for wrong in ([], [*items, a_statement()]):
        refused = await partner.post(URL, json={"purpose": "subsidy", "items": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/items"


async def test_whoever_asks_at_once_is_answered_and_all_are_recorded(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(*(a_line(number=a_number(n)) for n in range(40)))
    answers = await asyncio.gather(*(verify(door, number=a_number(n)) for n in range(40)))
    assert {answer["verdict"] for answer in answers} == {"valid"}
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT seq, receipt_no FROM audit ORDER BY seq")
        shared = await tx.fetchval("SELECT count(DISTINCT xmin::text) FROM verifications")
    assert [row["seq"] for row in rows] == list(range(1, 41))
    assert {row["receipt_no"] for row in rows} == {answer["receipt_no"] for answer in answers}
    assert shared < 40


async def test_a_purpose_must_be_stated(refusing: CertificatesDoor) -> None:
    partner = refusing.caller(DESK, "partner")
    for purpose in ({}, {"purpose": f"about {LI_NA.name}"}):
        for body in ({**a_statement(), **purpose}, {"items": [a_statement()], **purpose}):
            answer = await partner.post(URL, json=body)
            assert answer.status_code == 422
            assert [error["pointer"] for error in answer.json()["errors"]] == ["/purpose"]


async def test_an_employer_verifies_to_employ_and_learns_what_others_learn(
    door: CertificatesDoor,
) -> None:
    await door.import_(a_line())
    mine = await ask(door, role="employer", asker="enterprise-1")
    theirs = await ask(door)
    assert _but_for_the_receipt(mine) == _but_for_the_receipt(theirs)
    refused = await ask(door, role="employer", asker="enterprise-1", purpose="subsidy")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/purpose"]


@pytest.mark.parametrize("role", ["seeker", "planner"])
async def test_others_do_not_verify(refusing: CertificatesDoor, role: str) -> None:
    for answer in (await ask(refusing, role), await refusing.caller("x", role).get(f"{URL}/{1}")):
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {"Content-Type": "application/json"}, 422),
        (b"[]", {"Content-Type": "application/json"}, 422),
        (b'{"number": 1, "number": 2}', {"Content-Type": "application/json"}, 400),
        (b'{"number": "S00', {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b" " * (2 << 20), {"Content-Type": "application/json"}, 413),
    ],
)
async def test_a_body_that_is_no_question_is_refused(
    refusing: CertificatesDoor, content: bytes, headers: dict[str, str], status: int
) -> None:
    partner = refusing.caller(DESK, "partner")
    answer = await partner.post(URL, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await refusing.kept() == 0
