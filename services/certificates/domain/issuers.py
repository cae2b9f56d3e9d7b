"""Issuers: who may issue certificates, where, and whose signature its imports bear.

What an issuer says of certificates stands in registry, how an import is signed in signed_imports.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.certificates.domain.keys import PublicKeys, from_base64url, jwk

MOST_KEYS = 16
MOST_LAG_DAYS = 365

# GB/T 2260: the first two digits of every division.
PROVINCES = frozenset(
    f"{code}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71))
    for code in range(first, last + 1)
) | {"81", "82"}

# Yunnan's sixteen; of other provinces only the shape is known here.
_PREFECTURES = {
    "53": frozenset(
        f"53{city}00"
        for city in (
            *("01", "03", "04", "05", "06", "07", "08", "09"),
            *("23", "25", "26", "28", "29", "31", "33", "34"),
        )
    )
}
_DIVISION = re.compile(r"[1-9][0-9]{3}00")


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer (发证机构). code: of a skill-level issuer the first 13 characters of its numbers.

    province: two digits; cities: six digits each, none: the whole province. bases: the laws and
    filings it issues by. recognised_by: who recognises it. keys: JWKs (RFC 8037), the public part
    alone. upload_lag_days: how late a new certificate may reach us. origin: None where its imports
    come to us, else the partner city that answers for it.
    """

    code: str
    name: str
    province: str
    cities: tuple[str, ...]
    bases: tuple[str, ...]
    recognised_by: tuple[str, ...]
    keys: tuple[Mapping[str, str], ...]
    upload_lag_days: int
    origin: str | None = None

    @property
    def public_keys(self) -> PublicKeys:
        """What its signatures are checked with, by the keys' ids."""
        return {
            key["kid"]: Ed25519PublicKey.from_public_bytes(from_base64url(key["x"]))
            for key in self.keys
        }


class KeyRule(StrEnum):
    """What a key that an issuer registers can break."""

    NOT_ED25519 = "not_ed25519"
    PRIVATE = "private"
    TWICE = "twice"


class IssuerKeyInvalid(ValueError):
    """A key cannot be registered. index: which one of those given, from 0."""

    def __init__(self, index: int, rule: KeyRule) -> None:
        super().__init__(f"key {index} breaks the rule {rule}")
        self.index = index
        self.rule = rule


def issuer_keys(given: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], ...]:
    """The keys as they are kept: each under its thumbprint (RFC 7638), whatever id it came with.

    Raises IssuerKeyInvalid, also for a private key: whoever sends one has given it away.
    """
    kept: dict[str, dict[str, str]] = {}
    for index, key in enumerate(given):
        if "d" in key:
            raise IssuerKeyInvalid(index, KeyRule.PRIVATE)
        try:
            if (key["kty"], key["crv"]) != ("OKP", "Ed25519"):
                raise IssuerKeyInvalid(index, KeyRule.NOT_ED25519)
            public = from_base64url(key["x"])
            Ed25519PublicKey.from_public_bytes(public)
        except (KeyError, TypeError, ValueError) as error:
            raise IssuerKeyInvalid(index, KeyRule.NOT_ED25519) from error
        read = jwk(public)
        if read["kid"] in kept:
            raise IssuerKeyInvalid(index, KeyRule.TWICE)
        kept[read["kid"]] = read
    return tuple(kept.values())


def is_city_of(division: str, province: str) -> bool:
    """Whether there is such a city (six digits of GB/T 2260, the last two 00) in the province.

    Of provinces other than Yunnan only the form is checked.
    """
    if not _DIVISION.fullmatch(division) or not division.startswith(province):
        return False
    return division[2:] != "0000" and division in _PREFECTURES.get(province, {division})
