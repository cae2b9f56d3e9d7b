"""Tables of our own: what people call occupations and skills, and which words say nothing of them.

Own compilation, written for this project. Their form, a line each, columns parted by tabs, phrases
of a column by `|`, Chinese before English:

| file           | columns                                  | what                             |
|----------------|------------------------------------------|----------------------------------|
| names/*.tsv    | occupation, fields of work, names, names | what people call an occupation   |
| skills.tsv     | skill, broader ones, phrases, phrases    | names of the very same skill     |
| concepts_*.tsv | concept, broader ones, phrases, phrases  | words of much the same meaning   |
| ranks.tsv      | phrases, phrases                         | rank, form of work, little words |
| unsaid.tsv     | kind, phrases, phrases                   | welfare, conditions, traits      |
| said.tsv       | phrases, phrases                         | what only looks like one of them |
| refused.tsv    | word, why, when                          | never a skill in a text          |

In a phrase `0` stands for any number. What a phrase does to a text does not live here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from contracts.vocabulary.occupations import occupations


@dataclass(frozen=True, slots=True)
class Trade:
    """An occupation, the fields in which its people move (the main one first), and its names."""

    occupation: str
    fields: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concept:
    """What several phrases mean alike. broader: concepts that this one is a kind of."""

    name: str
    broader: tuple[str, ...]
    phrases: tuple[str, ...]


@cache
def trades() -> tuple[Trade, ...]:
    """All occupations in order of code; of each the official name first."""
    official = dict(occupations())
    return tuple(
        Trade(
            code,
            tuple(fields.split()),
            tuple(dict.fromkeys((official[code], *_phrases(chinese), *_phrases(english)))),
        )
        for code, fields, chinese, english in sorted(_rows("names"))
    )


@cache
def skills() -> tuple[Concept, ...]:
    """Skills whose names are one and the same thing, in order of name."""
    return _concepts("skills")


@cache
def concepts() -> tuple[Concept, ...]:
    """All concepts, skills among them, in order of name; of one in several tables, all they say."""
    joined: dict[str, Concept] = {}
    for each in (*_concepts("skills"), *_concepts("concepts")):
        known = joined.get(each.name, each)
        joined[each.name] = Concept(
            each.name,
            tuple(dict.fromkeys((*known.broader, *each.broader))),
            tuple(dict.fromkeys((*known.phrases, *each.phrases))),
        )
    return tuple(joined[name] for name in sorted(joined))


def ranks() -> Iterator[str]:
    """Words of rank and form of work, and function words: they say little of the work itself."""
    for row in _rows("ranks"):
        for column in row:
            yield from _phrases(column)


def unsaid() -> Iterator[str]:
    """Welfare and conditions, which say nothing, and protected traits, which no score may see."""
    for _, *columns in _rows("unsaid"):
        for column in columns:
            yield from _phrases(column)


def said() -> Iterator[str]:
    """What begins like something unsaid and means the work itself."""
    for row in _rows("said"):
        for column in row:
            yield from _phrases(column)


@cache
def refused(*, as_tag: bool = False) -> frozenset[str]:
    """Words that are not taken for a skill where they stand in a text; fewer where one is named."""
    return frozenset(word for word, _, when in _rows("refused") if when == "never" or not as_tag)


def _concepts(table: str) -> tuple[Concept, ...]:
    return tuple(
        Concept(name, tuple(broader.split()), (*_phrases(chinese), *_phrases(english)))
        for name, broader, chinese, english in sorted(_rows(table))
    )


def _phrases(column: str) -> tuple[str, ...]:
    return tuple(phrase for phrase in column.split("|") if phrase)


def _rows(table: str) -> Iterator[list[str]]:
    """The lines of the table's file, or of all files of its folder or that begin like it."""
    folder = files(__package__)
    named = [each for each in folder.iterdir() if each.name.partition(".")[0].startswith(table)]
    parts = [*folder.joinpath(table).iterdir()] if folder.joinpath(table).is_dir() else named
    for part in sorted(parts, key=lambda each: each.name):
        if part.name.endswith(".tsv"):
            for line in part.read_text(encoding="utf-8").splitlines():
                yield line.split("\t")
