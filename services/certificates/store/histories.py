"""An entry of the registry as it is, and what it was before each change.

The rows come from a trigger (migrations/0002); nothing here writes any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Was:
    """An entry before a change. row: the columns of registry as JSON. import_id: what changed it,
    None where no signed import did.
    """

    row: Mapping[str, Any]
    changed_at: datetime
    import_id: UUID | None


async def select_row(tx: Transaction, entry_id: UUID) -> Mapping[str, Any] | None:
    """The entry's columns as they are, as JSON."""
    row: Mapping[str, Any] | None = await tx.fetchval(
        "SELECT to_jsonb(r) FROM registry r WHERE entry_id = $1", entry_id
    )
    return row


async def select_history(tx: Transaction, entry_id: UUID, limit: int) -> Sequence[Was]:
    """Its last changes, the newest first."""
    rows = await tx.fetch(
        """
        SELECT was, changed_at, import_id FROM registry_history
        WHERE entry_id = $1 ORDER BY history_id DESC LIMIT $2
        """,
        entry_id,
        limit,
    )
    return [Was(row["was"], row["changed_at"], row["import_id"]) for row in rows]
