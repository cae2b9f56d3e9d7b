"""What is set in our own status lists.

Places are given out where the registry takes a certificate in (store.registry).
"""

from datetime import date

from services.kit.database import Transaction

# Read whole each time instead of what changed since the last: rows are stamped before their
# transaction commits, so a reader with a watermark can step over a slow import's revocations.
# Both indexes hold only what is set or may be, so that this costs by revocations, not by entries.


async def select_highest_list(tx: Transaction) -> int | None:
    """The number of the last list that has a place taken; None before there is any."""
    highest: int | None = await tx.fetchval("SELECT max(status_list) FROM registry")
    return highest


async def select_revoked_places(tx: Transaction, status_list: int) -> list[int]:
    """The places of certificates that are revoked."""
    rows = await tx.fetch(
        """
        SELECT status_index FROM registry
        WHERE status_list = $1 AND status_list IS NOT NULL AND status <> 'in_force'
          AND status = 'revoked'
        """,
        status_list,
    )
    return [row["status_index"] for row in rows]


async def select_suspended_places(tx: Transaction, status_list: int, today: date) -> list[int]:
    """The places of certificates that are suspended, or whose review was due before that day."""
    rows = await tx.fetch(
        """
        SELECT status_index FROM registry
        WHERE status_list = $1 AND status_list IS NOT NULL AND status <> 'in_force'
          AND status = 'suspended'
        UNION
        SELECT status_index FROM registry
        WHERE status_list = $1 AND status_list IS NOT NULL AND review_due IS NOT NULL
          AND review_due < $2 AND status <> 'revoked'
        """,
        status_list,
        today,
    )
    return [row["status_index"] for row in rows]
