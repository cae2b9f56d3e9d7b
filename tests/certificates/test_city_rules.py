"""Which city a question belongs to, which cities may be registered, which addresses are public."""

from typing import Any

import pytest

from services.certificates.domain.cities import (
    AdapterKind,
    City,
    CityRule,
    addressees,
    broken_rules,
    place_of,
    same_origin,
)
from services.certificates.domain.numbers import certificate_number
from tests.certificates.samples import LI_NA


def a_city(city_id: str = "qujing", *divisions: str, **changes: Any) -> City:
    said: dict[str, Any] = {
        "city_id": city_id,
        "name": "曲靖",
        "base_url": "https://certificates.example",
        "divisions": divisions or ("530300",),
        "jwks": {"keys": []},
        **changes,
    }
    return City(**said)


QUJING, YUXI, SICHUAN = (
    a_city(),
    a_city("yuxi", "530400"),
    a_city("sichuan", "510000"),
)
ALL = (YUXI, SICHUAN, QUJING)


@pytest.mark.parametrize(
    ("number", "asked"),
    [
        ("2353030123412345", ["qujing"]),
        ("2353040123412345", ["yuxi"]),
        ("2353010123412345", []),
        ("2353000123412345", ["qujing", "yuxi"]),
        ("2351070123412345", ["sichuan"]),
        ("2344010123412345", []),
        # 98 is an industry, not a place.
        ("2398010123412345", ["qujing", "sichuan", "yuxi"]),
        ("S000053000123233000456", ["qujing", "yuxi"]),
        ("S000051000123233000456", ["sichuan"]),
        ("S000044000123233000456", []),
        ("昆明字第20230017号", ["qujing", "sichuan", "yuxi"]),
        (LI_NA.operation_number, ["qujing", "sichuan", "yuxi"]),
    ],
)
def test_the_number_says_whom_to_ask(number: str, asked: list[str]) -> None:
    found = addressees(certificate_number(number), ALL, origin=None)
    assert [city.city_id for city in found] == asked


def test_the_issuer_decides_before_the_number_and_alone() -> None:
    number = certificate_number("2353030123412345")
    assert addressees(number, ALL, origin="yuxi") == [YUXI]
    assert addressees(number, ALL, origin="gone") == []


def test_a_city_that_is_not_enabled_is_not_asked() -> None:
    off = a_city(enabled=False)
    assert addressees(certificate_number("2353030123412345"), [off], origin=None) == []
    assert addressees(certificate_number("2353030123412345"), [off], origin="qujing") == []


def test_a_number_names_a_place_only_where_its_rules_say_so() -> None:
    places = [place_of(certificate_number(n)) for n in ("2353030123412345", "2353000123412345")]
    assert places == ["5303", "53"]
    assert place_of(certificate_number("S000053000123233000456")) == "53"
    assert place_of(certificate_number("X-2023-1")) is None


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, []),
        ({"jwks": None}, [CityRule.KEYS_MISSING]),
        ({"jwks": None, "jwks_url": "https://certificates.example/jwks.json"}, []),
        ({"jwks_url": "https://elsewhere.example/jwks.json"}, [CityRule.KEYS_ELSEWHERE]),
        ({"jwks_url": "http://certificates.example/jwks.json"}, [CityRule.KEYS_ELSEWHERE]),
        ({"certificate_sha256": b"x" * 32}, []),
        (
            {"certificate_sha256": b"x" * 32, "base_url": "http://certificates.example"},
            [CityRule.PIN_WITHOUT_TLS],
        ),
        (
            {"adapter": AdapterKind.HTTP_JSON},
            [CityRule.MAPPING_MISSING, CityRule.UNSIGNED_UNTRUSTED],
        ),
        ({"adapter": AdapterKind.HTTP_JSON, "mapping": {}, "trusted_unsigned": True}, []),
        (
            {"adapter": AdapterKind.HTTP_JSON, "mapping": {}, "certificate_sha256": b"x" * 32},
            [],
        ),
    ],
)
def test_what_a_city_may_not_be(changes: dict[str, Any], broken: list[CityRule]) -> None:
    assert broken_rules(a_city(**changes)) == broken


def test_an_origin_is_scheme_host_and_port() -> None:
    assert same_origin("https://a.example/x", "https://a.example:443")
    for other in ("http://a.example", "https://a.example:444", "https://b.example"):
        assert not same_origin(other, "https://a.example")
