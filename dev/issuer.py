"""The local issuer of tokens: one key in the data folder, its public half over HTTP, and minting.

For one's own machine. A real deployment names its identity provider by RENGANG_JWKS_URL; accounts
and sessions live there.
"""

import json
import os
import signal
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from dev.stack.folder import DataFolder, write_private

ISSUER = "rengang-local"
AUDIENCE = "rengang"
_KEY = Path("secrets") / "issuer.pem"


class Role(StrEnum):
    """What a caller may be."""

    EMPLOYER = "employer"
    SEEKER = "seeker"
    PARTNER = "partner"
    PLANNER = "planner"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens with one Ed25519 key."""

    key: Ed25519PrivateKey

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517, RFC 8037)."""
        return {"keys": [self._jwk() | {"kid": self.kid, "use": "sig", "alg": "EdDSA"}]}

    @property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638), so another key never has this id."""
        canonical = json.dumps(self._jwk(), sort_keys=True, separators=(",", ":"))
        return _base64url(sha256(canonical.encode()).digest())

    def mint(self, role: str, subject: str, *, lasts_s: int, now: float) -> str:
        """A signed token. now: seconds since the epoch."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role,
            "iat": int(now),
            "exp": int(now) + lasts_s,
        }
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": self.kid})

    def _jwk(self) -> dict[str, str]:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


def issuer_of(folder: DataFolder) -> Issuer:
    """The issuer of a data folder; its key is made when first asked for."""
    path = folder.path / _KEY
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        write_private(path, pem.decode())
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} is not an Ed25519 key")
    return Issuer(key)


def mint(folder: DataFolder, role: str, subject: str, *, hours: float = 12.0) -> str:
    """A token of the stack on that folder, valid from now on. role: a Role's value."""
    return issuer_of(folder).mint(role, subject, lasts_s=int(hours * 3600), now=time.time())


class _Door(BaseHTTPRequestHandler):
    """Answers for the public key and for health."""

    jwks: bytes
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/.well-known/jwks.json":
                self._answer(HTTPStatus.OK, "application/jwk-set+json", self.jwks)
            case "/livez" | "/readyz":
                self._answer(HTTPStatus.OK, "application/json", b'{"status": "ok"}\n')
            case _:
                problem = b'{"title": "Not Found", "status": 404}\n'
                self._answer(HTTPStatus.NOT_FOUND, "application/problem+json", problem)

    def _answer(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: health is asked for every two seconds."""


def main(arguments: Sequence[str] = ()) -> int:
    """Serve the key of RENGANG_DATA on RENGANG_PORT until told to stop.

    With a role and a subject, print a token instead: `python -m dev.issuer employer acme`.
    """
    folder = DataFolder(Path(os.environ["RENGANG_DATA"]))
    if arguments:
        if len(arguments) != 2 or arguments[0] not in set(Role):
            sys.stderr.write(f"usage: python -m dev.issuer {'|'.join(Role)} SUBJECT\n")
            return 2
        sys.stdout.write(mint(folder, *arguments) + "\n")
        return 0
    _Door.jwks = (json.dumps(issuer_of(folder).jwks()) + "\n").encode()
    server = ThreadingHTTPServer(
        (os.environ.get("RENGANG_HOST", "127.0.0.1"), int(os.environ["RENGANG_PORT"])), _Door
    )
    server.daemon_threads = True
    # An exception is the one way out of serve_forever from the thread it runs in.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
