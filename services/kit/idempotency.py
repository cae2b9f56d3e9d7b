"""Idempotency-Key: a write that is repeated is done once and answered the same.

Which routes write is theirs to know; effects of events are made idempotent by their consumers.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Annotated, Any
from weakref import WeakValueDictionary

import orjson
from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from services.kit.auth import Caller
from services.kit.database import Database, Record, Transaction, affected
from services.kit.problems import Problem

MAX_KEY = 255
KEEP = timedelta(hours=24)

_WAIT_S = 10.0
_PRUNE_BATCH = 5_000
# Made anew for each answer; everything else of the first answer is kept.
_NOT_KEPT = frozenset({"content-length", "date", "traceparent", "connection", "transfer-encoding"})

_LOCK = "SELECT pg_advisory_xact_lock($1)"
_FIND = """
SELECT fingerprint, status, headers, body FROM idempotency WHERE caller = $1 AND scope = $2
"""
_STORE = """
INSERT INTO idempotency (caller, scope, fingerprint, status, headers, body)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_PRUNE = """
DELETE FROM idempotency WHERE (caller, scope) IN (
    SELECT caller, scope FROM idempotency WHERE stored_at < now() - $1::interval
    ORDER BY stored_at LIMIT $2
)
"""

Write = Callable[[Database], Awaitable[Response]]


def _documented(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description=f"1 to {MAX_KEY} visible ASCII characters, new for each write. Repeating "
            "a request with its key repeats the answer, not the write; kept for 24 hours.",
        ),
    ] = None,
) -> None:
    """Names the header in the OpenAPI document; run_idempotent() reads it."""


IdempotencyKeyHeader = Depends(_documented)
"""Put it into the `dependencies` of each route that answers through run_idempotent()."""


async def run_idempotent(
    db: Database, request: Request, caller: Caller, write: Write, *, wait_s: float = _WAIT_S
) -> Response:
    """Answer with write(db), once for each Idempotency-Key of this caller, method and path.

    write gets a database whose transactions are all part of one, in which its answer is stored
    too; it runs them one after another and returns a Response with a body of its own (no stream).
    Only a 2xx answer is stored: after a refusal the same key may be tried again. A repeat gets
    the stored answer, with `Idempotency-Replayed: true`. Without the header, write(db) is called
    as it is.

    Raises Problem: 400 for a malformed key, 422 for a key that came with another request before,
    409 if the first request with that key is not done after wait_s.
    """
    key = _key_of(request)
    if key is None:
        return await write(db)
    owner = _digest(caller.subject)
    scope = _digest(request.method, request.scope["path"], key)
    fingerprint = await _fingerprint(request, key)
    async with _turn_here(owner + scope, wait_s), db.transaction() as tx:
        await _wait_for_turn(tx, owner + scope, wait_s)
        # Its own statement: only what begins after the wait sees what the first one committed.
        stored = await tx.fetchrow(_FIND, owner, scope)
        if stored is not None:
            return _replayed(stored, fingerprint)
        response = await write(_Joined(db, tx))
        if 200 <= response.status_code < 300:
            headers, body = _kept(response.headers), bytes(response.body)
            await tx.execute(_STORE, owner, scope, fingerprint, response.status_code, headers, body)
        return response


async def prune_idempotency(db: Database, keep: timedelta = KEEP) -> int:
    """Delete the answers older than keep. Returns how many; for kit.periodic."""
    total = 0
    while True:
        async with db.transaction() as tx:
            deleted = affected(await tx.execute(_PRUNE, keep, _PRUNE_BATCH))
        total += deleted
        if deleted < _PRUNE_BATCH:
            return total


class _Joined(Database):
    """The database as one sees it from within a transaction already begun.

    Each transaction() is a savepoint of that one: an error undoes its own part, and what commits
    does so with the whole.
    """

    def __init__(self, db: Database, tx: Transaction) -> None:
        super().__init__(db.url, schema=db.schema)
        self._tx = tx

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._tx.transaction():
            yield self._tx


def _key_of(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= MAX_KEY or not all("!" <= c <= "~" for c in key):
        raise Problem(
            400,
            "idempotency_key_malformed",
            zh=f"请求头 Idempotency-Key 应为 1 到 {MAX_KEY} 个可见 ASCII 字符，且只出现一次。",
            en=f"The header Idempotency-Key must be 1 to {MAX_KEY} visible ASCII characters, once.",
        )
    return key


def _digest(*parts: str) -> bytes:
    # Lengths first: no two lists of parts read the same.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).digest()


async def _fingerprint(request: Request, key: str) -> bytes:
    """What is asked, beyond the address: query, If-Match and body.

    Keyed by the Idempotency-Key, which is stored nowhere: bodies hold names and numbers, of which
    too few are possible for a plain hash to hide them. A JSON body counts by its meaning: a client
    may write its keys in another order when it repeats.
    """
    body = await request.body()
    if request.headers.get("content-type", "").split(";")[0].strip().lower().endswith("json"):
        with suppress(orjson.JSONDecodeError):
            body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    condition = request.headers.get("if-match", "")
    asked = _digest(request.url.query, condition) + hashlib.sha256(body).digest()
    return hmac.digest(key.encode("ascii"), asked, "sha256")


_turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def _turn_here(place: bytes, wait_s: float) -> AsyncIterator[None]:
    # First among this process's own requests: they must not wait with a connection each in hand,
    # or one impatient caller could take the whole pool.
    turn = _turns.setdefault(place, asyncio.Lock())
    try:
        async with asyncio.timeout(wait_s):
            await turn.acquire()
    except TimeoutError:
        raise _in_use() from None
    try:
        yield
    finally:
        turn.release()


async def _wait_for_turn(tx: Transaction, place: bytes, wait_s: float) -> None:
    # A lock, not a placeholder row: a stored row then always is a complete answer. Two keys that
    # share the 64 bits only wait for each other.
    number = int.from_bytes(hashlib.sha256(place).digest()[:8], "big", signed=True)
    try:
        async with asyncio.timeout(wait_s):
            await tx.execute(_LOCK, number)
    except TimeoutError:
        raise _in_use() from None


def _in_use() -> Problem:
    return Problem(
        409,
        "idempotency_key_in_use",
        zh="带同一 Idempotency-Key 的请求仍在处理中。请稍后用同一个键重试。",
        en="A request with this Idempotency-Key is still under way. Repeat it later.",
        headers={"Retry-After": "2"},
    )


def _replayed(stored: Record, fingerprint: bytes) -> Response:
    if stored["fingerprint"] != fingerprint:
        raise Problem(
            422,
            "idempotency_key_reused",
            zh="这个 Idempotency-Key 已用于内容不同的请求。请为新的请求换一个键。",
            en="This Idempotency-Key came with a different request before. Use a new key.",
        )
    headers: dict[str, str] = stored["headers"]
    return Response(stored["body"], stored["status"], {**headers, "Idempotency-Replayed": "true"})


def _kept(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_KEPT}
