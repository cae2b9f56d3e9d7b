"""Counties of the region and their prefectures, by GB/T 2260 code."""

from csv import DictReader
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class County:
    """A county-level unit, or a prefecture (its code ends in 00).

    in_circle: whether it belongs to the Central Yunnan circle; of 红河 only the north does, whose
    membership is from common knowledge and not from a published list.
    """

    code: str
    name: str
    prefecture: str
    in_circle: bool


def prefecture_of(code: str) -> str:
    """The prefecture's six digits: 530102 → 530100."""
    return code[:4] + "00"


@cache
def _table() -> dict[str, County]:
    with (files(__package__) / "counties.tsv").open(encoding="utf-8") as lines:
        rows = list(DictReader(lines, delimiter="\t"))
    return {
        row["code"]: County(
            row["code"], row["name"], prefecture_of(row["code"]), row["in_circle"] != "no"
        )
        for row in rows
    }


def is_county(code: str) -> bool:
    """Whether this is a county of the region (a prefecture is not)."""
    return code in _table() and not code.endswith("00")


def is_place(code: str) -> bool:
    """Whether this is a county or a prefecture of the region."""
    return code in _table()


def place_name(code: str) -> str:
    """Chinese name, `昆明市五华区` for a county; the code itself where it is unknown."""
    place = _table().get(code)
    if place is None:
        return code
    if code.endswith("00"):
        return place.name
    return _table()[place.prefecture].name + place.name


def places() -> tuple[County, ...]:
    """All prefectures and counties in order of code."""
    return tuple(_table().values())
