"""What cities say to each other: whose assertion opens the door, and which answer is believed."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from services.certificates.domain.cities import City
from services.certificates.domain.exchange import (
    ASSERTION_TYPE,
    AssertionRefused,
    Told,
    Unbelievable,
    assertion,
    believed_receipt,
    claimed_city,
    credible,
    shown,
)
from services.certificates.domain.json_city import JsonMapping, MappingInvalid
from services.certificates.domain.keys import SigningKey
from services.certificates.domain.numbers import certificate_number
from services.certificates.domain.purposes import Purpose
from services.certificates.domain.receipt_numbers import receipt_number
from services.certificates.domain.receipts import (
    TYPE,
    AnsweredBy,
    Asked,
    CertificateFacts,
    Receipt,
    StatusEntry,
    signed,
)
from services.certificates.domain.verdicts import Verdict
from tests.certificates.samples import ELECTRICIAN, ISSUER, LI_NA, NUMBER, WANG_WEI
from tests.support import NOW

KEY, OTHER_KEY = SigningKey.of(b"k" * 32), SigningKey.of(b"o" * 32)
KEYS = {KEY.kid: KEY.private.public_key()}
NONCE = "nonce-of-this-call"
URL = "https://qujing.example"
QUJING = City("qujing", "曲靖", URL, ("530300",), jwks={})
ASKED = Asked(b"s" * 16, NUMBER, LI_NA.name, LI_NA.identity)
FACTS = CertificateFacts(
    kind="skill-level",
    occupation=ELECTRICIAN,
    level=4,
    level_label="三级",
    name="电工",
    issuer=ISSUER,
    issued_on=date(2023, 6, 30),
    valid_until=None,
)
RECEIPT = Receipt(
    issuer="qujing",
    number=receipt_number(bytes(16)),
    issued_at=NOW,
    verdict="valid",
    reason=None,
    asked=ASKED.hash,
    answered_by=AnsweredBy("qujing", NOW),
    certificate=FACTS,
    status=(StatusEntry("revocation", f"{URL}/v1/status-lists/revocation/1", 7),),
    audience="kunming",
    nonce=NONCE,
)


def an_assertion(key: SigningKey = KEY, typ: str = ASSERTION_TYPE, **changes: Any) -> str:
    claims = orjson.loads(
        assertion(city_id="qujing", audience="kunming", jti="jti-1", issued_at=NOW)
    )
    said = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return signed(orjson.dumps(said), key, typ)


def show(token: str) -> None:
    good = shown(token, KEYS, city_id="qujing", audience="kunming", now=NOW)
    assert (good.city_id, good.jti) == ("qujing", "jti-1")
    assert good.expires_at > NOW + timedelta(seconds=60)


def test_a_good_assertion_opens_the_door() -> None:
    show(an_assertion())
    assert claimed_city(an_assertion()) == "qujing"


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    "token",
    [
        an_assertion(OTHER_KEY),
        an_assertion(typ="JWT"),
        an_assertion(typ=TYPE),
        an_assertion(iss="yuxi"),
        an_assertion(sub="somebody"),
        an_assertion(aud="yuxi"),
        an_assertion(aud=["kunming", "yuxi"]),
        an_assertion(jti=None),
        an_assertion(jti=""),
        an_assertion(jti="j" * 101),
        an_assertion(exp=None),
        an_assertion(exp=SECONDS + 61),
        an_assertion(iat=SECONDS - 100, exp=SECONDS - 40),
        an_assertion(iat=SECONDS + 40, exp=SECONDS + 90),
        an_assertion(exp=float(SECONDS + 30)),
        an_assertion(exp=True),
        an_assertion()[:-4] + "AAAA",
        "not.a.token",
        "",
    ],
)
def test_any_other_does_not(token: str) -> None:
    with pytest.raises(AssertionRefused):
        show(token)


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        *((purpose.value, purpose.value) for purpose in Purpose),
        ("claim", "claim"),
        (None, "exchange"),
        ("Inspection", "exchange"),
        ("for Li Na, 530102199003070012", "exchange"),
        (["subsidy"], "exchange"),
        ({}, "exchange"),
    ],
)
def test_why_a_city_asks_is_recorded_where_it_is_one_of_the_known_words(
    said: object, recorded: str
) -> None:
    token = an_assertion(purpose=said)
    good = shown(token, KEYS, city_id="qujing", audience="kunming", now=NOW)
    assert good.purpose == recorded


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "a.W10.c", "a.eyJpc3MiOjF9.c"])
def test_what_is_no_assertion_claims_to_be_nobodys(token: str) -> None:
    assert claimed_city(token) is None


def believe(receipt: Receipt = RECEIPT, key: SigningKey = KEY, asked: Asked = ASKED) -> Told:
    jws = signed(orjson.dumps(receipt.payload()), key, TYPE)
    return believed_receipt(jws, KEYS, QUJING, asked, audience="kunming", nonce=NONCE, now=NOW)


def test_a_receipt_for_us_about_this_question_is_believed() -> None:
    told = believe()
    assert (told.city_id, told.verdict, told.facts, told.answered_at, told.is_signed) == (
        "qujing",
        Verdict.VALID,
        FACTS,
        NOW,
        True,
    )
    assert told.status is not None
    assert told.status["revocation"].index == 7


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "yuxi"}, "of_another_city"),
        ({"audience": "yuxi"}, "meant_for_another_city"),
        ({"audience": None}, "meant_for_another_city"),
        ({"nonce": "nonce-of-another-call"}, "answers_another_call"),
        ({"nonce": None}, "answers_another_call"),
        ({"asked": replace(ASKED, identity=WANG_WEI.identity).hash}, "about_another_question"),
        ({"asked": replace(ASKED, salt=b"t" * 16).hash}, "about_another_question"),
        ({"issued_at": NOW - timedelta(seconds=91)}, "not_of_now"),
        ({"issued_at": NOW + timedelta(seconds=31)}, "not_of_now"),
        ({"answered_by": AnsweredBy("yuxi", NOW)}, "passed_on"),
        ({"verdict": "pending"}, "no_verdict"),
        ({"verdict": "splendid"}, "verdict_unknown"),
        (
            {"status": (StatusEntry("revocation", "https://elsewhere.example/1", 7),)},
            "status_list_elsewhere",
        ),
    ],
)
def test_any_other_proves_nothing(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Unbelievable) as refused:
        believe(replace(RECEIPT, **changes))
    assert refused.value.why == why


def test_what_another_key_signed_proves_nothing() -> None:
    with pytest.raises(Unbelievable) as refused:
        believe(key=OTHER_KEY)
    assert refused.value.why == "not_signed_by_the_city"
    for text in ("", "x", "a.b.c", signed(b"[]", KEY, TYPE), signed(b"{}", KEY, TYPE)):
        with pytest.raises(Unbelievable):
            believed_receipt(text, KEYS, QUJING, ASKED, audience="kunming", nonce=NONCE, now=NOW)


def make_sense(told: Told, **changes: Any) -> Told:
    asked: dict[str, Any] = {
        "number": certificate_number(NUMBER),
        "holder_name": LI_NA.name,
        "identity": LI_NA.identity,
        "issuer": None,
        "occupation": None,
        "today": NOW.date(),
        **changes,
    }
    return credible(told, **asked)


def test_an_answer_that_makes_sense_is_taken() -> None:
    told = believe()
    assert make_sense(told) is told
    assert make_sense(told, issuer=ISSUER, occupation=ELECTRICIAN) is told
    missed = Told("qujing", Verdict.NOT_FOUND, None, NOW)
    assert make_sense(missed) is missed


@pytest.mark.parametrize(
    ("told", "asked", "why"),
    [
        ({"facts": None}, {}, "facts_and_verdict_differ"),
        ({"verdict": Verdict.NOT_FOUND}, {}, "facts_and_verdict_differ"),
        ({"facts": replace(FACTS, occupation="9-99-99-99")}, {}, "facts_malformed"),
        ({"facts": replace(FACTS, level=9)}, {}, "facts_malformed"),
        ({"facts": replace(FACTS, name="")}, {}, "facts_malformed"),
        ({"facts": replace(FACTS, name="n" * 101)}, {}, "facts_malformed"),
        ({"facts": replace(FACTS, issuer="a\0b")}, {}, "facts_malformed"),
        ({"facts": replace(FACTS, name=f"电工 {LI_NA.name}")}, {}, "facts_break_a_rule"),
        ({"facts": replace(FACTS, issuer=LI_NA.identity)}, {}, "facts_break_a_rule"),
        ({"facts": replace(FACTS, issued_on=date(2026, 3, 3))}, {}, "facts_break_a_rule"),
        ({}, {"issuer": "S000053000999"}, "of_another_issuer"),
        ({}, {"occupation": "6-18-02-04"}, "of_another_occupation"),
        ({"verdict": Verdict.EXPIRED}, {}, "expired_before_its_time"),
    ],
)
def test_an_answer_that_makes_none_is_not(
    told: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unbelievable) as refused:
        make_sense(replace(believe(), **told), **asked)
    assert refused.value.why == why


MAPPING: dict[str, Any] = {
    "path": "/lookup",
    "request": {"zsbh": "number", "xm": "holder_name", "sfzh": "identity_number"},
    "verdict": "/data/state",
    "verdicts": {"1": "valid", "2": "revoked", "0": "not-found"},
    "certificate": {
        "occupation": "/data/cert/0/job",
        "level": "/data/cert/0/level",
        "name": "/data/cert/0/title",
        "issuer": "/data/cert/0/org",
        "issued_on": "/data/cert/0/date",
        "valid_until": "/data/cert/0/until",
    },
}
PLAIN_CERT = {
    "job": ELECTRICIAN,
    "level": "三级",
    "title": "电工",
    "org": ISSUER,
    "date": "2023-06-30T00:00:00+08:00",
    "until": "",
}


def read(answer: object) -> Told:
    return JsonMapping.of(MAPPING).told("plain", answer, NOW)


def test_plain_json_is_asked_and_read_by_its_mapping() -> None:
    mapping = JsonMapping.of(MAPPING)
    asked = {"number": "n", "holder_name": "h", "identity_number": "i", "occupation": None}
    assert mapping.asked(asked) == {"zsbh": "n", "xm": "h", "sfzh": "i"}
    told = read({"data": {"state": 1, "cert": [PLAIN_CERT]}})
    assert told == Told(
        "plain", Verdict.VALID, None, NOW, replace(FACTS, kind=None), {}, is_signed=False
    )
    assert read({"data": {"state": "0"}}).verdict is Verdict.NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"data": {"state": "9"}},
        {"data": {"state": True}},
        {"data": {"state": 1}},
        {"data": {"state": 1, "cert": []}},
        {"data": {"state": 1, "cert": [{**PLAIN_CERT, "org": 7}]}},
        {"data": {"state": 1, "cert": [{**PLAIN_CERT, "date": "30.6.2023"}]}},
        {"data": {"state": 1, "cert": [{**PLAIN_CERT, "level": [4]}]}},
    ],
)
def test_plain_json_that_says_nothing_is_not_believed(answer: object) -> None:
    with pytest.raises(Unbelievable):
        read(answer)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"path": "lookup"}, "path"),
        ({"path": "//elsewhere.example/"}, "path"),
        ({"request": {"a": "number"}}, "request"),
        ({"request": {**MAPPING["request"], "b": "sex"}}, "request"),
        ({"verdict": "data"}, "verdict"),
        ({"verdicts": {"1": "pending"}}, "verdicts"),
        ({"verdicts": {}}, "verdicts"),
        ({"certificate": {"name": "/x"}}, "certificate"),
        ({"certificate": {**MAPPING["certificate"], "name": "x"}}, "certificate"),
        ({"more": 1}, ""),
    ],
)
def test_a_mapping_says_all_it_must(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(MappingInvalid) as refused:
        JsonMapping.of({**MAPPING, **changes})
    assert refused.value.part == part
