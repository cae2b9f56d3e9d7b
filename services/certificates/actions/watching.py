"""The status lists of other cities are read over and over: what they take back stops counting.

Whom we lean on, and why, is not told to them by this: a list holds the places of very many.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.certificates.actions.adapters import CityKeys
from services.certificates.actions.calling import Calls, NoAnswer
from services.certificates.actions.mirroring import review_touched
from services.certificates.domain.cities import City
from services.certificates.domain.registry import RegistryStatus
from services.certificates.domain.statuslist import (
    LONGEST_LIST,
    MEDIA_TYPE,
    Bits,
    StatusList,
    StatusPurpose,
    decode,
)
from services.certificates.store import cities, mirrors, registry
from services.certificates.store.mirrors import Listed, ListInUse
from services.kit.database import Database

log = structlog.get_logger(__name__)

READ = Counter("rengang_city_lists_total", "Status lists of other cities read", ["city", "outcome"])
READ_AT = Gauge("rengang_city_list_read_at_seconds", "When a city's list was last read", ["city"])

# validFrom has whole seconds.
_SAME = timedelta(seconds=1)


@dataclass(slots=True)
class Watching:
    """Reads the lists that mirrored entries have places in. clock: aware, UTC."""

    db: Database
    calls: Calls
    keys: CityKeys
    clock: Callable[[], datetime]

    async def read_all(self) -> int:
        """Read each list once; returns how many entries count for less, or again, since."""
        async with self.db.transaction() as tx:
            lists = await mirrors.select_lists_in_use(tx)
            known = {city.city_id: city for city in await cities.select_cities(tx)}
        changed = 0
        for each in lists:
            city = known.get(each.city_id)
            if city is None or not city.enabled:
                continue
            try:
                changed += await self._read(city, each)
            except NoAnswer as error:
                READ.labels(city.city_id, "no_answer").inc()
                log.warning("list.no_answer", city=city.city_id, reason=error.fault)
        return changed

    async def _read(self, city: City, of: ListInUse) -> int:
        headers = {"Accept": MEDIA_TYPE}
        if of.etag is not None:
            headers["If-None-Match"] = of.etag
        reply = await self.calls.call(city, "GET", of.url, headers=headers, most_bytes=LONGEST_LIST)
        if reply.status == 304:
            READ.labels(city.city_id, "unchanged").inc()
            READ_AT.labels(city.city_id).set(self.clock().timestamp())
            return 0
        if reply.status != 200:
            raise NoAnswer(f"status_{reply.status}")
        try:
            text = reply.body.decode("ascii").strip()
        except UnicodeDecodeError:
            raise NoAnswer("list_malformed") from None
        listed = self._checked(decode(text, await self.keys.of(city, text)), of)
        changed = await self._apply(of, listed, reply.headers.get("etag"))
        READ.labels(city.city_id, "read").inc()
        READ_AT.labels(city.city_id).set(self.clock().timestamp())
        return changed

    def _checked(self, listed: object, of: ListInUse) -> StatusList:
        if not isinstance(listed, StatusList):
            raise NoAnswer("list_not_signed_by_the_city")
        if listed.url != of.url or listed.purpose != StatusPurpose(of.purpose):
            raise NoAnswer("another_list")
        # An old list, sent again, would hide what was revoked since.
        if not listed.is_fresh(self.clock()) or (
            of.issued_at is not None and listed.valid_from < of.issued_at
        ):
            raise NoAnswer("old_list")
        return listed

    async def _apply(self, of: ListInUse, listed: StatusList, etag: str | None) -> int:
        now = self.clock()
        async with self.db.transaction() as tx:
            await registry.lock_registry_for_import(tx)
            places = await mirrors.select_places(tx, of.url, of.purpose)
            changed = _changes(places, listed)
            if changed:
                await mirrors.update_statuses(tx, changed, now)
                await review_touched(tx, list(changed), now)
            await mirrors.upsert_list_read(tx, of, etag=etag, issued_at=listed.valid_from, now=now)
        if changed:
            log.info("list.applied", city=of.city_id, purpose=of.purpose, entries=len(changed))
        return len(changed)


def _changes(places: list[Listed], listed: StatusList) -> dict[UUID, RegistryStatus]:
    """What the list makes of the entries. A revocation is final; a suspension may be lifted.

    A list from before the city last told us of a certificate says nothing new of it.
    """
    changed: dict[UUID, RegistryStatus] = {}
    for place in places:
        if listed.valid_from + _SAME < place.answered_at or place.status is RegistryStatus.REVOKED:
            continue
        is_set = _is_set(listed.bits, place.index)
        if listed.purpose is StatusPurpose.REVOCATION:
            status = RegistryStatus.REVOKED if is_set else place.status
        else:
            status = RegistryStatus.SUSPENDED if is_set else RegistryStatus.IN_FORCE
        if status is not place.status:
            changed[place.entry_id] = status
    return changed


def _is_set(bits: Bits, index: int) -> bool:
    # A place that the list does not have proves nothing good.
    return index >= len(bits) or bits[index]
