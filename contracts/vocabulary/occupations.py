"""Occupations of 中华人民共和国职业分类大典 (2022): four levels, coded N-NN-NN-NN."""

from csv import DictReader
from functools import cache
from importlib.resources import files


@cache
def _table() -> dict[str, str]:
    with (files(__package__) / "occupations.tsv").open(encoding="utf-8") as lines:
        return {row["code"]: row["name"] for row in DictReader(lines, delimiter="\t")}


def is_occupation(code: str) -> bool:
    """Whether this is the code of an occupation (职业), not of a class above it."""
    return len(code) == 10 and code in _table()


def occupation_name(code: str) -> str:
    """Chinese name of an occupation or of a class above it; the code itself where unknown."""
    return _table().get(code, code)


def occupations() -> tuple[tuple[str, str], ...]:
    """All 1,639 occupations as (code, name) in order of code."""
    return tuple((code, name) for code, name in _table().items() if len(code) == 10)


def shared_levels(left: str, right: str) -> int:
    """How many levels of the tree two codes share: 0 (nothing) … 4 (the same occupation)."""
    shared = 0
    for a, b in zip(left.split("-"), right.split("-"), strict=False):
        if a != b:
            break
        shared += 1
    return shared
