"""What cities say to each other: who is asking, and whether an answer may be believed.

How it travels, and what is done with an answer that was believed, does not live here.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeGuard

import orjson

from contracts.vocabulary.occupations import is_occupation
from services.certificates.domain.cities import City, same_origin
from services.certificates.domain.keys import PublicKeys, from_base64url
from services.certificates.domain.numbers import CertificateNumber
from services.certificates.domain.purposes import told_purpose
from services.certificates.domain.receipts import (
    Asked,
    CertificateFacts,
    Receipt,
    StatusEntry,
    check,
    verified,
)
from services.certificates.domain.registry import broken_rules
from services.certificates.domain.verdicts import Verdict

ASSERTION_TYPE = "client-authentication+jwt"
ASSERTION_S = 60
CLOCKS_DIFFER_S = 30
"""How far the clocks of two cities may differ."""

FRESH_S = 60
"""How old an answer may be that comes back to a question just asked."""

FOUND = frozenset({Verdict.VALID, Verdict.EXPIRED, Verdict.REVOKED, Verdict.SUSPENDED})
MISSED = frozenset({Verdict.HOLDER_MISMATCH, Verdict.NOT_FOUND, Verdict.ISSUER_UNKNOWN})
_MOST_JTI = 100
_MOST_NAME = 100
_MOST_CODE = 64
_MOST_URL = 500


def assertion(
    *, city_id: str, audience: str, jti: str, issued_at: datetime, purpose: str | None = None
) -> bytes:
    """Who we are, to be signed as ASSERTION_TYPE: good for one call to one city, for a minute.

    purpose: why we ask. It stands here and not beside the question, so that it is signed, and a
    city that knows no such claim passes over it.
    Source: RFC 7523 §3 (iss, sub, aud, exp, jti).
    """
    iat = int(issued_at.timestamp())
    claims = {
        "iss": city_id,
        "sub": city_id,
        "aud": audience,
        "jti": jti,
        "iat": iat,
        "exp": iat + ASSERTION_S,
        **({} if purpose is None else {"purpose": purpose}),
    }
    return orjson.dumps(claims)


class AssertionRefused(Exception):
    """It does not open the door. why: in English, repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A good assertion. It may be shown once, and no longer than until it expires.

    purpose: why the city asks, as it is recorded.
    """

    city_id: str
    jti: str
    expires_at: datetime
    purpose: str


def claimed_city(token: str) -> str | None:
    """The city that a token says to be of, unchecked: whose keys to check it with."""
    try:
        part = token.split(".")[1]
        claims = orjson.loads(from_base64url(part))
    except (IndexError, ValueError):
        return None
    said = claims.get("iss") if isinstance(claims, dict) else None
    return said if isinstance(said, str) else None


def shown(token: str, keys: PublicKeys, *, city_id: str, audience: str, now: datetime) -> Shown:
    """The assertion, if it is that city's, meant for us, and of this minute.

    Raises AssertionRefused.
    """
    claims = verified(token, keys, ASSERTION_TYPE)
    if not isinstance(claims, dict):
        raise AssertionRefused("not signed by a key of that city")
    if (claims.get("iss"), claims.get("sub")) != (city_id, city_id):
        raise AssertionRefused("iss and sub must both be the city's id")
    if claims.get("aud") != audience:
        raise AssertionRefused("meant for another city")
    jti, iat, exp = claims.get("jti"), claims.get("iat"), claims.get("exp")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _MOST_JTI or "\0" in jti:
        raise AssertionRefused("without a usable jti")
    if not _is_whole(iat) or not _is_whole(exp):
        raise AssertionRefused("without iat and exp in whole seconds")
    seconds = now.timestamp()
    if seconds >= exp + CLOCKS_DIFFER_S or iat > seconds + CLOCKS_DIFFER_S:
        raise AssertionRefused("expired, or not yet valid")
    if exp - iat > ASSERTION_S:
        raise AssertionRefused(f"valid for more than {ASSERTION_S} seconds")
    over = exp + CLOCKS_DIFFER_S
    return Shown(
        city_id,
        jti,
        datetime.fromtimestamp(over, now.tzinfo),
        told_purpose(claims.get("purpose")),
    )


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


class Unbelievable(Exception):
    """An answer that proves nothing. why: a stable code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Told:
    """What a city told us about a question, and we believe.

    facts, status: of the certificate, where the verdict found one. status holds at most one place
    for each purpose.
    """

    city_id: str
    verdict: Verdict
    reason: str | None
    answered_at: datetime
    facts: CertificateFacts | None = None
    status: Mapping[str, StatusEntry] | None = None
    upload_lag_days: int | None = None
    is_signed: bool = True


def believed_receipt(
    jws: str,
    keys: PublicKeys,
    city: City,
    asked: Asked,
    *,
    audience: str,
    nonce: str,
    now: datetime,
) -> Told:
    """What a receipt tells, if this city signed it now, for us and for this very question.

    A good receipt that is about another holder, or was given to another city or before, is what
    somebody between us would play back: what was asked, whom it is for, the nonce and the time
    all have to be ours. Raises Unbelievable.
    """
    receipt = check(jws, keys)
    if not isinstance(receipt, Receipt):
        raise Unbelievable("not_signed_by_the_city")
    if receipt.issuer != city.city_id:
        raise Unbelievable("of_another_city")
    if receipt.audience != audience:
        raise Unbelievable("meant_for_another_city")
    if receipt.nonce is None or not hmac.compare_digest(receipt.nonce.encode(), nonce.encode()):
        raise Unbelievable("answers_another_call")
    if not receipt.says_of(asked):
        raise Unbelievable("about_another_question")
    age_s = (now - receipt.issued_at).total_seconds()
    if not -CLOCKS_DIFFER_S <= age_s <= FRESH_S + CLOCKS_DIFFER_S:
        raise Unbelievable("not_of_now")
    if receipt.answered_by.city != city.city_id:
        raise Unbelievable("passed_on")
    return Told(
        city_id=city.city_id,
        verdict=verdict_of(receipt.verdict),
        reason=receipt.reason,
        answered_at=min(receipt.answered_by.at, now),
        facts=receipt.certificate,
        status=_places(receipt.status, city),
        upload_lag_days=receipt.upload_lag_days,
    )


def verdict_of(text: str) -> Verdict:
    """The verdict of a stable code. Pending is no answer. Raises Unbelievable."""
    try:
        verdict = Verdict(text)
    except ValueError:
        raise Unbelievable("verdict_unknown") from None
    if verdict not in FOUND | MISSED:
        raise Unbelievable("no_verdict")
    return verdict


def _places(entries: tuple[StatusEntry, ...], city: City) -> dict[str, StatusEntry]:
    places = {entry.purpose: entry for entry in entries}
    for entry in entries:
        # Its lists are read for as long as somebody leans on the certificate: from itself alone.
        if len(entry.url) > _MOST_URL or not same_origin(entry.url, city.base_url):
            raise Unbelievable("status_list_elsewhere")
    return places


def credible(
    told: Told,
    *,
    number: CertificateNumber,
    holder_name: str,
    identity: str,
    issuer: str | None,
    occupation: str | None,
    today: date,
) -> Told:
    """What was told, if it makes sense as an answer to this question. Raises Unbelievable.

    identity: in its one spelling. issuer, occupation: as the question names them.
    """
    facts = told.facts
    if (facts is not None) != (told.verdict in FOUND):
        raise Unbelievable("facts_and_verdict_differ")
    if facts is None:
        return told
    if not _well_formed(facts):
        raise Unbelievable("facts_malformed")
    # The name and the issuer travel on our bus, where no person may be told.
    if broken_rules(
        number,
        holder_name,
        identity,
        name=facts.name,
        issuer=facts.issuer,
        issued_on=facts.issued_on,
        valid_until=facts.valid_until,
        today=today + timedelta(days=1),
    ):
        raise Unbelievable("facts_break_a_rule")
    if issuer is not None and facts.issuer != issuer:
        raise Unbelievable("of_another_issuer")
    if occupation is not None and facts.occupation != occupation:
        raise Unbelievable("of_another_occupation")
    over = facts.valid_until is not None and facts.valid_until < today + timedelta(days=1)
    if told.verdict is Verdict.EXPIRED and not over:
        raise Unbelievable("expired_before_its_time")
    return told


def _well_formed(facts: CertificateFacts) -> bool:
    texts = [(facts.name, _MOST_NAME), (facts.issuer, _MOST_CODE)]
    if facts.level_label is not None:
        texts.append((facts.level_label, _MOST_NAME))
    return (
        is_occupation(facts.occupation)
        and (facts.level is None or 1 <= facts.level <= 8)
        and all(1 <= len(text) <= most and text.isprintable() for text, most in texts)
    )
