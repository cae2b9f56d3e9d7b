"""Tokens and keys: who gets in, who does not, and what it costs the issuer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends

from services.kit.auth import (
    Authenticator,
    Caller,
    IssuerUnavailable,
    KeySet,
    OwnGuard,
    Role,
    assert_every_route_is_guarded,
    require,
)
from services.kit.problems import Problem
from tests.kit.door import (
    AUDIENCE,
    ISSUER,
    Issuer,
    a_claim_set,
    an_app,
    eventually,
    forged,
    knocking,
    served,
)
from tests.tls import self_signed

guarded = APIRouter()


@guarded.get("/postings")
async def mine(caller: Annotated[Caller, Depends(require(Role.EMPLOYER))]) -> dict[str, str]:
    """Read what the caller posted."""
    return {"subject": caller.subject, "role": caller.role}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def an_issuer() -> AsyncIterator[tuple[Issuer, str]]:
    issuer = Issuer()
    async with served(issuer) as url:
        yield issuer, f"{url}/jwks"


@dataclass
class Platform:
    """An issuer with a key of each kind, and an app that reads its keys."""

    issuer: Issuer
    kids: dict[str, str]
    client: httpx.AsyncClient

    async def answer(self, token: str | None) -> httpx.Response:
        headers = {} if token is None else {b"Authorization": f"Bearer {token}".encode()}
        return await self.client.get("/postings", headers=headers)


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    issuer = Issuer()
    kids = {algorithm: issuer.add_key(algorithm) for algorithm in ("EdDSA", "ES256", "RS256")}
    async with served(issuer) as url, knocking(an_app(guarded, jwks_url=f"{url}/jwks")) as client:
        yield Platform(issuer, kids, client)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
async def test_a_token_of_the_issuer_lets_in(platform: Platform, algorithm: str) -> None:
    answer = await platform.answer(platform.issuer.token(kid=platform.kids[algorithm]))
    assert answer.status_code == 200
    assert answer.json() == {"subject": "enterprise-1", "role": "employer"}


async def test_without_a_token_the_answer_says_how_to_send_one(platform: Platform) -> None:
    answer = await platform.answer(None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="rengang"'
    assert answer.json()["type"] == "urn:rengang:problem:token_missing"


async def test_another_role_is_told_which_roles_may_call(platform: Platform) -> None:
    answer = await platform.answer(platform.issuer.token(role="seeker"))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.json()["roles"] == ["employer"]
    assert answer.json()["detail"] == "只有用人单位可以使用此功能；您的身份是求职者。"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": time.time() - 11}, "token_expired"),
        ({"aud": "elsewhere"}, "token_invalid"),
        ({"aud": ["elsewhere", "rengang2"]}, "token_invalid"),
        ({"iss": "https://somebody.example"}, "token_invalid"),
        ({"role": "admin"}, "token_invalid"),
        ({"role": ["employer"]}, "token_invalid"),
        ({"role": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "a\0b"}, "token_invalid"),
        ({"sub": "x" * 256}, "token_invalid"),
        ({"nbf": time.time() + 3600}, "token_invalid"),
        ({"exp": "soon"}, "token_invalid"),
    ],
)
async def test_wrong_claims_are_refused(
    platform: Platform, claims: dict[str, Any], code: str
) -> None:
    answer = await platform.answer(platform.issuer.token(**claims))
    assert answer.status_code == 401
    assert answer.json()["type"] == f"urn:rengang:problem:{code}"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("claim", ["exp", "sub", "role", "iss", "aud"])
async def test_a_missing_claim_is_named(platform: Platform, claim: str) -> None:
    answer = await platform.answer(platform.issuer.token(without=[claim]))
    assert answer.status_code == 401
    assert claim in answer.json()["detail"]


async def test_clocks_may_differ_by_ten_seconds(platform: Platform) -> None:
    answer = await platform.answer(platform.issuer.token(exp=time.time() - 5))
    assert answer.status_code == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS384", "", 7, None])
async def test_an_algorithm_outside_the_list_is_refused(
    platform: Platform, algorithm: object
) -> None:
    token = forged({"alg": algorithm, "kid": platform.kids["RS256"], "typ": "JWT"}, a_claim_set())
    assert (await platform.answer(token)).status_code == 401


async def test_the_public_key_is_no_secret_to_sign_with(platform: Platform) -> None:
    header = {"alg": "HS256", "kid": platform.kids["RS256"], "typ": "JWT"}
    token = forged(header, a_claim_set(), secret=platform.issuer.public_pem(platform.kids["RS256"]))
    assert (await platform.answer(token)).status_code == 401


async def test_the_key_decides_the_algorithm_not_the_token(platform: Platform) -> None:
    for algorithm, kid in platform.kids.items():
        other = "ES256" if algorithm != "ES256" else "EdDSA"
        token = forged({"alg": other, "kid": kid, "typ": "JWT"}, a_claim_set(), secret=b"x")
        assert (await platform.answer(token)).status_code == 401


async def test_a_changed_token_is_refused(platform: Platform) -> None:
    head, body, signature = platform.issuer.token().split(".")
    other = platform.issuer.token(sub="enterprise-2").split(".")[1]
    assert (await platform.answer(f"{head}.{other}.{signature}")).status_code == 401
    assert (await platform.answer(f"{head}.{body}")).status_code == 401
    assert (await platform.answer("not.a.token")).status_code == 401
    assert (await platform.answer("令牌")).status_code == 401


async def test_keys_are_read_once_for_many_callers() -> None:
    async with an_issuer() as (issuer, url):
        keyset = KeySet(url)
        kid = next(iter(issuer.keys))
        keys = await asyncio.gather(*(keyset.key(kid) for _ in range(50)))
        assert all(keys)
        assert issuer.asked == 1


async def test_invented_key_ids_do_not_reach_the_issuer() -> None:
    async with an_issuer() as (issuer, url):
        keyset = KeySet(url, clock=Clock())
        await keyset.key(next(iter(issuer.keys)))
        found = await asyncio.gather(*(keyset.key(f"invented-{n}") for n in range(200)))
        assert not any(found)
        assert issuer.asked == 1


async def test_a_new_key_is_known_after_the_pause() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        keyset = KeySet(url, refetch_s=10, clock=clock)
        await keyset.key(next(iter(issuer.keys)))
        kid = issuer.add_key("ES256")
        assert await keyset.key(kid) is None
        clock.now += 10
        assert await keyset.key(kid) is not None
        assert issuer.asked == 2


async def test_a_token_whose_subject_tells_a_person_opens_nothing() -> None:
    async with an_issuer() as (issuer, url):
        asked: list[str] = []

        def names_person(subject: str) -> bool:
            asked.append(subject)
            return subject == "zhang-san"

        authenticator = Authenticator(KeySet(url), ISSUER, AUDIENCE, names_person=names_person)
        for _ in range(2):
            with pytest.raises(Problem) as refused:
                await authenticator.caller(issuer.token(sub="zhang-san"))
            assert (refused.value.status, refused.value.code) == (403, "subject_names_person")
            assert "zhang" not in f"{refused.value.zh}{refused.value.en}"
        assert (await authenticator.caller(issuer.token(sub="u-7"))).subject == "u-7"
        assert asked == ["zhang-san", "zhang-san", "u-7"]


async def test_known_keys_serve_while_the_issuer_is_down() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        keyset = KeySet(url, clock=clock)
        authenticator = Authenticator(keyset, ISSUER, AUDIENCE)
        await authenticator.caller(issuer.token())
        issuer.down = True
        clock.now += 100_000
        for _ in range(3):
            assert await authenticator.caller(issuer.token()) == Caller(
                "enterprise-1", Role.EMPLOYER
            )
        await keyset.aclose()


async def test_a_withdrawn_key_is_forgotten_when_the_keys_grow_old() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        keyset = KeySet(url, fresh_s=600, clock=clock)
        gone = next(iter(issuer.keys))
        await keyset.key(gone)
        issuer.add_key("ES256")
        del issuer.keys[gone]
        clock.now += 600
        await keyset.key(gone)

        async def forgotten() -> bool:
            return await keyset.key(gone) is None

        await eventually(forgotten)


class Counting(Authenticator):
    """Remembers how many tokens it checked whole."""

    checked = 0

    async def _check(self, token: str) -> Any:
        self.checked += 1
        return await super()._check(token)


async def test_a_token_that_comes_again_is_checked_whole_once() -> None:
    async with an_issuer() as (issuer, url):
        authenticator = Counting(KeySet(url), ISSUER, AUDIENCE)
        one, two = issuer.token(), issuer.token(sub="enterprise-2")
        callers = [await authenticator.caller(token) for token in (one, two) * 5]
        assert {caller.subject for caller in callers[::2]} == {"enterprise-1"}
        assert {caller.subject for caller in callers[1::2]} == {"enterprise-2"}
        assert authenticator.checked == 2
        for wrong in (one[:-4] + two[-4:], one[:-1], f"{one}="):
            with pytest.raises(Problem):
                await authenticator.caller(wrong)


async def test_a_token_that_comes_again_expires_all_the_same() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        authenticator = Counting(KeySet(url), ISSUER, AUDIENCE, clock=clock)
        expires_at = int(time.time()) + 60
        token = issuer.token(exp=expires_at)
        for now, checked in ((0.0, 1), (9.9, 1), (10.0, 2)):
            clock.now = expires_at + now
            await authenticator.caller(token)
            assert authenticator.checked == checked


async def test_a_token_that_comes_again_needs_its_key_all_the_same() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        keyset = KeySet(url, fresh_s=600, refetch_s=0, clock=clock)
        authenticator = Authenticator(keyset, ISSUER, AUDIENCE)
        token = issuer.token()
        await authenticator.caller(token)
        issuer.add_key("ES256")
        del issuer.keys[next(iter(issuer.keys))]
        clock.now += 600

        async def refused() -> bool:
            try:
                await authenticator.caller(token)
            except Problem as problem:
                return problem.status == 401
            return False

        await eventually(refused)
        await keyset.aclose()


async def test_no_more_tokens_are_remembered_than_may_be() -> None:
    async with an_issuer() as (issuer, url):
        authenticator = Authenticator(KeySet(url), ISSUER, AUDIENCE, most_seen=3)
        for n in range(5):
            await authenticator.caller(issuer.token(sub=f"enterprise-{n}"))
        assert len(authenticator._seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"{",
        b"[]",
        b'{"keys": 1}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct"}, 7]}',
        b" " * 300_000,
    ],
)
async def test_without_any_key_callers_are_asked_to_come_again(answer: bytes) -> None:
    async with an_issuer() as (issuer, url):
        issuer.answer = answer
        with pytest.raises(Problem) as refused:
            await Authenticator(KeySet(url), ISSUER, AUDIENCE).caller(issuer.token())
        assert refused.value.status == 503
        assert refused.value.headers == {"Retry-After": "2"}


async def test_an_issuer_that_never_answered_is_asked_again_soon() -> None:
    async with an_issuer() as (issuer, url):
        clock = Clock()
        keyset = KeySet(url, clock=clock)
        issuer.down = True
        kid = next(iter(issuer.keys))
        for _ in range(5):
            with pytest.raises(IssuerUnavailable):
                await keyset.key(kid)
        assert issuer.asked == 1
        issuer.down = False
        clock.now += 1
        assert await keyset.key(kid) is not None


async def test_keys_of_a_server_that_nobody_vouches_for_are_not_read(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(IssuerUnavailable), structlog.testing.capture_logs() as logged:
            await KeySet(f"https://127.0.0.1:{port}/jwks").key("any")
    assert "CERTIFICATE_VERIFY_FAILED" in logged[0]["reason"]
    assert not any(heard)


async def test_a_key_of_an_unknown_kind_does_not_take_the_others_away() -> None:
    async with an_issuer() as (issuer, url):
        kid = next(iter(issuer.keys))
        kinds: list[dict[str, Any]] = [
            {"kty": "AKP", "alg": "ML-DSA-44"},
            {"kty": "oct", "k": "eA"},
        ]
        issuer.answer = httpx.Response(200, json={"keys": [*kinds, *issuer.jwks()["keys"]]}).content
        assert await KeySet(url).key(kid) is not None


def test_a_guard_names_at_least_one_role() -> None:
    with pytest.raises(ValueError, match="at least one role"):
        require()


def test_a_route_without_guard_is_found() -> None:
    assert_every_route_is_guarded(an_app(guarded))
    behind_router = APIRouter(prefix="/planning", dependencies=[Depends(require(Role.PLANNER))])

    @behind_router.get("/supply")
    async def supply() -> None: ...

    assert_every_route_is_guarded(an_app(guarded, behind_router))
    unguarded = APIRouter(prefix="/open")

    @unguarded.post("/door")
    async def door() -> None: ...

    with pytest.raises(AssertionError, match="POST /open/door"):
        assert_every_route_is_guarded(an_app(guarded, unguarded))
    assert_every_route_is_guarded(an_app(guarded, unguarded), public=["/open/door"])


def test_a_guard_with_rules_of_its_own_is_one() -> None:
    class Knock(OwnGuard):
        async def __call__(self) -> None: ...

    exchange = APIRouter(dependencies=[Depends(Knock())])

    @exchange.post("/exchange")
    async def door() -> None: ...

    assert_every_route_is_guarded(an_app(exchange))


def test_the_openapi_document_says_who_may_call() -> None:
    operation = an_app(guarded).openapi()["paths"]["/postings"]["get"]
    assert operation["x-roles"] == ["employer"]
    assert operation["security"] == [{"bearer": []}]
    assert operation["description"].endswith("Callers: employer.")
    assert {"401", "403", "default"} <= operation["responses"].keys()
