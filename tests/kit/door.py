"""What the tests of the HTTP door share: an issuer with keys, an app to knock at, real sockets."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.auth import Authenticator, KeySet
from services.kit.http import Check, Lifespan, make_app

ISSUER = "https://issuer.example"
AUDIENCE = "rengang"
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class _InProcess(uvicorn.Server):
    """A server that leaves the signals to pytest and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The app behind a real socket on the loopback. Gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = _InProcess(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.listening.wait()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def eventually(holds: Callable[[], Awaitable[bool]], patience_s: float = 5.0) -> None:
    """Ask again until it holds."""
    for _ in range(int(patience_s / 0.01)):
        if await holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")


class Issuer:
    """Signs tokens and, where it is served, publishes its keys. asked: how often they were read."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, PrivateKey]] = {}
        self.hidden: set[str] = set()
        self.asked = 0
        self.down = False
        self.answer: bytes | None = None
        self.add_key("EdDSA")

    def add_key(self, algorithm: str, *, published: bool = True) -> str:
        key: PrivateKey
        match algorithm:
            case "EdDSA":
                key = ed25519.Ed25519PrivateKey.generate()
            case "ES256":
                key = ec.generate_private_key(ec.SECP256R1())
            case _:
                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        kid = uuid4().hex
        self.keys[kid] = (algorithm, key)
        if not published:
            self.hidden.add(kid)
        return kid

    def jwks(self) -> dict[str, Any]:
        listed = []
        for kid, (algorithm, key) in self.keys.items():
            if kid in self.hidden:
                continue
            maker = jwt.get_algorithm_by_name(algorithm)
            jwk = json.loads(maker.to_jwk(key.public_key()))
            listed.append({**jwk, "kid": kid, "alg": algorithm, "use": "sig"})
        return {"keys": listed}

    def public_pem(self, kid: str) -> bytes:
        return (
            self.keys[kid][1]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def token(self, *, kid: str | None = None, without: Sequence[str] = (), **claims: Any) -> str:
        kid = kid or next(iter(self.keys))
        algorithm, key = self.keys[kid]
        said = {**a_claim_set(), **claims}
        for name in without:
            del said[name]
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.asked += 1
        body = self.answer if self.answer is not None else json.dumps(self.jwks()).encode()
        status = 503 if self.down else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def a_claim_set() -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "enterprise-1",
        "role": "employer",
        "iat": now,
        "exp": now + 300,
    }


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token as no library writes it: unsigned, or signed by HMAC with whatever secret."""
    signed = b".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret, signed, hashlib.sha256).digest() if secret else b""
    return (signed + b"." + _b64(signature)).decode()


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@asynccontextmanager
async def no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    yield


def an_app(
    *routers: APIRouter,
    jwks_url: str = "http://127.0.0.1:9/jwks",
    readiness: Sequence[Check] = (),
    lifespan: Lifespan = no_lifespan,
    service: str = "sample",
) -> FastAPI:
    """An app with these routers behind the kit's door."""
    return make_app(
        title="样例",
        service=service,
        description="A sample.",
        authenticator=Authenticator(KeySet(jwks_url), ISSUER, AUDIENCE),
        readiness=readiness,
        lifespan=lifespan,
        routers=routers,
        asyncapi=lambda: {"asyncapi": "3.0.0"},
    )


def knocking(app: ASGIApp) -> httpx.AsyncClient:
    """A client that calls the app directly, as a server would."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://sample")


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
