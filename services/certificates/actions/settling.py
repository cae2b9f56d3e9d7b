"""A late answer of another city finds what has waited for it: a receipt, or a seeker's claim.

Who asks for it stands in retrying.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from contracts.values import CertificateId
from services.certificates.actions.claiming import settle_claim
from services.certificates.domain.verdicts import Answer
from services.kit.database import Database

ResolvesReceipt = Callable[[str, Answer], Awaitable[object]]


class Settling:
    """Tells receipts and claims. resolve: supersedes the receipt that said pending."""

    def __init__(
        self, db: Database, resolve: ResolvesReceipt, *, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._resolve = resolve
        self._clock = clock

    async def receipt(self, receipt_no: str, answer: Answer) -> None:
        """The receipt that said pending is superseded."""
        await self._resolve(receipt_no, answer)

    async def claim(self, claim_id: CertificateId, answer: Answer) -> None:
        """The claim is judged."""
        await settle_claim(self._db, claim_id, answer, self._clock())
