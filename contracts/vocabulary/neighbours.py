"""Which counties of the region share a border, across prefecture borders too.

Codes are those of `counties`; how far apart two counties are, or how long the way takes, is not
known here.
"""

from csv import DictReader
from functools import cache
from importlib.resources import files


@cache
def _table() -> dict[str, frozenset[str]]:
    with (files(__package__) / "neighbours.tsv").open(encoding="utf-8") as lines:
        pairs = [(row["county"], row["neighbour"]) for row in DictReader(lines, delimiter="\t")]
    beside: dict[str, set[str]] = {}
    for county, neighbour in pairs:
        beside.setdefault(county, set()).add(neighbour)
        beside.setdefault(neighbour, set()).add(county)
    return {county: frozenset(neighbours) for county, neighbours in beside.items()}


def neighbours_of(county: str) -> frozenset[str]:
    """Counties that touch this one, on land, in a lake or at one corner; never itself.

    Empty for a prefecture and for a code that is not of the region. Counties outside the region
    are left out, so one at its edge has more neighbours than are listed.
    Source: contact of the county polygons of 天地图 and of 高德, which agree on every pair.
    """
    return _table().get(county, frozenset())
