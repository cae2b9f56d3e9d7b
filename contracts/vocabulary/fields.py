"""Fields of work, which cut across the tree of occupations: a judge and a court clerk are in law.

Which occupations are of a field is the matcher's matter and does not live here.
"""

from csv import DictReader
from functools import cache
from importlib.resources import files
from typing import Literal


@cache
def _table() -> dict[str, dict[str, str]]:
    with (files(__package__) / "fields.tsv").open(encoding="utf-8") as lines:
        return {row["field"]: row for row in DictReader(lines, delimiter="\t")}


def is_field(slug: str) -> bool:
    """Whether this is the slug of a field of work."""
    return slug in _table()


def field_name(slug: str, lang: Literal["zh", "en"]) -> str:
    """`焊接与钣金`, `welding and sheet metal`; the slug itself where unknown."""
    row = _table().get(slug)
    return row[lang] if row else slug


def fields() -> tuple[str, ...]:
    """The slugs of all fields, in order."""
    return tuple(_table())
