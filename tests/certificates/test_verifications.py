"""A certificate is looked up by whoever is shown it: a typed verdict, and a record of the look."""

from typing import Any

import pytest

from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import LI_NA, WANG_WEI, a_line, a_number, a_statement

URL = "/v1/verifications"


async def verify(door: CertificatesDoor, role: str = "partner", **changes: Any) -> dict[str, Any]:
    question = {**a_statement(), "purpose": "employment", **changes}
    answer = await door.caller("qujing-desk-3", role).post(URL, json=question)
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    return verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "valid"),
        ({"valid_until": "2026-03-01"}, "valid"),
        ({"valid_until": "2026-02-28"}, "expired"),
        ({"status": "revoked"}, "revoked"),
        ({"status": "revoked", "valid_until": "2026-02-28"}, "revoked"),
        ({"status": "suspended"}, "suspended"),
        ({"number": a_number(99)}, "not-found"),
    ],
)
async def test_the_verdict_is_typed(
    door: CertificatesDoor, changes: dict[str, Any], verdict: str
) -> None:
    await door.import_(a_line(**changes))
    answer = await verify(door)
    assert answer["verdict"] == verdict
    assert (answer["certificate"] is None) == (verdict == "not-found")
    assert answer["explanation"]


@pytest.mark.parametrize("wrong", [{"holder_name": "王伟"}, {"identity_number": WANG_WEI.identity}])
async def test_a_wrong_holder_is_told_what_an_unknown_number_is(
    door: CertificatesDoor, wrong: dict[str, str]
) -> None:
    await door.import_(a_line())
    mismatch, unknown = await verify(door, **wrong), await verify(door, number=a_number(9))
    assert {**mismatch, "verification_id": 0} == {**unknown, "verification_id": 0}


async def test_who_looked_and_why_is_recorded_but_not_about_whom(
    door: CertificatesDoor, db: Database
) -> None:
    await door.import_(a_line())
    answer = await verify(door, role="operator", purpose="subsidy")
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT * FROM verifications")
    assert str(row["verification_id"]) == answer["verification_id"]
    assert (row["requester"], row["purpose"], row["verdict"]) == (
        "qujing-desk-3",
        "subsidy",
        "valid",
    )


async def test_looking_claims_nothing(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    await verify(door)
    assert await door.announced() == []


async def test_a_purpose_must_be_stated(refusing: CertificatesDoor) -> None:
    partner = refusing.caller("qujing-desk-3", "partner")
    for purpose in ({}, {"purpose": f"about {LI_NA.name}"}):
        answer = await partner.post(URL, json={**a_statement(), **purpose})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/purpose"]


@pytest.mark.parametrize("role", ["employer", "seeker", "planner"])
async def test_only_partners_and_operators_verify(refusing: CertificatesDoor, role: str) -> None:
    answer = await refusing.caller("x", role).post(
        URL, json={**a_statement(), "purpose": "subsidy"}
    )
    assert answer.status_code == 403
