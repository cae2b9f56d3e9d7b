"""A log file per process, kept to a size: what the process prints, as it printed it.

What is written into it, and in which form, is the process's own affair.
"""

import os
import threading
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024
KEPT = 3
_CHUNK = 64 * 1024


class LogFile:
    """`NAME.log`, and the older `NAME.log.1` … `.3` once it was full."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._limit = limit_bytes
        self._kept = kept
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, text: bytes) -> None:
        """Append; turn the file over at a line end once it is full."""
        cut = text.rfind(b"\n") + 1
        if self._size + cut > self._limit and cut and self._size:
            self._file.write(text[:cut])
            self._turn_over()
            text = text[cut:]
        self._file.write(text)
        self._size += len(text)

    def close(self) -> None:
        self._file.close()

    def _turn_over(self) -> None:
        self._file.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._file = self.path.open("ab", buffering=0)
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def pump(source: int, log: LogFile) -> threading.Thread:
    """Copy a pipe into the log until its last writer has closed it. Takes over both.

    A thread, not the event loop: a process must not stall on a full pipe because whoever runs the
    stack is busy computing.
    """

    def copy() -> None:
        try:
            while chunk := os.read(source, _CHUNK):
                log.write(chunk)
        finally:
            os.close(source)
            log.close()

    thread = threading.Thread(target=copy, name=f"log {log.path.name}", daemon=True)
    thread.start()
    return thread


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log file, none if there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max(count, 1) * 2000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-count:] if count else []
