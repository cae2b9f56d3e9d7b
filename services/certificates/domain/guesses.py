"""Guessing: how many misses somebody may have before they get no more answers, and until when.

Which answers are misses stands in verdicts; where they are counted is the store's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ALL_NUMBERS = b""
"""Stands for a number's digest where all misses of an asker are counted."""


class Guessed(StrEnum):
    """What was tried too often."""

    NUMBER = "number"
    ASKER = "asker"


@dataclass(frozen=True, slots=True)
class Window:
    """Misses count for this long. They are counted in buckets, so up to a bucket longer."""

    length: timedelta
    bucket: timedelta

    def bucket_of(self, at: datetime) -> datetime:
        """When the bucket began that a miss at this moment falls into."""
        since_epoch = at - _EPOCH
        return at - since_epoch % self.bucket

    def over(self, bucket: datetime) -> datetime:
        """When what is in that bucket counts no more."""
        return bucket + self.bucket + self.length


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WINDOWS = {
    Guessed.NUMBER: Window(timedelta(hours=24), timedelta(hours=1)),
    Guessed.ASKER: Window(timedelta(hours=1), timedelta(minutes=5)),
}


@dataclass(frozen=True, slots=True)
class Allowance:
    """Misses an asker may have: on one number in 24 h, and on all numbers in an hour."""

    number: int
    asker: int


@dataclass(frozen=True, slots=True)
class TooManyMisses:
    """No answer. retry_at: when one is given again at the earliest."""

    what: Guessed
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """Misses in one bucket. number: a digest, or ALL_NUMBERS."""

    asker: str
    number: bytes
    bucket: datetime
    n: int


_Key = tuple[str, bytes]


@dataclass(slots=True)
class Tally:
    """The misses of some askers as they were stored, and those that come on top."""

    stored: dict[_Key, dict[datetime, int]] = field(default_factory=dict)
    added: dict[tuple[str, bytes, datetime], int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Counted]) -> "Tally":
        """The tally of what is stored."""
        stored: defaultdict[_Key, dict[datetime, int]] = defaultdict(dict)
        for row in rows:
            stored[row.asker, row.number][row.bucket] = row.n
        return cls(dict(stored))

    def refusal(
        self, asker: str, number: bytes, allowance: Allowance, now: datetime
    ) -> TooManyMisses | None:
        """Why this asker is not answered about this number now, if so; the longer one of two."""
        found = [
            TooManyMisses(what, retry_at)
            for what, of, most in (
                (Guessed.ASKER, ALL_NUMBERS, allowance.asker),
                (Guessed.NUMBER, number, allowance.number),
            )
            if (retry_at := self._retry_at((asker, of), WINDOWS[what], most, now)) is not None
        ]
        return max(found, key=lambda each: each.retry_at, default=None)

    def _retry_at(self, key: _Key, window: Window, most: int, now: datetime) -> datetime | None:
        counts = {
            bucket: n for bucket, n in self.stored.get(key, {}).items() if window.over(bucket) > now
        }
        left = sum(counts.values())
        if left < most:
            return None
        for bucket in sorted(counts):
            left -= counts[bucket]
            if left < most:
                return window.over(bucket)
        return now + window.length  # nothing is allowed at all

    def count(self, asker: str, number: bytes, now: datetime, n: int = 1) -> None:
        """Another miss. n: -1 takes back one that was counted ahead of its answer, at that time."""
        for what, of in ((Guessed.NUMBER, number), (Guessed.ASKER, ALL_NUMBERS)):
            bucket = WINDOWS[what].bucket_of(now)
            counts = self.stored.setdefault((asker, of), {})
            counts[bucket] = max(0, counts.get(bucket, 0) + n)
            key = (asker, of, bucket)
            self.added[key] = self.added.get(key, 0) + n

    def changes(self) -> list[Counted]:
        """What has come on top, to be stored."""
        return [Counted(*key, n) for key, n in self.added.items() if n]

    def others_since(
        self, read: Iterable[Counted], written: Iterable[Counted]
    ) -> list[Counted] | None:
        """What should have been read: others have counted since. None where nobody has.

        read: what this tally was made of. written: what the counters hold with its changes added.
        """
        known = {(row.asker, row.number, row.bucket): row.n for row in read}
        true = {
            (row.asker, row.number, row.bucket): row.n
            - self.added[row.asker, row.number, row.bucket]
            for row in written
        }
        if all(known.get(key, 0) == n for key, n in true.items()):
            return None
        return [Counted(*key, n) for key, n in (known | true).items()]

    def instead_of(self, other: "Tally") -> list[Counted]:
        """What is to be stored on top of the other's changes, so that these are there instead."""
        keys = self.added.keys() | other.added.keys()
        more = {key: self.added.get(key, 0) - other.added.get(key, 0) for key in keys}
        return [Counted(*key, n) for key, n in more.items() if n]


def windows_of(
    pairs: Iterable[tuple[str, bytes]], now: datetime
) -> Mapping[tuple[str, bytes], datetime]:
    """Which counters tell of these askers and numbers, each with the oldest bucket that counts."""
    oldest = {what: now - window.length - window.bucket for what, window in WINDOWS.items()}
    needed: dict[tuple[str, bytes], datetime] = {}
    for asker, number in pairs:
        needed[asker, number] = oldest[Guessed.NUMBER]
        needed[asker, ALL_NUMBERS] = oldest[Guessed.ASKER]
    return needed
