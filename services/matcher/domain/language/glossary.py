"""The phrases we know, and where they stand in a text: what they add to it, and what they hide.

This is the definition, as plain as can be; `text_compiled` finds the same at speed. The phrases
themselves are in `lexicon`; what a term weighs does not live here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from services.matcher.domain.language import lexicon
from services.matcher.domain.language.text import (
    BREAK_PATTERN,
    HAN_RANGES,
    WORD_PATTERN,
    bucket_of,
    pieces,
    plain,
)

CONCEPT, RANK = "concept:", "rank:"
"""Terms of a phrase begin so; no term that stands in a text has a colon."""

ANY_NUMBER = "0"
BREAK = "\n"
"""In place of punctuation, and of what is hidden: no phrase goes over it that has none itself."""

# A Latin word falls into a dozen pieces, a Chinese one into three: what it means should not drown
# among them. Chosen on labelled skills in both.
_LATIN_TIMES = 3

# Longest first, so that the ending taken off is the longest that fits.
ENDINGS = (
    "ations", "ation", "ments", "ment", "ings", "ions", "ing", "ers", "ors", "ion", "ies", "ied",
    "er", "or", "ed", "es", "s", "e", "y",
)  # fmt: skip
SHORTEST_STEM = 3
SHORTEST_ENDED = 4

_TOKENS = re.compile(rf"([{HAN_RANGES}])|({WORD_PATTERN})|({BREAK_PATTERN})")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase does where it stands. adds: terms; hides: its own letters make none."""

    adds: tuple[str, ...] = ()
    hides: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A Chinese character, a Latin word without its ending, a number, or a break."""

    begin: int
    end: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Known:
    """A phrase that stands at begin … end of a text, and what it does."""

    begin: int
    end: int
    entry: Entry


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a plain text, in order."""
    for match in _TOKENS.finditer(text):
        yield Token(match.start(), match.end(), _symbol(*match.groups("")))


def _symbol(han: str, word: str, _: str) -> str:
    return han or (stem(word) if word else BREAK)


# Of words in the glossary, which has each of them many times.
@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A Latin word without its longest plain ending; a number as `ANY_NUMBER`.

    `welders`, `welding` → `weld`. Of what is not wholly of the letters a … z nothing is taken off.
    """
    if word.isascii() and word.isdigit():
        return ANY_NUMBER
    if len(word) >= SHORTEST_ENDED and word.isascii() and word.isalpha():
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
                return word[: -len(ending)]
    return word


def symbols(phrase: str) -> tuple[str, ...]:
    """A phrase as its tokens' symbols."""
    return tuple(_symbol(*each) for each in _TOKENS.findall(plain(phrase)))


def known(text: str) -> Iterator[Known]:
    """The known phrases of a plain text from left to right, the longest at each place, apart."""
    read = list(tokens(text))
    phrases, longest = glossary(), _longest()
    at = 0
    while at < len(read):
        for length in range(min(longest.get(read[at].symbol, 0), len(read) - at), 0, -1):
            entry = phrases.get(tuple(token.symbol for token in read[at : at + length]))
            if entry is not None:
                yield Known(read[at].begin, read[at + length - 1].end, entry)
                at += length
                break
        else:
            at += 1


def shown(text: str) -> tuple[str, list[str]]:
    """A plain text with what is hidden blotted out, and the terms that known phrases add."""
    left: list[str] = []
    added: list[str] = []
    begin = 0
    for phrase in known(text):
        added.extend(phrase.entry.adds)
        if phrase.entry.hides:
            left += [text[begin : phrase.begin], BREAK * (phrase.end - phrase.begin)]
            begin = phrase.end
    return "".join([*left, text[begin:]]), added


def terms(text: str) -> list[str]:
    """The terms of a text, in no order that matters, with repetitions. A scikit-learn analyzer."""
    left, added = shown(plain(text))
    return [*pieces(left), *added]


def said(text: str) -> str:
    """A plain text without what is unsaid in it; a space stands there. Words of rank stay."""
    left: list[str] = []
    begin = 0
    for phrase in known(text):
        if phrase.entry.hides and not phrase.entry.adds:
            left += [text[begin : phrase.begin], " "]
            begin = phrase.end
    return "".join([*left, text[begin:]])


@lru_cache(maxsize=1 << 15)
def is_unsaid(text: str) -> bool:
    """Whether nothing is left of a text once what is hidden is blotted out."""
    left, added = shown(plain(text))
    return not added and not any(token.symbol != BREAK for token in tokens(left))


@cache
def glossary() -> dict[tuple[str, ...], Entry]:
    """Every known phrase by its symbols."""
    found: dict[tuple[str, ...], Entry] = {}
    refused = lexicon.refused()
    for concept in lexicon.concepts():
        adds = tuple(CONCEPT + name for name in dict.fromkeys((concept.name, *concept.broader)))
        for phrase in concept.phrases:
            if phrase.lower() not in refused:
                _add(found, phrase, adds)
    for phrase in lexicon.ranks():
        found[symbols(phrase)] = Entry((RANK + "".join(symbols(phrase)),), hides=True)
    _hide(found, lexicon.unsaid())
    for phrase in lexicon.said():
        found.setdefault(symbols(phrase), Entry())
    found.pop((), None)
    return found


@cache
def rank_buckets() -> tuple[int, ...]:
    """Where ranks are counted."""
    adds = (term for entry in glossary().values() for term in entry.adds)
    return tuple(sorted({bucket_of(term) for term in adds if term.startswith(RANK)}))


@cache
def _longest() -> dict[str, int]:
    """Of each symbol that begins a phrase, how many the longest has."""
    found: dict[str, int] = {}
    for phrase in glossary():
        found[phrase[0]] = max(found.get(phrase[0], 0), len(phrase))
    return found


def _add(found: dict[tuple[str, ...], Entry], phrase: str, adds: tuple[str, ...]) -> None:
    """A phrase of several concepts adds the terms of all."""
    key = symbols(phrase)
    if key == (ANY_NUMBER,):
        # 1688 is a market place, and every other number is not.
        return
    terms = dict.fromkeys((*found.get(key, Entry()).adds, *adds))
    times = _LATIN_TIMES if phrase.isascii() else 1
    found[key] = Entry(tuple(term for term in terms for _ in range(times)))


def _hide(found: dict[tuple[str, ...], Entry], phrases: Iterable[str]) -> None:
    for phrase in phrases:
        found[symbols(phrase)] = Entry(hides=True)


def phrases_by_symbols() -> Sequence[tuple[tuple[str, ...], Entry]]:
    """The glossary in an order that is the same everywhere."""
    return sorted(glossary().items(), key=lambda item: item[0])
