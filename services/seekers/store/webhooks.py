"""SQL of webhooks and of what is on its way to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from contracts.values import SeekerId
from services.kit.database import Record, Transaction, affected
from services.seekers.domain.deliveries import Claim, Delivery, DeliveryState, Webhook

_WEBHOOK = "seeker_id, url, target, secret, created_at, changed_at"
_LISTED = (
    "seeker_id, seq, state, tries, due_at, tried_at, status, fault, "
    "feed.at, feed.kind, feed.match_id"
)


async def select_webhook(tx: Transaction, seeker_id: SeekerId) -> Webhook | None:
    """The seeker's webhook."""
    row = await tx.fetchrow(
        f"SELECT {_WEBHOOK} FROM webhooks WHERE seeker_id = $1",  # noqa: S608
        seeker_id,
    )
    return None if row is None else _webhook(row)


async def lock_webhook(tx: Transaction, seeker_id: SeekerId) -> Webhook | None:
    """The seeker's webhook, which nobody else changes before this transaction ends."""
    row = await tx.fetchrow(
        f"SELECT {_WEBHOOK} FROM webhooks WHERE seeker_id = $1 FOR UPDATE",  # noqa: S608
        seeker_id,
    )
    return None if row is None else _webhook(row)


async def share_targets(tx: Transaction, seeker_ids: Iterable[SeekerId]) -> dict[SeekerId, str]:
    """The target of each seeker who has a webhook; they stay so until this transaction ends."""
    rows = await tx.fetch(
        "SELECT seeker_id, target FROM webhooks WHERE seeker_id = ANY($1::uuid[]) "
        "ORDER BY seeker_id FOR SHARE",
        list(seeker_ids),
    )
    return {SeekerId(row["seeker_id"]): row["target"] for row in rows}


async def insert_webhook(tx: Transaction, webhook: Webhook) -> bool:
    """Keep a new webhook; false where the seeker has one."""
    status = await tx.execute(
        f"INSERT INTO webhooks ({_WEBHOOK}) VALUES ($1, $2, $3, $4, $5, $6) "  # noqa: S608
        "ON CONFLICT (seeker_id) DO NOTHING",
        webhook.seeker_id,
        webhook.url,
        webhook.target,
        webhook.secret,
        webhook.created_at,
        webhook.changed_at,
    )
    return bool(affected(status))


async def update_webhook(tx: Transaction, webhook: Webhook) -> None:
    """Keep what became of a webhook; what waits goes to where it points now."""
    await tx.execute(
        "UPDATE webhooks SET url = $2, target = $3, secret = $4, changed_at = $5 "
        "WHERE seeker_id = $1",
        webhook.seeker_id,
        webhook.url,
        webhook.target,
        webhook.secret,
        webhook.changed_at,
    )
    await tx.execute(
        "UPDATE webhook_deliveries SET target = $2 WHERE seeker_id = $1 AND target <> $2",
        webhook.seeker_id,
        webhook.target,
    )


async def delete_webhook(tx: Transaction, seeker_id: SeekerId) -> None:
    """Forget the webhook and all that was on its way."""
    await tx.execute("DELETE FROM webhooks WHERE seeker_id = $1", seeker_id)


# ------------------------------------------------------------------- deliveries


async def insert_deliveries(
    tx: Transaction, deliveries: Iterable[tuple[SeekerId, int, str]], now: datetime
) -> None:
    """Send these feed entries (seeker, seq, target) on their way."""
    await tx.executemany(
        "INSERT INTO webhook_deliveries (seeker_id, seq, target, due_at) VALUES ($1, $2, $3, $4)",
        [(*delivery, now) for delivery in deliveries],
    )


async def claim_due(
    tx: Transaction,
    now: datetime,
    *,
    lost_after: timedelta,
    room: Mapping[str, int],
    most_per_target: int,
    limit: int,
) -> list[Claim]:
    """Take up what is due, and count the try; no other sender gets it before lost_after.

    room: how many more each target takes now, where that is not most_per_target. Oldest first.
    """
    rows = await tx.fetch(
        # The targets with something pending, by hopping along the index from one to the next.
        "WITH RECURSIVE targets AS ("
        "    (SELECT target FROM webhook_deliveries WHERE state = 'pending' "
        "     ORDER BY target LIMIT 1)"
        "    UNION ALL"
        "    SELECT (SELECT d.target FROM webhook_deliveries d WHERE d.state = 'pending' "
        "            AND d.target > targets.target ORDER BY d.target LIMIT 1)"
        "    FROM targets WHERE targets.target IS NOT NULL"
        "), roomy AS ("
        "    SELECT targets.target, coalesce(given.room, $3) AS room FROM targets "
        "    LEFT JOIN unnest($4::text[], $5::integer[]) AS given (target, room) "
        "    ON given.target = targets.target WHERE targets.target IS NOT NULL"
        "), due AS ("
        "    SELECT one.seeker_id, one.seq FROM roomy CROSS JOIN LATERAL ("
        "        SELECT d.seeker_id, d.seq, d.due_at FROM webhook_deliveries d "
        "        WHERE d.state = 'pending' AND d.target = roomy.target AND d.due_at <= $1 "
        "        ORDER BY d.due_at LIMIT roomy.room FOR UPDATE SKIP LOCKED"
        "    ) AS one ORDER BY one.due_at LIMIT $6"
        ") UPDATE webhook_deliveries AS taken SET tries = tries + 1, tried_at = $1, "
        "due_at = $1 + $2::interval FROM due, webhooks "
        "WHERE taken.seeker_id = due.seeker_id AND taken.seq = due.seq "
        "AND webhooks.seeker_id = taken.seeker_id "
        "RETURNING taken.seeker_id, taken.seq, taken.tries, taken.target, url, secret",
        now,
        lost_after,
        most_per_target,
        list(room),
        list(room.values()),
        limit,
    )
    return [Claim(**dict(row)) for row in rows]


async def update_tried(
    tx: Transaction,
    claim: Claim,
    *,
    state: DeliveryState,
    due_at: datetime,
    status: int | None,
    fault: str | None,
) -> None:
    """Note what came of a try, unless it counted as lost and was taken up again meanwhile."""
    await tx.execute(
        "UPDATE webhook_deliveries SET state = $4, due_at = $5, status = $6, fault = $7 "
        "WHERE seeker_id = $1 AND seq = $2 AND tries = $3 AND state = 'pending'",
        claim.seeker_id,
        claim.seq,
        claim.tries,
        state,
        due_at,
        status,
        fault,
    )


async def select_deliveries(
    tx: Transaction,
    seeker_id: SeekerId,
    state: DeliveryState | None,
    before: int | None,
    limit: int,
) -> list[Delivery]:
    """The seeker's deliveries, newest first, before that seq."""
    rows = await tx.fetch(
        f"SELECT {_LISTED} FROM webhook_deliveries JOIN feed USING (seeker_id, seq) "  # noqa: S608
        "WHERE seeker_id = $1 AND ($2::text IS NULL OR state = $2) "
        "AND ($3::bigint IS NULL OR seq < $3) ORDER BY seq DESC LIMIT $4",
        seeker_id,
        state,
        before,
        limit,
    )
    return [_delivery(row) for row in rows]


async def renew_delivery(
    tx: Transaction, seeker_id: SeekerId, seq: int, now: datetime
) -> Delivery | None:
    """Begin a delivery anew, unless it is pending; None where there is none."""
    await tx.execute(
        "UPDATE webhook_deliveries SET state = 'pending', tries = 0, due_at = $3 "
        "WHERE seeker_id = $1 AND seq = $2 AND state <> 'pending'",
        seeker_id,
        seq,
        now,
    )
    row = await tx.fetchrow(
        f"SELECT {_LISTED} FROM webhook_deliveries JOIN feed USING (seeker_id, seq) "  # noqa: S608
        "WHERE seeker_id = $1 AND seq = $2",
        seeker_id,
        seq,
    )
    return None if row is None else _delivery(row)


def _webhook(row: Record) -> Webhook:
    return Webhook(**dict(row))


def _delivery(row: Record) -> Delivery:
    return Delivery(**{**dict(row), "state": DeliveryState(row["state"])})
