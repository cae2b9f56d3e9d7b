"""The signature of an import: which issuer says which file, and when.

What the file says stands in registry; how far an import has come in actions.importing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from services.certificates.domain.keys import PublicKeys, from_base64url
from services.certificates.domain.receipts import BadSignature, Malformed, UnknownKey, verified

TYPE = "rengang-import+jwt"
"""The `typ` of an import's signature, so that no other thing the key signed passes for one."""

LEEWAY = timedelta(minutes=5)
"""How far the issuer's clock may be ahead of ours."""

LONGEST_SIGNATURE = 4096
MOST_ROWS = 5_000_000


class MediaType(StrEnum):
    """What a file of certificates may be."""

    NDJSON = "application/x-ndjson"
    CSV = "text/csv"


class SignatureRule(StrEnum):
    """What a signature can break."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    FROM_THE_FUTURE = "from_the_future"


class SignatureRefused(ValueError):
    """The signature proves nothing."""

    def __init__(self, rule: SignatureRule) -> None:
        super().__init__(f"signature of an import: {rule}")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class SignedImport:
    """What an issuer signed: one file, whole.

    sha256: of the file, 32 bytes. n_rows: lines of NDJSON that are not blank, records of CSV
    without its header. stated_at: from when on the issuer says so; what it said before gives way.
    """

    import_id: UUID
    issuer: str
    sha256: bytes
    media_type: MediaType
    n_rows: int
    stated_at: datetime
    jws: str


def claimed_issuer(jws: str) -> str:
    """Whose signature it says it is; nothing is proven yet. Raises SignatureRefused."""
    try:
        claims = orjson.loads(from_base64url(jws.split(".")[1]))
        return str(claims["issuer"])
    except (LookupError, TypeError, ValueError) as error:
        raise SignatureRefused(SignatureRule.MALFORMED) from error


def read_signature(jws: str, keys: PublicKeys, now: datetime) -> SignedImport:
    """What was signed by one of these keys. jws: compact (RFC 7515 §7.1). Raises SignatureRefused.

    The file is not part of the JWS, nor detached from it (RFC 7515 appendix F): its payload names
    the file's hash, so that it can be checked before a large file was sent, and kept as proof.
    """
    match verified(jws, keys, TYPE, longest=LONGEST_SIGNATURE):
        case Malformed():
            raise SignatureRefused(SignatureRule.MALFORMED)
        case UnknownKey():
            raise SignatureRefused(SignatureRule.UNKNOWN_KEY)
        case BadSignature():
            raise SignatureRefused(SignatureRule.WRONG)
        case claims:
            try:
                signed = _signed(claims, jws)
            except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
                raise SignatureRefused(SignatureRule.MALFORMED) from error
    if signed.stated_at > now + LEEWAY:
        raise SignatureRefused(SignatureRule.FROM_THE_FUTURE)
    return signed


def _signed(claims: Mapping[str, Any], jws: str) -> SignedImport:
    sha256, n_rows, iat = from_base64url(claims["sha256"]), claims["rows"], claims["iat"]
    if len(sha256) != 32 or type(n_rows) is not int or not 0 <= n_rows <= MOST_ROWS:
        raise ValueError("sha256 or rows")
    if type(iat) is not int or not isinstance(claims["issuer"], str):
        raise ValueError("iat or issuer")
    return SignedImport(
        import_id=UUID(claims["import_id"]),
        issuer=claims["issuer"],
        sha256=sha256,
        media_type=MediaType(claims["media_type"]),
        n_rows=n_rows,
        stated_at=datetime.fromtimestamp(iat, UTC),
        jws=jws,
    )


def payload(
    *,
    issuer: str,
    sha256_base64url: str,
    media_type: MediaType,
    n_rows: int,
    import_id: UUID,
    iat: int,
) -> bytes:
    """What an issuer signs. iat: seconds since the epoch."""
    return orjson.dumps(
        {
            "issuer": issuer,
            "sha256": sha256_base64url,
            "rows": n_rows,
            "import_id": str(import_id),
            "media_type": media_type.value,
            "iat": iat,
        }
    )
