"""Tokens: what `./rengang token` prints holds against the published key, and against no other."""

import stat
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from dev import issuer
from dev.stack.folder import DataFolder
from tests.dev.programs import module, rengang, stack


def claims_of(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """As a service checks it."""
    key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["EdDSA"], audience=issuer.AUDIENCE, issuer=issuer.ISSUER
    )
    return claims


async def test_a_printed_token_holds_against_the_served_key(folder: DataFolder) -> None:
    running = stack(folder, (module("issuer", "dev.issuer", {"RENGANG_DATA": str(folder.path)}),))
    await running.start()
    try:
        token = rengang("token", "employer", "acme", "--data", folder.path).stdout
        async with httpx.AsyncClient(base_url=running.process("issuer").program.address) as http:
            jwks = (await http.get("/.well-known/jwks.json")).json()
            assert (await http.get("/livez")).status_code == 200
            assert (await http.get("/secrets/issuer.pem")).status_code == 404
    finally:
        await running.stop()
    assert token == token.strip() + "\n"
    claims = claims_of(token.strip(), jwks)
    assert (claims["sub"], claims["role"]) == ("acme", "employer")
    assert claims["exp"] == pytest.approx(time.time() + 12 * 3600, abs=60)


def test_the_published_key_has_no_private_part(folder: DataFolder) -> None:
    (key,) = issuer.issuer_of(folder).jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_the_key_is_made_once_and_is_its_owner_s_alone(folder: DataFolder) -> None:
    first = issuer.issuer_of(folder).jwks()
    assert issuer.issuer_of(folder).jwks() == first
    mode = (folder.path / "secrets" / "issuer.pem").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_token_of_another_stack_does_not_hold(
    folder: DataFolder, other_folder: DataFolder
) -> None:
    foreign = issuer.mint(other_folder, "operator", "eve")
    with pytest.raises((KeyError, jwt.InvalidTokenError)):
        claims_of(foreign, issuer.issuer_of(folder).jwks())


def test_a_token_ends(folder: DataFolder) -> None:
    token = issuer.issuer_of(folder).mint("seeker", "li", lasts_s=60, now=time.time() - 61)
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(token, issuer.issuer_of(folder).jwks())


def test_no_token_where_no_stack_was_ever_started(tmp_path: Path) -> None:
    done = rengang("token", "employer", "acme", "--data", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "./rengang up" in done.stderr
    assert not (tmp_path / "none").exists()
