"""Webhooks and deliveries as values. Signing and pauses are `domain.webhooks`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contracts.values import MatchId, SeekerId
from services.seekers.domain.notifying import Kind


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a seeker's notifications are posted to. target: what concurrency is limited by."""

    seeker_id: SeekerId
    url: str = field(repr=False)
    target: str = field(repr=False)
    secret: bytes = field(repr=False)
    created_at: datetime
    changed_at: datetime


class DeliveryState(StrEnum):
    """Where a delivery stands. The others may be begun anew."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification on its way. status: what the receiver answered last; fault: why it failed.

    due_at: of a pending one, when it is tried next. at, kind, match_id: of its feed entry.
    """

    seeker_id: SeekerId
    seq: int
    state: DeliveryState
    tries: int
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    fault: str | None
    at: datetime
    kind: Kind
    match_id: MatchId


@dataclass(frozen=True, slots=True)
class Claim:
    """A try that is under way. tries: counts it."""

    seeker_id: SeekerId
    seq: int
    tries: int
    target: str = field(repr=False)
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
