"""W3C Bitstring Status Lists: bits packed, signed lists written and read.

Which certificate has which place, and what sets its bit, does not live here.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from services.certificates.domain.keys import PublicKeys, base64url, from_base64url
from services.certificates.domain.receipts import Faulty, Malformed, verified

PLACES = 131_072
"""How many places our lists have: the fewest that the standard allows (§6.1), 16 KiB."""

TYPE = "vc+jwt"
CONTENT_TYPE = "vc"
MEDIA_TYPE = "application/vc+jwt"
LONGEST_LIST = 4 * 1024 * 1024

_MOST_BYTES = 1024 * 1024  # eight million places; more is no list but an attack
_MULTIBASE_BASE64URL = "u"


class StatusPurpose(StrEnum):
    """What a set bit means: for good, or until it is lifted."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


class Bits:
    """A bitstring; place 0 is the leftmost bit of the first byte (§3.3)."""

    __slots__ = ("_bytes",)

    def __init__(self, packed: bytes | bytearray = bytes(PLACES // 8)) -> None:
        self._bytes = bytes(packed)

    @classmethod
    def having(cls, places: Iterable[int], size: int = PLACES) -> "Bits":
        """size bits, those at these places set. Raises IndexError for a place outside."""
        packed = bytearray(size // 8)
        for place in places:
            if place < 0:
                raise IndexError(place)
            packed[place >> 3] |= 0x80 >> (place & 7)
        return cls(packed)

    def __len__(self) -> int:
        return 8 * len(self._bytes)

    def __getitem__(self, place: int) -> bool:
        if place < 0:
            raise IndexError(place)
        return bool(self._bytes[place >> 3] & 0x80 >> (place & 7))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bits) and self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def places(self) -> Iterator[int]:
        """The places that are set, in order."""
        for position, byte in enumerate(self._bytes):
            if byte:
                yield from (8 * position + bit for bit in range(8) if byte & 0x80 >> bit)

    def encoded(self) -> str:
        """Multibase base64url of the GZIP of the bits (§3.3)."""
        return _MULTIBASE_BASE64URL + base64url(gzip.compress(self._bytes, mtime=0))

    @classmethod
    def decoded(cls, text: str) -> "Bits":
        """Raises ValueError unless it is encoded bits: PLACES at least, eight million at most."""
        if not text.startswith(_MULTIBASE_BASE64URL):
            raise ValueError("not multibase base64url")
        packed = from_base64url(text[1:])
        # Bounded while it is unpacked: a megabyte of zeros has a thousand bytes.
        unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            plain = unpacking.decompress(packed, _MOST_BYTES + 1)
        except zlib.error as error:
            raise ValueError("not GZIP") from error
        if (
            not unpacking.eof
            or unpacking.unused_data
            or not PLACES // 8 <= len(plain) <= _MOST_BYTES
        ):
            raise ValueError("not a list of a size that is taken")
        return cls(plain)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list as it was signed. url: its address and id. issuer: the URL of who signed it."""

    url: str
    purpose: StatusPurpose
    issuer: str
    valid_from: datetime
    valid_until: datetime
    bits: Bits

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may be relied on: an old list, sent again, would hide a revocation."""
        return now < self.valid_until

    def credential(self, ttl_s: int) -> bytes:
        """The unsigned BitstringStatusListCredential (§2.2), JSON. ttl_s: ask again after that."""
        return orjson.dumps(
            {
                "@context": ["https://www.w3.org/ns/credentials/v2"],
                "id": self.url,
                "type": ["VerifiableCredential", "BitstringStatusListCredential"],
                "issuer": self.issuer,
                "validFrom": _stamp(self.valid_from),
                "validUntil": _stamp(self.valid_until),
                "credentialSubject": {
                    "id": f"{self.url}#list",
                    "type": "BitstringStatusList",
                    "statusPurpose": self.purpose.value,
                    "encodedList": self.bits.encoded(),
                    "ttl": ttl_s * 1000,
                },
            }
        )


def decode(vc_jwt: str, keys: PublicKeys) -> StatusList | Faulty:
    """The list that one of these keys signed; else what is wrong with it.

    Whether it is the list that was asked for, of that purpose, and fresh, is for the caller to ask
    of what comes back.
    Source: W3C Bitstring Status List v1.0 §3.2; Securing VCs using JOSE and COSE §3.1.
    """
    claims = verified(vc_jwt, keys, TYPE, longest=LONGEST_LIST)
    if not isinstance(claims, dict):
        return claims
    try:
        return _list_of(claims)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Malformed("its payload is not that of a status list")


def _list_of(claims: dict[str, Any]) -> StatusList:
    subject = claims["credentialSubject"]
    issuer = claims["issuer"]
    if "BitstringStatusListCredential" not in claims["type"]:
        raise ValueError("type")
    if subject["type"] != "BitstringStatusList":
        raise ValueError("subject")
    issuer = issuer["id"] if isinstance(issuer, dict) else issuer
    if not isinstance(issuer, str) or not isinstance(claims["id"], str):
        raise TypeError("id")
    return StatusList(
        url=claims["id"],
        purpose=StatusPurpose(subject["statusPurpose"]),
        issuer=issuer,
        valid_from=_moment(claims["validFrom"]),
        valid_until=_moment(claims["validUntil"]),
        bits=Bits.decoded(subject["encodedList"]),
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment
