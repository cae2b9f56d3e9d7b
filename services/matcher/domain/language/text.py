"""From text to terms: words and pieces of words, in Chinese and Latin script, hashed to buckets.

This is the definition, as plain as can be; `text_compiled` computes the same at speed. What a term
weighs does not live here.
"""

import re
import unicodedata
from functools import lru_cache

BUCKETS = 1 << 20
"""Terms are hashed, so a word nobody has seen before still has a place."""

HASH_BASIS = 0xCBF29CE484222325
HASH_PRIME = 0x100000001B3
HASH_MIXERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_64_BITS = (1 << 64) - 1

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAN = re.compile(f"[{_HAN}]+")
WORD = re.compile(rf"[^\W_{_HAN}]+")
# A Latin word keeps what makes it another word: c++, c#, .net, node.js. A dot inside a word counts
# only after a letter, so that the `1.` of a numbered list does not stick to what follows it.
_RUNS = re.compile(
    rf"([{_HAN}]+)"
    rf"|((?:(?<![^\W_{_HAN}])\.(?=[a-z]))?[^\W_{_HAN}]+(?:(?<=[a-z])\.[^\W_{_HAN}]+)*[+#]*)"
)
LATIN_GRAM = 4
_SPACES = re.compile(r"\s+")
_EDGES = " \t\r\n,.;:!?。，、；：！？·|/\\-_*\"'“”‘’()[]{}<>《》【】"
_SKILL_LEFT = _EDGES.replace(".", "")
_SKILL_RIGHT = _EDGES


def plain(text: str) -> str:
    """NFKC and lower case: full-width and half-width, large and small are the same."""
    return unicodedata.normalize("NFKC", text).lower()


def terms(text: str) -> list[str]:
    """The terms of a text, in order, with repetitions. A scikit-learn analyzer.

    Chinese: each character and each pair of neighbours. Latin: each word whole, and its 4-grams
    with a space at both ends where it is longer than two letters, so that endings differ a little
    and not wholly. Chosen on labelled Chinese and English titles, postings and skills: pairs beat
    triples, and 4-grams beat every other length and mix tried.
    """
    found: list[str] = []
    for han, word in _RUNS.findall(plain(text)):
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
