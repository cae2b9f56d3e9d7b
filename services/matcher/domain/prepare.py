"""Documents made ready for scoring: terms weighed, spellings made canonical, pay made monthly.

Done once, when a document arrives. Most of it is the term vector (some 30 µs for a usual text), so
the vector alone is worth storing; the rest is recomputed at start.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from contracts.values import CertificateId, PayUnit, pay_cny_month
from contracts.vocabulary.counties import prefecture_of
from contracts.vocabulary.occupations import occupation_name
from services.matcher.domain import wording
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.language.glossary import is_unsaid
from services.matcher.domain.language.synonyms import (
    canonical_of,
    canonical_skill,
    occupation_of_title,
    plain_skill,
)
from services.matcher.domain.model import Model, Weights
from services.matcher.domain.vector import TermVector, stacked

REQUIRED_WEIGHS = 2
NICE_WEIGHS = 1
_SAYS_HALF = 4 * REQUIRED_WEIGHS
"""With so much asked, a posting's skills count half of what many would."""

# Beyond these a figure says nothing more, and integers stay far from 63 bits.
_MOST_PAY_CNY = 100_000_000
_MOST_YEARS = 100
_BRACKETED = re.compile(r"[(（]([^()（）]+)[)）]")
_PAPER = re.compile(r"(职业技能等级|职业资格|从业资格|执业资格|资格|操作)?(证书|证)$")


@dataclass(frozen=True, slots=True)
class AskedSkill:
    """A posting's skill: as written, as compared, and its weight in the mean (2 or 1)."""

    name: str
    spelling: str
    weighs: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that shows a skill: a skill the seeker named, or a certificate in force.

    name: as written; plain: normalised; spelling: as compared.
    """

    name: str
    plain: str
    spelling: str
    certificate_id: CertificateId | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPosting:
    """weights: the model's, moved to the text where the posting says nothing to compare.

    occupation: the stated one. wanted: occupations in which a certificate counts: that of the
    posting, or that its title names, and those of the certificates it asks for. pay_low, pay_high:
    CNY a month. prefecture: of its county.
    """

    doc: Posting
    model_version: str
    terms: TermVector
    weights: Weights
    skills: tuple[AskedSkill, ...]
    occupation: str | None
    wanted: frozenset[str]
    pay_low: int
    pay_high: int
    experience_years: int
    prefecture: str


@dataclass(frozen=True, eq=False)
class PreparedSeeker:
    """terms: of the profile. shown: words of all evidence, each plain name once. said: all of
    these, which is what is compared. certificates: in force, by id. occupations: stated, and those
    the titles name.

    pay_floor: CNY a month, 0 where none is given. home_prefecture: "" where no county is given.
    """

    doc: Seeker
    model_version: str
    terms: TermVector
    shown: tuple[TermVector, ...]
    evidence: tuple[Evidence, ...]
    certificates: tuple[HeldCertificate, ...]
    occupations: tuple[str, ...]
    pay_floor: int
    experience_years: int
    home_prefecture: str

    @cached_property
    def said(self) -> TermVector:
        """Found when it is first asked for: whoever only keeps a profile needs its parts."""
        return stacked([self.terms, *self.shown])


def prepare_posting(
    model: Model, doc: Posting, vector: TermVector | None = None
) -> PreparedPosting:
    """The posting made ready. vector: its term vector, where it was stored under this version."""
    if vector is None:
        vector = wording.of_posting(model, doc)
    wanted = frozenset(c.occupation for c in doc.certificates)
    if (named := doc.occupation or occupation_of_title(doc.title)) is not None:
        wanted |= {named}
    skills = _asked(doc)
    low, high = sorted((_monthly(doc.pay.min, doc.pay.unit), _monthly(doc.pay.max, doc.pay.unit)))
    return PreparedPosting(
        doc=doc,
        model_version=model.version,
        terms=vector,
        weights=_weights(
            model.weights,
            asked=sum(skill.weighs for skill in skills),
            occupation=bool(doc.occupation),
            wanted=bool(wanted),
        ),
        skills=skills,
        occupation=doc.occupation,
        wanted=wanted,
        pay_low=low,
        pay_high=high,
        experience_years=min(doc.experience_years, _MOST_YEARS),
        prefecture=prefecture_of(doc.county),
    )


def prepare_seeker(
    model: Model,
    doc: Seeker,
    certificates: tuple[HeldCertificate, ...] = (),
    vector: TermVector | None = None,
) -> PreparedSeeker:
    """The profile made ready, with the certificates in force, in whatever order they came.

    Certificates stay out of the profile's terms: they come and go without it.
    """
    if vector is None:
        vector = wording.of_seeker(model, doc)
    held = tuple(sorted(certificates, key=lambda certificate: certificate.certificate_id))
    named = (occupation_of_title(title) for title in doc.titles)
    occupations = dict.fromkeys([*doc.occupations, *(code for code in named if code)])
    floor = doc.pay_floor
    evidence = _evidence(doc, held)
    plain_names = dict.fromkeys(shown.plain for shown in evidence)
    return PreparedSeeker(
        doc=doc,
        model_version=model.version,
        terms=vector,
        shown=tuple(wording.shown(model, plain) for plain in plain_names),
        evidence=evidence,
        certificates=held,
        occupations=tuple(occupations),
        pay_floor=_monthly(floor.amount, floor.unit) if floor else 0,
        experience_years=min(doc.experience_years, _MOST_YEARS),
        home_prefecture=prefecture_of(doc.counties[0]) if doc.counties else "",
    )


def _asked(doc: Posting) -> tuple[AskedSkill, ...]:
    """Each skill once, as first written; required where any mention of it is."""
    by_spelling: dict[str, AskedSkill] = {}
    for skill in doc.skills:
        spelling = canonical_skill(skill.name)
        if not spelling or is_unsaid(skill.name):
            continue
        weighs = REQUIRED_WEIGHS if skill.required else NICE_WEIGHS
        known = by_spelling.get(spelling)
        by_spelling[spelling] = AskedSkill(
            known.name if known else skill.name,
            spelling,
            max(weighs, known.weighs if known else 0),
        )
    return tuple(by_spelling.values())


def _evidence(doc: Seeker, held: tuple[HeldCertificate, ...]) -> tuple[Evidence, ...]:
    """Skills as named; each certificate by its own name and by its occupation's."""
    shown = [(name, plain_skill(name), None) for name in doc.skills]
    return tuple(
        Evidence(name, plain, canonical_of(plain), certificate_id)
        for name, plain, certificate_id in (*shown, *_shown_by(held))
        if plain
    )


def _shown_by(
    held: tuple[HeldCertificate, ...],
) -> Iterator[tuple[str, str, CertificateId]]:
    for certificate in held:
        names = [certificate.name] if certificate.name else []
        if certificate.occupation:
            names.append(occupation_name(certificate.occupation))
        for name in names:
            for plain in _names_of_paper(name):
                yield name, plain, certificate.certificate_id


@lru_cache(maxsize=1 << 14)
def _names_of_paper(name: str) -> tuple[str, ...]:
    """The skills that a certificate of this name shows, normalised.

    Also without 职业资格证书 at its end, and what its brackets hold: 操作证（低压电工作业）.
    """
    names = [name, *_BRACKETED.findall(name)]
    return tuple(
        dict.fromkeys(plain_skill(each) for one in names for each in (one, _PAPER.sub("", one)))
    )


@lru_cache(maxsize=64)
def _weights(weights: Weights, *, asked: int, occupation: bool, wanted: bool) -> Weights:
    """A posting is matched on what it says: what it leaves unsaid counts for its text.

    asked: what its skills weigh together. Few of them say little, and one that is met is not all.
    """
    kept = {
        "skills": weights.skills * asked // (asked + _SAYS_HALF),
        "occupation": weights.occupation if occupation else 0,
        "certificate": weights.certificate if wanted else 0,
    }
    moved = weights.skills + weights.occupation + weights.certificate - sum(kept.values())
    return Weights(
        text=weights.text + moved,
        pay=weights.pay,
        place=weights.place,
        experience=weights.experience,
        **kept,
    )


def _monthly(amount: int, unit: PayUnit) -> int:
    return min(pay_cny_month(amount, unit), _MOST_PAY_CNY)
