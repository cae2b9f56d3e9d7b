"""Webhooks: set, shown, removed; and what was sent to them: listed and begun anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.values import SeekerId
from services.kit.database import Database
from services.seekers.domain.deliveries import Delivery, DeliveryState, Webhook
from services.seekers.domain.webhooks import target_of
from services.seekers.store import webhooks as store

NewSecret = Callable[[], bytes]


class WebhookNotFound(Exception):
    """The seeker has no webhook, or no such delivery."""


@dataclass(frozen=True, slots=True)
class Set:
    """What came of setting a webhook. new_secret: whether the secret is one never shown before."""

    webhook: Webhook
    created: bool
    new_secret: bool


async def set_webhook(
    db: Database,
    seeker_id: SeekerId,
    url: str,
    now: datetime,
    *,
    new_secret: NewSecret,
    renew_secret: bool,
    allow_private: bool,
) -> Set:
    """Post the seeker's notifications there from now on.

    Another URL gets another secret: whoever read the old one could pose as us towards the new
    receiver. renew_secret: also where the URL stays. Raises UrlRefused; WebhookNotFound where it
    was removed at the same time.
    """
    target = target_of(url, allow_private=allow_private)
    async with db.transaction() as tx:
        webhook = Webhook(seeker_id, url, target, new_secret(), now, now)
        if await store.insert_webhook(tx, webhook):
            return Set(webhook, created=True, new_secret=True)
        before = await store.lock_webhook(tx, seeker_id)
        if before is None:
            # Removed since: as if it had been removed just after this set it.
            raise WebhookNotFound
        if before.url == url and not renew_secret:
            return Set(before, created=False, new_secret=False)
        after = replace(webhook, created_at=before.created_at)
        await store.update_webhook(tx, after)
    return Set(after, created=False, new_secret=True)


async def get_webhook(db: Database, seeker_id: SeekerId) -> Webhook:
    """The seeker's webhook. Raises WebhookNotFound."""
    async with db.transaction() as tx:
        webhook = await store.select_webhook(tx, seeker_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook


async def remove_webhook(db: Database, seeker_id: SeekerId) -> None:
    """Post nothing more, also not what is on its way. Removing twice is as removing once."""
    async with db.transaction() as tx:
        await store.delete_webhook(tx, seeker_id)


async def list_deliveries(
    db: Database,
    seeker_id: SeekerId,
    *,
    state: DeliveryState | None,
    before: int | None,
    limit: int,
) -> list[Delivery]:
    """What was or is being sent, newest first. Raises WebhookNotFound."""
    async with db.transaction() as tx:
        if await store.select_webhook(tx, seeker_id) is None:
            raise WebhookNotFound
        return await store.select_deliveries(tx, seeker_id, state, before, limit)


async def replay_delivery(db: Database, seeker_id: SeekerId, seq: int, now: datetime) -> Delivery:
    """Send it once more, with all its tries; one that is pending stays as it is.

    Raises WebhookNotFound.
    """
    async with db.transaction() as tx:
        delivery = await store.renew_delivery(tx, seeker_id, seq, now)
    if delivery is None:
        raise WebhookNotFound
    return delivery
