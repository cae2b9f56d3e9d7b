"""The model: what each term, each skill and each fit is worth, under a version of its own.

Where models are kept and when a new one is put in force does not live here.
"""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from contracts.values import PPM
from services.matcher.domain.language.terms import Idf, fitted, weighed_terms
from services.matcher.domain.language.text import BUCKETS, HAN, bucket_of, plain
from services.matcher.domain.vector import TermVector

_FORMAT = b"rengang-model-1\n"
RULES = 4
"""Raised whenever code changes what a term is or how a score is made: it is part of the version."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a perfect match in each respect adds to the score, in millionths; together one."""

    text: int = 650_000
    skills: int = 150_000
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

    τ = .2 is where they part. Of eligible pairs of trades apart, without a field of work in common,
    some 98 % score under; of pairs of one trade all score above .48, of akin trades two of three
    above τ (three markets of 300 generated postings and seekers). Of pairs of 1,173 real office
    postings with seekers of other trades 99 % are under.
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

    idf: uint16 (BUCKETS,), in units of 1/terms.IDF_UNIT; `unseen` where no document had the term.
    version: first 16 hex digits of the SHA-256 of everything that can change a score.
    """

    idf: NDArray[np.uint16]
    unseen: int
    weights: Weights
    limits: Limits
    version: str

    @property
    def rareness(self) -> Idf:
        """How rare each term is."""
        return Idf(self.idf, self.unseen)

    def vector_of(self, text: str) -> TermVector:
        """The terms of a text as a vector of length SCALE."""
        return weighed_terms(self.rareness, text)

    def vector_of_skill(self, name: str) -> TermVector:
        """The same of a skill's name, but for single Chinese characters, where it has other terms.

        A character stands in the names of hundreds of skills, and a pair or a phrase in a few.
        """
        vector = self.vector_of(name)
        lone = {_bucket_of_one(each) for run in HAN.findall(plain(name)) for each in run}
        kept = [bucket not in lone for bucket in vector.buckets.tolist()]
        if all(kept) or not any(kept):
            return vector
        return TermVector(vector.buckets[kept], vector.impacts[kept])

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
    """
    idf = fitted(corpus, progress)
    return _model(idf.values, idf.unseen, weights or Weights(), limits or Limits())


@lru_cache(maxsize=1 << 14)
def _bucket_of_one(character: str) -> int:
    return bucket_of(character)


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
