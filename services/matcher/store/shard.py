"""Who owns a shard, and what its live matches were computed with.

One process at a time, held by two means. The lock keeps a second process waiting. The epoch keeps
a first one out that lost its lock without noticing yet: whoever takes the shard raises it, and
every write asks for it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from contracts.values import SeekerId
from services.kit.database import DatabaseUnavailable, Transaction, affected
from services.matcher.domain.model import Limits

_TAKE_LOCK = (
    "SELECT pg_try_advisory_lock(hashtext('rengang.matcher.shard'), hashtext(current_schema()))"
)
# A server that lost our machine would otherwise keep our lock for two hours.
_KEEPALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


class ShardTaken(DatabaseUnavailable):
    """Another process took the shard over; this one may not write any more.

    A kind of "database not there", so that the consumer waits with its records and parks none.
    """


@dataclass(frozen=True, slots=True)
class Computed:
    """What the stored live matches are the result of.

    model: version of the model under these limits. rules: hash of the code that scores and tells.
    """

    model: str
    limits: Limits
    rules: str


class ShardLock:
    """The lock while it is held."""

    def __init__(self, connection: "asyncpg.Connection[Any]", every_s: float) -> None:
        self._connection = connection
        self._every_s = every_s

    async def lost(self) -> str:
        """Return, with the reason, when the lock is no longer ours."""
        gone = asyncio.Event()
        self._connection.add_termination_listener(lambda _: gone.set())
        while not self._connection.is_closed():
            try:
                await self._connection.execute("SELECT 1", timeout=5)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                return str(error) or type(error).__name__
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), self._every_s)
        return "the connection that held it was closed"


@asynccontextmanager
async def shard_lock(url: str, schema: str, *, every_s: float = 1.0) -> AsyncIterator[ShardLock]:
    """Hold the shard inside the block; wait before it while another process does.

    The lock lives on a connection of its own: a pool would close or share it. every_s: how often
    the lock is asked for, and how often it is looked after. Raises DatabaseUnavailable.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=5, server_settings={"search_path": schema, **_KEEPALIVE}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(str(error) or type(error).__name__) from error
    try:
        while not await _taken(connection):  # noqa: ASYNC110 (held by another process)
            await asyncio.sleep(every_s)
        yield ShardLock(connection, every_s)
    finally:
        # Ends the session and with it the lock, also where the connection hangs.
        connection.terminate()


async def _taken(connection: "asyncpg.Connection[Any]") -> bool:
    try:
        return bool(await connection.fetchval(_TAKE_LOCK, timeout=5))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(str(error) or type(error).__name__) from error


async def raise_epoch(tx: Transaction) -> int:
    """A new epoch, ours. Waits for a write of the one before that is under way."""
    return int(await tx.fetchval("UPDATE shard SET epoch = epoch + 1 RETURNING epoch"))


async def lock_epoch(tx: Transaction, epoch: int) -> None:
    """Let nobody take the shard before this transaction ends. Raises ShardTaken."""
    if not await tx.fetchval("SELECT true FROM shard WHERE epoch = $1 FOR SHARE", epoch):
        raise ShardTaken("another process took the shard over")


async def select_computed(tx: Transaction) -> Computed | None:
    """What the live matches were computed with; None before they were for the first time."""
    row = await tx.fetchrow(
        "SELECT model, tau_ppm, k_s, k_p, rules FROM shard WHERE model IS NOT NULL"
    )
    if row is None:
        return None
    limits = Limits(tau_ppm=row["tau_ppm"], k_s=row["k_s"], k_p=row["k_p"])
    return Computed(row["model"], limits, row["rules"])


async def update_computed(tx: Transaction, computed: Computed) -> None:
    """Note what the live matches were computed with."""
    limits = computed.limits
    await tx.execute(
        "UPDATE shard SET model = $1, tau_ppm = $2, k_s = $3, k_p = $4, rules = $5",
        computed.model,
        limits.tau_ppm,
        limits.k_s,
        limits.k_p,
        computed.rules,
    )


@dataclass(frozen=True, slots=True)
class Sweep:
    """Live matches that are being brought from one way of computing to another, by seeker's id.

    of: what they are brought to. swept_to: the last seeker that is done; None before the first.
    """

    of: str
    swept_to: SeekerId | None


async def select_sweep(tx: Transaction) -> Sweep | None:
    """The sweep that is under way, if one is."""
    row = await tx.fetchrow("SELECT sweep_of, swept_to FROM shard WHERE sweep_of IS NOT NULL")
    return Sweep(row["sweep_of"], row["swept_to"]) if row else None


async def update_sweep(tx: Transaction, sweep: Sweep | None) -> None:
    """Note how far a sweep is; None: all is done."""
    await tx.execute(
        "UPDATE shard SET sweep_of = $1, swept_to = $2",
        sweep and sweep.of,
        sweep and sweep.swept_to,
    )


async def select_active_model(tx: Transaction) -> bytes | None:
    """The artefact of the model in force; None where none was ever stored."""
    artefact: bytes | None = await tx.fetchval("SELECT artefact FROM models WHERE active")
    return artefact


async def select_wanted_model(tx: Transaction) -> bytes | None:
    """The artefact of the model that was chosen and is not matched by yet, if there is one."""
    artefact: bytes | None = await tx.fetchval(
        "SELECT artefact FROM models JOIN shard ON wanted_model = version"
    )
    return artefact


async def want_model(tx: Transaction, version: str, choice: int) -> bool:
    """Note the model that is to be put in force; False where it is not stored here.

    choice: the number of the choice. One that was heard before, or is older, changes nothing. The
    model in force may be wanted too: then all is matched anew by it.
    """
    status = await tx.execute(
        """
        UPDATE shard SET
            wanted_model = CASE WHEN choice_taken < $2 THEN version ELSE wanted_model END,
            choice_taken = greatest(choice_taken, $2)
        FROM models WHERE version = $1
        """,
        version,
        choice,
    )
    return affected(status) == 1


async def put_wanted_in_force(tx: Transaction) -> None:
    """Let the wanted model be the one in force."""
    await tx.execute("UPDATE models SET active = false WHERE active")
    await tx.execute(
        "UPDATE models SET active = true FROM shard WHERE version = shard.wanted_model"
    )
    await tx.execute("UPDATE shard SET wanted_model = NULL")


async def insert_model(tx: Transaction, version: str, artefact: bytes) -> None:
    """Store a model and put it in force; there must be none in force."""
    await tx.execute(
        "INSERT INTO models (version, artefact, active) VALUES ($1, $2, true) "
        "ON CONFLICT (version) DO UPDATE SET active = true",
        version,
        artefact,
    )


async def freeze(tx: Transaction) -> None:
    """Let all of this transaction read one moment. Must be its first statement."""
    await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


async def exists(tx: Transaction) -> bool:
    """Whether the shard's tables are in this database."""
    return bool(await tx.fetchval("SELECT to_regclass('shard') IS NOT NULL"))
