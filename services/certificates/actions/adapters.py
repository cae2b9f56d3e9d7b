"""Each kind of city asked in its own way, and its answers checked before anybody sees them.

Whom to ask, how often, and what an answer leads to stands in asking.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import orjson
import structlog

from services.certificates.actions.calling import KIB, Calls, NoAnswer, Reply
from services.certificates.domain.cities import AdapterKind, City
from services.certificates.domain.digests import holder
from services.certificates.domain.exchange import (
    ASSERTION_TYPE,
    Told,
    Unbelievable,
    assertion,
    believed_receipt,
)
from services.certificates.domain.json_city import JsonMapping, MappingInvalid
from services.certificates.domain.keys import (
    KeyUnreadable,
    PublicKeys,
    base64url,
    from_base64url,
    read_jwks,
)
from services.certificates.domain.receipts import SALT_BYTES, Asked
from services.certificates.domain.verdicts import Question

log = structlog.get_logger(__name__)

NONCE_BYTES = 16
EXCHANGE = "/v1/exchange/verifications"

Random = Callable[[int], bytes]


class Signs(Protocol):
    """What signs for this city."""

    def sign(self, payload: bytes, typ: str) -> str:
        """A compact JWS of these bytes."""
        ...


class CityAdapter(Protocol):
    """How a kind of city is asked."""

    async def ask(
        self, city: City, question: Question, now: datetime, *, purpose: str | None
    ) -> Told:
        """What the city tells of it, once it is believed. Raises NoAnswer, Unbelievable.

        purpose: why it is asked, for the city's own records; None where nobody wants to know.
        """
        ...


class CityKeys:
    """The public keys of cities: pinned in the table, or read where the city publishes them.

    refetch_s: a key that is not known makes us ask at most this often. fresh_s: after this long
    they are read again. clock: seconds, monotonic.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        refetch_s: float = 10.0,
        fresh_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._refetch_s = refetch_s
        self._fresh_s = fresh_s
        self._clock = clock
        self._read: dict[tuple[str, str], tuple[float, PublicKeys]] = {}

    async def of(self, city: City, token: str | None = None) -> PublicKeys:
        """The city's keys. token: a JWS that one of them should have signed.

        Raises NoAnswer where they were never read and cannot be now.
        """
        if city.jwks is not None:
            try:
                return read_jwks(orjson.dumps(city.jwks))
            except KeyUnreadable:
                raise NoAnswer("keys_unreadable", away=False) from None
        if city.jwks_url is None:
            return {}
        place = (city.city_id, city.jwks_url)
        read_at, keys = self._read.get(place, (float("-inf"), {}))
        age_s = self._clock() - read_at
        unknown = token is not None and _kid_of(token) not in keys
        if age_s < self._fresh_s and not (unknown and age_s >= self._refetch_s):
            return keys
        try:
            keys = await self._fetch(city, city.jwks_url)
        except NoAnswer:
            if not keys:
                raise
            # What we know of it still proves what it signed.
        self._read[place] = (self._clock(), keys)
        return keys

    async def _fetch(self, city: City, url: str) -> PublicKeys:
        reply = await self._calls.call(city, "GET", url, most_bytes=256 * KIB)
        _expect(reply)
        try:
            return read_jwks(reply.body)
        except KeyUnreadable:
            raise NoAnswer("keys_unreadable") from None


def _kid_of(token: str) -> str | None:
    try:
        header = orjson.loads(from_base64url(token.split(".", 1)[0]))
    except ValueError:
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None


class RengangAdapter:
    """A city with a deployment of this service: it signs what it says, for us and this question."""

    def __init__(
        self, calls: Calls, keys: CityKeys, signer: Signs, *, city_id: str, random: Random
    ) -> None:
        self._calls = calls
        self._keys = keys
        self._signer = signer
        self._city_id = city_id
        self._random = random

    async def ask(
        self, city: City, question: Question, now: datetime, *, purpose: str | None
    ) -> Told:
        """Raises NoAnswer, Unbelievable."""
        nonce = base64url(self._random(NONCE_BYTES))
        body = {**stated(question), "nonce": nonce}
        token = _assertion(self._signer, self._city_id, city, purpose, self._random, now)
        answer = await _post(self._calls, city, EXCHANGE, token, body)
        receipt, salt = answer.get("receipt"), answer.get("salt")
        if not isinstance(receipt, str) or not isinstance(salt, str):
            raise Unbelievable("without_receipt")
        return believed_receipt(
            receipt,
            await self._keys.of(city, receipt),
            city,
            _asked(question, salt),
            audience=self._city_id,
            nonce=nonce,
            now=now,
        )


class JsonAdapter:
    """A city that runs something else and signs nothing."""

    def __init__(self, calls: Calls, signer: Signs, *, city_id: str, random: Random) -> None:
        self._calls = calls
        self._signer = signer
        self._city_id = city_id
        self._random = random

    async def ask(
        self, city: City, question: Question, now: datetime, *, purpose: str | None
    ) -> Told:
        """Raises NoAnswer, Unbelievable."""
        try:
            mapping = JsonMapping.of(city.mapping or {})
        except MappingInvalid:
            raise NoAnswer("mapping_invalid", away=False) from None
        token = _assertion(self._signer, self._city_id, city, purpose, self._random, now)
        answer = await _post(
            self._calls, city, mapping.path, token, mapping.asked(stated(question))
        )
        return mapping.told(city.city_id, answer, now)


def adapters(
    calls: Calls, keys: CityKeys, signer: Signs, *, city_id: str, random: Random
) -> Mapping[AdapterKind, CityAdapter]:
    """One for each kind."""
    return {
        AdapterKind.RENGANG: RengangAdapter(calls, keys, signer, city_id=city_id, random=random),
        AdapterKind.HTTP_JSON: JsonAdapter(calls, signer, city_id=city_id, random=random),
    }


def stated(question: Question) -> dict[str, str | None]:
    """The question as it is sent, each part in its one spelling but the name."""
    return {
        "number": question.number.text,
        "holder_name": question.holder_name,
        "identity_number": question.identity_number,
        "occupation": question.occupation,
        "issuer": question.issuer,
    }


def _asked(question: Question, salt: str) -> Asked:
    try:
        plain = from_base64url(salt)
    except ValueError:
        raise Unbelievable("without_receipt") from None
    if len(plain) != SALT_BYTES:
        raise Unbelievable("without_receipt")
    return Asked(
        plain,
        question.number.text,
        holder(question.holder_name),
        question.identity_number,
        question.occupation,
        question.issuer,
    )


def _assertion(  # noqa: PLR0917 (called here alone)
    signer: Signs, city_id: str, city: City, purpose: str | None, random: Random, now: datetime
) -> str:
    claims = assertion(
        city_id=city_id,
        audience=city.city_id,
        jti=base64url(random(NONCE_BYTES)),
        issued_at=now,
        purpose=purpose,
    )
    return signer.sign(claims, ASSERTION_TYPE)


async def _post(
    calls: Calls, city: City, path: str, token: str, body: Mapping[str, str | None]
) -> dict[str, object]:
    reply = await calls.call(
        city,
        "POST",
        f"{city.base_url}{path}",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        body=orjson.dumps(body),
    )
    _expect(reply)
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise NoAnswer("no_json") from None
    if not isinstance(answer, dict):
        raise NoAnswer("no_json")
    return answer


def _expect(reply: Reply) -> None:
    if 200 <= reply.status < 300:
        return
    if 300 <= reply.status < 400:
        # Where to is the city's word, and might be an address within our network.
        raise NoAnswer("redirect", away=False)
    # A city that is there and refuses is not helped by being left alone.
    raise NoAnswer(f"status_{reply.status}", away=reply.status >= 500)
