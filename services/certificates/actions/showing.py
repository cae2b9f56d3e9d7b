"""A receipt is shown to whoever has its number.

What the page looks like stands at the door.
"""

from services.certificates.domain.receipt_numbers import ReceiptNo
from services.certificates.store.receipts import SignedReceipt, select_latest_receipt
from services.kit.database import Database


async def latest_receipt(db: Database, number: ReceiptNo) -> SignedReceipt | None:
    """The receipt of that number, or what took its place; None where there is no such."""
    async with db.transaction() as tx:
        return await select_latest_receipt(tx, number)
