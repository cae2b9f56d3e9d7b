"""Where in a text the words of given terms stand, found by compiled code: what is told of a pair.

What a term is, `glossary` and `text` define; which words are told does not live here.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.language.code_points import KIND_HAN, CodePoints, Kinds, code_points
from services.matcher.domain.language.code_points import kinds as all_kinds
from services.matcher.domain.language.phrases_compiled import (
    BASIS,
    PhraseTable,
    blot_out,
    bucket,
    end_of_word,
    find_phrases,
    phrase_table,
    then,
)
from services.matcher.domain.language.text import LATIN_GRAM

_SPACE = ord(" ")
_NOWHERE = -1

Places = NDArray[np.int32]

# Characters that hold words together: a pair with one of them tells a reader nothing.
_GLUE = "的了和与及或等并且在对为以之其者所于至可能会有不各该将由从把被"


class Stands(NamedTuple):
    """Where terms stand in a text. text: plain; left: without what is hidden in it, as long.

    words: int32 (n, 2), begin and end of the first piece of each term that tells a reader
    something; meant: of the first known phrase that adds it. -1 where there is none.
    """

    text: str
    left: str
    words: Places
    meant: Places


def stands(text: str, wanted: NDArray[np.int32]) -> Stands:
    """Where these terms stand in a text. wanted: their buckets, ascending."""
    codes = code_points(text)
    read = _text(codes)
    words, meant = _find(codes, all_kinds(), phrase_table(), wanted, _glue())
    return Stands(read, _text(codes), words, meant)


@cache
def _glue() -> NDArray[np.int32]:
    return np.array(sorted(map(ord, _GLUE)), np.int32)


def _text(codes: CodePoints) -> str:
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


@inlined
def _place(sorted_numbers: NDArray[np.int32], number: int | np.int32) -> int:
    """Where a number stands among ascending ones; -1 where it does not."""
    low, high = 0, len(sorted_numbers)
    while low < high:
        middle = (low + high) >> 1
        if sorted_numbers[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low if low < len(sorted_numbers) and sorted_numbers[low] == number else _NOWHERE


@inlined
def _note(places: Places, at: int, begin: int, end: int) -> None:
    """Of two places of a term the first counts."""
    if at >= 0 and places[at, 0] < 0:
        places[at, 0], places[at, 1] = begin, end


@compiled
def _find(
    codes: CodePoints,
    kinds: Kinds,
    phrases: PhraseTable,
    wanted: NDArray[np.int32],
    glue: NDArray[np.int32],
) -> tuple[Places, Places]:
    """The words and meant of `Stands`. Blots out of codes what is hidden."""
    meant = np.full((len(wanted), 2), _NOWHERE, np.int32)
    found = find_phrases(codes, kinds, phrases)
    for at in range(len(found)):
        which, begin, end = found[at, 0], found[at, 1], found[at, 2]
        for adds in range(phrases.add_from[which], phrases.add_from[which + 1]):
            _note(meant, _place(wanted, phrases.added[adds]), begin, end)
    blot_out(codes, found, phrases)
    words = np.full((len(wanted), 2), _NOWHERE, np.int32)
    at = 0
    while at < len(codes):
        if kinds[codes[at]] == KIND_HAN:
            if (
                at + 1 < len(codes)
                and kinds[codes[at + 1]] == KIND_HAN
                and _place(glue, codes[at]) < 0
                and _place(glue, codes[at + 1]) < 0
            ):
                pair = bucket(then(then(BASIS, codes[at]), codes[at + 1]))
                _note(words, _place(wanted, pair), at, at + 2)
            at += 1
            continue
        end = end_of_word(codes, at, kinds)
        if end > at + 1:
            _note_word(codes, at, end, wanted, words)
        at = max(end, at + 1)
    return words, meant


@compiled
def _note_word(
    codes: CodePoints, begin: int, end: int, wanted: NDArray[np.int32], words: Places
) -> None:
    """A Latin word of more than a letter: whole, and what its grams have of it."""
    whole = BASIS
    for at in range(begin, end):
        whole = then(whole, codes[at])
    _note(words, _place(wanted, bucket(whole)), begin, end)
    if end - begin + 2 <= LATIN_GRAM:
        return
    for first in range(begin - 1, end + 2 - LATIN_GRAM):
        gram = BASIS
        for at in range(first, first + LATIN_GRAM):
            gram = then(gram, codes[at] if begin <= at < end else np.int32(_SPACE))
        _note(words, _place(wanted, bucket(gram)), max(first, begin), min(first + LATIN_GRAM, end))
