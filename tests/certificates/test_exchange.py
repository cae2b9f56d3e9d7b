"""The door that cities ask each other at: what a city is answered, how often, and who saw it."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.certificates.actions.answering import forget_assertions
from services.certificates.domain.exchange import ASSERTION_TYPE, assertion
from services.certificates.domain.keys import SigningKey, from_base64url, jwk
from services.certificates.domain.receipts import Asked, Receipt, check, signed
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import LI_NA, NUMBER, WANG_WEI, Person, a_line, a_number
from tests.support import NOW

URL = "/v1/exchange/verifications"
KEY = SigningKey.of(b"the key of Qujing in these tests"[:32])
NONCE = "a-nonce-that-is-used-once"
_jtis = iter(range(10_000))


@pytest.fixture
async def door(door: CertificatesDoor) -> CertificatesDoor:
    """The door, with Qujing registered and a certificate of Li Na's."""
    await register(door)
    await door.import_(a_line())
    return door


async def register(door: CertificatesDoor, **changes: Any) -> None:
    said = {
        "name": "曲靖",
        "base_url": "https://qujing.example",
        "divisions": ["530300"],
        "jwks": {"keys": [jwk(KEY.public)]},
        **changes,
    }
    answer = await door.caller("op-1", "operator").put("/v1/cities/qujing", json=said)
    assert answer.status_code in (200, 201), answer.text


def an_assertion(door: CertificatesDoor, jti: str | None = None, purpose: str | None = None) -> str:
    claims = assertion(
        city_id="qujing",
        audience="kunming",
        jti=jti or f"jti-{next(_jtis)}",
        issued_at=door.clock(),
        purpose=purpose,
    )
    return signed(claims, KEY, ASSERTION_TYPE)


async def ask(
    door: CertificatesDoor, person: Person = LI_NA, token: str | None = None, **changes: Any
) -> httpx.Response:
    question = {
        "number": NUMBER,
        "holder_name": person.name,
        "identity_number": person.identity,
        "nonce": NONCE,
        **changes,
    }
    headers = {"Authorization": f"Bearer {token or an_assertion(door)}"}
    return await door.anybody().post(URL, json=question, headers=headers)


def receipt_of(door: CertificatesDoor, answer: httpx.Response) -> Receipt:
    assert answer.status_code == 200, answer.text
    receipt = check(answer.json()["receipt"], door.signer.public)
    assert isinstance(receipt, Receipt)
    return receipt


async def test_a_city_is_answered_with_a_receipt_for_itself_alone(door: CertificatesDoor) -> None:
    answer = await ask(door)
    receipt = receipt_of(door, answer)
    assert (receipt.issuer, receipt.audience, receipt.nonce, receipt.verdict) == (
        "kunming",
        "qujing",
        NONCE,
        "valid",
    )
    assert receipt.answered_by.city == "kunming"
    salt = from_base64url(answer.json()["salt"])
    asked = Asked(salt, NUMBER, LI_NA.name.casefold(), LI_NA.identity)
    assert receipt.says_of(asked)
    assert set(answer.json()) == {"receipt", "salt"}


async def test_the_log_says_why_a_city_asked_where_it_tells(
    door: CertificatesDoor, db: Database
) -> None:
    for told in ("subsidy", "claim", None, "to see what she has"):
        assert (await ask(door, token=an_assertion(door, purpose=told))).status_code == 200
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT role, purpose FROM audit ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("city", "subsidy"),
        ("city", "claim"),
        ("city", "exchange"),
        ("city", "exchange"),
    ]
    operator = door.caller("op-1", "operator")
    for purpose, n in (("exchange", 2), ("claim", 1), ("residence", 0)):
        found = await operator.get("/v1/audit", params={"purpose": purpose})
        assert len(found.json()["items"]) == n


async def test_a_wrong_holder_is_told_nothing_of_the_certificate(door: CertificatesDoor) -> None:
    receipt = receipt_of(door, await ask(door, WANG_WEI))
    assert (receipt.verdict, receipt.certificate, receipt.status) == ("holder-mismatch", None, ())


async def test_who_guesses_is_answered_no_more(door: CertificatesDoor) -> None:
    verdicts = []
    for _ in range(100):
        answer = await ask(door, WANG_WEI)
        if answer.status_code != 200:
            break
        verdicts.append(receipt_of(door, answer).verdict)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert set(verdicts) == {"holder-mismatch"}
    # Another number may still be asked about, and the right holder is refused on this one too.
    assert (await ask(door, WANG_WEI, number=a_number(7))).status_code == 200
    assert (await ask(door)).status_code == 429


async def test_that_a_city_asked_is_written_down(door: CertificatesDoor, db: Database) -> None:
    await ask(door)
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT * FROM audit")
    assert (row["requester"], row["role"], row["purpose"], row["verdict"]) == (
        "qujing",
        "city",
        "exchange",
        "valid",
    )


async def test_one_assertion_shown_many_times_at_once_opens_once(door: CertificatesDoor) -> None:
    token = an_assertion(door, "at-once")
    answers = await asyncio.gather(*(ask(door, token=token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_an_assertion_cannot_be_shown_again_once_it_is_forgotten(
    door: CertificatesDoor, db: Database
) -> None:
    token = an_assertion(door, "late")
    assert (await ask(door, token=token)).status_code == 200
    door.clock.pass_(seconds=89)
    assert await forget_assertions(db, door.clock()) == 0
    assert (await ask(door, token=token)).status_code == 401
    door.clock.pass_(seconds=2)
    assert await forget_assertions(db, door.clock()) == 1
    assert (await ask(door, token=token)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"enabled": False},
        {"jwks": {"keys": [jwk(SigningKey.of(b"n" * 32).public)]}},
    ],
)
async def test_a_city_out_of_the_table_is_let_in_no_more(
    door: CertificatesDoor, changes: dict[str, Any]
) -> None:
    assert (await ask(door)).status_code == 200
    await register(door, **changes)
    assert (await ask(door)).status_code == 401
    await register(door)
    await door.caller("op-1", "operator").delete("/v1/cities/qujing")
    assert (await ask(door)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"nonce": "short"}, "/nonce"),
        ({"nonce": None}, "/nonce"),
        ({"identity_number": LI_NA.identity[:-1] + "X"}, "/identity_number"),
        ({"purpose": "inspection"}, "/purpose"),
        ({"number": "1"}, "/number"),
    ],
)
async def test_a_bad_question_is_refused_and_not_repeated(
    door: CertificatesDoor, changes: dict[str, Any], pointer: str
) -> None:
    answer = await ask(door, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert LI_NA.identity[:-1] not in answer.text


async def test_the_document_says_how_cities_are_let_in(door: CertificatesDoor) -> None:
    document = (await door.anybody().get("/openapi.json")).json()
    operation = document["paths"][URL]["post"]
    assert operation["security"] == [{"cityAssertion": []}]
    assert "x-roles" not in operation
    assert "RFC 7523" in json.dumps(document["components"]["securitySchemes"]["cityAssertion"])
    assert door.clock() == NOW
