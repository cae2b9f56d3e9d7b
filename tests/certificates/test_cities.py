"""The table of partner cities: who may change it, and what it does not take."""

from typing import Any

import pytest

from services.certificates.domain.keys import SigningKey, jwk
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.plain_city import MAPPING

CITIES = "/v1/cities"
KEY = SigningKey.of(b"q" * 32)
JWKS = {"keys": [jwk(KEY.public)]}


def qujing(**changes: Any) -> dict[str, Any]:
    said = {
        "name": "曲靖",
        "base_url": "https://certificates.qujing.example/",
        "divisions": ["530300"],
        "jwks": JWKS,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


async def test_a_city_is_registered_changed_and_removed(door: CertificatesDoor) -> None:
    operator = door.caller("op-1", "operator")
    first = await operator.put(f"{CITIES}/qujing", json=qujing())
    assert first.status_code == 201, first.text
    assert first.json() == {
        "city_id": "qujing",
        "state": "closed",
        "name": "曲靖",
        "base_url": "https://certificates.qujing.example",
        "divisions": ["530300"],
        "adapter": "rengang",
        "enabled": True,
        "jwks": JWKS,
        "jwks_url": None,
        "mapping": None,
        "certificate_sha256": None,
        "trusted_unsigned": False,
        "timeout_s": None,
    }
    again = await operator.put(f"{CITIES}/qujing", json=qujing(enabled=False, timeout_s=0.5))
    assert (again.status_code, again.json()["enabled"]) == (200, False)
    assert (await operator.get(f"{CITIES}/qujing")).json() == again.json()
    assert (await operator.get(CITIES)).json() == {"items": [again.json()]}
    assert (await operator.delete(f"{CITIES}/qujing")).status_code == 204
    assert (await operator.delete(f"{CITIES}/qujing")).status_code == 404
    assert (await operator.get(f"{CITIES}/qujing")).status_code == 404
    assert (await operator.get(CITIES)).json() == {"items": []}


@pytest.mark.parametrize("role", ["partner", "seeker", "employer", "planner"])
async def test_only_operators_see_or_change_the_table(
    refusing: CertificatesDoor, role: str
) -> None:
    caller = refusing.caller("x", role)
    answers = [
        await caller.put(f"{CITIES}/qujing", json=qujing()),
        await caller.get(CITIES),
        await caller.get(f"{CITIES}/qujing"),
        await caller.delete(f"{CITIES}/qujing"),
        await caller.post(f"{CITIES}/qujing/test"),
    ]
    assert {answer.status_code for answer in answers} == {403}


PRIVATE = {"keys": [{**jwk(KEY.public), "d": "AAAA"}]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"jwks": None}, "/jwks"),
        ({"jwks": {"keys": []}}, "/jwks"),
        ({"jwks": PRIVATE}, "/jwks"),
        ({"jwks_url": "https://elsewhere.example/jwks.json"}, "/jwks_url"),
        ({"base_url": "ftp://certificates.example"}, "/base_url"),
        ({"base_url": "https://user:secret@certificates.example"}, "/base_url"),
        ({"base_url": "https://certificates.example/?a=b"}, "/base_url"),
        ({"base_url": "https://certificates.example/#a"}, "/base_url"),
        ({"base_url": "file:///etc/passwd"}, "/base_url"),
        ({"divisions": []}, "/divisions"),
        ({"divisions": ["5303"]}, "/divisions/0"),
        ({"name": " "}, "/name"),
        ({"timeout_s": 0}, "/timeout_s"),
        ({"certificate_sha256": "AAAA"}, "/certificate_sha256"),
        (
            {"certificate_sha256": "A" * 43, "base_url": "http://certificates.example"},
            "/certificate_sha256",
        ),
        ({"adapter": "http-json"}, "/mapping"),
        ({"adapter": "http-json", "mapping": {**MAPPING, "path": "x"}}, "/mapping/path"),
        ({"adapter": "http-json", "mapping": MAPPING}, "/trusted_unsigned"),
        ({"adapter": "soap"}, "/adapter"),
        ({"secret": "x"}, "/secret"),
    ],
)
async def test_what_the_table_does_not_take(
    refusing: CertificatesDoor, changes: dict[str, Any], pointer: str
) -> None:
    operator = refusing.caller("op-1", "operator")
    answer = await operator.put(f"{CITIES}/qujing", json=qujing(**changes))
    assert answer.status_code == 422, answer.text
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointer in pointers
    assert (await operator.get(CITIES)).json() == {"items": []}


async def test_our_own_city_is_no_partner(refusing: CertificatesDoor) -> None:
    operator = refusing.caller("op-1", "operator")
    answer = await operator.put(f"{CITIES}/kunming", json=qujing())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "city_id"
    assert (await operator.put(f"{CITIES}/Qu_Jing", json=qujing())).status_code == 422


async def test_the_way_to_a_city_that_is_not_there_is_tried(door: CertificatesDoor) -> None:
    operator = door.caller("op-1", "operator")
    url = "http://127.0.0.1:9"
    await operator.put(f"{CITIES}/qujing", json=qujing(base_url=url))
    tried = (await operator.post(f"{CITIES}/qujing/test")).json()
    assert (tried["ok"], tried["fault"], tried["verdict"]) == (False, "not_reached", None)
    assert (await operator.post(f"{CITIES}/yuxi/test")).status_code == 404
