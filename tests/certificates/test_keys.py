"""Signing keys: made once, published before they sign, turned in time, kept under the secret."""

import asyncio
import json
import secrets
from datetime import datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificates.actions.keeping_keys import (
    PUBLISHED_AHEAD,
    NextKeyTooYoung,
    NotLoaded,
    Signer,
    make_keys,
    turn_keys,
    turn_keys_when_due,
)
from services.certificates.domain.digests import Pepper
from services.certificates.domain.keys import (
    PUBLISHED_AFTER,
    KeyUnreadable,
    SigningKey,
    base64url,
    from_base64url,
    jwk,
    read_jwks,
    thumbprint,
)
from services.kit.auth import Role
from services.kit.database import Database
from tests.certificates.conftest import CertificatesDoor
from tests.certificates.samples import PEPPER
from tests.support import NOW

JWKS = "/.well-known/jwks.json"
ROTATE = "/v1/keys/rotate"
# RFC 8032 §7.1 test 1, and RFC 8037 appendix A.3.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


async def a_signer(db: Database, now: datetime = NOW) -> Signer:
    signer = Signer(PEPPER)
    await make_keys(db, signer, secrets.token_bytes, now)
    return signer


def kids(signer: Signer) -> list[str]:
    return [key["kid"] for key in json.loads(signer.jwks)["keys"]]


async def states(db: Database) -> dict[str, str]:
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT kid, state FROM signing_keys")
    return {row["kid"]: row["state"] for row in rows}


def test_a_key_is_that_of_the_rfc() -> None:
    key = SigningKey.of(SEED)
    assert key.public == PUBLIC
    assert key.kid == thumbprint(PUBLIC) == THUMBPRINT
    assert jwk(PUBLIC)["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_a_sealed_key_opens_under_its_secret_and_its_own_id_alone() -> None:
    key, secret = SigningKey.of(SEED), bytes(32)
    sealed = key.sealed(secret, bytes(12))
    assert SEED not in sealed
    assert SigningKey.opened(key.kid, sealed, secret).public == PUBLIC
    with pytest.raises(KeyUnreadable):
        SigningKey.opened(key.kid, sealed, b"\1" * 32)
    with pytest.raises(KeyUnreadable):
        SigningKey.opened("another", sealed, secret)
    with pytest.raises(KeyUnreadable):
        SigningKey.opened(key.kid, b"", secret)


@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = base64url(data)
    assert from_base64url(text) == data
    for other in (text + "=", text + "!", text + "\n", f" {text}"):
        with pytest.raises(ValueError, match=r"."):
            from_base64url(other)


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1, {"kty": "RSA"}]}',
     b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}'],
)  # fmt: skip
def test_what_is_no_jwks_is_refused(document: bytes) -> None:
    with pytest.raises(KeyUnreadable):
        read_jwks(document)


def test_keys_of_other_kinds_do_not_take_ours_away() -> None:
    listed = [{"kty": "EC"}, {**jwk(PUBLIC), "use": "enc", "kid": "other"}, jwk(PUBLIC)]
    assert list(read_jwks(json.dumps({"keys": listed}))) == [THUMBPRINT]


async def test_nothing_is_signed_before_the_keys_are_read(db: Database) -> None:
    with pytest.raises(NotLoaded):
        Signer(PEPPER).sign(b"{}", "JWT")


async def test_the_first_start_makes_a_key_and_the_one_after(db: Database) -> None:
    signer = await a_signer(db)
    assert sorted((await states(db)).values()) == ["current", "next"]
    assert len(kids(signer)) == 2
    assert signer.kid in kids(signer)


async def test_starts_at_once_and_later_ones_make_no_others(db: Database) -> None:
    signers = await asyncio.gather(*(a_signer(db) for _ in range(4)))
    again = await a_signer(db, NOW + timedelta(days=1))
    assert len(await states(db)) == 2
    assert {signer.kid for signer in [*signers, again]} == {again.kid}


async def test_what_is_signed_is_checked_by_others_with_the_published_keys(db: Database) -> None:
    signer = await a_signer(db)
    token = signer.sign(b'{"sub":"x"}', "JWT")
    published = jwt.PyJWKSet.from_json(signer.jwks.decode())
    assert jwt.decode(token, published[signer.kid], algorithms=["EdDSA"]) == {"sub": "x"}


async def test_the_private_part_is_not_in_the_database(db: Database) -> None:
    seeds = [bytes([n]) * 32 for n in (1, 2)]
    given = iter([seeds[0], b"n" * 12, seeds[1], b"m" * 12])
    await make_keys(db, Signer(PEPPER), lambda _: next(given), NOW)
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT signing_keys::text AS row FROM signing_keys")
    assert len(rows) == 2
    assert not any(seed.hex() in row["row"] for seed in seeds for row in rows)


async def test_under_another_secret_the_keys_cannot_be_read(db: Database) -> None:
    await a_signer(db)
    with pytest.raises(KeyUnreadable):
        await Signer(Pepper("another secret, as long as it has to be")).reload(db, NOW)


async def test_turning_lets_the_published_key_sign_and_publishes_another(db: Database) -> None:
    signer = await a_signer(db)
    before = kids(signer)
    (following,) = [kid for kid in before if kid != signer.kid]
    old = signer.kid
    later = NOW + PUBLISHED_AHEAD
    assert await turn_keys(db, signer, secrets.token_bytes, later) == following
    assert signer.kid == following
    assert set(before) < set(kids(signer))
    assert (await states(db))[old] == "retired"
    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT sealed FROM signing_keys WHERE kid = $1", old) is None


async def test_a_key_does_not_sign_before_everybody_has_it(db: Database) -> None:
    signer = await a_signer(db)
    before = signer.kid, kids(signer)
    with pytest.raises(NextKeyTooYoung) as young:
        await turn_keys(
            db, signer, secrets.token_bytes, NOW + PUBLISHED_AHEAD - timedelta(seconds=1)
        )
    assert young.value.ready_at == NOW + PUBLISHED_AHEAD
    await signer.reload(db, NOW)
    assert (signer.kid, kids(signer)) == before


async def test_a_compromised_key_goes_at_once_and_is_published_no_longer(db: Database) -> None:
    signer = await a_signer(db)
    old = signer.kid
    await turn_keys(db, signer, secrets.token_bytes, NOW, compromised=True)
    assert old not in kids(signer)
    assert old not in signer.public
    assert (await states(db))[old] == "withdrawn"


async def test_another_process_takes_the_new_key_when_it_reads_them_again(db: Database) -> None:
    one, other = await a_signer(db), await a_signer(db)
    later = NOW + PUBLISHED_AHEAD
    await turn_keys(db, one, secrets.token_bytes, later)
    assert other.kid != one.kid
    assert other.kid in one.public, "what it signs meanwhile can be checked"
    await other.reload(db, later)
    assert other.kid == one.kid


async def test_the_keys_are_turned_once_when_it_is_time(db: Database) -> None:
    signers = [await a_signer(db) for _ in range(3)]
    old = signers[0].kid

    async def turned(signer: Signer, now: datetime) -> bool:
        return await turn_keys_when_due(db, signer, secrets.token_bytes, now, key_days=90)

    assert not await turned(signers[0], NOW + timedelta(days=89))
    due = NOW + timedelta(days=90)
    assert sorted([await turned(signer, due) for signer in signers]) == [False, False, True]
    assert sorted((await states(db)).values()) == ["current", "next", "retired"]
    assert (await states(db))[old] == "retired"


async def test_turning_at_once_turns_once(db: Database) -> None:
    signers = [await a_signer(db) for _ in range(4)]
    later = NOW + PUBLISHED_AHEAD
    done = await asyncio.gather(
        *(turn_keys(db, signer, secrets.token_bytes, later) for signer in signers),
        return_exceptions=True,
    )
    assert sum(isinstance(each, str) for each in done) == 1
    assert sum(isinstance(each, NextKeyTooYoung) for each in done) == 3
    assert sorted((await states(db)).values()) == ["current", "next", "retired"]


async def test_a_retired_key_stays_published_for_a_year(db: Database) -> None:
    signer = await a_signer(db)
    old, later = signer.kid, NOW + PUBLISHED_AHEAD
    await turn_keys(db, signer, secrets.token_bytes, later)
    await signer.reload(db, later + PUBLISHED_AFTER - timedelta(days=1))
    assert old in kids(signer)
    await signer.reload(db, later + PUBLISHED_AFTER)
    assert old not in kids(signer)


async def test_anybody_reads_the_keys_and_nothing_secret(door: CertificatesDoor) -> None:
    answer = await door.anybody().get(JWKS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert door.signer.kid in read_jwks(answer.content)


async def test_an_operator_turns_the_keys(door: CertificatesDoor) -> None:
    operator = door.caller("op-1", "operator")
    too_young = await operator.post(ROTATE, json={})
    assert too_young.status_code == 409
    assert too_young.json()["type"] == "urn:rengang:problem:next_key_too_young"
    assert too_young.headers["retry-after"] == "601"
    door.clock.pass_(seconds=601)
    old = door.signer.kid
    turned = await operator.post(ROTATE)
    assert turned.status_code == 200
    assert turned.json() == {"kid": door.signer.kid}
    assert door.signer.kid != old
    assert (await operator.post(ROTATE, json={"why": "x"})).status_code == 422
    compromised = await operator.post(ROTATE, json={"compromised": True})
    assert compromised.status_code == 200
    published = read_jwks((await door.anybody().get(JWKS)).content)
    assert turned.json()["kid"] not in published
    assert old in published


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_nobody_else_turns_the_keys(refusing: CertificatesDoor, role: Role) -> None:
    assert (await refusing.caller("x", role).post(ROTATE, json={})).status_code == 403
    assert (await refusing.anybody().post(ROTATE, json={})).status_code == 401
