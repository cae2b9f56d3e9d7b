"""Partner cities: who they are, and which of them a question belongs to.

How one is reached, and whether its answer may be believed, does not live here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from services.certificates.domain.numbers import CertificateNumber, NumberFormat

MOST_CITIES = 200
"""More than a province has; a question that names no city goes to all of them at once."""


class AdapterKind(StrEnum):
    """How a city is spoken to: it runs this service too, or answers in JSON of its own."""

    RENGANG = "rengang"
    HTTP_JSON = "http-json"


@dataclass(frozen=True, slots=True)
class City:
    """A partner city.

    city_id: how it names itself when it signs. base_url: without a slash at the end. divisions:
    codes (GB/T 2260, 6 digits) it answers for. jwks: its pinned public keys (RFC 7517), else they
    are read at jwks_url. mapping: for http-json, how its JSON is to be read. certificate_sha256:
    of its TLS certificate (DER), where that is pinned. trusted_unsigned: its answers are believed
    although nobody signs them. timeout_s: where it needs another than the setting.
    """

    city_id: str
    name: str
    base_url: str
    divisions: tuple[str, ...]
    adapter: AdapterKind = AdapterKind.RENGANG
    enabled: bool = True
    jwks: Mapping[str, Any] | None = None
    jwks_url: str | None = None
    mapping: Mapping[str, Any] | None = None
    certificate_sha256: bytes | None = None
    trusted_unsigned: bool = False
    timeout_s: float | None = None

    @property
    def is_signed(self) -> bool:
        """Whether its answers carry a signature."""
        return self.adapter is AdapterKind.RENGANG


class CityRule(StrEnum):
    """What a city may not be, although each of its fields is well-formed."""

    KEYS_MISSING = "keys_missing"
    KEYS_ELSEWHERE = "keys_elsewhere"
    MAPPING_MISSING = "mapping_missing"
    UNSIGNED_UNTRUSTED = "unsigned_untrusted"
    PIN_WITHOUT_TLS = "pin_without_tls"


def broken_rules(city: City) -> list[CityRule]:
    """The rules that a city breaks.

    An answer without a signature proves nothing on the way here, so who sends it must be told by
    a pinned certificate, or the operator must have said that the way is safe.
    """
    secure = urlsplit(city.base_url).scheme == "https"
    pinned = secure and city.certificate_sha256 is not None
    broken = {
        CityRule.KEYS_MISSING: city.is_signed and not (city.jwks or city.jwks_url),
        CityRule.KEYS_ELSEWHERE: city.jwks_url is not None
        and not same_origin(city.jwks_url, city.base_url),
        CityRule.MAPPING_MISSING: not city.is_signed and city.mapping is None,
        CityRule.UNSIGNED_UNTRUSTED: not city.is_signed and not (pinned or city.trusted_unsigned),
        CityRule.PIN_WITHOUT_TLS: city.certificate_sha256 is not None and not secure,
    }
    return [rule for rule, holds in broken.items() if holds]


def addressees(
    number: CertificateNumber, cities: Iterable[City], *, origin: str | None
) -> list[City]:
    """Who is to be asked. origin: the city that the issuer belongs to, where that is known.

    The issuer decides; else the place in the number; where neither says anything, all of them. A
    number of a place that no partner answers for goes to nobody: a person's data is not shown
    around without reason.
    """
    enabled = sorted((city for city in cities if city.enabled), key=lambda city: city.city_id)
    if origin is not None:
        return [city for city in enabled if city.city_id == origin]
    place = place_of(number)
    if place is None:
        return enabled
    return [city for city in enabled if any(_within(place, code) for code in city.divisions)]


# GB/T 2260: the first two digits of every division.
_PROVINCES = frozenset(
    str(code)
    for first, last in (
        (11, 15),
        (21, 23),
        (31, 37),
        (41, 46),
        (50, 54),
        (61, 65),
        (71, 71),
        (81, 82),
    )
    for code in range(first, last + 1)
)


def place_of(number: CertificateNumber) -> str | None:
    """The division that a number names, 2 or 4 digits, or None.

    Source: numbering rules of 职业技能等级证书 (characters 6-7: the province) and 职业资格证书
    (3-4: the province, or the industry that issued it, 5-6: the city).
    """
    match number.format:
        case NumberFormat.SKILL_LEVEL:
            place = number.text[5:7]
        case NumberFormat.VOCATIONAL_QUALIFICATION:
            place = number.text[2:6]
        case _:
            return None
    if place[:2] not in _PROVINCES:
        return None
    return place.removesuffix("00")


def _within(place: str, division: str) -> bool:
    code = division
    while code.endswith("00"):
        code = code[:-2]
    shorter = min(len(code), len(place))
    return code[:shorter] == place[:shorter]


def same_origin(url: str, base: str) -> bool:
    """Whether two URLs are of one scheme, host and port (RFC 6454)."""
    return _origin(url) == _origin(base)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
