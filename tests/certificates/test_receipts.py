"""Receipts: what is signed, how it is bound to what was asked, and what is not one."""

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificates.domain.keys import SigningKey
from services.certificates.domain.receipt_numbers import (
    ReceiptNumberUnreadable,
    in_groups,
    read_receipt_number,
    receipt_number,
)
from services.certificates.domain.receipts import (
    TYPE,
    AnsweredBy,
    Asked,
    BadSignature,
    CertificateFacts,
    Malformed,
    Receipt,
    StatusEntry,
    UnknownKey,
    asked_hash,
    check,
    signed,
    unproven,
)
from tests.certificates.samples import LI_NA, NUMBER

KEY = SigningKey.of(b"\7" * 32)
OTHER = SigningKey.of(b"\10" * 32)
KEYS = {KEY.kid: KEY.private.public_key()}
NUMBER_OF_RECEIPT = receipt_number(bytes(range(16)))
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
SALT = b"salt for sixteen"
ASKED = Asked(SALT, NUMBER, LI_NA.name, LI_NA.identity)

PLAIN = Receipt(
    issuer="kunming",
    number=NUMBER_OF_RECEIPT,
    issued_at=AT,
    verdict="not-found",
    reason=None,
    asked=ASKED.hash,
    answered_by=AnsweredBy("kunming", AT),
    upload_lag_days=30,
)
FULL = replace(
    PLAIN,
    verdict="suspended",
    reason="review-overdue",
    answered_by=AnsweredBy("qujing", AT - timedelta(minutes=4), is_signed=False),
    certificate=CertificateFacts(
        kind="skill-level",
        occupation="6-31-01-03",
        level=4,
        level_label="三级",
        name="电工",
        issuer="S000053000123",
        issued_on=date(2023, 6, 30),
        valid_until=date(2029, 6, 29),
        review_due=date(2026, 2, 1),
    ),
    status=(StatusEntry("revocation", "https://kunming.example/v1/status-lists/revocation/0", 9),),
    upload_lag_days=None,
    supersedes=receipt_number(bytes(16)),
    audience="yuxi",
    nonce="n-1",
)


def a_jws(receipt: Receipt = PLAIN, key: SigningKey = KEY) -> str:
    return signed(orjson.dumps(receipt.payload()), key, TYPE)


@pytest.mark.parametrize("receipt", [PLAIN, FULL], ids=["plain", "full"])
def test_what_was_signed_is_read_again(receipt: Receipt) -> None:
    assert check(a_jws(receipt), KEYS) == receipt


def test_others_check_it_with_a_library_of_theirs() -> None:
    header = jwt.get_unverified_header(a_jws(FULL))
    assert header == {"alg": "EdDSA", "kid": KEY.kid, "typ": "rengang-receipt+jwt"}
    claims = jwt.decode(
        a_jws(FULL), KEY.private.public_key(), algorithms=["EdDSA"], audience="yuxi",
        options={"verify_iat": False},
    )  # fmt: skip
    assert claims == FULL.payload()


def test_what_is_not_known_is_left_out() -> None:
    assert PLAIN.payload() == {
        "iss": "kunming",
        "jti": NUMBER_OF_RECEIPT,
        "iat": 1772352000,
        "verdict": "not-found",
        "asked": {"alg": "sha-256", "hash": ASKED.hash},
        "answered_by": {"city": "kunming", "at": 1772352000},
        "upload_lag_days": 30,
    }


def test_nothing_of_the_person_or_the_number_is_in_it() -> None:
    payload = orjson.dumps(FULL.payload()).decode()
    for secret in (NUMBER, LI_NA.name, LI_NA.identity, base64.b64encode(SALT).decode()):
        assert secret not in payload
    assert LI_NA.identity not in repr(ASKED)


def test_the_hash_is_that_of_salt_and_canonical_json() -> None:
    question = f'["{NUMBER}","{LI_NA.name}","{LI_NA.identity}",null,null]'
    digest = hashlib.sha256(SALT + question.encode()).digest()
    assert ASKED.hash == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_canonical_json_escapes_what_json_demands_and_nothing_else() -> None:
    # RFC 8785 §3.2.2.2.
    text = '€$\x0f\nA\'B"\\\\"/\x7f'
    told = '["€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f",null]'
    digest = hashlib.sha256(SALT + told.encode()).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked_hash(SALT, [text, None]) == expected


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, salt=b"salt for someone"),
        replace(ASKED, number="S000053000123233000457"),
        replace(ASKED, holder="李娜"),
        replace(ASKED, identity="530102199003070024"),
        replace(ASKED, occupation="6-31-01-03"),
        replace(ASKED, issuer="S000053000123"),
        # Where one field ends and the next begins makes a difference.
        replace(ASKED, number=NUMBER + LI_NA.name, holder=""),
    ],
)
def test_it_is_about_what_was_asked_and_nothing_else(other: Asked) -> None:
    assert PLAIN.says_of(ASKED)
    assert not PLAIN.says_of(other)


def test_a_salt_has_sixteen_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        asked_hash(b"", [NUMBER])


def test_one_of_another_key_is_not_taken() -> None:
    assert check(a_jws(key=OTHER), KEYS) == UnknownKey(OTHER.kid)
    named_ours = signed(orjson.dumps(PLAIN.payload()), SigningKey(KEY.kid, OTHER.private), TYPE)
    assert check(named_ours, KEYS) == BadSignature(KEY.kid)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=63))
def test_no_character_of_it_can_be_another(place: int, step: int) -> None:
    jws = a_jws(FULL)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place %= len(jws)
    if jws[place] == ".":
        return
    other = letters[(letters.index(jws[place]) + step) % 64]
    changed = jws[:place] + other + jws[place + 1 :]
    found = check(changed, KEYS)
    # The last letter of a part has bits that stand for nothing: those alone may differ.
    assert not isinstance(found, Receipt) or (
        found == FULL and (place + 1 == len(jws) or jws[place + 1] == ".")
    )


def a_token(header: dict[str, Any], payload: bytes = b"{}") -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    told = f"{part(json.dumps(header).encode())}.{part(payload)}"
    return f"{told}.{part(KEY.private.sign(told.encode()))}"


@pytest.mark.parametrize(
    "jws",
    [
        "",
        "..",
        "a.b.c",
        "文.字.文",
        a_jws() + ".x",
        a_jws().rpartition(".")[0],
        "x" * 20_000,
        a_token({"alg": "none", "typ": TYPE, "kid": KEY.kid}),
        a_token({"alg": "HS256", "typ": TYPE, "kid": KEY.kid}),
        a_token({"alg": "EdDSA", "typ": "JWT", "kid": KEY.kid}),
        a_token({"alg": "EdDSA", "typ": TYPE}),
        a_token({"alg": "EdDSA", "typ": TYPE, "kid": 7}),
        a_token({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid, "crit": ["x"], "x": 1}),
        a_token({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid}, b"not json"),
        a_token({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid}, b"[]"),
        a_token({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid}, b"{}"),
    ],
)
def test_what_is_no_receipt_is_malformed(jws: str) -> None:
    assert isinstance(check(jws, KEYS), Malformed)


def without(path: str) -> dict[str, Any]:
    return altered(path, None, drop=True)


def altered(path: str, value: Any, *, drop: bool = False) -> dict[str, Any]:
    claims: dict[str, Any] = orjson.loads(orjson.dumps(FULL.payload()))
    *way, last = path.split("/")
    held: Any = claims
    for step in way:
        held = held[int(step)] if isinstance(held, list) else held[step]
    if drop:
        del held[last]
    else:
        held[last] = value
    return claims


@pytest.mark.parametrize(
    "claims",
    [
        *(without(path) for path in ("iss", "jti", "iat", "verdict", "asked", "answered_by")),
        *(without(f"certificate/{name}") for name in ("occupation", "name", "issuer")),
        altered("iss", 1),
        altered("jti", "short"),
        altered("iat", "2026"),
        altered("iat", value=True),
        altered("iat", 10**18),
        altered("asked/alg", "md5"),
        altered("asked/hash", "AAAA"),
        altered("asked/hash", 1),
        altered("certificate", "x"),
        altered("certificate/level", "4"),
        altered("certificate/issued_on", "yesterday"),
        altered("credentialStatus/0/statusListIndex", "-1"),
        altered("credentialStatus/0/statusListIndex", 9),
        altered("credentialStatus", 5),
        altered("aud", ["yuxi", "qujing"]),
        altered("supersedes", "x"),
    ],
)
def test_signed_claims_that_are_no_receipt_are_malformed(claims: dict[str, Any]) -> None:
    assert isinstance(check(signed(orjson.dumps(claims), KEY, TYPE), KEYS), Malformed)


def test_claims_that_are_not_known_are_passed_over() -> None:
    claims = {**FULL.payload(), "later": {"a": 1}}
    assert check(signed(orjson.dumps(claims), KEY, TYPE), KEYS) == FULL


def test_what_it_says_is_read_without_a_key_where_that_is_asked_for() -> None:
    assert unproven(a_jws(FULL, OTHER)) == FULL
    assert isinstance(unproven("no receipt"), Malformed)


@given(st.binary(min_size=16, max_size=16))
def test_a_receipt_number_is_read_however_it_is_spelled(random: bytes) -> None:
    number = receipt_number(random)
    assert len(number) == 26
    spelled = in_groups(number).lower().replace("1", "l").replace("0", "o")
    assert read_receipt_number(f" {spelled} ") == read_receipt_number(number) == number


def test_receipt_numbers_differ_and_tell_nothing() -> None:
    assert receipt_number(bytes(16)) == "0" * 26
    assert receipt_number(b"\xff" * 16) == "7" + "Z" * 25
    assert len({receipt_number(secrets.token_bytes(16)) for _ in range(1000)}) == 1000
    with pytest.raises(ValueError, match="16 random bytes"):
        receipt_number(b"short")


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "U" * 26, "０" * 26, "-" * 26, "0" * 200, "'; --"],
)
def test_other_texts_are_no_receipt_number(text: str) -> None:
    with pytest.raises(ReceiptNumberUnreadable):
        read_receipt_number(text)
