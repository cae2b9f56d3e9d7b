"""Who is calling: bearer tokens checked against the issuer's published keys, and guards on routes.

Issuing tokens, accounts and sessions live with the issuer. Which role may do what is said at each
route by require().
"""

import asyncio
import hashlib
import json
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NoReturn

import httpx
import jwt
import structlog
from fastapi import FastAPI, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from services.kit.problems import Problem

log = structlog.get_logger(__name__)

LEEWAY_S = 10
"""How far the issuer's clock and ours may differ."""

# Only signatures that a verifier cannot make itself. With a symmetric algorithm in this list,
# whoever reads the published key could sign tokens with it (RFC 8725 §2.1, §3.1).
_ALGORITHMS = ("EdDSA", "ES256", "RS256")
_MAX_JWKS_BYTES = 256 * 1024
_MAX_SUBJECT = 255

PUBLIC_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/openapi.json", "/docs"}) | {
    "/docs/{asset}",
    "/asyncapi.json",
}
"""Route templates that answer without a token, in every service."""


class Role(StrEnum):
    """What a caller may be."""

    EMPLOYER = "employer"
    SEEKER = "seeker"
    PARTNER = "partner"
    PLANNER = "planner"
    OPERATOR = "operator"


_ROLE_ZH = {
    Role.EMPLOYER: "用人单位",
    Role.SEEKER: "求职者",
    Role.PARTNER: "协作城市",
    Role.PLANNER: "规划人员",
    Role.OPERATOR: "运维人员",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. subject: the token's `sub`, opaque, 1 to 255 characters."""

    subject: str
    role: Role


class IssuerUnavailable(Exception):
    """The issuer's keys were never read and cannot be read now."""


class KeySet:
    """The issuer's public keys (RFC 7517), fetched when needed and kept.

    url: where the JWKS is. refetch_s: an unknown key id asks the issuer at most this often, so a
    flood of invented ids costs it nothing; a new key is known after this long at the latest.
    fresh_s: keys older than this are read again in the background; until that succeeds the old
    ones serve, so an issuer that is down stops nobody whose key is known.
    clock: seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        *,
        refetch_s: float = 10.0,
        fresh_s: float = 600.0,
        timeout_s: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._refetch_s = refetch_s
        self._fresh_s = fresh_s
        self._timeout_s = timeout_s
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id (None: the only key there is), or None if the issuer has no such.

        Raises IssuerUnavailable.
        """
        found = self._find(kid)
        if found is not None:
            if self._age_s() >= self._fresh_s:
                self._ask()
            return found
        asking = self._ask()
        if asking is not None:
            # Shielded: a caller who hangs up must not take the answer from the others waiting.
            await asyncio.shield(asking)
        if self._fetched_at is None:
            raise IssuerUnavailable(self._url)
        return self._find(kid)

    async def aclose(self) -> None:
        """Give up a fetch under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _find(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _age_s(self) -> float:
        return self._clock() - (self._fetched_at if self._fetched_at is not None else 0.0)

    def _ask(self) -> asyncio.Task[None] | None:
        """The one fetch under way, begun if it is time for one; None if it is too soon."""
        if self._asking is not None and not self._asking.done():
            return self._asking
        # Before the first answer nobody can be served, so ask again sooner.
        pause_s = self._refetch_s if self._fetched_at is not None else min(1.0, self._refetch_s)
        if self._asked_at is not None and self._clock() - self._asked_at < pause_s:
            return None
        self._asked_at = self._clock()
        self._asking = asyncio.create_task(self._fetch())
        return self._asking

    async def _fetch(self) -> None:
        try:
            # Who is to be trusted is read once, for that holds up all others for a moment, and not
            # where nobody is asked for it. Redirects are not followed.
            verify = _authorities() if self._url.startswith("https:") else False
            # No proxy from the environment: keys come from the address in the settings alone.
            async with (
                httpx.AsyncClient(
                    timeout=self._timeout_s, trust_env=False, verify=verify
                ) as client,
                asyncio.timeout(self._timeout_s),
                client.stream("GET", self._url) as answer,
            ):
                answer.raise_for_status()
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _MAX_JWKS_BYTES:
                        break
            keys = _keys_of(bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            log.warning("auth.keys_not_read", reason=f"{type(error).__name__}: {error}")
            return
        self._keys = keys
        self._fetched_at = self._clock()


@cache
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def _keys_of(body: bytes) -> dict[str | None, jwt.PyJWK]:
    """The usable signing keys of a JWKS by id. Raises ValueError if it is none or holds none."""
    if len(body) > _MAX_JWKS_BYTES:
        raise ValueError(f"a JWKS of more than {_MAX_JWKS_BYTES} bytes")
    document = json.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str | None, jwt.PyJWK] = {}
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, dict) or item.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK.from_dict(item)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
            # A key of a kind we do not know must not take the others away (RFC 7517 §5).
            continue
        if key.algorithm_name in _ALGORITHMS:
            keys[key.key_id] = key
    if not keys:
        raise ValueError(f"no JWKS with a key for {', '.join(_ALGORITHMS)}")
    return keys


@dataclass(frozen=True, slots=True)
class _Seen:
    """A token that was checked. key: which signed it. expires_at: seconds since 1970."""

    caller: Caller
    kid: str | None
    key: jwt.PyJWK
    expires_at: int


class Authenticator:
    """Turns a bearer token into a Caller. issuer, audience: what `iss` and `aud` must say.

    A token is checked whole when it comes first, which takes longer than many an answer. While it
    comes again only what can have changed is looked at: its time, and whether the issuer still
    publishes the key. clock: seconds since 1970, for what comes again. most_seen: how many tokens
    are remembered. names_person: whether a `sub` tells who somebody is; such a token opens nothing.
    """

    def __init__(
        self,
        keyset: KeySet,
        issuer: str,
        audience: str,
        *,
        clock: Callable[[], float] = time.time,
        most_seen: int = 10_000,
        names_person: Callable[[str], bool] | None = None,
    ) -> None:
        self._clock = clock
        self._most_seen = most_seen
        self._names_person = names_person
        self._keyset = keyset
        self._issuer = issuer
        self._audience = audience
        # By a hash: a token itself opens doors, and may be long.
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._keyset.aclose()

    async def caller(self, token: str) -> Caller:
        """Whose token this is. Raises Problem: 401 invalid or expired, 503 without any keys."""
        place = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        seen = self._seen.pop(place, None)
        if seen is not None and await self._still_holds(seen):
            self._seen[place] = seen
            return seen.caller
        checked = await self._check(token)
        self._seen[place] = checked
        while len(self._seen) > self._most_seen:
            self._seen.popitem(last=False)
        return checked.caller

    async def _still_holds(self, seen: _Seen) -> bool:
        if seen.expires_at <= self._clock() - LEEWAY_S:
            return False
        try:
            return await self._keyset.key(seen.kid) is seen.key
        except IssuerUnavailable:
            return False

    async def _check(self, token: str) -> _Seen:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            _refuse("token_invalid", "令牌不是有效的 JWT。", "The token is not a valid JWT.")
        algorithm = header.get("alg")
        if algorithm not in _ALGORITHMS:
            _refuse(
                "token_invalid",
                f"令牌的签名算法不被接受；只接受 {'、'.join(_ALGORITHMS)}。",
                f"The token's signature algorithm is not accepted; use {', '.join(_ALGORITHMS)}.",
            )
        try:
            key = await self._keyset.key(header.get("kid"))
        except IssuerUnavailable as error:
            raise Problem(
                503,
                "issuer_unavailable",
                zh="暂时无法核验令牌：签发方没有响应。请稍后重试。",
                en="Tokens cannot be checked now: the issuer does not answer. Try again later.",
                headers={"Retry-After": "2"},
            ) from error
        # The key decides the algorithm, never the token alone (RFC 8725 §3.1).
        if key is None or key.algorithm_name != algorithm:
            _refuse(
                "token_invalid",
                "签发方没有这把签名密钥。请重新登录。",
                "The issuer has no such signing key. Sign in again.",
            )
        claims = self._claims(token, key)
        caller = _caller_of(claims)
        if self._names_person is not None and self._names_person(caller.subject):
            raise _names_person()
        return _Seen(caller, header.get("kid"), key, int(claims["exp"]))

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud", "role"]},
            )
        except jwt.ExpiredSignatureError:
            _refuse(
                "token_expired",
                "令牌已过期。请重新登录。",
                "The token has expired. Sign in again.",
            )
        except jwt.MissingRequiredClaimError as error:
            claim = error.claim
            _refuse("token_invalid", f"令牌缺少 {claim}。", f"The token lacks {claim}.")
        except jwt.InvalidAudienceError:
            _refuse(
                "token_invalid",
                f"令牌不是签发给 {self._audience} 的。",
                f"The token is not meant for {self._audience}.",
            )
        except jwt.InvalidIssuerError:
            _refuse(
                "token_invalid",
                "令牌不是由认可的签发方签发的。",
                "The token is not from the accepted issuer.",
            )
        except jwt.InvalidSignatureError:
            _refuse("token_invalid", "令牌的签名不正确。", "The token's signature is wrong.")
        except (jwt.PyJWTError, ValueError, TypeError):
            _refuse("token_invalid", "令牌无效。", "The token is not valid.")
        return claims


def _caller_of(claims: dict[str, Any]) -> Caller:
    subject, role = claims["sub"], claims["role"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT or "\0" in subject:
        _refuse(
            "token_invalid",
            f"令牌的 sub 必须是 1 到 {_MAX_SUBJECT} 个字符的文本。",
            f"The token's sub must be a text of 1 to {_MAX_SUBJECT} characters.",
        )
    if role not in list(Role):
        _refuse(
            "token_invalid",
            f"令牌的 role 必须是以下之一：{'、'.join(Role)}。",
            f"The token's role must be one of: {', '.join(Role)}.",
        )
    return Caller(subject, Role(role))


def _names_person() -> Problem:
    return Problem(
        403,
        "subject_names_person",
        zh="令牌的 sub 中有身份证号，不予受理。请由签发方改用不含个人信息的账号标识。",
        en="The token's sub holds an identity number, which is not taken. Have its issuer use an "
        "account id that tells nothing of the person.",
    )


def _refuse(code: str, zh: str, en: str) -> NoReturn:
    raise Problem(
        401,
        code,
        zh=zh,
        en=en,
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="rengang", error="invalid_token", error_description="{en}"'
            )
        },
    ) from None


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="JWT",
    description="JWT of the platform's issuer, signed with EdDSA, ES256 or RS256.",
)


class Guard:
    """The dependency that require() makes: lets callers of its roles through as a Caller."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self.roles = tuple(sorted(set(roles), key=list(Role).index))
        if not self.roles:
            raise ValueError("name at least one role that may call")

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Caller:
        return await self.admit(request, "" if credentials is None else credentials.credentials)

    async def admit(self, request: Request, token: str) -> Caller:
        """The caller whose token this is. token: empty where none was sent. Raises Problem."""
        if not token:
            raise Problem(
                401,
                "token_missing",
                zh="需要令牌：请在请求头中写 Authorization: Bearer <令牌>。",
                en="A token is needed: send the header Authorization: Bearer <token>.",
                headers={"WWW-Authenticate": 'Bearer realm="rengang"'},
            )
        authenticator: Authenticator = request.app.state.authenticator
        caller = await authenticator.caller(token)
        if caller.role not in self.roles:
            raise Problem(
                403,
                "role_not_allowed",
                zh=f"{self.named_zh()}可以使用此功能；您的身份是{_ROLE_ZH[caller.role]}。",
                en=f"Only {', '.join(self.roles)} may do this; you are {caller.role}.",
                headers={
                    "WWW-Authenticate": 'Bearer realm="rengang", error="insufficient_scope"',
                },
                roles=list(self.roles),
            )
        return caller

    def named_zh(self) -> str:
        """只有…: the allowed roles as a phrase."""
        return f"只有{'、'.join(_ROLE_ZH[role] for role in self.roles)}"


class OwnGuard:
    """Base of a guard that lets in others than holders of the platform's tokens, by its own rules.

    A dependency, as Guard is. Its __call__ must raise Problem 401 or 403 for all the rest.
    """


def require(*roles: Role) -> Guard:
    """A dependency for routes that only these roles may call.

    `caller: Annotated[Caller, Depends(require(Role.EMPLOYER))]`, or in a router's `dependencies`.
    """
    return Guard(roles)


def roles_of(route: RouteContext) -> tuple[Role, ...] | None:
    """The roles that may call a route, or None if nothing guards it.

    Several guards on one route must all be passed, so what counts is their intersection.
    """
    guards = list(_guards(getattr(route, "dependant", None)))
    if not guards:
        return None
    return tuple(
        role for role in guards[0].roles if all(role in guard.roles for guard in guards[1:])
    )


def has_own_guard(route: RouteContext) -> bool:
    """Whether a guard with rules of its own stands before the route."""
    return any(isinstance(call, OwnGuard) for call in _calls(getattr(route, "dependant", None)))


def _guards(dependant: Dependant | None) -> Iterable[Guard]:
    return (call for call in _calls(dependant) if isinstance(call, Guard))


def _calls(dependant: Dependant | None) -> Iterable[object]:
    if dependant is None:
        return
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def assert_every_route_is_guarded(app: FastAPI, *, public: Iterable[str] = ()) -> None:
    """Raise AssertionError naming each route that would answer without a token.

    public: route templates that may, besides PUBLIC_PATHS.
    """
    open_to_all = PUBLIC_PATHS.union(public)
    unguarded = [
        f"{'|'.join(sorted(route.methods or {'mount'}))} {route.path}"
        for route in iter_route_contexts(app.routes)
        if route.path not in open_to_all and not roles_of(route) and not has_own_guard(route)
    ]
    if unguarded:
        raise AssertionError(f"routes without a guard: {', '.join(unguarded)}")
