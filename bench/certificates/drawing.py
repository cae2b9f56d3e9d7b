"""Certificates that nobody holds, and questions about them: each follows from its place.

How they are brought in and asked is `loading`'s and `blocks`'.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import orjson

ISSUER = "S000053990001"
MOST = 5_000_000
"""So many places there are."""

_REVOKED_EACH = 20
"""Every so many-th certificate is revoked."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_FAMILY, _GIVEN = "赵钱孙李周吴郑王冯陈", "一二三四五六七八九十百千万亿甲乙丙丁戊己"
_FIRST_BIRTH, _DAYS = date(1960, 1, 1), 16_000
_OCCUPATIONS = ("6-18-02-04", "6-31-01-03", "6-29-02-06")


class Kind(StrEnum):
    """What a question is about, by the verdict it must get."""

    VALID = "valid"
    NOT_FOUND = "not-found"
    MISMATCH = "holder-mismatch"
    REVOKED = "revoked"


MIXTURE = ((Kind.VALID, 80), (Kind.NOT_FOUND, 10), (Kind.MISMATCH, 5), (Kind.REVOKED, 5))
"""Of a hundred questions."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the verdict it must get. number: as printed."""

    kind: Kind
    number: str
    body: bytes


def number(place: int) -> str:
    """22 characters, of ISSUER; a place from MOST on is registered to nobody."""
    year, serial = divmod(place, 1_000_000)
    return f"{ISSUER}{20 + year:02d}3{serial:06d}"


def identity(place: int) -> str:
    """A number with a right check character (GB 11643), in an area that does not exist."""
    day = _FIRST_BIRTH + timedelta(days=place % _DAYS)
    body = f"999999{day:%Y%m%d}{place // _DAYS:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECK[total % 11]


def name(place: int) -> str:
    """样例 with three characters: plainly a sample's."""
    family = _FAMILY[place % len(_FAMILY)]
    rest = place // len(_FAMILY)
    first, second = _GIVEN[rest % 20], _GIVEN[rest // 20 % 20]
    return f"样例{family}{first}{second}"


def is_revoked(place: int) -> bool:
    return place % _REVOKED_EACH == 0


def line(place: int) -> dict[str, Any]:
    """What the issuer says of it."""
    occupation = _OCCUPATIONS[place % len(_OCCUPATIONS)]
    return {
        "number": number(place),
        "holder_name": name(place),
        "identity_number": identity(place),
        "occupation": occupation,
        "level": 4,
        "name": "样例证书",
        "issuer": ISSUER,
        "issued_on": (date(2021, 1, 4) + timedelta(days=place % 1_500)).isoformat(),
        "status": "revoked" if is_revoked(place) else "in_force",
    }


def lines(count: int) -> Iterator[bytes]:
    """NDJSON of the first `count` places."""
    return (orjson.dumps(line(place)) + b"\n" for place in range(count))


class Drawn:
    """Draws questions about the first `count` certificates, in the mixture."""

    def __init__(self, count: int, seed: int) -> None:
        if not _REVOKED_EACH < count <= MOST:
            raise ValueError(f"between {_REVOKED_EACH + 1} and {MOST:,} certificates")
        self._count = count
        self._draw = random.Random(seed)
        self._kinds = [kind for kind, _ in MIXTURE]
        self._shares = [share for _, share in MIXTURE]

    def item(self) -> tuple[Kind, dict[str, Any]]:
        """A question without its purpose."""
        (kind,) = self._draw.choices(self._kinds, self._shares)
        place = self._draw.randrange(self._count)
        place -= place % _REVOKED_EACH
        if kind is not Kind.REVOKED:
            place = min(place + self._draw.randrange(1, _REVOKED_EACH), self._count - 1)
            if is_revoked(place):
                place -= 1
        holder = place + 1 if kind is Kind.MISMATCH else place
        asked = place + MOST if kind is Kind.NOT_FOUND else place
        return kind, {
            "number": number(asked),
            "holder_name": name(holder),
            "identity_number": identity(holder),
        }

    def one(self) -> Asked:
        """A call with one question."""
        kind, item = self.item()
        return Asked(kind, item["number"], orjson.dumps({**item, "purpose": "inspection"}))

    def many(self, count: int) -> tuple[dict[Kind, int], bytes]:
        """A call with many, and how many of each verdict it must get."""
        kinds = dict.fromkeys(Kind, 0)
        items = []
        for _ in range(count):
            kind, item = self.item()
            kinds[kind] += 1
            items.append(item)
        return kinds, orjson.dumps({"purpose": "inspection", "items": items})
