"""All rows of a query as COPY sends them, in pieces: no object for a row, millions of rows a start.

Which queries, and what their columns mean, does not live here.
"""

import struct
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.kit.database import Transaction
from services.matcher.domain.compiled import compiled

_PIECE = 1 << 21
# One statement sends everything: what may take so long is a database that no longer sends.
_PATIENCE_S = 3600.0

# Of the binary format: what a stream begins with, and how long that is with its two flags.
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = len(_SIGNATURE) + 8
_ENDS = -1
_TOO_SHORT, _NOT_ROWS = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a piece: where in data each field lies.

    data: uint8. starts, lengths: int64 (n, n_fields), in bytes.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def uuids(self, field: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The upper and the lower halves of a field of type uuid."""
        starts = self._of(field, 16)
        return _words(self.data, starts), _words(self.data, starts + 8)

    def integers(self, field: int) -> NDArray[np.int32]:
        """A field of type integer."""
        return _integers(self.data, self._of(field, 4))

    def booleans(self, field: int) -> NDArray[np.bool_]:
        """A field of type boolean."""
        found: NDArray[np.bool_] = self.data[self._of(field, 1)] != 0
        return found

    def _of(self, field: int, length: int) -> NDArray[np.int64]:
        if (self.lengths[:, field] != length).any():
            raise ValueError(f"field {field} is not of {length} bytes in every row")
        return self.starts[:, field]


async def copy_rows(
    tx: Transaction, query: str, n_fields: int, take: Callable[[Rows], Awaitable[None]]
) -> None:
    """Hand on all rows, a few thousand at a time, as of the moment the statement begins.

    The database waits while `take` does. query: takes no arguments; no field may be NULL. Raises
    ValueError where one is, or there are not n_fields.
    """
    parts: list[bytes] = []
    rest, size, begun = b"", 0, False

    async def give() -> None:
        nonlocal rest, size, begun
        whole = b"".join((rest, *parts))
        parts.clear()
        begins = 0
        if not begun:
            if not whole.startswith(_SIGNATURE):
                raise ValueError("not what COPY sends in binary")
            begins, begun = _HEADER, True
        rows, ends = _rows_of(whole, begins, n_fields)
        rest = whole[ends:]
        size = len(rest)
        if len(rows):
            await take(rows)

    async def keep(part: bytes) -> None:
        nonlocal size
        parts.append(part)
        size += len(part)
        if size >= _PIECE:
            await give()

    await tx.copy_from_query(query, output=keep, format="binary", timeout=_PATIENCE_S)
    await give()
    if len(rest) != 2:
        raise ValueError("what COPY sent ends within a row")


def rows_sent(rows: Iterable[Sequence[bytes]]) -> Rows:
    """Rows as though COPY had sent them, each the bytes of its fields. At least one."""
    sent, n_fields = b"", 0
    for row in rows:
        n_fields = len(row)
        sent += struct.pack(">h", n_fields)
        sent += b"".join(struct.pack(">i", len(field)) + field for field in row)
    return _rows_of(sent, 0, n_fields)[0]


def _rows_of(whole: bytes, begins: int, n_fields: int) -> tuple[Rows, int]:
    """The rows of what COPY sent, from this byte on, and where the last of them ends.

    Raises ValueError where a row has not so many fields, or NULL in one.
    """
    data = np.frombuffer(whole, np.uint8)
    ends, starts, lengths = _taken_apart(data, begins, n_fields)
    if ends == _NOT_ROWS:
        raise ValueError(f"COPY sent a row that has not {n_fields} fields, or NULL in one")
    return Rows(data, starts, lengths), ends


@compiled
def _row_end(data: NDArray[np.uint8], at: int, n_fields: int) -> int:
    """Where the row at this place ends; _TOO_SHORT where not all of it, or no row, is there."""
    if at + 2 > len(data):
        return _TOO_SHORT
    count = np.int16(np.uint16(data[at]) << np.uint16(8) | np.uint16(data[at + 1]))
    if count != n_fields:
        return _TOO_SHORT if count == _ENDS else _NOT_ROWS
    at += 2
    for _ in range(n_fields):
        if at + 4 > len(data):
            return _TOO_SHORT
        length = _integer(data, at)
        if length < 0:
            return _NOT_ROWS
        at += 4 + length
    return at if at <= len(data) else _TOO_SHORT


@compiled
def _taken_apart(
    data: NDArray[np.uint8], begins: int, n_fields: int
) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Where the last whole row ends (_NOT_ROWS: nowhere), and where the fields of all of them lie.

    Source: PostgreSQL 16, COPY, binary format.
    """
    n, end = 0, begins
    while True:
        after = _row_end(data, end, n_fields)
        if after < 0:
            break
        n, end = n + 1, after
    if after == _NOT_ROWS:
        end, n = _NOT_ROWS, 0
    starts = np.empty((n, n_fields), np.int64)
    lengths = np.empty((n, n_fields), np.int64)
    at = begins
    for row in range(n):
        at += 2
        for field in range(n_fields):
            length = _integer(data, at)
            starts[row, field], lengths[row, field] = at + 4, length
            at += 4 + length
    return end, starts, lengths


@compiled
def _integer(data: NDArray[np.uint8], at: int) -> Any:
    word = np.uint32(0)
    for byte in range(4):
        word = np.uint32(word << np.uint32(8)) | np.uint32(data[at + byte])
    return np.int64(np.int32(word))


@compiled
def _integers(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int32]:
    found = np.empty(len(starts), np.int32)
    for row in range(len(starts)):
        found[row] = _integer(data, starts[row])
    return found


@compiled
def _words(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    found = np.empty(len(starts), np.uint64)
    for row in range(len(starts)):
        word = np.uint64(0)
        for byte in range(8):
            word = np.uint64(word << np.uint64(8)) | np.uint64(data[starts[row] + byte])
        found[row] = word
    return found
