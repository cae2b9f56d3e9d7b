"""Matches as seekers know them: heard of, listed, and told of in a feed and to webhooks."""

from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

import structlog
from prometheus_client import Counter

from contracts.values import MatchId, SeekerId
from services.kit.database import Database, Transaction
from services.seekers.domain.feed import Entry, entry_of
from services.seekers.domain.notifying import Match, News, heard, told_now
from services.seekers.store import feed as store
from services.seekers.store import profiles, webhooks

log = structlog.get_logger(__name__)

TOLD = Counter("rengang_seekers_told_total", "Feed entries written", ["kind", "notify"])
OLD = Counter("rengang_seekers_old_events_total", "Match events that were known already")

_REGION = timezone(timedelta(hours=8))


def day_of(now: datetime) -> date:
    """The date in the region (UTC+8)."""
    return now.astimezone(_REGION).date()


async def hear_matches(
    db: Database, updates: Sequence[Match], now: datetime, *, material_ppm: int
) -> None:
    """Keep what the matcher says, and tell the seekers whom it concerns; old events do nothing.

    updates: in the order of their events.
    """
    if not updates:
        return
    seeker_ids = {update.seeker_id for update in updates}
    async with db.transaction() as tx:
        looking = await profiles.share_looking(tx, list(seeker_ids))
        heads = await store.lock_heads(tx, seeker_ids)
        known = await store.select_matches(tx, {update.match_id for update in updates})
        kept: dict[MatchId, Match] = {}
        news: list[News] = []
        for update in updates:
            decided = heard(
                kept.get(update.match_id, known.get(update.match_id)),
                update,
                looking=update.seeker_id in looking,
                material_ppm=material_ppm,
            )
            if decided is None:
                OLD.inc()
                continue
            kept[update.match_id], told = decided
            if told is not None:
                news.append(told)
        await _tell(tx, news, heads, now)
        await store.upsert_matches(tx, kept.values(), now)


async def tell_untold(tx: Transaction, seeker_id: SeekerId, now: datetime) -> None:
    """Tell a seeker who is back of the matches that were found in the meantime.

    The matcher may see leaving and coming back as one, and then finds nothing to say.
    """
    heads = await store.lock_heads(tx, [seeker_id])
    told = [told_now(match) for match in await store.select_untold(tx, seeker_id)]
    await _tell(tx, [news for _, news in told], heads, now)
    await store.upsert_matches(tx, [match for match, _ in told], now)


async def _tell(
    tx: Transaction, news: Iterable[News], heads: dict[SeekerId, int], now: datetime
) -> None:
    """Write the entries and, with them, the deliveries of those that notify."""
    moved: dict[SeekerId, int] = {}
    entries: list[Entry] = []
    for each in news:
        seeker_id = each.match.seeker_id
        moved[seeker_id] = moved.get(seeker_id, heads[seeker_id]) + 1
        entries.append(entry_of(each, moved[seeker_id], now))
    if not entries:
        return
    await store.update_heads(tx, moved)
    await store.insert_entries(tx, entries)
    notifying = [entry for entry in entries if entry.notify]
    targets = await webhooks.share_targets(tx, {entry.seeker_id for entry in notifying})
    await webhooks.insert_deliveries(
        tx,
        [
            (entry.seeker_id, entry.seq, targets[entry.seeker_id])
            for entry in notifying
            if entry.seeker_id in targets
        ],
        now,
    )
    for (kind, notify), count in Counts((entry.kind, entry.notify) for entry in entries).items():
        TOLD.labels(kind, str(notify).lower()).inc(count)


@dataclass(frozen=True, slots=True)
class Shown:
    """Some of what a seeker sees. position: the feed's last seq when it was read."""

    matches: list[tuple[Match, datetime]]
    position: int


async def list_matches(
    db: Database, seeker_id: SeekerId, *, after: tuple[int, UUID] | None, limit: int
) -> Shown:
    """What the seeker sees, best first; after: score and posting of the last one already seen."""
    async with db.transaction() as tx:
        # Read before the list: what is committed in between is in the list already and comes by
        # the stream once more, where the other order would lose it.
        head = await store.select_head(tx, seeker_id)
        seen = await store.select_seen(tx, seeker_id, after, limit)
    return Shown(seen, head.last_seq)


async def trim_feeds(db: Database, before: datetime, *, batch: int = 5_000) -> int:
    """Remove feed entries older than that, with their deliveries; returns how many."""
    total = 0
    while True:
        async with db.transaction() as tx:
            removed = await store.delete_entries_before(tx, before, batch)
        total += removed
        if removed < batch:
            break
    if total:
        log.info("feed.trimmed", entries=total)
    return total
