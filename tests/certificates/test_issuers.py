"""The register of issuers: what an operator states is kept, what makes no sense is named."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dev import signed_files
from services.certificates.domain.issuers import is_city_of
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import ISSUER
from tests.certificates.signing import Signer, an_issuer

KEY = Ed25519PrivateKey.generate()
JWK = signed_files.public_jwk(KEY)


async def test_an_issuer_is_registered_changed_and_read(door: CertificatesDoor) -> None:
    signer = Signer(door)
    first = await signer.register()
    again = await signer.register(upload_lag_days=0, cities=[], keys=[])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"code": ISSUER, "origin": None, **an_issuer(signer.key)}
    read = await door.caller("yuxi", "partner").get(f"/v1/issuers/{ISSUER}")
    assert read.json() == again.json()
    assert (read.json()["upload_lag_days"], read.json()["keys"]) == (0, [])


async def test_a_key_is_kept_under_its_thumbprint_whatever_id_it_came_with(
    door: CertificatesDoor,
) -> None:
    named = {"kty": "OKP", "crv": "Ed25519", "x": JWK["x"], "kid": "2026", "note": "signing desk"}
    answer = await Signer(door).register(keys=[named])
    assert answer.json()["keys"] == [JWK]


async def test_issuers_are_listed_in_pages(door: CertificatesDoor) -> None:
    codes = ["S000053000003", "S000053000001", "S000053000002"]
    for code in codes:
        await Signer(door, code).register()
    partner = door.caller("yuxi", "partner")
    first = await partner.get("/v1/issuers", params={"limit": 2})
    rest = await partner.get("/v1/issuers", params={"limit": 2, "cursor": first.json()["next"]})
    listed = [item["code"] for page in (first, rest) for item in page.json()["items"]]
    assert listed == sorted(codes)
    assert (rest.json()["next"], "Link" in first.headers) == (None, True)


@pytest.mark.parametrize(
    ("changes", "pointers", "words"),
    [
        ({"province": "99"}, ["/province"], "two digits"),
        ({"province": "530"}, ["/province"], "two digits"),
        ({"cities": ["530100", "110100"]}, ["/cities/1"], "no such city"),
        ({"cities": ["530200"]}, ["/cities/0"], "no such city"),
        ({"cities": ["530102"]}, ["/cities/0"], "no such city"),
        ({"cities": ["530000"]}, ["/cities/0"], "no such city"),
        ({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, ["/keys/0"], "Ed25519"),
        ({"keys": [{**JWK, "x": "AAAA"}]}, ["/keys/0"], "Ed25519"),
        ({"keys": [{**JWK, "x": 7}]}, ["/keys/0"], "Ed25519"),
        ({"keys": [JWK, {**JWK, "d": "AAAA"}]}, ["/keys/1"], "private"),
        ({"keys": [JWK, {**JWK, "kid": "other"}]}, ["/keys/1"], "twice"),
        ({"upload_lag_days": 366}, ["/upload_lag_days"], "365"),
        ({"upload_lag_days": -1}, ["/upload_lag_days"], "0"),
        ({"bases": []}, ["/bases"], "1"),
        ({"recognised_by": []}, ["/recognised_by"], "1"),
        ({"name": " "}, ["/name"], "1"),
        ({"origin": "dali"}, ["/origin"], "PUT /v1/cities"),
        ({"colour": "red"}, ["/colour"], "no such field"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    refusing: CertificatesDoor, changes: dict[str, Any], pointers: list[str], words: str
) -> None:
    answer = await Signer(refusing).register(**changes)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [error["pointer"] for error in errors] == pointers
    assert words in errors[0]["detail"]
    known = await refusing.caller("op-1", "operator").get(f"/v1/issuers/{ISSUER}")
    assert known.status_code == 404


@pytest.mark.parametrize("role", ["partner", "employer", "seeker", "planner"])
async def test_only_operators_register(refusing: CertificatesDoor, role: str) -> None:
    answer = await refusing.caller("somebody", role).put(
        f"/v1/issuers/{ISSUER}", json=an_issuer(KEY)
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["employer", "seeker", "planner"])
async def test_only_operators_and_partners_read(refusing: CertificatesDoor, role: str) -> None:
    caller = refusing.caller("somebody", role)
    for path in ("/v1/issuers", f"/v1/issuers/{ISSUER}"):
        assert (await caller.get(path)).status_code == 403


def test_cities_elsewhere_are_held_to_their_form() -> None:
    assert is_city_of("510100", "51")
    assert not is_city_of("510000", "51")
    assert not is_city_of("510101", "51")
    assert not is_city_of("51010", "51")
