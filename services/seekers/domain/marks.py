"""How spans of a text are found and marked out; which spans those are is not said here."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

MARK = "＊"
"""Stands where something was taken out, so that its neighbours do not grow together."""


class Rule(NamedTuple):
    """What the pattern matches is taken out; with a group `hide`, only that group."""

    pattern: re.Pattern[str]
    group: int


_NUMERALS = str.maketrans("〇零一壹幺二贰三叁四肆五伍六陆七柒八捌九玖", "001112233445566778899")


def rule(pattern: str) -> Rule:
    r"""A rule over folded text. ASCII: so that `\b` and `\d` know Latin letters and digits alone.

    With Unicode classes `加QQ` would have no word boundary before its Q.
    """
    compiled = re.compile(pattern, re.ASCII | re.IGNORECASE | re.MULTILINE)
    return Rule(compiled, compiled.groupindex.get("hide", 0))


def folded(text: str) -> str:
    """The text as rules read it: full-width and other look-alike characters made plain.

    As long as the text, so that a span found in the one is a span of the other.
    """
    if text.isascii():
        return text
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character == MARK:
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character


def with_digits(folded_text: str) -> str:
    """Chinese numerals as digits: 一三八 is how a number gets past a filter."""
    return folded_text.translate(_NUMERALS)


def visible(text: str) -> str:
    """Without format characters (zero-width spaces, direction marks), which only hide things."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def spans_of(rules: Iterable[Rule], folded_text: str) -> list[tuple[int, int]]:
    """Where the rules want something taken out, unordered; nothing that is taken out already."""
    found = []
    for pattern, group in rules:
        for match in pattern.finditer(folded_text):
            start, end = match.span(group)
            if folded_text[start:end].strip(MARK + " \t"):
                found.append((start, end))
    return found


def marked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with each span, or run of touching spans, replaced by one mark."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not parts:
            parts += [text[done:start], MARK]
        done = max(done, end)
    return "".join([*parts, text[done:]])
