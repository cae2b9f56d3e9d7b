"""Answers become receipts: what is said of a certificate, signed.

What a receipt is stands in domain.receipts, who keeps it in verifying.
"""

from datetime import datetime

import orjson

from services.certificates.actions.keeping_keys import Signer
from services.certificates.actions.listing import list_url
from services.certificates.domain.receipt_numbers import ReceiptNo
from services.certificates.domain.receipts import (
    TYPE,
    AnsweredBy,
    CertificateFacts,
    Receipt,
    StatusEntry,
)
from services.certificates.domain.registry import Entry
from services.certificates.domain.statuslist import StatusPurpose
from services.certificates.domain.verdicts import Answer

_PURPOSES = tuple(StatusPurpose)


class Receipts:
    """Signs receipts for one city; waits for nothing.

    city_id: who signs, as other cities know it. public_url: where our status lists are.
    """

    def __init__(self, signer: Signer, city_id: str, public_url: str) -> None:
        self._signer = signer
        self._city_id = city_id
        self._public_url = public_url

    def issue(
        self,
        answer: Answer,
        asked: str,
        *,
        receipt_no: ReceiptNo,
        at: datetime,
        audience: str | None = None,
        nonce: str | None = None,
        supersedes: ReceiptNo | None = None,
    ) -> str:
        """The receipt of an answer, a compact JWS.

        asked: the question's hash, Asked.hash: of a late answer nothing else is known. audience,
        nonce: where a city asked: the receipt then proves something to it alone.
        supersedes: the receipt that said pending to the same question.
        """
        receipt = Receipt(
            issuer=self._city_id,
            number=receipt_no,
            issued_at=at,
            verdict=answer.verdict.value,
            reason=answer.reason,
            asked=asked,
            answered_by=AnsweredBy(
                answer.answered_by or self._city_id, answer.answered_at, answer.is_signed
            ),
            certificate=None if answer.entry is None else facts_of(answer.entry),
            status=() if answer.entry is None else self._places(answer.entry),
            upload_lag_days=answer.upload_lag_days,
            supersedes=supersedes,
            audience=audience,
            nonce=nonce,
        )
        return self._signer.sign(orjson.dumps(receipt.payload()), TYPE)

    def _places(self, entry: Entry) -> tuple[StatusEntry, ...]:
        """Where to look it up later; of another city's certificate that city's receipt says so."""
        if entry.origin is not None or entry.status_list is None or entry.status_index is None:
            return ()
        return tuple(
            StatusEntry(
                purpose.value,
                list_url(self._public_url, purpose, entry.status_list),
                entry.status_index,
            )
            for purpose in _PURPOSES
        )


def facts_of(entry: Entry) -> CertificateFacts:
    """What a receipt says of a certificate."""
    return CertificateFacts(
        kind=entry.kind.value,
        occupation=entry.occupation,
        level=entry.level,
        level_label=entry.level_label,
        name=entry.name,
        issuer=entry.issuer,
        issued_on=entry.issued_on,
        valid_until=entry.valid_until,
        review_due=entry.review_due,
    )
