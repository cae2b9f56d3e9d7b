"""Signing keys: Ed25519, how they are published, and how they are kept under the secret.

Which one signs now, and where they are stored, does not live here.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PublicKeys = Mapping[str, Ed25519PublicKey]
"""Keys that signatures are checked with, by their id."""

PUBLISHED_AFTER = timedelta(days=366)
"""How long a key stays published after it signed last: old receipts can still be checked."""

SEED_BYTES = 32
NONCE_BYTES = 12
_MOST_KEYS = 64


class KeyState(StrEnum):
    """next → current → retired. withdrawn: known to others, so that what it signed proves nothing.

    A key is published while it is next, so that everybody has it before it signs, and no longer
    once it is withdrawn.
    """

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


class KeyUnreadable(ValueError):
    """No Ed25519 key, or not one that was kept under this secret."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair. kid: the thumbprint of the public part (RFC 7638)."""

    kid: str
    private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    @classmethod
    def of(cls, seed: bytes) -> "SigningKey":
        """The key pair of 32 random bytes (RFC 8032 §5.1.5)."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(thumbprint(private.public_key().public_bytes_raw()), private)

    @property
    def public(self) -> bytes:
        """The public part, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    def sealed(self, key: bytes, nonce: bytes) -> bytes:
        """The private part under AES-256-GCM: nonce and ciphertext. nonce: 12 bytes, used once.

        The id is bound to it: a row cannot be given another row's key.
        """
        body = AESGCM(key).encrypt(nonce, self.private.private_bytes_raw(), self.kid.encode())
        return nonce + body

    @classmethod
    def opened(cls, kid: str, sealed: bytes, key: bytes) -> "SigningKey":
        """The key pair that was sealed. Raises KeyUnreadable."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            found = cls.of(AESGCM(key).decrypt(nonce, body, kid.encode()))
        except (InvalidTag, ValueError) as error:
            raise KeyUnreadable(f"signing key {kid} was not kept under this secret") from error
        if found.kid != kid:
            raise KeyUnreadable(f"signing key {kid} has another id")
        return found


def thumbprint(public: bytes) -> str:
    """The id of an Ed25519 key: its JWK thumbprint, SHA-256, base64url (RFC 7638, RFC 8037 A.3)."""
    members = b'{"crv":"Ed25519","kty":"OKP","x":"' + base64url(public).encode() + b'"}'
    return base64url(hashlib.sha256(members).digest())


def jwk(public: bytes) -> dict[str, str]:
    """A public key as a JWK (RFC 8037 §2). public: 32 bytes."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url(public),
        "kid": thumbprint(public),
        "alg": "EdDSA",
        "use": "sig",
    }


def read_jwks(document: bytes | str) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS by their id; keys of other kinds are passed over (RFC 7517 §5).

    Raises KeyUnreadable where it is no JWKS, or holds no such key.
    """
    try:
        read = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise KeyUnreadable("not JSON") from error
    listed = read.get("keys") if isinstance(read, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise KeyUnreadable(f"not a JWKS of at most {_MOST_KEYS} keys")
    keys = dict(_readable(listed))
    if not keys:
        raise KeyUnreadable("a JWKS without an Ed25519 key")
    return keys


def _readable(listed: Iterable[Any]) -> Iterable[tuple[str, Ed25519PublicKey]]:
    for item in listed:
        if not isinstance(item, dict) or item.get("use", "sig") != "sig":
            continue
        if (item.get("kty"), item.get("crv")) != ("OKP", "Ed25519"):
            continue
        try:
            public = from_base64url(item["x"])
            key = Ed25519PublicKey.from_public_bytes(public)
        except (KeyError, TypeError, ValueError):
            continue
        kid = item.get("kid", thumbprint(public))
        if isinstance(kid, str):
            yield kid, key


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Raises ValueError unless it is base64url without padding, in the one spelling there is."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64url(data) != text:
        raise ValueError("not base64url")
    return data
