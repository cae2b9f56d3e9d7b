"""Files of certificates as their issuer signs them: keys, counting of rows, signatures.

How a signature is checked is the certificates service's.
"""

import codecs
import csv
import hashlib
import io
import json
import mimetypes
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from dev.issuer import Issuer

TYPE = "rengang-import+jwt"
HEADER = "Rengang-Signature"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

_CHUNK_BYTES = 1 << 20


class KeyUnreadable(ValueError):
    """The file holds no Ed25519 private key."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is signed of a file. n_rows: lines that are not blank; of CSV without the header."""

    sha256: bytes
    n_rows: int
    media_type: str


def new_key() -> tuple[Ed25519PrivateKey, str]:
    """A key, and its PEM (PKCS #8)."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key, pem.decode()


def read_key(pem: bytes) -> Ed25519PrivateKey:
    """Raises KeyUnreadable."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnreadable("not a PEM private key without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnreadable("not an Ed25519 key")
    return key


def public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """The public part as it is registered."""
    found: dict[str, str] = Issuer(key).jwks()["keys"][0]
    return found


def media_type_of(path: Path) -> str:
    """By the file's name: CSV, else NDJSON."""
    return CSV if mimetypes.guess_type(path.name)[0] == CSV else NDJSON


def facts_of(file: BinaryIO, media_type: str) -> Facts:
    """Read the file whole, a piece at a time."""
    digest = hashlib.sha256()
    decoder, is_utf8 = codecs.getincrementaldecoder("utf-8")(), True
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            is_utf8 = False
    file.seek(0)
    if media_type != CSV:
        return Facts(digest.digest(), sum(bool(line.strip(b" \t\r\n")) for line in file), NDJSON)
    text = io.TextIOWrapper(
        file, "utf-8-sig" if is_utf8 else "gb18030", errors="replace", newline=""
    )
    try:
        records = _count(csv.reader(text, strict=True))
    finally:
        # Else the file would be closed with its wrapper.
        text.detach()
    return Facts(digest.digest(), max(0, records - 1), CSV)


def _count(reader: Iterator[list[str]]) -> int:
    """Records that are not blank; a broken one counts, for it is answered for too."""
    records = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return records
        except csv.Error:
            records += 1
        else:
            records += any(map(str.strip, record))


def said_by(jws: str) -> dict[str, Any]:
    """What a signature says, whoever made it. Raises LookupError or ValueError where it is none."""
    said = json.loads(urlsafe_b64decode(jws.split(".")[1] + "=="))
    if not isinstance(said, dict):
        raise ValueError("not an object")  # noqa: TRY004 (a bad file, not a bad type)
    return said


def sign(key: Ed25519PrivateKey, issuer: str, facts: Facts, import_id: UUID, iat: int) -> str:
    """The signature of a file: a compact JWS. iat: seconds since the epoch."""
    said = {
        "issuer": issuer,
        "sha256": urlsafe_b64encode(facts.sha256).rstrip(b"=").decode(),
        "rows": facts.n_rows,
        "import_id": str(import_id),
        "media_type": facts.media_type,
        "iat": iat,
    }
    return jwt.api_jws.encode(
        json.dumps(said, separators=(",", ":")).encode(),
        key,
        algorithm="EdDSA",
        headers={"kid": Issuer(key).kid, "typ": TYPE},
    )
