"""What the index keeps of a document beside its terms: places, occupations, spellings, figures.

Made from a prepared document, or read back as stored, so that a start need not prepare each again.
How facts are numbered and searched does not live here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from contracts.values import Employment
from services.matcher.domain.documents import HeldCertificate
from services.matcher.domain.eligibility import places_accepted
from services.matcher.domain.model import Weights
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker

Levels = tuple[tuple[str, int], ...]
"""Occupations, each with a level of a certificate; 0 where it has none."""

_BIT: dict[Employment, int] = {kind: 1 << at for at, kind in enumerate(Employment)}
_ANY = sum(_BIT.values())


@dataclass(frozen=True, slots=True)
class SeekerFacts:
    """A seeker who is looking. places: accepted, home first. shown: plain names of all evidence.

    pay_floor: CNY a month. employment: bits, all of them where any kind will do.
    """

    places: tuple[str, ...]
    occupations: tuple[str, ...]
    shown: tuple[str, ...]
    certificates: Levels
    pay_floor: int
    experience_years: int
    education: int
    employment: int
    remote_ok: bool

    @classmethod
    def of(cls, seeker: PreparedSeeker) -> "SeekerFacts":
        """The facts of a prepared profile and its certificates."""
        doc = seeker.doc
        return cls(
            places_accepted(doc),
            seeker.occupations,
            tuple(dict.fromkeys(shown.plain for shown in seeker.evidence)),
            _held(seeker.certificates),
            seeker.pay_floor,
            seeker.experience_years,
            int(doc.education or 0),
            employment_bits(doc.employment),
            doc.remote_ok,
        )

    def to_bytes(self) -> bytes:
        """As stored: a JSON array of the fields in order."""
        return orjson.dumps(astuple_flat(self))

    @classmethod
    def from_bytes(cls, stored: bytes) -> "SeekerFacts":
        """What `to_bytes` wrote."""
        return cls(*orjson.loads(stored))


@dataclass(frozen=True, slots=True)
class PostingFacts:
    """An open posting. skills: spellings asked, each with its weight in the mean.

    wanted: occupations whose certificates count. required: those it must have, by level. pay: CNY a
    month. employment: its bit. weights: in the order of `model.Weights`, as moved for this posting.
    """

    county: str
    remote: bool
    occupation: str | None
    wanted: tuple[str, ...]
    required: Levels
    skills: tuple[tuple[str, int], ...]
    pay_low: int
    pay_high: int
    experience_years: int
    education: int
    employment: int
    weights: tuple[int, ...]

    @classmethod
    def of(cls, posting: PreparedPosting) -> "PostingFacts":
        """The facts of a prepared posting."""
        doc = posting.doc
        return cls(
            doc.county,
            doc.remote,
            posting.occupation,
            tuple(sorted(posting.wanted)),
            tuple((each.occupation, each.level) for each in doc.certificates if each.required),
            tuple((asked.spelling, asked.weighs) for asked in posting.skills),
            posting.pay_low,
            posting.pay_high,
            posting.experience_years,
            int(doc.education or 0),
            _BIT[doc.employment],
            astuple_flat(posting.weights),
        )

    def to_bytes(self) -> bytes:
        """As stored: a JSON array of the fields in order."""
        return orjson.dumps(astuple_flat(self))

    @classmethod
    def from_bytes(cls, stored: bytes) -> "PostingFacts":
        """What `to_bytes` wrote."""
        return cls(*orjson.loads(stored))


def astuple_flat(facts: SeekerFacts | PostingFacts | Weights) -> tuple[Any, ...]:
    """The fields in order; `dataclasses.astuple` would copy each value, ten times as slow."""
    return tuple(getattr(facts, name) for name in facts.__slots__)


def _held(certificates: Iterable[HeldCertificate]) -> Levels:
    return tuple((each.occupation, each.level or 0) for each in certificates if each.occupation)


def employment_bits(kinds: Iterable[Employment]) -> int:
    """Kinds of employment as bits; all of them where there is no kind."""
    return sum({_BIT[kind] for kind in kinds}) or _ANY
