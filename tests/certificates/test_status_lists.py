"""Status lists: built from the registry, signed, read again by a partner, and bounded."""

import asyncio
import base64
import gzip
import secrets
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.certificates.actions.keeping_keys import PUBLISHED_AHEAD, Signer, make_keys, turn_keys
from services.certificates.actions.listing import VALID_FOR, Listed, StatusLists
from services.certificates.domain.keys import SigningKey, base64url
from services.certificates.domain.receipts import BadSignature, Malformed, UnknownKey, signed
from services.certificates.domain.statuslist import (
    CONTENT_TYPE,
    PLACES,
    TYPE,
    Bits,
    StatusList,
    StatusPurpose,
    decode,
)
from services.kit.database import Database
from tests.certificates.conftest import PUBLIC_URL, CertificatesDoor
from tests.certificates.samples import PEPPER
from tests.support import NOW, Clock

REVOKED, SUSPENDED = StatusPurpose.REVOCATION, StatusPurpose.SUSPENSION
KEY = SigningKey.of(b"\7" * 32)
KEYS = {KEY.kid: KEY.private.public_key()}
# W3C Bitstring Status List v1.0, example 3: a list with nothing set.
EMPTY = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"


async def a_row(
    db: Database,
    place: int,
    *,
    status: str = "in_force",
    review_due: date | None = None,
    status_list: int = 0,
) -> None:
    """A certificate of our own at that place."""
    async with db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO registry (issuer, number_digest, scope, holder_digest, identity_digest,
                number_masked, number_format, occupation, name, issued_on, status, changed_at,
                review_due, status_list, status_index)
            VALUES ('S000053000123', $1, '', $1, $1, '*', 'other', '6-31-01-03', '电工',
                '2023-06-30', $2, $3, $4, $5, $6)
            """,
            secrets.token_bytes(32),
            status,
            NOW,
            review_due,
            status_list,
            place,
        )


async def set_status(db: Database, place: int, status: str) -> None:
    async with db.transaction() as tx:
        await tx.execute("UPDATE registry SET status = $2 WHERE status_index = $1", place, status)


class Lists:
    """Lists, their signer, and clocks to turn."""

    def __init__(self, db: Database, signer: Signer) -> None:
        self.db, self.signer, self.clock, self.seconds = db, signer, Clock(), 0.0
        self.lists = StatusLists(
            db, signer, PUBLIC_URL, clock=self.clock, monotonic=lambda: self.seconds
        )

    async def listed(self, purpose: StatusPurpose = REVOKED, number: int = 0) -> Listed:
        self.seconds += 2
        listed = await self.lists.current(purpose, number)
        assert listed is not None
        return listed

    async def set_in(self, purpose: StatusPurpose, number: int = 0) -> list[int]:
        return list((await self.listed(purpose, number)).bits.places())


@pytest.fixture
async def lists(db: Database) -> Lists:
    signer = Signer(PEPPER)
    await make_keys(db, signer, secrets.token_bytes, NOW)
    return Lists(db, signer)


@settings(max_examples=30)
@given(st.sets(st.integers(min_value=0, max_value=PLACES - 1), max_size=300))
def test_bits_are_read_as_they_were_packed(places: set[int]) -> None:
    bits = Bits.having(places)
    read = Bits.decoded(bits.encoded())
    assert read == bits
    assert set(read.places()) == places
    assert all(read[place] for place in places)
    assert len(read) == PLACES


def test_place_0_is_the_leftmost_bit() -> None:
    assert gzip.decompress(unpacked(Bits.having([0, 9]).encoded()))[:2] == b"\x80\x40"


def unpacked(encoded: str) -> bytes:
    assert encoded[0] == "u"
    return base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4))


def test_the_example_of_the_standard_is_read() -> None:
    assert Bits.decoded(EMPTY) == Bits()


@pytest.mark.parametrize("place", [-1, PLACES])
def test_a_place_outside_is_an_error_and_never_unset(place: int) -> None:
    with pytest.raises(IndexError):
        Bits()[place]
    with pytest.raises(IndexError):
        Bits.having([place])


def packed(plain: bytes) -> str:
    # Without the time: the names of tests are made of it, and workers must agree on them.
    return "u" + base64url(gzip.compress(plain, mtime=0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u",
        "uAAAA",
        EMPTY[1:],
        "z" + EMPTY[1:],
        EMPTY + "=",
        EMPTY[:-8],
        EMPTY + EMPTY[1:],
        packed(bytes(PLACES // 8 - 1)),
        packed(bytes(1024 * 1024 + 1)),
    ],
)
def test_what_is_no_list_of_bits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Bits.decoded(text)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = packed(bytes(200 * 1024 * 1024))
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="size"):
        Bits.decoded(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


A_LIST = StatusList(
    url=f"{PUBLIC_URL}/v1/status-lists/revocation/0",
    purpose=REVOKED,
    issuer=PUBLIC_URL,
    valid_from=NOW,
    valid_until=NOW + timedelta(hours=1),
    bits=Bits.having([5, 131_071]),
)


def a_jwt(key: SigningKey = KEY, typ: str = TYPE, **changes: Any) -> str:
    claims = orjson.loads(A_LIST.credential(60))
    subject = changes.pop("subject", {})
    claims = {**claims, **changes}
    if isinstance(claims["credentialSubject"], dict):
        claims["credentialSubject"] |= subject
    return signed(orjson.dumps(claims), key, typ, CONTENT_TYPE)


def test_a_signed_list_is_read_again() -> None:
    assert decode(a_jwt(), KEYS) == A_LIST
    assert decode(a_jwt(issuer={"id": PUBLIC_URL, "name": "x"}), KEYS) == A_LIST
    assert A_LIST.is_fresh(NOW)
    assert not A_LIST.is_fresh(NOW + timedelta(hours=1))


def test_a_list_of_another_key_is_refused() -> None:
    other = SigningKey.of(b"\10" * 32)
    assert decode(a_jwt(other), KEYS) == UnknownKey(other.kid)
    assert decode(a_jwt(SigningKey(KEY.kid, other.private)), KEYS) == BadSignature(KEY.kid)


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: a_jwt(typ="rengang-receipt+jwt"),
        lambda: a_jwt(type=["VerifiableCredential"]),
        lambda: a_jwt(id=7),
        lambda: a_jwt(issuer=7),
        lambda: a_jwt(validUntil=None),
        lambda: a_jwt(validUntil="2026-03-01T09:00:00"),
        lambda: a_jwt(credentialSubject="x"),
        lambda: a_jwt(subject={"type": "Other"}),
        lambda: a_jwt(subject={"statusPurpose": "message"}),
        lambda: a_jwt(subject={"encodedList": 7}),
        lambda: a_jwt(subject={"encodedList": "u"}),
        lambda: "x" * (4 * 1024 * 1024 + 1),
    ],
)
def test_what_is_signed_and_no_list_is_malformed(make: Callable[[], str]) -> None:
    assert isinstance(decode(make(), KEYS), Malformed)


async def test_what_is_revoked_or_suspended_is_set_and_nothing_else(
    db: Database, lists: Lists
) -> None:
    await a_row(db, 0)
    await a_row(db, 7, status="revoked")
    await a_row(db, 131_071, status="revoked")
    await a_row(db, 8, status="suspended")
    assert await lists.set_in(REVOKED) == [7, 131_071]
    assert await lists.set_in(SUSPENDED) == [8]


async def test_lists_are_kept_apart(db: Database, lists: Lists) -> None:
    await a_row(db, 3, status="revoked", status_list=0)
    await a_row(db, 4, status="revoked", status_list=1)
    assert await lists.set_in(REVOKED, 0) == [3]
    assert await lists.set_in(REVOKED, 1) == [4]
    assert await lists.lists.current(REVOKED, 2) is None


async def test_a_change_shows_and_a_lifting_too(db: Database, lists: Lists) -> None:
    await a_row(db, 9)
    first = await lists.listed(SUSPENDED)
    await set_status(db, 9, "suspended")
    assert await lists.set_in(SUSPENDED) == [9]
    await set_status(db, 9, "in_force")
    assert (await lists.listed(SUSPENDED)).bits == first.bits
    await set_status(db, 9, "revoked")
    assert await lists.set_in(SUSPENDED) == []
    assert await lists.set_in(REVOKED) == [9]


async def test_an_overdue_review_is_set_the_day_after_by_chinas_calendar(
    db: Database, lists: Lists
) -> None:
    await a_row(db, 2, review_due=date(2026, 3, 1))
    await a_row(db, 3, review_due=date(2026, 2, 1), status="revoked")
    lists.clock.now = datetime.fromisoformat("2026-03-01T23:59:59+08:00")
    assert await lists.set_in(SUSPENDED) == []
    lists.clock.pass_(seconds=1)
    assert await lists.set_in(SUSPENDED) == [2]
    assert await lists.set_in(REVOKED) == [3]


async def test_a_slow_import_is_seen_although_it_began_before_a_quick_one(
    db: Database, lists: Lists
) -> None:
    await a_row(db, 1)
    await a_row(db, 2)
    async with db.transaction() as slow:
        await slow.execute(
            "UPDATE registry SET status = 'revoked', changed_at = $1 WHERE status_index = 1", NOW
        )
        await set_status(db, 2, "revoked")
        assert await lists.set_in(REVOKED) == [2]
    assert await lists.set_in(REVOKED) == [1, 2]


async def test_a_list_that_did_not_change_stays_the_same_bytes(db: Database, lists: Lists) -> None:
    await a_row(db, 1, status="revoked")
    first = await lists.listed()
    assert (await lists.listed()).jwt == first.jwt
    lists.clock.pass_(minutes=14)
    assert (await lists.listed()).jwt == first.jwt
    lists.clock.pass_(minutes=1)
    later = await lists.listed()
    assert later.version != first.version
    read = decode(later.jwt, lists.signer.public)
    assert isinstance(read, StatusList)
    assert read.valid_until == NOW + timedelta(minutes=15) + VALID_FOR


async def test_a_list_is_signed_by_the_key_that_is_published(db: Database, lists: Lists) -> None:
    await a_row(db, 1, status="revoked")
    first = await lists.listed()
    now = NOW + PUBLISHED_AHEAD
    await turn_keys(db, lists.signer, secrets.token_bytes, now, compromised=True)
    later = await lists.listed()
    assert decode(first.jwt, lists.signer.public) == UnknownKey(first.kid)
    assert isinstance(decode(later.jwt, lists.signer.public), StatusList)


async def test_many_who_ask_at_once_cost_one_look(db: Database, lists: Lists) -> None:
    await a_row(db, 1, status="revoked")
    await lists.listed()
    await set_status(db, 1, "in_force")
    asked = await asyncio.gather(*(lists.lists.current(REVOKED, 0) for _ in range(50)))
    assert all(listed is not None and list(listed.bits.places()) == [1] for listed in asked)
    lists.seconds += 2
    asked = await asyncio.gather(*(lists.lists.current(REVOKED, 0) for _ in range(50)))
    assert len({id(listed) for listed in asked}) == 1
    assert all(listed is not None and not list(listed.bits.places()) for listed in asked)


async def test_a_partner_checks_a_list_with_the_published_keys(
    db: Database, door: CertificatesDoor
) -> None:
    await a_row(db, 6, status="revoked")
    anybody = door.anybody()
    answer = await anybody.get("/v1/status-lists/revocation/0")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vc+jwt"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert jwt.get_unverified_header(answer.text) == {
        "alg": "EdDSA",
        "kid": door.signer.kid,
        "typ": "vc+jwt",
        "cty": "vc",
    }
    keys = jwt.PyJWKSet.from_dict((await anybody.get("/.well-known/jwks.json")).json())
    claims = jwt.decode(answer.text, keys[door.signer.kid], algorithms=["EdDSA"])
    url = f"{PUBLIC_URL}/v1/status-lists/revocation/0"
    encoded = claims["credentialSubject"].pop("encodedList")
    assert list(Bits.decoded(encoded).places()) == [6]
    assert claims == {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": PUBLIC_URL,
        "validFrom": "2026-03-01T08:00:00Z",
        "validUntil": "2026-03-01T09:00:00Z",
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "ttl": 60_000,
        },
    }


async def test_who_has_the_list_is_not_sent_it_again(db: Database, door: CertificatesDoor) -> None:
    await a_row(db, 6, status="revoked")
    anybody, url = door.anybody(), "/v1/status-lists/revocation/0"
    etag = (await anybody.get(url)).headers["etag"]
    again = await anybody.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "public, max-age=60"
    await set_status(db, 6, "in_force")
    changed = await anybody.get(url, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize(
    "place",
    ["revocation/1", "revocation/-1", "revocation/x", "revocation/٣", "message/0",
     "revocation/99999999999999999999", "REVOCATION/0"],
)  # fmt: skip
async def test_there_is_no_other_list(db: Database, door: CertificatesDoor, place: str) -> None:
    await a_row(db, 6)
    answer = await door.anybody().get(f"/v1/status-lists/{place}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:rengang:problem:not_found"


async def test_before_there_is_a_certificate_there_is_no_list(door: CertificatesDoor) -> None:
    assert (await door.anybody().get("/v1/status-lists/revocation/0")).status_code == 404
