"""Rows of the signing keys.

Which key signs when is for actions.keeping_keys to say.
"""

from dataclasses import dataclass
from datetime import datetime

from services.certificates.domain.keys import KeyState
from services.kit.database import Record, Transaction

_KEYS_LOCK = 0x6B657973  # "keys": one who makes or turns keys at a time


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A row. sealed: the private part, None once it is destroyed."""

    kid: str
    public: bytes
    sealed: bytes | None
    state: KeyState
    made_at: datetime
    signs_from: datetime | None = None
    signs_until: datetime | None = None


async def lock_keys(tx: Transaction) -> None:
    """Wait for whoever makes or turns keys."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _KEYS_LOCK)


async def select_keys(tx: Transaction, signed_after: datetime) -> list[KeptKey]:
    """The keys that sign or will, and those that signed after that moment; the oldest first."""
    rows = await tx.fetch(
        """
        SELECT kid, public, sealed, state, made_at, signs_from, signs_until FROM signing_keys
        WHERE signs_until IS NULL OR signs_until > $1
        ORDER BY made_at, kid
        """,
        signed_after,
    )
    return [_key_of(row) for row in rows]


def _key_of(row: Record) -> KeptKey:
    return KeptKey(
        kid=row["kid"],
        public=bytes(row["public"]),
        sealed=row["sealed"] and bytes(row["sealed"]),
        state=KeyState(row["state"]),
        made_at=row["made_at"],
        signs_from=row["signs_from"],
        signs_until=row["signs_until"],
    )


async def insert_key(tx: Transaction, key: KeptKey) -> None:
    """Keep a new key."""
    await tx.execute(
        """
        INSERT INTO signing_keys (kid, public, sealed, state, made_at, signs_from)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        key.kid,
        key.public,
        key.sealed,
        key.state.value,
        key.made_at,
        key.signs_from,
    )


async def update_current_to_past(tx: Transaction, state: KeyState, now: datetime) -> None:
    """The key that signs does so no more; its private part is destroyed. state: what it is now."""
    await tx.execute(
        """
        UPDATE signing_keys SET state = $1, signs_until = $2, sealed = NULL
        WHERE state = 'current'
        """,
        state.value,
        now,
    )


async def update_next_to_current(tx: Transaction, now: datetime) -> None:
    """The key that was published ahead signs from now on."""
    await tx.execute(
        "UPDATE signing_keys SET state = 'current', signs_from = $1 WHERE state = 'next'", now
    )
