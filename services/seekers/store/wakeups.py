"""One connection a process that hears which feeds grew, however many streams wait for that."""

import asyncio
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from contracts.values import SeekerId
from services.seekers.store.feed import CHANNEL

log = structlog.get_logger(__name__)

_GONE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class Wakeups:
    """Calls `on_grown(seeker_id)` for each feed that grew, and `on_any()` where some may have.

    Notifications sent while the connection was away are lost, so on_any() is called on each new
    one; who must not miss anything polls besides. probe_s: a connection that hangs is noticed
    after this long.
    """

    def __init__(
        self,
        database_url: str,
        *,
        on_grown: Callable[[SeekerId], None],
        on_any: Callable[[], None],
        probe_s: float = 10.0,
    ) -> None:
        self._url = database_url
        self._on_grown = on_grown
        self._on_any = on_any
        self._probe_s = probe_s

    async def run(self) -> None:
        """Listen until cancelled, connecting again whenever the connection is lost."""
        while True:
            try:
                await self._listen()
            except _GONE as error:
                log.warning("wakeups.database_away", reason=str(error) or type(error).__name__)
                await asyncio.sleep(0.5 + random.random() / 2)  # noqa: S311

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=5, command_timeout=5)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._on_any()
            while not lost.is_set():
                try:
                    # Not wait_for: before Python 3.12 it swallows a cancellation that comes with
                    # what it waits for.
                    async with asyncio.timeout(self._probe_s):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        try:
            seeker_ids = [SeekerId(UUID(text)) for text in str(payload).split(" ")]
        except ValueError:
            # Whoever may write to the database may notify; what is no id wakes everyone.
            self._on_any()
        else:
            for seeker_id in seeker_ids:
                self._on_grown(seeker_id)
