"""Recognition: what a level that another city or its issuer gave counts as here.

What the other city said stays beside it, so that a changed table is applied anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

MOST_RECOGNITIONS = 2_000


@dataclass(frozen=True, slots=True)
class Recognition:
    """A line of the table. What is None in a condition holds for all.

    city, issuer: whose certificates; at least one is named. occupation, level (1…8), label: as
    they were given there. counts_as: the level here (1…8); None: not recognised. from_day, until:
    the first and last day on which the line holds.
    """

    city: str | None
    issuer: str | None
    occupation: str | None
    level: int | None
    label: str | None
    counts_as: int | None
    from_day: date
    until: date | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Two lines with one key would contradict each other."""
        return self.city, self.issuer, self.occupation, self.level, self.label, self.from_day

    def holds(self, of: "Foreign", day: date) -> bool:
        """Whether it speaks of such a certificate on that day."""
        asked = (of.city, of.issuer, of.occupation, of.level, of.label)
        said = (self.city, self.issuer, self.occupation, self.level, self.label)
        return (
            self.from_day <= day
            and (self.until is None or day <= self.until)
            and all(s in (None, a) for s, a in zip(said, asked, strict=True))
        )

    def rank(self) -> tuple[bool, bool, bool, bool, date, str]:
        """The greater, the more it is about this very certificate, then the later."""
        return (
            self.issuer is not None,
            self.occupation is not None,
            self.label is not None,
            self.level is not None,
            self.from_day,
            # A line with a city and an issuer before one with the issuer alone.
            self.city or "",
        )


@dataclass(frozen=True, slots=True)
class Foreign:
    """A certificate as the other city tells of it. level: 1…8 or None; label: as printed."""

    city: str
    issuer: str
    occupation: str
    level: int | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What it counts as here. level: 1…8, None where it has none. recognised: whether at all."""

    level: int | None
    recognised: bool


def standing(table: Iterable[Recognition], of: Foreign, day: date) -> Standing:
    """What a certificate counts as on that day.

    The line that says most about it decides: one that names its issuer before one that names its
    city alone, then its occupation, its printed label, its level; of two alike the later. Where
    no line speaks of it, it counts as it is: the levels are the country's own.
    """
    found = max((line for line in table if line.holds(of, day)), key=Recognition.rank, default=None)
    if found is None:
        return Standing(of.level, recognised=True)
    if found.counts_as is None:
        return Standing(of.level, recognised=False)
    return Standing(found.counts_as, recognised=True)
