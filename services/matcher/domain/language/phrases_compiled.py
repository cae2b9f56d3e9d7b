"""Words and known phrases of a text found by compiled code: the same as `glossary` finds.

What a phrase does is defined there, in plain Python. Terms are put together in `text_compiled`.
"""

from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.language import glossary
from services.matcher.domain.language.code_points import (
    KIND_DOT,
    KIND_HAN,
    KIND_JOIN,
    KIND_SIGN,
    KIND_SMALL,
    KIND_WORD,
    CodePoints,
    Kinds,
)
from services.matcher.domain.language.text import (
    BUCKETS,
    HASH_BASIS,
    HASH_MIXERS,
    HASH_PRIME,
    bucket_of,
)

# In kernels the hash is uint64 throughout: with a signed operand numba would go on in floats.
BASIS, _PRIME = np.uint64(HASH_BASIS), np.uint64(HASH_PRIME)
_MIXER_1, _MIXER_2 = (np.uint64(mixer) for mixer in HASH_MIXERS)
_SHIFT = np.uint64(33)
_BUCKET_MASK = np.uint64(BUCKETS - 1)
_64_BITS = (1 << 64) - 1

_FREE, _MERE_BEGINNING = -2, -1
_ROOM_A_PHRASE = 4
_NEW_LINE = ord(glossary.BREAK)
_DIGIT_0, _DIGIT_9 = ord("0"), ord("9")
_A, _Z = ord("a"), ord("z")


class PhraseTable(NamedTuple):
    """Every beginning of a known phrase by the hash of its symbols, open addressing.

    keys: uint64 (2**k,). entries: int32 (2**k,): which phrase it is, -1 where it only begins one,
    -2 where nothing is. Of each phrase: hides, uint8; added[add_from[i] : add_from[i + 1]], the
    buckets of the terms it adds, int32. most_added: of one phrase. endings: int32 (n, longest), the
    letters of each ending from its last on, then 0.
    """

    keys: NDArray[np.uint64]
    entries: NDArray[np.int32]
    hides: NDArray[np.uint8]
    add_from: NDArray[np.int32]
    added: NDArray[np.int32]
    most_added: int
    endings: NDArray[np.int32]


@cache
def phrase_table() -> PhraseTable:
    """The glossary as the kernels read it. Some 50 ms once; read-only."""
    phrases = glossary.phrases_by_symbols()
    by_hash: dict[int, int] = {}
    for number, (symbols, _) in enumerate(phrases):
        state = HASH_BASIS
        for symbol in symbols:
            state = _folded(state, _hashed(symbol))
            by_hash.setdefault(state, _MERE_BEGINNING)
        by_hash[state] = number
    size = 1 << (_ROOM_A_PHRASE * len(by_hash)).bit_length()
    keys, entries = np.zeros(size, np.uint64), np.full(size, _FREE, np.int32)
    for state, number in by_hash.items():
        at = _mixed(state) & (size - 1)
        while entries[at] != _FREE:
            at = (at + 1) & (size - 1)
        keys[at], entries[at] = state, number
    # Thousands of phrases add the same few terms.
    bucket_of_term = lru_cache(maxsize=None)(bucket_of)
    adds = [[bucket_of_term(term) for term in entry.adds] for _, entry in phrases]
    lengths = [len(each) for each in adds]
    longest = max(map(len, glossary.ENDINGS))
    endings = [[*map(ord, reversed(each))] for each in glossary.ENDINGS]
    return PhraseTable(
        keys,
        entries,
        np.array([entry.hides for _, entry in phrases], np.uint8),
        np.cumsum([0, *lengths]).astype(np.int32),
        np.array([*chain.from_iterable(adds)], np.int32),
        max(lengths),
        np.array([each + [0] * (longest - len(each)) for each in endings], np.int32),
    )


@lru_cache(maxsize=1 << 14)
def _hashed(symbol: str) -> int:
    state = HASH_BASIS
    for char in symbol:
        state = (state ^ ord(char)) * HASH_PRIME & _64_BITS
    return state


def _folded(state: int, symbol: int) -> int:
    return _mixed((state ^ symbol) * HASH_PRIME & _64_BITS)


def _mixed(state: int) -> int:
    return (state ^ state >> 33) * HASH_MIXERS[0] & _64_BITS


@compiled
def then(state: np.uint64, code: np.int32) -> np.uint64:
    """The hash of what was hashed and one code point more."""
    return (state ^ np.uint64(code)) * _PRIME


@compiled
def bucket(state: np.uint64) -> np.int32:
    """The bucket of what was hashed, as `text.bucket_of` has it."""
    state = (state ^ (state >> _SHIFT)) * _MIXER_1
    state = (state ^ (state >> _SHIFT)) * _MIXER_2
    return np.int32((state ^ (state >> _SHIFT)) & _BUCKET_MASK)


@compiled
def _fold(state: np.uint64, symbol: np.uint64) -> np.uint64:
    state = (state ^ symbol) * _PRIME
    return (state ^ (state >> _SHIFT)) * _MIXER_1


@compiled
def end_of_word(codes: CodePoints, at: int, kinds: Kinds) -> int:
    """Where the word that begins at `at` ends; `at` itself where none begins."""
    n = len(codes)
    kind = kinds[codes[at]]
    if kind == KIND_DOT:
        after_word = at > 0 and kinds[codes[at - 1]] >= KIND_WORD
        if after_word or at + 1 == n or kinds[codes[at + 1]] != KIND_SMALL:
            return at
    elif kind < KIND_WORD:
        return at
    end = at + 1
    while end < n:
        kind = kinds[codes[end]]
        inside = (
            kind == KIND_DOT
            and kinds[codes[end - 1]] == KIND_SMALL
            and end + 1 < n
            and kinds[codes[end + 1]] >= KIND_WORD
        )
        if kind < KIND_WORD and not inside:
            break
        end += 1
    while end < n and kinds[codes[end]] == KIND_SIGN:
        end += 1
    return end


@compiled
def _end_of_stem(codes: CodePoints, begin: int, end: int, endings: NDArray[np.int32]) -> int:
    """Where a word ends without its longest ending, as `glossary.stem` has it."""
    length = end - begin
    if length < glossary.SHORTEST_ENDED:
        return end
    for at in range(begin, end):
        if not _A <= codes[at] <= _Z:
            return end
    for ending in endings:
        n = 0
        while n < len(ending) and ending[n]:
            if n == length or codes[end - 1 - n] != ending[n]:
                n = -1
                break
            n += 1
        if n > 0 and length - n >= glossary.SHORTEST_STEM:
            return end - n
    return end


@compiled
def _symbol(codes: CodePoints, begin: int, end: int, endings: NDArray[np.int32]) -> np.uint64:
    """The hash of a word's symbol."""
    number = True
    for at in range(begin, end):
        number &= _DIGIT_0 <= codes[at] <= _DIGIT_9
    if number:
        return then(BASIS, np.int32(_DIGIT_0))
    symbol = BASIS
    for at in range(begin, _end_of_stem(codes, begin, end, endings)):
        symbol = then(symbol, codes[at])
    return symbol


@compiled
def _tokens(
    codes: CodePoints, kinds: Kinds, endings: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Begin and end, int32 (n, 2), and symbol of each token, as `glossary.tokens` has them."""
    places = np.empty((len(codes), 2), np.int32)
    symbols = np.empty(len(codes), np.uint64)
    n, at = 0, 0
    while at < len(codes):
        kind = kinds[codes[at]]
        if kind == KIND_JOIN:
            at += 1
            continue
        end = at if kind == KIND_HAN else end_of_word(codes, at, kinds)
        if end > at:
            symbols[n] = _symbol(codes, at, end, endings)
        else:
            end = at + 1
            symbols[n] = then(BASIS, codes[at] if kind == KIND_HAN else np.int32(_NEW_LINE))
        places[n, 0], places[n, 1] = at, end
        n += 1
        at = end
    return places[:n], symbols[:n]


@compiled
def find_phrases(codes: CodePoints, kinds: Kinds, phrases: PhraseTable) -> NDArray[np.int32]:
    """The known phrases in order, as `glossary.known` has them: which, begin, end. int32 (n, 3)."""
    places, symbols = _tokens(codes, kinds, phrases.endings)
    mask = np.uint64(len(phrases.keys) - 1)
    found = np.empty((len(symbols), 3), np.int32)
    n, at = 0, 0
    while at < len(symbols):
        longest, end = -1, at + 1
        state = BASIS
        for token in range(at, len(symbols)):
            state = _fold(state, symbols[token])
            place = ((state ^ (state >> _SHIFT)) * _MIXER_1) & mask
            while phrases.entries[place] != _FREE and phrases.keys[place] != state:
                place = (place + np.uint64(1)) & mask
            entry = phrases.entries[place]
            if entry == _FREE:
                break
            if entry >= 0:
                longest, end = entry, token + 1
        if longest >= 0:
            found[n, 0], found[n, 1], found[n, 2] = longest, places[at, 0], places[end - 1, 1]
            n += 1
        at = end
    return found[:n]


@compiled
def blot_out(codes: CodePoints, found: NDArray[np.int32], phrases: PhraseTable) -> None:
    """Blot out of a text what its phrases hide. found: as `find_phrases` gives them."""
    for at in range(len(found)):
        if phrases.hides[found[at, 0]]:
            codes[found[at, 1] : found[at, 2]] = _NEW_LINE


@compiled
def read_phrases(codes: CodePoints, kinds: Kinds, phrases: PhraseTable) -> NDArray[np.int32]:
    """The buckets that known phrases add, int32 (n,), in order; what they hide is blotted out."""
    found = find_phrases(codes, kinds, phrases)
    added = np.empty(len(found) * phrases.most_added, np.int32)
    n = 0
    for at in range(len(found)):
        for which in range(phrases.add_from[found[at, 0]], phrases.add_from[found[at, 0] + 1]):
            added[n] = phrases.added[which]
            n += 1
    blot_out(codes, found, phrases)
    return added[:n]
