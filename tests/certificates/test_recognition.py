"""The recognition table at the door: what it takes, and what a change does to claims at once."""

from typing import Any

import pytest

from services.certificates.actions.mirroring import apply_recognitions
from tests.certificates.conftest import CLAIMS, CertificatesDoor
from tests.certificates.plain_city import PLAIN_NUMBER, a_plain_certificate, a_plain_city
from tests.certificates.samples import LI_NA, WELDER, a_statement

URL = "/v1/recognitions"
STATED = a_statement(number=PLAIN_NUMBER)


def a_line(**changes: Any) -> dict[str, Any]:
    return {"city": "yuxi", "counts_as": 3, "from_day": "2026-01-01", **changes}


async def recognise(door: CertificatesDoor, *lines: dict[str, Any]) -> int:
    answer = await door.caller("op-1", "operator").put(URL, json={"items": lines})
    assert answer.status_code == 200, answer.text
    changed: int = answer.json()["changed"]
    return changed


async def test_the_table_is_replaced_whole_and_read_by_partners(door: CertificatesDoor) -> None:
    assert await recognise(door, a_line(level=4), a_line(occupation=WELDER, counts_as=None)) == 0
    assert await recognise(door, a_line(issuer="YX-7", until="2026-12-31")) == 0
    table = (await door.caller("desk", "partner").get(URL)).json()
    assert table == {
        "items": [
            {
                "city": "yuxi",
                "issuer": "YX-7",
                "occupation": None,
                "level": None,
                "label": None,
                "counts_as": 3,
                "from_day": "2026-01-01",
                "until": "2026-12-31",
            }
        ]
    }


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([{"counts_as": 3, "from_day": "2026-01-01"}], "/items/0"),
        ([a_line(counts_as=9)], "/items/0/counts_as"),
        ([a_line(level=0)], "/items/0/level"),
        ([a_line(until="2025-12-31")], "/items/0/until"),
        ([a_line(from_day="20260101")], "/items/0/from_day"),
        ([a_line(occupation="9-99-99-99")], "/items/0/occupation"),
        ([a_line(), a_line(counts_as=2)], "/items/1"),
        ([{"city": "yuxi", "from_day": "2026-01-01"}], "/items/0/counts_as"),
        ([a_line(note="x")], "/items/0/note"),
    ],
)
async def test_what_the_table_does_not_take(
    refusing: CertificatesDoor, lines: list[dict[str, Any]], pointer: str
) -> None:
    operator = refusing.caller("op-1", "operator")
    answer = await operator.put(URL, json={"items": lines})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await operator.get(URL)).json() == {"items": []}


@pytest.mark.parametrize("role", ["partner", "seeker", "employer", "planner"])
async def test_only_operators_change_it(refusing: CertificatesDoor, role: str) -> None:
    answer = await refusing.caller("x", role).put(URL, json={"items": []})
    assert answer.status_code == 403
    read = await refusing.caller("x", role).get(URL)
    assert read.status_code == (200 if role == "partner" else 403)


async def test_a_changed_table_is_felt_by_claims_at_once(door: CertificatesDoor) -> None:
    async with a_plain_city() as yuxi:
        yuxi.known[PLAIN_NUMBER] = a_plain_certificate()
        operator = door.caller("op-1", "operator")
        assert (await operator.put("/v1/cities/yuxi", json=yuxi.entry())).status_code == 201
        waiting = await door.claim(STATED)
        assert (waiting["status"], waiting["reason"]) == ("claimed", "pending")
        assert await door.partners.retrying.run_once() == 1
    assert [proof.level for proof in await door.in_force()] == [4]

    assert await recognise(door, a_line(level=4, counts_as=3)) == 1
    assert [proof.level for proof in await door.in_force()] == [3]
    assert await recognise(door, a_line(level=4, counts_as=3)) == 0

    assert await recognise(door, a_line(counts_as=None)) == 1
    event = (await door.folder_events())[-1]
    assert (event.type, event.data.changed.reason, event.data.in_force) == (
        "CertificateLapsed",
        "not-recognised",
        (),
    )
    (claim,) = (await door.seeker().get(CLAIMS)).json()["items"]
    assert (claim["status"], claim["reason"]) == ("lapsed", "not-recognised")
    assert "not recognised here" in claim["explanation"]

    assert await recognise(door) == 1
    assert [proof.level for proof in await door.in_force()] == [4]
    assert await door.told() == [
        ("CertificateClaimed", 1, 0),
        ("CertificateVerified", 2, 1),
        ("CertificateVerified", 3, 1),
        ("CertificateLapsed", 4, 0),
        ("CertificateVerified", 5, 1),
    ]


async def test_what_is_not_recognised_from_the_start_is_rejected(door: CertificatesDoor) -> None:
    async with a_plain_city() as yuxi:
        yuxi.known[PLAIN_NUMBER] = a_plain_certificate()
        await door.caller("op-1", "operator").put("/v1/cities/yuxi", json=yuxi.entry())
        await recognise(door, a_line(label="高级工", counts_as=None))
        await door.claim(STATED)
        await door.partners.retrying.run_once()
    assert await door.told() == [("CertificateClaimed", 1, 0), ("CertificateRejected", 2, 0)]
    assert (await door.folder_events())[-1].data.changed.reason == "not-recognised"


async def test_a_line_begins_and_ends_by_the_calendar(door: CertificatesDoor) -> None:
    async with a_plain_city() as yuxi:
        yuxi.known[PLAIN_NUMBER] = a_plain_certificate()
        await door.caller("op-1", "operator").put("/v1/cities/yuxi", json=yuxi.entry())
        await recognise(door, a_line(from_day="2026-03-02", until="2026-03-02"))
        await door.claim(STATED)
        await door.partners.retrying.run_once()
    levels = []
    for hours in (7.99, 0.02, 23.9, 0.2):
        door.clock.pass_(hours=hours)
        await apply_recognitions(door.db, door.clock())
        levels.append([proof.level for proof in await door.in_force()])
    assert levels == [[4], [3], [3], [4]]
    assert LI_NA.name not in str(await door.folder_events())
