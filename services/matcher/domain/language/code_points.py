"""Plain text as an array of code points, and what each code point is to the search for terms.

`text.plain` defines the plain form, and what does not go one code point at a time is left to it.
Terms do not live here.
"""

from functools import cache
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.language.text import HAN, JOINS, WORD, plain, simplified

CodePoints = NDArray[np.int32]
Kinds = NDArray[np.uint8]

UNICODE = 0x110000
# No letter or digit is assigned beyond, and no Chinese character can be.
_LETTERS_END = 0x40000
# Kinds of code points; 0 parts words. Those of a word are the greatest, so that one comparison
# finds them.
KIND_JOIN, KIND_HAN, KIND_DOT, KIND_SIGN, KIND_WORD, KIND_SMALL = 1, 2, 3, 4, 5, 6

# Where texts of a labour market are written: Latin, symbols, Chinese with its punctuation and
# full-width forms, pictures. Nothing here joins what stands before it but a few marks, and those
# are found by their category; Σ, whose small form depends on its neighbours, stands elsewhere.
_ALONE = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x1F300, 0x1FB00))
_LOOKED_AT = ((0, 0x300), (0x2000, 0x2C00), (0x3000, 0x3040), (0x3200, 0x3400), (0xFF00, 0xFFA0))
_LONGEST = 4
_TABLE_END = 0x1FB00
_NOT_ALONE = -1


@cache
def kinds() -> Kinds:
    """The kind of each code point, as the regular expressions of `text` have it. Some 20 ms once.

    uint8 (UNICODE,), read-only.
    """
    everything = np.arange(_LETTERS_END, dtype="<u4").tobytes()
    letters = everything.decode("utf-32-le", "surrogatepass")
    found = np.zeros(UNICODE, np.uint8)
    for pattern, kind in ((JOINS, KIND_JOIN), (WORD, KIND_WORD), (HAN, KIND_HAN)):
        for run in pattern.finditer(letters):
            found[run.start() : run.end()] = kind
    found[ord("a") : ord("z") + 1] = KIND_SMALL
    found[[ord("+"), ord("#")]] = KIND_SIGN
    found[ord(".")] = KIND_DOT
    found.flags.writeable = False
    return found


def code_points(text: str) -> CodePoints:
    """The plain text, int32 (n,); the caller's own."""
    codes, simple = _plain(_codes(text), *plain_table())
    # A copy can be written, as the other's result can: kernels are compiled for one kind of array.
    return codes if simple else _codes(plain(text)).copy()


@cache
def plain_table() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The plain form of code points whose form does not depend on what stands around them.

    First, int32 (_TABLE_END,): the one code point it becomes; -1 where that depends; where it
    becomes more than one, UNICODE + the row of these in the second, int32 (rows, _LONGEST), which
    are filled up with -1. Both read-only.
    """
    first = np.full(_TABLE_END, _NOT_ALONE, np.int32)
    for start, end in _ALONE:
        first[start:end] = np.arange(start, end)
    for traditional, become in simplified().items():
        first[traditional] = become
    rows: list[list[int]] = []
    looked_at = [range(start, end) for start, end in _LOOKED_AT]
    for code in (code for codes in looked_at for code in codes):
        form = [ord(char) for char in plain(chr(code))]
        if len(form) > _LONGEST or not all(_stands_alone(part) for part in form):
            continue
        if len(form) == 1:
            first[code] = form[0]
        else:
            first[code] = UNICODE + len(rows)
            rows.append(form + [_NOT_ALONE] * (_LONGEST - len(form)))
    longer = np.array(rows, np.int32)
    first.flags.writeable = longer.flags.writeable = False
    return first, longer


def _stands_alone(code: int) -> bool:
    """Of a code point in a plain form: never joins, or moves before, what stands before it."""
    ranges = (*_ALONE, *_LOOKED_AT)
    return any(start <= code < end for start, end in ranges) and category(chr(code))[0] != "M"


def _codes(text: str) -> CodePoints:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)


@compiled
def _plain(
    codes: CodePoints, first: NDArray[np.int32], longer: NDArray[np.int32]
) -> tuple[CodePoints, bool]:
    """Each code point's plain form; False where it is not so simple."""
    into = np.empty(len(codes) * _LONGEST, np.int32)
    n = 0
    for at in range(len(codes)):
        code = codes[at]
        form = first[code] if code < _TABLE_END else np.int32(_NOT_ALONE)
        if form == _NOT_ALONE:
            return into[:0], False
        if form < UNICODE:
            into[n] = form
            n += 1
            continue
        for part in longer[form - UNICODE]:
            if part == _NOT_ALONE:
                break
            into[n] = part
            n += 1
    return into[:n], True
