"""Rows of the recognition table.

What its lines say of a certificate stands in domain.recognition.
"""

from collections.abc import Sequence

from services.certificates.domain.recognition import Recognition
from services.kit.database import Transaction


async def lock_recognitions(tx: Transaction) -> None:
    """Nobody else replaces the table, or applies it, before this transaction ends."""
    await tx.execute("LOCK TABLE recognitions IN SHARE ROW EXCLUSIVE MODE")


async def select_recognitions(tx: Transaction) -> list[Recognition]:
    """The whole table."""
    rows = await tx.fetch(
        "SELECT * FROM recognitions ORDER BY city, issuer, occupation, level, label, from_day"
    )
    return [
        Recognition(
            city=row["city"],
            issuer=row["issuer"],
            occupation=row["occupation"],
            level=row["level"],
            label=row["label"],
            counts_as=row["counts_as"],
            from_day=row["from_day"],
            until=row["until"],
        )
        for row in rows
    ]


async def replace_recognitions(tx: Transaction, lines: Sequence[Recognition]) -> None:
    """Put these lines in place of all there were. lines: no two with one key."""
    await tx.execute("DELETE FROM recognitions")
    await tx.execute(
        """
        INSERT INTO recognitions
            (city, issuer, occupation, level, label, counts_as, from_day, until)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[],
                             $6::smallint[], $7::date[], $8::date[])
        """,
        [line.city for line in lines],
        [line.issuer for line in lines],
        [line.occupation for line in lines],
        [line.level for line in lines],
        [line.label for line in lines],
        [line.counts_as for line in lines],
        [line.from_day for line in lines],
        [line.until for line in lines],
    )
