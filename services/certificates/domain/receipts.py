"""Receipts: what a signed verdict says, how what was asked is bound to it, how one is checked.

Signing keys stand in keys, the numbers of receipts in receipt_numbers; nothing here stores or asks.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import jwt
import orjson
from jwt.api_jws import PyJWS

from services.certificates.domain.keys import (
    PublicKeys,
    SigningKey,
    base64url,
    from_base64url,
)
from services.certificates.domain.receipt_numbers import (
    ReceiptNo,
    read_receipt_number,
)

TYPE = "rengang-receipt+jwt"
SALT_BYTES = 16
LONGEST_RECEIPT = 16 * 1024
_ALGORITHM = "EdDSA"
_HASH = "sha-256"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in its one spelling, and the salt that hides it in the receipt.

    salt: 16 random bytes; it goes to the asker alone. number: CertificateNumber.text. holder:
    digests.holder(name). identity: identity.identity_number(text). issuer: as the question names
    it. Numbers have too few possibilities for a plain hash: with a receipt in hand they could be
    tried out, were it not for the salt.
    """

    salt: bytes
    number: str
    holder: str
    identity: str
    occupation: str | None = None
    issuer: str | None = None

    def __repr__(self) -> str:
        return "Asked(…)"

    @property
    def hash(self) -> str:
        """Base64url SHA-256 of the salt and the question, as the receipt has it."""
        question = [self.number, self.holder, self.identity, self.occupation, self.issuer]
        return asked_hash(self.salt, question)


def asked_hash(salt: bytes, question: list[str | None]) -> str:
    """Base64url SHA-256 of salt || canonical JSON of the question.

    question: number, holder, identity number, occupation, issuer. For an array of texts and nulls
    this is the canonical JSON of RFC 8785: no space, and no escape that JSON does not demand.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"the salt has {SALT_BYTES} bytes")
    canonical = json.dumps(question, ensure_ascii=False, separators=(",", ":"))
    return base64url(hashlib.sha256(salt + canonical.encode()).digest())


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Who answered, and when: an answer that was kept is older than its receipt.

    city: a city's id. is_signed: false where that city does not sign its answers.
    """

    city: str
    at: datetime
    is_signed: bool = True


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a receipt says of the certificate, to its right holder alone; nothing of the person."""

    kind: str | None
    occupation: str
    level: int | None
    level_label: str | None
    name: str
    issuer: str
    issued_on: date
    valid_until: date | None
    review_due: date | None = None


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """A place in a status list. purpose: revocation or suspension. url: of the list."""

    purpose: str
    url: str
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says.

    issuer: the id of the city that signed it. verdict, reason: their stable codes. upload_lag_days:
    how late the certificate's issuer may be, where that was asked for in vain. supersedes: the
    receipt of the same question that said pending. audience, nonce: set where a city asked, and
    then it proves something to that city and that question alone.
    """

    issuer: str
    number: ReceiptNo
    issued_at: datetime
    verdict: str
    reason: str | None
    asked: str
    answered_by: AnsweredBy
    certificate: CertificateFacts | None = None
    status: tuple[StatusEntry, ...] = ()
    upload_lag_days: int | None = None
    supersedes: ReceiptNo | None = None
    audience: str | None = None
    nonce: str | None = None

    def payload(self) -> dict[str, Any]:
        """The claims of the JWS; what is None or empty is left out. schema() describes them."""
        claims = {
            "iss": self.issuer,
            "jti": self.number,
            "iat": int(self.issued_at.timestamp()),
            "verdict": self.verdict,
            "reason": self.reason,
            "asked": {"alg": _HASH, "hash": self.asked},
            "answered_by": _present(
                city=self.answered_by.city,
                at=int(self.answered_by.at.timestamp()),
                unsigned=None if self.answered_by.is_signed else True,
            ),
            "certificate": self.certificate and _facts(self.certificate),
            "credentialStatus": [_status(entry) for entry in self.status] or None,
            "upload_lag_days": self.upload_lag_days,
            "supersedes": self.supersedes,
            "aud": self.audience,
            "nonce": self.nonce,
        }
        return _present(**claims)

    def says_of(self, asked: Asked) -> bool:
        """Whether this is about that question."""
        return hmac.compare_digest(self.asked.encode(), asked.hash.encode())


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _facts(facts: CertificateFacts) -> dict[str, Any]:
    return _present(
        kind=facts.kind,
        occupation=facts.occupation,
        level=facts.level,
        level_label=facts.level_label,
        name=facts.name,
        issuer=facts.issuer,
        issued_on=facts.issued_on.isoformat(),
        valid_until=facts.valid_until and facts.valid_until.isoformat(),
        review_due=facts.review_due and facts.review_due.isoformat(),
    )


def _status(entry: StatusEntry) -> dict[str, str]:
    # W3C Bitstring Status List v1.0 §2.1; the index is a text there.
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": entry.purpose,
        "statusListIndex": str(entry.index),
        "statusListCredential": entry.url,
    }


def signed(payload: bytes, key: SigningKey, typ: str, cty: str | None = None) -> str:
    """A compact JWS of these bytes (RFC 7515 §7.1, EdDSA of RFC 8037).

    Put together here, not by PyJWT, which takes 20 to 60 µs more: every answer waits for it.
    """
    told = f"{_header(key.kid, typ, cty)}.{base64url(payload)}"
    return f"{told}.{base64url(key.private.sign(told.encode()))}"


@lru_cache(maxsize=64)
def _header(kid: str, typ: str, cty: str | None) -> str:
    return base64url(orjson.dumps(_present(alg=_ALGORITHM, kid=kid, typ=typ, cty=cty)))


_JWS = PyJWS(algorithms=[_ALGORITHM])


@dataclass(frozen=True, slots=True)
class BadSignature:
    """The signature does not fit: changed after it was signed, or never signed by this key."""

    kid: str


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """Signed with a key that is none of those at hand."""

    kid: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not what it should be. why: in English; repeats nothing of it."""

    why: str


Faulty = BadSignature | UnknownKey | Malformed


def verified(
    jws: str, keys: PublicKeys, typ: str, *, longest: int = LONGEST_RECEIPT
) -> dict[str, Any] | Faulty:
    """The JSON object that a compact JWS holds, if one of these keys signed it as this type.

    The key is found by `kid`, the algorithm is EdDSA whatever the header says (RFC 8725 §3.1).
    """
    kid = _signed_with(jws, typ) if len(jws) <= longest else None
    if kid is None:
        return Malformed(f"not a compact JWS of type {typ}, signed with {_ALGORITHM}")
    key = keys.get(kid)
    if key is None:
        return UnknownKey(kid)
    try:
        claims = orjson.loads(_JWS.decode(jws, key, algorithms=[_ALGORITHM]))
    except jwt.InvalidSignatureError:
        return BadSignature(kid)
    except (jwt.InvalidTokenError, orjson.JSONDecodeError):
        claims = None
    return claims if isinstance(claims, dict) else Malformed("its payload is not a JSON object")


def _signed_with(jws: str, typ: str) -> str | None:
    try:
        header = jwt.get_unverified_header(jws)
    except (jwt.InvalidTokenError, UnicodeEncodeError):
        return None
    kid = header.get("kid")
    if header.get("alg") != _ALGORITHM or header.get("typ") != typ:
        return None
    return kid if isinstance(kid, str) else None


def check(jws: str, keys: PublicKeys) -> Receipt | Faulty:
    """The receipt, if one of these keys signed it; else what is wrong with it.

    Whether it is about a certain question, or meant for a certain city, is for the caller to ask
    of what comes back.
    """
    claims = verified(jws, keys, TYPE)
    return read_claims(claims) if isinstance(claims, dict) else claims


def unproven(jws: str) -> Receipt | Malformed:
    """What a receipt says, whoever signed it: to be shown with that said, never relied on."""
    try:
        claims = orjson.loads(from_base64url(jws.split(".")[1]))
    except (IndexError, ValueError):
        claims = None
    return read_claims(claims) if isinstance(claims, dict) else Malformed("not a compact JWS")


def read_claims(claims: Mapping[str, Any]) -> Receipt | Malformed:
    """The receipt that these claims are. Claims that are not known are passed over."""
    try:
        return _receipt(claims)
    except (LookupError, TypeError, ValueError, AttributeError, OSError, OverflowError):
        # AttributeError: another kind of value where there should be an object. OSError and
        # OverflowError: a time that the platform cannot express.
        return Malformed("its payload is not that of a receipt")


def _receipt(claims: Mapping[str, Any]) -> Receipt:
    asked = claims["asked"]
    if asked["alg"] != _HASH or len(from_base64url(asked["hash"])) != 32:
        raise ValueError("hash")
    by = claims["answered_by"]
    said = claims.get("certificate")
    supersedes = _text_or_none(claims, "supersedes")
    return Receipt(
        issuer=_text(claims, "iss"),
        number=read_receipt_number(_text(claims, "jti")),
        issued_at=_moment(claims["iat"]),
        verdict=_text(claims, "verdict"),
        reason=_text_or_none(claims, "reason"),
        asked=asked["hash"],
        answered_by=AnsweredBy(_text(by, "city"), _moment(by["at"]), "unsigned" not in by),
        certificate=None if said is None else _read_facts(said),
        status=tuple(_read_status(entry) for entry in claims.get("credentialStatus", ())),
        upload_lag_days=_whole_or_none(claims, "upload_lag_days"),
        supersedes=None if supersedes is None else read_receipt_number(supersedes),
        audience=_text_or_none(claims, "aud"),
        nonce=_text_or_none(claims, "nonce"),
    )


def _read_facts(said: Mapping[str, Any]) -> CertificateFacts:
    until, due = _text_or_none(said, "valid_until"), _text_or_none(said, "review_due")
    return CertificateFacts(
        kind=_text_or_none(said, "kind"),
        occupation=_text(said, "occupation"),
        level=_whole_or_none(said, "level"),
        level_label=_text_or_none(said, "level_label"),
        name=_text(said, "name"),
        issuer=_text(said, "issuer"),
        issued_on=date.fromisoformat(_text(said, "issued_on")),
        valid_until=None if until is None else date.fromisoformat(until),
        review_due=None if due is None else date.fromisoformat(due),
    )


def _read_status(entry: Mapping[str, Any]) -> StatusEntry:
    index = _text(entry, "statusListIndex")
    if not index.isdecimal() or not index.isascii() or len(index) > 9:
        raise ValueError("statusListIndex")
    return StatusEntry(
        _text(entry, "statusPurpose"), _text(entry, "statusListCredential"), int(index)
    )


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _text_or_none(members: Mapping[str, Any], name: str) -> str | None:
    return None if members.get(name) is None else _text(members, name)


def _whole_or_none(members: Mapping[str, Any], name: str) -> int | None:
    value = members.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(name)
    return value


def _moment(seconds: object) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise TypeError("time")
    return datetime.fromtimestamp(seconds, UTC)
