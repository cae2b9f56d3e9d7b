"""Our status lists, built from the registry and signed: whoever holds one needs not tell us whom
it checks.

How bits are packed stands in domain.statuslist, which certificate has which place in importing.
"""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter

from services.certificates.actions.keeping_keys import Signer
from services.certificates.domain.registry import today
from services.certificates.domain.statuslist import (
    CONTENT_TYPE,
    TYPE,
    Bits,
    StatusList,
    StatusPurpose,
)
from services.certificates.store import statuslists as store
from services.kit.database import Database

BUILT = Counter("rengang_status_lists_signed_total", "Status lists signed", ["purpose"])

TTL_S = 60
"""How long a reader may keep a list before it asks again."""

VALID_FOR = timedelta(hours=1)
"""How long a list may be relied on: one kept back to hide a revocation is good for no longer."""

_SIGNED_AGAIN_AFTER = VALID_FOR / 4


def list_url(public_url: str, purpose: StatusPurpose, status_list: int) -> str:
    """Where a list of ours is, and its id."""
    return f"{public_url}/v1/status-lists/{purpose}/{status_list}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A signed list. version: another one where the content is another."""

    jwt: str
    version: int
    kid: str
    signed_at: datetime
    bits: Bits


class StatusLists:
    """The lists as they were signed last, in memory.

    remember_s: a list is compared with the registry at most this often, however many ask.
    """

    def __init__(
        self,
        db: Database,
        signer: Signer,
        public_url: str,
        *,
        clock: Callable[[], datetime],
        remember_s: float = 2.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._signer = signer
        self._public_url = public_url
        self._clock = clock
        self._remember_s = remember_s
        self._monotonic = monotonic
        self._highest: tuple[float, int | None] | None = None
        self._listed: dict[tuple[StatusPurpose, int], tuple[float, Listed]] = {}
        self._looking: defaultdict[tuple[StatusPurpose, int], asyncio.Lock] = defaultdict(
            asyncio.Lock
        )
        self._counting = asyncio.Lock()

    async def current(self, purpose: StatusPurpose, status_list: int) -> Listed | None:
        """The list as the registry has it now; None where there is no such list."""
        if not await self._exists(status_list):
            return None
        key = (purpose, status_list)
        async with self._looking[key]:
            looked_at, listed = self._listed.get(key, (float("-inf"), None))
            if listed is not None and self._monotonic() - looked_at < self._remember_s:
                return listed
            looked_at = self._monotonic()
            bits = await self._bits(purpose, status_list)
            if listed is None or not self._still_good(listed, bits):
                listed = self._signed(purpose, status_list, bits)
            self._listed[key] = (looked_at, listed)
            return listed

    async def _exists(self, status_list: int) -> bool:
        async with self._counting:
            if self._highest is None or self._is_old(self._highest[0]):
                looked_at = self._monotonic()
                async with self._db.transaction() as tx:
                    self._highest = (looked_at, await store.select_highest_list(tx))
            highest = self._highest[1]
        return highest is not None and 0 <= status_list <= highest

    def _is_old(self, looked_at: float) -> bool:
        return self._monotonic() - looked_at >= self._remember_s

    async def _bits(self, purpose: StatusPurpose, status_list: int) -> Bits:
        async with self._db.transaction() as tx:
            match purpose:
                case StatusPurpose.REVOCATION:
                    places = await store.select_revoked_places(tx, status_list)
                case StatusPurpose.SUSPENSION:
                    day = today(self._clock())
                    places = await store.select_suspended_places(tx, status_list, day)
        return Bits.having(places)

    def _still_good(self, listed: Listed, bits: Bits) -> bool:
        return (
            listed.bits == bits
            and listed.kid == self._signer.kid
            and self._clock() - listed.signed_at < _SIGNED_AGAIN_AFTER
        )

    def _signed(self, purpose: StatusPurpose, status_list: int, bits: Bits) -> Listed:
        now, kid = self._clock(), self._signer.kid
        made = StatusList(
            url=list_url(self._public_url, purpose, status_list),
            purpose=purpose,
            issuer=self._public_url,
            valid_from=now,
            valid_until=now + VALID_FOR,
            bits=bits,
        )
        jwt = self._signer.sign(made.credential(TTL_S), TYPE, CONTENT_TYPE)
        BUILT.labels(purpose).inc()
        version = int.from_bytes(hashlib.sha256(jwt.encode()).digest()[:7], "big")
        return Listed(jwt, version, kid, now, bits)
