"""The audit log as a chain: each row's hash covers the row and all before it.

Where the rows are kept, and who may read them, does not live here.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import orjson

GENESIS = bytes(32)
"""What the first row is chained to."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Act(StrEnum):
    """What was done."""

    VERIFIED = "verified"
    RESOLVED = "resolved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Record:
    """Who asked about whom, when, why, and what was answered.

    about, number: keyed digests of the identity number and the certificate number. verdict,
    receipt_no: None where the question was refused.
    """

    at: datetime
    requester: str
    role: str
    act: Act
    about: bytes
    number: bytes
    purpose: str
    verdict: str | None
    receipt_no: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A record in its place. seq: counts from 1 without a gap. hash: 32 bytes."""

    seq: int
    hash: bytes
    record: Record


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a chain; (0, GENESIS) of an empty one."""

    seq: int = 0
    hash: bytes = GENESIS


def hash_of(before: bytes, seq: int, record: Record) -> bytes:
    """SHA-256 of the hash before and the row's canonical JSON.

    That is an array without spaces: seq, microseconds since 1970, requester, role, act, about and
    number in hexadecimal, purpose, verdict, receipt number; null where there is none.
    """
    canonical = orjson.dumps(
        [
            seq,
            (record.at - _EPOCH) // _MICROSECOND,
            record.requester,
            record.role,
            record.act,
            record.about.hex(),
            record.number.hex(),
            record.purpose,
            record.verdict,
            record.receipt_no,
        ]
    )
    return hashlib.sha256(before + canonical).digest()


def chained(head: Head, records: Sequence[Record]) -> list[Row]:
    """These records as the rows that follow the head."""
    rows = []
    before = head.hash
    for seq, record in enumerate(records, head.seq + 1):
        before = hash_of(before, seq, record)
        rows.append(Row(seq, before, record))
    return rows


class Fault(StrEnum):
    """What is wrong at a break: rows are missing, a row was changed, the end was cut off or
    rewritten. Rewritten: all that is there fits together and is not what it was."""

    MISSING = "missing"
    CHANGED = "changed"
    CUT = "cut"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold. seq: of the first row that is wrong."""

    seq: int
    fault: Fault


class Walk:
    """Follows a chain row by row, in order of seq.

    noted: a head that the chain had once, as it was noted down elsewhere. Whoever may write to the
    database can chain all rows anew; they cannot give this row the hash it had.
    """

    def __init__(self, noted: Head | None = None) -> None:
        self.head = Head()
        self._noted = noted

    def step(self, row: Row) -> Break | None:
        """Go on to this row; the break, if it does not follow."""
        seq = self.head.seq + 1
        if row.seq != seq:
            return Break(seq, Fault.MISSING)
        expected = hash_of(self.head.hash, seq, row.record)
        if not hmac.compare_digest(expected, row.hash):
            return Break(seq, Fault.CHANGED)
        if self._noted is not None and self._noted.seq == seq and self._noted.hash != row.hash:
            return Break(seq, Fault.REWRITTEN)
        self.head = Head(seq, row.hash)
        return None

    def end(self, head: Head) -> Break | None:
        """The break, if the chain does not end there."""
        if self.head.seq != head.seq:
            return Break(min(self.head.seq, head.seq) + 1, Fault.CUT)
        if not hmac.compare_digest(self.head.hash, head.hash):
            return Break(head.seq, Fault.CUT)
        if self._noted is not None and self._noted.seq > head.seq:
            return Break(head.seq + 1, Fault.CUT)
        return None
