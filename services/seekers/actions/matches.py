"""Matches as seekers know them: heard of, listed, and told of in a feed and to webhooks."""

from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

import structlog
from prometheus_client import Counter

from contracts.matches import content_in
from contracts.values import MatchId, SeekerId
from services.kit.database import Database, Transaction
from services.seekers.domain.feed import Entry, entry_of
from services.seekers.domain.notifying import (
    Content,
    Match,
    hangs_on_content,
    heard,
    told_now,
)
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
        heads = await store.lock_heads(tx, seeker_ids)
        # After the heads: who comes back to the market waits for them to be told of what is kept
        # here as untold, so nobody's coming back falls between this question and the writing.
        looking = await profiles.select_looking(tx, seeker_ids)
        known = await _known(tx, updates)
        moved: dict[SeekerId, int] = {}
        kept: dict[MatchId, Match] = {}
        entries: list[Entry] = []
        for update in updates:
            seeker_id = update.seeker_id
            seq = moved.get(seeker_id, heads[seeker_id]) + 1
            decided = heard(
                kept.get(update.match_id) or known.get(update.match_id),
                update,
                seq=seq,
                looking=seeker_id in looking,
                material_ppm=material_ppm,
                alike=_show_the_same,
            )
            if decided is None:
                OLD.inc()
                continue
            kept[update.match_id], news = decided
            if news is not None:
                moved[seeker_id] = seq
                entries.append(entry_of(news, seq, now))
        await _tell(tx, moved, entries, now)
        await store.upsert_matches(tx, kept.values(), now)


async def _known(tx: Transaction, updates: Sequence[Match]) -> dict[MatchId, Match]:
    """What is known of these matches, with the content of those where it counts."""
    known = await store.select_matches(tx, {update.match_id for update in updates})
    doubtful = {
        update.match_id
        for update in updates
        if hangs_on_content(known.get(update.match_id), update)
    }
    for match_id, content in (await store.select_contents(tx, doubtful)).items():
        known[match_id] = replace(known[match_id], content=content)
    return known


def _show_the_same(one: Content, other: Content) -> bool:
    return one == other or content_in(one) == content_in(other)


async def tell_untold(tx: Transaction, seeker_id: SeekerId, now: datetime) -> None:
    """Tell a seeker who is back of the matches that were found in the meantime.

    The matcher may see leaving and coming back as one, and then finds nothing to say.
    """
    heads = await store.lock_heads(tx, [seeker_id])
    untold = await store.select_untold(tx, seeker_id)
    told = [told_now(match, seq) for seq, match in enumerate(untold, heads[seeker_id] + 1)]
    entries = [entry_of(news, match.told_seq or 0, now) for match, news in told]
    await _tell(tx, {seeker_id: heads[seeker_id] + len(entries)}, entries, now)
    await store.upsert_matches(tx, [match for match, _ in told], now)


async def _tell(
    tx: Transaction, moved: Mapping[SeekerId, int], entries: Sequence[Entry], now: datetime
) -> None:
    """Write the entries and, with them, the deliveries of those that notify.

    moved: where the heads of the feeds stand with these entries.
    """
    if not entries:
        return
    await store.update_heads(tx, moved)
    await store.insert_entries(tx, entries)
    notifying = [entry for entry in entries if entry.notify]
    targets = await webhooks.share_targets(tx, {entry.seeker_id for entry in notifying})
    if targets:
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
