"""What makes no sense is refused clearly, keeps nothing, and never repeats a number or a name."""

import json
from typing import Any

import pytest

from tests.certificates.conftest import CLAIMS, CertificatesDoor
from tests.certificates.samples import LI_NA, NUMBER, a_statement

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps(a_statement(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (GOOD[:-9], 400),
        (GOOD.replace(b"S000", b"S\\u0000"), 400),
        (GOOD.replace(b"S000", b"S\x00"), 400),
        (GOOD.replace("李娜".encode(), "李娜".encode()[:-1]), 400),
        (GOOD.replace("李娜".encode(), b"\\ud83d"), 400),
        (GOOD.replace(b'"number"', b'"number": "Y1234", "number"'), 400),
        (b"[" * 100_000, 400),
        (b"null", 422),
        (b'"text"', 422),
        (b"[]", 422),
        (b"{}", 422),
        (b"", 422),
        (GOOD[:-1] + b', "note": "' + b"x" * (10 << 20) + b'"}', 413),
    ],
)
async def test_a_body_that_is_no_claim_is_refused(
    refusing: CertificatesDoor, body: bytes, status: int
) -> None:
    answer = await refusing.seeker().post(CLAIMS, content=body, headers=JSON)
    assert answer.status_code == status
    await assert_refused(answer.json(), status, refusing)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"identity_number": "530102199003070017"}, "/identity_number"),
        ({"identity_number": "530102199013070016"}, "/identity_number"),
        ({"identity_number": 530102199003070016}, "/identity_number"),
        ({"identity_number": {"of": LI_NA.identity}}, "/identity_number"),
        ({"identity_number": None}, "/identity_number"),
        ({"number": ""}, "/number"),
        ({"number": "S" * 65}, "/number"),
        ({"number": 5300}, "/number"),
        ({"number": "S000\n053"}, "/number"),
        ({"holder_name": "娜" * 101}, "/holder_name"),
        ({"holder_name": True}, "/holder_name"),
        ({"occupation": "6-31-01-98"}, "/occupation"),
        ({"occupation": "９-99-99-99"}, "/occupation"),
        ({"seeker_id": str(LI_NA.seeker_id)}, "/seeker_id"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_bad_field_is_named(
    refusing: CertificatesDoor, changes: dict[str, Any], pointer: str, language: str
) -> None:
    answer = await refusing.seeker(language=language).post(CLAIMS, json=a_statement(**changes))
    problem = answer.json()
    assert answer.status_code == 422
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    await assert_refused(problem, 422, refusing)


async def assert_refused(problem: dict[str, Any], status: int, door: CertificatesDoor) -> None:
    assert problem["status"] == status
    assert problem["type"].startswith("urn:rengang:problem:")
    told = json.dumps(problem, ensure_ascii=False)
    for secret in (NUMBER, LI_NA.name, LI_NA.identity, LI_NA.identity[:14]):
        assert secret not in told
    assert await door.kept() == 0
