"""A verification that was made before is read back.

Who may read it stands at the door.
"""

from services.certificates.domain.receipt_numbers import ReceiptNo
from services.certificates.store import verifications
from services.certificates.store.verifications import Verification
from services.kit.database import Database


async def verification_of(db: Database, receipt_no: ReceiptNo) -> Verification | None:
    """The verification of that receipt number."""
    async with db.transaction() as tx:
        return await verifications.select_verification(tx, receipt_no)
