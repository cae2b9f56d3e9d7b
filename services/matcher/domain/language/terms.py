"""The terms of a text as a vector: how often each stands in it, and how rare it is elsewhere.

What a term is lives in `glossary` and `text`; what a vector is worth to a score does not live here.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.language import text_compiled
from services.matcher.domain.language.code_points import code_points, kinds
from services.matcher.domain.language.glossary import rank_buckets
from services.matcher.domain.language.phrases_compiled import phrase_table
from services.matcher.domain.language.text import BUCKETS, bucket_of
from services.matcher.domain.vector import SCALE, TermVector

# Steps of 1/256 keep weights and their sum of squares inside 63 bits for any text that fits a
# request, and are finer than what a frozen IDF is wrong by.
IDF_UNIT = 256
RANK_SHARE = 4
"""A word of rank counts a fourth of what its rareness says: 高级焊工 is a 焊工 before all."""

_USUAL_BITS = 12
_DOCS_BETWEEN_PROGRESS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Idf:
    """How rare each term is. values: uint16 (BUCKETS,), in units of 1/IDF_UNIT, read-only.

    unseen: of a term that no text had.
    """

    values: NDArray[np.uint16]
    unseen: int


def fitted(texts: Iterable[str], progress: Callable[[int], None] | None = None) -> Idf:
    """The IDF of these texts, one document each. Deterministic.

    progress: told how many were read, now and then and at the end.
    idf = 1 + ln((1 + n) / (1 + df)), of unseen terms with df = 0. Source: scikit-learn
    TfidfTransformer, smooth_idf=True.
    """
    n_docs = 0
    counted = np.zeros((BUCKETS, 2), np.int64)
    kind_of, phrases = kinds(), phrase_table()
    for text in texts:
        n_docs += 1
        text_compiled.count_document(code_points(text), kind_of, phrases, n_docs, counted)
        if progress and n_docs % _DOCS_BETWEEN_PROGRESS == 0:
            progress(n_docs)
    if progress and n_docs % _DOCS_BETWEEN_PROGRESS:
        progress(n_docs)
    return _rareness(counted[:, 0], n_docs)


def weighed_lines(
    lines: Sequence[str],
) -> tuple[Idf, NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Short texts, a line each: their IDF, and line, bucket and impact of each of their terms.

    Each line as `weighed_terms` has it; some thousands at once in a tenth of the time.
    """
    codes, kind_of, phrases = code_points("\n".join(lines)), kinds(), phrase_table()
    counted = np.zeros((BUCKETS, 2), np.int64)
    n_lines = text_compiled.count_lines(codes, kind_of, phrases, counted)
    idf = _rareness(counted[:, 0], n_lines)
    sublinear = _sublinears(_USUAL_BITS)
    return idf, *text_compiled.weighed_lines(codes, kind_of, phrases, idf.values, sublinear)


def _rareness(df: NDArray[np.int64], n_docs: int) -> Idf:
    unseen = _idf(0, n_docs)
    values = np.full(BUCKETS, unseen, np.uint16)
    seen = np.flatnonzero(df)
    known, where = np.unique(df[seen], return_inverse=True)
    values[seen] = np.array([_idf(times, n_docs) for times in known.tolist()], np.uint16)[where]
    values[[*rank_buckets()]] //= RANK_SHARE
    values.flags.writeable = False
    return Idf(values, unseen)


def weighed(idf: Idf, found: Iterable[str]) -> TermVector:
    """Weigh the terms found in a text: sublinear tf · idf, of length SCALE, rounded down.

    This is the definition; `weighed_terms` computes the same at speed.
    Source: scikit-learn TfidfTransformer(sublinear_tf=True, smooth_idf=True, norm="l2").
    """
    hashed = np.fromiter((bucket_of(term) for term in found), np.int32)
    buckets, times = np.unique(hashed, return_counts=True)
    tf = np.array([_sublinear(n) for n in times.tolist()], np.int64)
    weights = tf * idf.values[buckets]
    # The length is rounded up, so no vector is longer than SCALE and no cosine is above one.
    length = math.isqrt(max(int((weights * weights).sum()) - 1, 0)) + 1
    impacts = (weights * SCALE // length).astype(np.int32)
    said = impacts > 0
    return TermVector(buckets[said], impacts[said])


def weighed_terms(idf: Idf, text: str) -> TermVector:
    """The same bits as `weighed(idf, terms(text))`, compiled.

    Without the GIL but for NFKC and lower case.
    """
    found = text_compiled.sorted_terms(code_points(text), kinds(), phrase_table())
    sublinear = _sublinears(max(len(found).bit_length(), _USUAL_BITS))
    return TermVector(*text_compiled.weighed(found, idf.values, sublinear))


def _idf(df: int, n_docs: int) -> int:
    return round(IDF_UNIT * (1 + math.log((1 + n_docs) / (1 + df))))


@lru_cache(maxsize=1024)
def _sublinear(times: int) -> int:
    return round(IDF_UNIT * (1 + math.log(times)))


@cache
def _sublinears(bits: int) -> NDArray[np.int64]:
    """`_sublinear` of all times below 2^bits; 0 at 0."""
    # Of Python's logarithm: NumPy's need not round the same way.
    return np.array([0, *map(_sublinear, range(1, 1 << bits))], np.int64)
