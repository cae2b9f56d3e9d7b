"""The keys that sign receipts: made at the first start, turned in time, held ready in memory.

What they sign stands in receipting and listing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from prometheus_client import Counter

from services.certificates.domain.digests import Pepper
from services.certificates.domain.keys import (
    NONCE_BYTES,
    PUBLISHED_AFTER,
    SEED_BYTES,
    KeyState,
    SigningKey,
    jwk,
)
from services.certificates.domain.receipts import signed
from services.certificates.store import keys as store
from services.certificates.store.keys import KeptKey
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

TURNED = Counter("rengang_signing_key_turns_total", "Signing keys that took over", ["why"])

JWKS_MAX_AGE_S = 300
"""How long others may keep the published keys before they ask again."""

PUBLISHED_AHEAD = timedelta(seconds=2 * JWKS_MAX_AGE_S)
"""A key is published for at least this long before it signs: until then some do not have it."""

RELOAD_EVERY_S = 5.0
"""How late this process may see that another one turned the keys."""

_USE = "signing keys"

Random = Callable[[int], bytes]


class NextKeyTooYoung(Exception):
    """The next key was published so lately that not everybody has it. ready_at: when it may."""

    def __init__(self, ready_at: datetime) -> None:
        super().__init__(ready_at)
        self.ready_at = ready_at


class NotLoaded(Exception):
    """The keys were not read yet."""


@dataclass(frozen=True, slots=True)
class _Held:
    signs: SigningKey
    public: Mapping[str, Ed25519PublicKey]
    jwks: bytes


class Signer:
    """The key that signs, and those that are published, in memory.

    Signing waits for nothing. Whoever turned the keys reloads at once; the others do so every
    RELOAD_EVERY_S, and until then sign with a key that is still published.
    """

    def __init__(self, pepper: Pepper) -> None:
        self._sealing = pepper.key_for(_USE)
        self._keys: _Held | None = None

    def sign(self, payload: bytes, typ: str, cty: str | None = None) -> str:
        """A compact JWS of these bytes by the current key. typ, cty: of its header."""
        return signed(payload, self._held.signs, typ, cty)

    @property
    def kid(self) -> str:
        """The id of the key that signs."""
        return self._held.signs.kid

    @property
    def public(self) -> Mapping[str, Ed25519PublicKey]:
        """The published keys by their id: what our own signatures are checked with."""
        return self._held.public

    @property
    def jwks(self) -> bytes:
        """The published keys as a JWKS (RFC 7517), JSON."""
        return self._held.jwks

    @property
    def _held(self) -> _Held:
        if self._keys is None:
            raise NotLoaded
        return self._keys

    async def reload(self, db: Database, now: datetime) -> None:
        """Read the keys again. Raises KeyUnreadable where they were kept under another secret."""
        async with db.transaction() as tx:
            kept = await store.select_keys(tx, now - PUBLISHED_AFTER)
        published = [key for key in kept if key.state is not KeyState.WITHDRAWN]
        current = next(key for key in kept if key.state is KeyState.CURRENT)
        self._keys = _Held(
            signs=self._opened(current),
            public={key.kid: Ed25519PublicKey.from_public_bytes(key.public) for key in published},
            jwks=orjson.dumps({"keys": [jwk(key.public) for key in published]}),
        )

    def _opened(self, key: KeptKey) -> SigningKey:
        if self._keys is not None and self._keys.signs.kid == key.kid:
            return self._keys.signs
        return SigningKey.opened(key.kid, key.sealed or b"", self._sealing)

    def new_key(self, state: KeyState, random: Random, now: datetime) -> KeptKey:
        """A key pair that nobody had before, sealed."""
        made = SigningKey.of(random(SEED_BYTES))
        sealed = made.sealed(self._sealing, random(NONCE_BYTES))
        signs_from = now if state is KeyState.CURRENT else None
        return KeptKey(made.kid, made.public, sealed, state, now, signs_from)


async def make_keys(db: Database, signer: Signer, random: Random, now: datetime) -> None:
    """See that there is a key that signs and one that comes next, and load them.

    random: gives as many bytes as it is asked for, which nobody can guess.
    """
    async with db.transaction() as tx:
        await store.lock_keys(tx)
        there = {key.state for key in await store.select_keys(tx, now)}
        for state in (KeyState.CURRENT, KeyState.NEXT):
            if state not in there:
                await store.insert_key(tx, signer.new_key(state, random, now))
    await signer.reload(db, now)


async def turn_keys(
    db: Database, signer: Signer, random: Random, now: datetime, *, compromised: bool = False
) -> str:
    """The next key signs from now on, and a new one is published; returns the id of what signs.

    compromised: the secret of the old one may be known. It is published no longer, and the next
    one takes over however young it is.
    Raises NextKeyTooYoung.
    """
    async with db.transaction() as tx:
        await store.lock_keys(tx)
        await _turn(tx, signer, random, now, compromised=compromised)
    await signer.reload(db, now)
    why = "compromised" if compromised else "asked"
    TURNED.labels(why).inc()
    log.warning("keys.turned", kid=signer.kid, why=why)
    return signer.kid


async def turn_keys_when_due(
    db: Database, signer: Signer, random: Random, now: datetime, *, key_days: float
) -> bool:
    """Turn the keys if the current one has signed for its time; says whether that was so.

    Of several who do this at once, one turns them.
    """
    async with db.transaction() as tx:
        await store.lock_keys(tx)
        (current,) = [
            key for key in await store.select_keys(tx, now) if key.state is KeyState.CURRENT
        ]
        if current.signs_from is None or now < current.signs_from + timedelta(days=key_days):
            return False
        try:
            await _turn(tx, signer, random, now, compromised=False)
        except NextKeyTooYoung:
            return False
    await signer.reload(db, now)
    TURNED.labels("due").inc()
    log.info("keys.turned", kid=signer.kid, why="due")
    return True


async def _turn(
    tx: Transaction, signer: Signer, random: Random, now: datetime, *, compromised: bool
) -> None:
    (following,) = [key for key in await store.select_keys(tx, now) if key.state is KeyState.NEXT]
    ready_at = following.made_at + PUBLISHED_AHEAD
    if now < ready_at and not compromised:
        raise NextKeyTooYoung(ready_at)
    past = KeyState.WITHDRAWN if compromised else KeyState.RETIRED
    await store.update_current_to_past(tx, past, now)
    await store.update_next_to_current(tx, now)
    await store.insert_key(tx, signer.new_key(KeyState.NEXT, random, now))
