"""A record of the registry is shown with all that it was, and without any person."""

from typing import Any
from uuid import uuid4

import pytest

from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import LI_NA, NUMBER, WANG_WEI, a_line
from tests.certificates.signing import Signer

ENTRIES = "/v1/registry/entries"


@pytest.fixture
async def signer(door: CertificatesDoor) -> Signer:
    signer = Signer(door)
    assert (await signer.register()).status_code == 201
    return signer


async def test_a_record_tells_what_it_was_before_each_change(
    signer: Signer, door: CertificatesDoor
) -> None:
    imports = []
    said: list[dict[str, Any]] = [
        {"status": "in_force"},
        {"status": "suspended"},
        {"status": "suspended", "level": "二级"},
        {"status": "revoked", "level": "二级", "name": "高级电工"},
    ]
    for changes in said:
        imports.append(await signer.import_(a_line(**changes)))
        door.clock.pass_(hours=1)
    entry_id = imports[0]["lines"][0]["id"]
    answer = await door.caller("op-1", "operator").get(f"{ENTRIES}/{entry_id}")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["now"]["status"], told["now"]["name"], told["now"]["level"]) == (
        "revoked",
        "高级电工",
        5,
    )
    assert (told["stated_at"], told["import_id"]) == (
        "2026-03-01T11:00:00Z",
        imports[3]["import_id"],
    )
    assert [(c["changed"], c["was"]["status"], c["was"]["level"]) for c in told["changes"]] == [
        (["name", "status"], "suspended", 5),
        (["level", "level_label"], "suspended", 4),
        (["status"], "in_force", 4),
    ]
    assert [c["import_id"] for c in told["changes"]] == [i["import_id"] for i in imports[:0:-1]]
    assert [c["changed_at"][:19] for c in told["changes"]] == [
        "2026-03-01T11:00:00",
        "2026-03-01T10:00:00",
        "2026-03-01T09:00:00",
    ]


async def test_another_holder_shows_as_a_change_and_no_more(
    signer: Signer, door: CertificatesDoor
) -> None:
    report = await signer.import_(a_line())
    await signer.import_(a_line(WANG_WEI))
    entry_id = report["lines"][0]["id"]
    answer = await door.caller("op-1", "operator").get(f"{ENTRIES}/{entry_id}")
    (change,) = answer.json()["changes"]
    assert change["changed"] == ["holder_name", "identity_number"]
    for secret in (LI_NA.name, LI_NA.identity, WANG_WEI.name, WANG_WEI.identity, NUMBER, "digest"):
        assert secret not in answer.text


async def test_what_was_said_again_is_no_change(signer: Signer, door: CertificatesDoor) -> None:
    report = await signer.import_(a_line())
    door.clock.pass_(hours=1)
    await signer.import_(a_line())
    entry_id = report["lines"][0]["id"]
    told = (await door.caller("op-1", "operator").get(f"{ENTRIES}/{entry_id}")).json()
    assert told["changes"] == []


@pytest.mark.parametrize("role", ["partner", "employer", "seeker", "planner"])
async def test_only_operators_see_it(refusing: CertificatesDoor, role: str) -> None:
    assert (await refusing.caller("x", role).get(f"{ENTRIES}/{uuid4()}")).status_code == 403
    assert (await refusing.anybody().get(f"{ENTRIES}/{uuid4()}")).status_code == 401


async def test_what_is_not_there_is_not_found(refusing: CertificatesDoor) -> None:
    operator = refusing.caller("op-1", "operator")
    assert (await operator.get(f"{ENTRIES}/{uuid4()}")).status_code == 404
    assert (await operator.get(f"{ENTRIES}/not-an-id")).status_code == 422
