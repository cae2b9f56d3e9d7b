"""Which trade a title or a skill speaks of: the occupations and fields of the names it is like.

A title is compared with everything that people call an occupation (`lexicon`), and speaks of the
occupations of the names nearest to it, and of the fields in which their people move. So two titles
without a word in common meet where their neighbours do: 电焊工 and welder, 前台 and 接待员.
Source of the method: explicit semantic analysis (Gabrilovich and Markovitch, 2007), with names of
occupations in place of articles. How texts weigh beside it does not live here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.language import lexicon
from services.matcher.domain.language.terms import Idf, weighed_lines, weighed_terms
from services.matcher.domain.language.text import BUCKETS, bucket_of
from services.matcher.domain.vector import SCALE, SCALE_BITS, TermVector

TRADE, FIELD = "trade:", "field:"
"""Terms of an occupation and of a field begin so; no term that stands in a text has a colon."""

_NEAREST = 30
"""So many names are looked at."""

# The fourth power of a likeness: of two names, the one that is half as like counts a sixteenth.
# Chosen, as the number of names, on labelled titles in Chinese and English.
_LIKENESS_BITS = 12
_SECOND_FIELD = (6, 4, 3)
"""How much the first, second and third field of an occupation count."""

_SAID = 4
"""So many occupations, and fields, of each title are kept: the others say next to nothing."""


@dataclass(frozen=True, slots=True)
class Trades:
    """What a title speaks of, each as a vector of length SCALE; empty where it is like nothing.

    likeness: of the nearest name, 0 … SCALE: how surely this is what it speaks of.
    """

    occupations: TermVector
    fields: TermVector
    likeness: int


class _Names(NamedTuple):
    """All names, inverted. idf: uint16 (BUCKETS,). rows: int32 (BUCKETS,), of each term, or -1.

    start: int32 (n_rows + 1,); names, impacts: int32 of each row. occupation: int32 (n_names,).
    fields: int32 (n_occupations, 3), -1 beyond the last.
    """

    idf: NDArray[np.uint16]
    rows: NDArray[np.int32]
    start: NDArray[np.int32]
    names: NDArray[np.int32]
    impacts: NDArray[np.int32]
    occupation: NDArray[np.int32]
    fields: NDArray[np.int32]


@lru_cache(maxsize=1 << 16)
def trades_of(title: str) -> Trades:
    """What a title, or the name of a skill, speaks of."""
    terms = weighed_terms(_idf(), title)
    return _trades(*_spoken_of(terms.buckets, terms.impacts, _names()))


@cache
def trades_of_occupation(code: str) -> Trades:
    """What is stated by the code of an occupation; nothing where it is none that has names."""
    number = _numbers().get(code)
    if number is None:
        return _trades([], [], 0)
    fields = zip(_names().fields[number].tolist(), _SECOND_FIELD, strict=True)
    return _trades([(number, 1)], [each for each in fields if each[0] >= 0], SCALE)


@cache
def labels() -> dict[int, str]:
    """The term of each bucket in which an occupation or a field is counted."""
    return dict(zip(_field_buckets(), map(FIELD.__add__, _fields()), strict=True)) | dict(
        zip(_occupation_buckets(), map(TRADE.__add__, _numbers()), strict=True)
    )


@cache
def spoken_buckets() -> NDArray[np.int32]:
    """Where occupations and fields are counted, ascending."""
    return np.array(sorted(labels()), np.int32)


def _trades(
    occupations: Iterable[tuple[int, int]], fields: Iterable[tuple[int, int]], likeness: int
) -> Trades:
    """occupations, fields: numbers, each with how much it counts."""
    return Trades(
        _said(occupations, _occupation_buckets()), _said(fields, _field_buckets()), likeness
    )


def _said(counted: Iterable[tuple[int, int]], buckets: Sequence[int]) -> TermVector:
    """What counts, as a vector of length SCALE."""
    by_bucket = sorted((buckets[number], counts) for number, counts in counted)
    length = math.isqrt(max(sum(counts * counts for _, counts in by_bucket) - 1, 0)) + 1
    return TermVector(
        np.array([bucket for bucket, _ in by_bucket], np.int32),
        np.array([counts * SCALE // length for _, counts in by_bucket], np.int32),
    )


@compiled
def _spoken_of(
    buckets: NDArray[np.int32], impacts: NDArray[np.int32], known: _Names
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
    """Occupations and fields, each with how much it counts, and the likeness of the nearest."""
    likeness = np.zeros(len(known.occupation), np.int32)
    for term in range(len(buckets)):
        row = known.rows[buckets[term]]
        if row >= 0:
            for at in range(known.start[row], known.start[row + 1]):
                likeness[known.names[at]] += impacts[term] * known.impacts[at]
    # The nearest, of equals the first; a handful, so that putting one in its place costs little.
    nearest = np.zeros(_NEAREST, np.int64)
    which = np.zeros(_NEAREST, np.int64)
    for name in range(len(likeness)):
        like = np.int64(likeness[name])
        if like <= nearest[-1]:
            continue
        at = _NEAREST - 1
        while at > 0 and nearest[at - 1] < like:
            nearest[at], which[at] = nearest[at - 1], which[at - 1]
            at -= 1
        nearest[at], which[at] = like, name
    occupations = np.zeros(len(known.fields), np.int64)
    fields = np.zeros(known.fields.max() + 1, np.int64)
    for at in range(_NEAREST):
        like = nearest[at] >> (2 * SCALE_BITS - _LIKENESS_BITS)
        counts = like * like * like * like >> _LIKENESS_BITS
        occupation = known.occupation[which[at]]
        occupations[occupation] += counts
        for nth in range(known.fields.shape[1]):
            field = known.fields[occupation, nth]
            if field >= 0:
                fields[field] += counts * _SECOND_FIELD[nth] // _SECOND_FIELD[0]
    return _most(occupations), _most(fields), nearest[0] >> SCALE_BITS


@compiled
def _most(counted: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The numbers that count most, of equals the first, each with how much it counts; may be less
    than _SAID. Spoils what it is given.
    """
    most = [(np.int64(0), np.int64(0)) for _ in range(0)]
    for _ in range(_SAID):
        number = np.argmax(counted)
        if not counted[number]:
            break
        most.append((np.int64(number), counted[number]))
        counted[number] = 0
    return most  # type: ignore[return-value]


@cache
def _names() -> _Names:
    """Some tenths of a second once, then at hand; read-only."""
    named = [(at, name) for at, each in enumerate(lexicon.trades()) for name in each.names]
    idf, names, buckets, impacts = weighed_lines([name for _, name in named])
    order = np.argsort(buckets, kind="stable")
    distinct, first = np.unique(buckets[order], return_index=True)
    rows = np.full(BUCKETS, -1, np.int32)
    rows[distinct] = np.arange(len(distinct))
    fields = {field: at for at, field in enumerate(_fields())}
    return _Names(
        idf.values,
        rows,
        np.append(first, len(buckets)).astype(np.int32),
        names[order],
        impacts[order],
        np.array([number for number, _ in named], np.int32),
        np.array([_three(each.fields, fields) for each in lexicon.trades()], np.int32),
    )


@cache
def _idf() -> Idf:
    """How rare each term is in what occupations are called."""
    # What no name has finds no name, however rare it is.
    return Idf(_names().idf, 0)


def _three(named: Iterable[str], fields: dict[str, int]) -> list[int]:
    found = [fields[name] for name in named]
    return [*found, -1, -1][: len(_SECOND_FIELD)]


@cache
def _numbers() -> dict[str, int]:
    return {trade.occupation: at for at, trade in enumerate(lexicon.trades())}


@cache
def _fields() -> tuple[str, ...]:
    return tuple(sorted({field for trade in lexicon.trades() for field in trade.fields}))


@cache
def _occupation_buckets() -> tuple[int, ...]:
    return tuple(bucket_of(TRADE + code) for code in _numbers())


@cache
def _field_buckets() -> tuple[int, ...]:
    return tuple(bucket_of(FIELD + name) for name in _fields())
