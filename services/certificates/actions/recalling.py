"""A record of the registry is shown with all that it was before.

Who may see that is decided at the door.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.certificates.store import histories
from services.certificates.store.histories import Was
from services.kit.database import Database

MOST_CHANGES = 200


async def recalled(db: Database, entry_id: UUID) -> tuple[Mapping[str, Any], Sequence[Was]] | None:
    """The entry's columns, and its last MOST_CHANGES changes, the newest first."""
    async with db.transaction() as tx:
        row = await histories.select_row(tx, entry_id)
        if row is None:
            return None
        return row, await histories.select_history(tx, entry_id, MOST_CHANGES)
