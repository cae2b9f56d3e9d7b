"""Names of the region's places in Latin letters, for readers of English.

Spelled in pinyin as GB/T 2260 does, without the kind of county; the Chinese name is the one that
counts. Codes and Chinese names are in `counties`.
"""

from csv import DictReader
from functools import cache
from importlib.resources import files

from contracts.vocabulary.counties import place_name, prefecture_of


@cache
def _table() -> dict[str, str]:
    with (files(__package__) / "romanised.tsv").open(encoding="utf-8") as lines:
        return {row["code"]: row["name"] for row in DictReader(lines, delimiter="\t")}


def romanised(code: str) -> str:
    """`Wuhua, Kunming` for a county, `Kunming` for a prefecture.

    A place without a romanised name keeps its Chinese one; what is no place stays its code.
    """
    name = _table().get(code)
    if name is None:
        return place_name(code)
    prefecture = prefecture_of(code)
    return name if code == prefecture else f"{name}, {_table()[prefecture]}"
