"""From text to pieces: characters and words in Chinese and Latin script, hashed to buckets.

This is the definition, as plain as can be; `text_compiled` computes the same at speed. Phrases with
a meaning are `glossary`'s; what a term weighs does not live here.
"""

import re
import unicodedata
from functools import cache, lru_cache

import opencc

BUCKETS = 1 << 20
"""Terms are hashed, so a word nobody has seen before still has a place."""

HASH_BASIS = 0xCBF29CE484222325
HASH_PRIME = 0x100000001B3
HASH_MIXERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_64_BITS = (1 << 64) - 1

HAN_RANGES = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"[^\W_{HAN_RANGES}]"
HAN = re.compile(f"[{HAN_RANGES}]+")
WORD = re.compile(f"{_LETTER}+")
_JOINS = r"\-_/·"
JOINS = re.compile(rf"(?:[^\S\n]|[{_JOINS}])+")
"""What may stand within a phrase and is no part of it; a phrase ends where the line ends."""
BREAK_PATTERN = rf"[^\s{_JOINS}]|\n"
# A Latin word keeps what makes it another word: c++, c#, .net, node.js. A dot inside a word counts
# only after a letter, so that the `1.` of a numbered list does not stick to what follows it.
WORD_PATTERN = rf"(?:(?<!{_LETTER})\.(?=[a-z]))?{_LETTER}+(?:(?<=[a-z])\.{_LETTER}+)*[+#]*"
_RUNS = re.compile(rf"([{HAN_RANGES}]+)|({WORD_PATTERN})")
LATIN_GRAM = 4
# The blocks of unified characters in which traditional and simplified ones stand.
_CHINESE = ((0x3400, 0x4DC0), (0x4E00, 0xA000))
_SPACES = re.compile(r"\s+")
_EDGES = " \t\r\n,.;:!?。，、；：！？·|/\\-_*\"'“”‘’()[]{}<>《》【】"
_SKILL_LEFT = _EDGES.replace(".", "")
_SKILL_RIGHT = _EDGES


def plain(text: str) -> str:
    """NFKC, lower case, simplified: full-width, large and traditional characters are the others.

    Character by character: what a traditional character becomes does not depend on its word.
    """
    return unicodedata.normalize("NFKC", text).lower().translate(simplified())


@cache
def simplified() -> dict[int, int]:
    """The simplified character of each traditional one, by code point, as OpenCC's t2s has it."""
    characters = [chr(code) for first, end in _CHINESE for code in range(first, end)]
    # One to a line, so that none becomes another for the sake of its neighbours.
    become = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    changed = {
        ord(old): ord(new)
        for old, new in zip(characters, become, strict=True)
        if old != new and len(new) == 1
    }
    # Where a character becomes one that becomes another, both become the last.
    return {old: changed.get(new, new) for old, new in changed.items()}


def pieces(text: str) -> list[str]:
    """The pieces of a plain text, in order, with repetitions.

    Chinese: each character and each pair of neighbours. Latin: each word whole, and its 4-grams
    with a space at both ends where it is longer than two letters, so that endings differ a little
    and not wholly. Chosen on labelled Chinese and English titles, postings and skills: pairs beat
    triples, and 4-grams beat every other length and mix tried.
    """
    found: list[str] = []
    for han, word in _RUNS.findall(text):
        if han:
            found.extend(han)
            found.extend(han[at : at + 2] for at in range(len(han) - 1))
        else:
            found.append(word)
            padded = f" {word} "
            if len(padded) > LATIN_GRAM:
                found.extend(
                    padded[at : at + LATIN_GRAM] for at in range(len(padded) - LATIN_GRAM + 1)
                )
    return found


def bucket_of(term: str) -> int:
    """Where a term is counted, 0 … BUCKETS - 1.

    Source: FNV-1a of 64 bits over code points in place of bytes, then the finaliser of MurmurHash3
    (fmix64), since the low bits of FNV alone are those of the last characters.
    """
    state = HASH_BASIS
    for char in term:
        state = (state ^ ord(char)) * HASH_PRIME & _64_BITS
    for mixer in HASH_MIXERS:
        state = (state ^ state >> 33) * mixer & _64_BITS
    return (state ^ state >> 33) % BUCKETS


@lru_cache(maxsize=1 << 16)
def normal_skill(name: str) -> str:
    """The spelling under which skills are compared: plain, single spaces, no stray punctuation."""
    return _SPACES.sub(" ", plain(name)).lstrip(_SKILL_LEFT).rstrip(_SKILL_RIGHT)
