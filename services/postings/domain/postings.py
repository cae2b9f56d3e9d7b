"""What becomes of a posting: published, revised, closed, each change a version.

Whether an offer may be made at all is in offers.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.values import ClosedReason, EmployerId, PostingId, PostingStatus
from services.postings.domain.offers import Offer


class PostingAlreadyClosed(Exception):
    """A closed posting stays as it is."""

    def __init__(self, posting: "Posting") -> None:
        super().__init__(str(posting.posting_id))
        self.posting = posting


@dataclass(frozen=True, slots=True)
class Posting:
    """An offer on the market, or one that left it.

    version: 1 as published, one more with each change. published_at, changed_at: when it came,
    and when version came. closed_reason: None while it is open. reference: the employer's own
    name for it, unique among that employer's.
    """

    posting_id: PostingId
    employer_id: EmployerId
    reference: str | None
    offer: Offer
    version: int
    published_at: datetime
    changed_at: datetime
    closed_reason: ClosedReason | None = None

    @property
    def status(self) -> PostingStatus:
        """Open until it has a reason to be closed."""
        return PostingStatus.OPEN if self.closed_reason is None else PostingStatus.CLOSED

    def is_due(self, now: datetime) -> bool:
        """Whether it is still open although its time is over."""
        return self.closed_reason is None and self.offer.valid_until <= now

    def revised(self, offer: Offer, now: datetime) -> "Posting":
        """With this offer in its place; itself where the offer says nothing new.

        Raises PostingAlreadyClosed.
        """
        if self.closed_reason is not None:
            raise PostingAlreadyClosed(self)
        return self if offer == self.offer else self._changed(now, offer=offer)

    def closed(self, now: datetime, reason: ClosedReason) -> "Posting":
        """Off the market; itself where it already is. After its time, whoever asks, it expired."""
        if self.closed_reason is not None:
            return self
        return self._changed(
            now, closed_reason=ClosedReason.EXPIRED if self.is_due(now) else reason
        )

    def _changed(self, now: datetime, **what: Any) -> "Posting":
        # Clocks of two processes differ: what is known to be later stays later.
        at = max(now, self.changed_at)
        return replace(self, version=self.version + 1, changed_at=at, **what)


def published(
    posting_id: PostingId,
    employer_id: EmployerId,
    offer: Offer,
    now: datetime,
    reference: str | None = None,
) -> Posting:
    """A new posting."""
    return Posting(posting_id, employer_id, reference, offer, 1, now, now)
