"""The model: what each term, each skill and each fit is worth, under a version of its own.

Where models are kept and when a new one is put in force does not live here.
"""

import json
import math
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from contracts.values import PPM
from services.matcher.domain.language import text_compiled
from services.matcher.domain.language.code_points import code_points, kinds
from services.matcher.domain.language.text import BUCKETS, bucket_of
from services.matcher.domain.vector import SCALE, TermVector

# Steps of 1/256 keep weights and their sum of squares inside 63 bits for any text that fits a
# request, and are finer than what a frozen IDF is wrong by.
IDF_UNIT = 256
_USUAL_BITS = 12
_DOCS_BETWEEN_PROGRESS = 500
_FORMAT = b"rengang-model-1\n"
RULES = 2
"""Raised whenever code changes what a term is or how a score is made: it is part of the version."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a perfect match in each respect adds to the score, in millionths; together one."""

    text: int = 500_000
    skills: int = 300_000
    pay: int = 40_000
    place: int = 40_000
    experience: int = 30_000
    occupation: int = 60_000
    certificate: int = 30_000

    def __post_init__(self) -> None:
        """Raises ValueError where a weight is negative or they do not add up to PPM."""
        parts = asdict(self).values()
        if min(parts) < 0 or sum(parts) != PPM:
            raise ValueError(f"weights must be ≥ 0 and add up to {PPM}: {self}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Which pairs are live: τ in millionths, and how many a seeker and a posting see.

    τ = .2 is where the two part: of eligible pairs of different trades 95 % score under .15 and
    98 % under .2, of pairs of the same trade 99 % above .26 (300 generated postings and seekers of
    the region's trades); 99 % of pairs of 1,173 real office postings with those seekers are under.
    """

    tau_ppm: int = 200_000
    k_s: int = 20
    k_p: int = 30

    def __post_init__(self) -> None:
        """Raises ValueError where τ is not in 0 … PPM or a list would be negative."""
        if not 0 <= self.tau_ppm <= PPM or min(self.k_s, self.k_p) < 0:
            raise ValueError(f"limits out of range: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Weights, limits and an IDF that stays fixed until the next model: one epoch.

    idf: uint16 (BUCKETS,), in units of 1/IDF_UNIT; `unseen` where no document of the corpus had
    the term. version: first 16 hex digits of the SHA-256 of everything that can change a score.
    """

    idf: NDArray[np.uint16]
    unseen: int
    weights: Weights
    limits: Limits
    version: str

    def vector(self, found: Iterable[str]) -> TermVector:
        """Weigh the terms found in a text: sublinear tf · idf, of length SCALE, rounded down.

        This is the definition; `vector_of` computes the same at speed.
        Source: scikit-learn TfidfTransformer(sublinear_tf=True, smooth_idf=True, norm="l2").
        """
        hashed = np.fromiter((bucket_of(term) for term in found), np.int32)
        buckets, times = np.unique(hashed, return_counts=True)
        tf = np.array([_sublinear(n) for n in times.tolist()], np.int64)
        weights = tf * self.idf[buckets]
        # The length is rounded up, so no vector is longer than SCALE and no cosine is above one.
        length = math.isqrt(max(int((weights * weights).sum()) - 1, 0)) + 1
        impacts = (weights * SCALE // length).astype(np.int32)
        said = impacts > 0
        return TermVector(buckets[said], impacts[said])

    def vector_of(self, text: str, heading: str = "", heading_times: int = 1) -> TermVector:
        """The same bits as `vector([*terms(heading) * heading_times, *terms(text)])`, compiled.

        heading_times: ≥ 1. Without the GIL but for NFKC and lower case. Raises ValueError.
        """
        if heading_times < 1:
            raise ValueError(f"a heading cannot count {heading_times} times")
        codes, heading_length = code_points(text, heading)
        found = text_compiled.sorted_terms(codes, heading_length, heading_times, kinds())
        sublinear = _sublinears(max(len(found).bit_length(), _USUAL_BITS))
        return TermVector(*text_compiled.weighed(found, self.idf, sublinear))

    def limited(self, **limits: int) -> "Model":
        """The same model under other limits (tau_ppm, k_s, k_p): a model of its own version."""
        return _model(self.idf, self.unseen, self.weights, replace(self.limits, **limits))

    def weighted(self, weights: Weights) -> "Model":
        """The same IDF under other weights: a model of its own version."""
        return _model(self.idf, self.unseen, weights, self.limits)

    def to_bytes(self) -> bytes:
        """The artefact, as `from_bytes` reads it: a format line, then compressed content."""
        return _FORMAT + zlib.compress(
            _content(self.idf, self.unseen, self.weights, self.limits), level=9
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Model":
        """The model that `to_bytes` wrote. Raises ValueError where it is none."""
        if not stored.startswith(_FORMAT):
            raise ValueError("not a model of this format")
        try:
            content = zlib.decompress(stored[len(_FORMAT) :])
        except zlib.error as error:
            raise ValueError(f"the model is damaged: {error}") from error
        head, _, seen = content.partition(b"\n")
        fields = json.loads(head)
        n_seen = fields["seen"]
        buckets = np.frombuffer(seen, "<u4", n_seen)
        idf = np.full(BUCKETS, fields["unseen"], np.uint16)
        idf[buckets] = np.frombuffer(seen, "<u2", n_seen, 4 * n_seen)
        return _model(
            idf, fields["unseen"], Weights(**fields["weights"]), Limits(**fields["limits"])
        )


def fit(
    corpus: Iterable[str],
    weights: Weights | None = None,
    limits: Limits | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Model:
    """A model whose IDF is taken from these texts, one document each. Deterministic.

    progress: told how many documents were read, now and then and at the end.
    idf = 1 + ln((1 + n) / (1 + df)), of unseen terms with df = 0. Source: scikit-learn
    TfidfTransformer, smooth_idf=True.
    """
    n_docs = 0
    df = np.zeros(BUCKETS, np.int64)
    last_in = np.zeros(BUCKETS, np.int64)
    kind_of = kinds()
    for text in corpus:
        n_docs += 1
        codes, _ = code_points(text)
        text_compiled.count_document(codes, n_docs, kind_of, df, last_in)
        if progress and n_docs % _DOCS_BETWEEN_PROGRESS == 0:
            progress(n_docs)
    if progress and n_docs % _DOCS_BETWEEN_PROGRESS:
        progress(n_docs)
    unseen = _idf(0, n_docs)
    idf = np.full(BUCKETS, unseen, np.uint16)
    seen = np.flatnonzero(df)
    known, where = np.unique(df[seen], return_inverse=True)
    idf[seen] = np.array([_idf(times, n_docs) for times in known.tolist()], np.uint16)[where]
    return _model(idf, unseen, weights or Weights(), limits or Limits())


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


def _model(idf: NDArray[np.uint16], unseen: int, weights: Weights, limits: Limits) -> Model:
    version = sha256(_content(idf, unseen, weights, limits)).hexdigest()[:16]
    idf.flags.writeable = False
    return Model(idf, unseen, weights, limits, version)


def _content(idf: NDArray[np.uint16], unseen: int, weights: Weights, limits: Limits) -> bytes:
    """A line of JSON, then the buckets that were seen (uint32) and their IDF (uint16)."""
    seen = np.flatnonzero(idf != unseen)
    fields = {
        "rules": RULES,
        "weights": asdict(weights),
        "limits": asdict(limits),
        "unseen": unseen,
        "seen": len(seen),
    }
    head = json.dumps(fields, sort_keys=True).encode() + b"\n"
    return head + seen.astype("<u4").tobytes() + idf[seen].astype("<u2").tobytes()
