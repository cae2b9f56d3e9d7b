"""Receipts as they were signed, found by their number alone.

They are written with the verification they belong to.
"""

from dataclasses import dataclass

from services.certificates.domain.receipt_numbers import ReceiptNo
from services.kit.database import Transaction

_MOST_STEPS = 16


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt. jws: as it was handed out."""

    number: ReceiptNo
    jws: str


async def select_latest_receipt(tx: Transaction, number: ReceiptNo) -> SignedReceipt | None:
    """The receipt of that number, or the last of those that took its place."""
    row = await tx.fetchrow(
        """
        WITH RECURSIVE later AS (
            SELECT receipt_no, jws, superseded_by, 0 AS step
            FROM verifications WHERE receipt_no = $1
            UNION ALL
            SELECT v.receipt_no, v.jws, v.superseded_by, l.step + 1
            FROM later l JOIN verifications v ON v.receipt_no = l.superseded_by
            WHERE l.step < $2
        )
        SELECT receipt_no, jws FROM later WHERE jws IS NOT NULL ORDER BY step DESC LIMIT 1
        """,
        number,
        _MOST_STEPS,
    )
    return None if row is None else SignedReceipt(ReceiptNo(row["receipt_no"]), row["jws"])
