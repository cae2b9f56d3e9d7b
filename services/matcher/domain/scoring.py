"""The score of one pair, leaf by leaf: this file is the definition, whatever computes it faster.

Each leaf is its weight times a fraction, rounded down to whole millionths; the score is their sum.
How a leaf is told to people does not live here.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import Indel

from contracts.values import PPM
from contracts.vocabulary.neighbours import neighbours_of
from contracts.vocabulary.occupations import shared_levels
from services.matcher.domain.documents import HeldCertificate
from services.matcher.domain.eligibility import place_accepted, works_remote
from services.matcher.domain.language.synonyms import is_canonical
from services.matcher.domain.prepare import AskedSkill, Evidence, PreparedPosting, PreparedSeeker
from services.matcher.domain.vector import ONE, dot

HALF = PPM // 2
SKILL_CUTOFF_PPM = 750_000
"""Below this two spellings are two skills. java, javascript: 571,428. 会计, 会计师: 800,000."""

CLOSENESS_PPM = (0, 100_000, 400_000, 700_000, PPM)
"""Worth of sharing 0 … 4 levels of the occupation tree."""

LEVELS = 8


class Near(StrEnum):
    """Where the posting lies, seen from the seeker."""

    HOME = "home"
    NEIGHBOUR = "neighbour"
    REMOTE = "remote"
    PREFECTURE = "prefecture"
    ACCEPTED = "accepted"
    NOWHERE = "nowhere"


PLACE_PPM: dict[Near, int] = {
    Near.HOME: PPM,
    Near.NEIGHBOUR: 850_000,
    Near.REMOTE: 800_000,
    Near.PREFECTURE: 700_000,
    Near.ACCEPTED: 400_000,
    Near.NOWHERE: 0,
}


@dataclass(frozen=True, slots=True)
class SkillLeaf:
    """A posting's skill and the best evidence for it, if any is near enough."""

    asked: AskedSkill
    points_ppm: int
    similarity_ppm: int
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Leaves:
    """All that a score is made of, in millionths, and what made it."""

    text_ppm: int
    skills: tuple[SkillLeaf, ...]
    pay_ppm: int
    place_ppm: int
    near: Near
    experience_ppm: int
    occupation_ppm: int
    levels_shared: int
    certificate_ppm: int
    certificate: HeldCertificate | None

    @property
    def score_ppm(self) -> int:
        """The score: the sum of all leaves, 0 … PPM."""
        return (
            self.text_ppm
            + sum(skill.points_ppm for skill in self.skills)
            + self.pay_ppm
            + self.place_ppm
            + self.experience_ppm
            + self.occupation_ppm
            + self.certificate_ppm
        )


def score(posting: PreparedPosting, seeker: PreparedSeeker, cosine: int | None = None) -> Leaves:
    """The score of a pair, eligible or not. Both must be prepared by the same model.

    cosine: of the two texts, `vector.dot` but at most ONE, where the caller found it already.
    """
    if cosine is None:
        cosine = min(dot(posting.terms, seeker.said), ONE)
    weights = posting.weights
    near = nearness(posting, seeker)
    levels = closest_levels(posting, seeker)
    certificate = best_certificate(posting, seeker)
    return Leaves(
        text_ppm=weights.text * cosine // ONE,
        skills=skill_leaves(posting, seeker),
        pay_ppm=weights.pay
        * pay_fraction(posting.pay_low, posting.pay_high, seeker.pay_floor)
        // PPM,
        place_ppm=weights.place * PLACE_PPM[near] // PPM,
        near=near,
        experience_ppm=weights.experience
        * experience_fraction(posting.experience_years, seeker.experience_years)
        // PPM,
        occupation_ppm=weights.occupation * CLOSENESS_PPM[levels] // PPM,
        levels_shared=levels,
        certificate_ppm=weights.certificate * certificate_fraction(certificate) // PPM,
        certificate=certificate,
    )


@lru_cache(maxsize=1 << 18)
def similarity_ppm(left: str, right: str) -> int:
    """How alike two spellings are, in millionths, rounded down; 0 below the cut-off.

    0 too of two that are known to be different skills: java and javascript are no typing error.

    This is rapidfuzz.fuzz.ratio, 1 - Indel distance / both lengths, without its floating point.
    """
    length = len(left) + len(right)
    if not length or (left != right and is_canonical(left) and is_canonical(right)):
        return 0
    similar = PPM * (length - Indel.distance(left, right)) // length
    return similar if similar >= SKILL_CUTOFF_PPM else 0


def skill_leaves(posting: PreparedPosting, seeker: PreparedSeeker) -> tuple[SkillLeaf, ...]:
    """A leaf for each skill asked: its share of the weighted mean times its best evidence."""
    whole = PPM * sum(asked.weighs for asked in posting.skills)
    leaves: list[SkillLeaf] = []
    for asked in posting.skills:
        similar, evidence = _best_evidence(asked.spelling, seeker.evidence)
        points = posting.weights.skills * asked.weighs * similar // whole
        leaves.append(SkillLeaf(asked, points, similar, evidence))
    return tuple(leaves)


def pay_fraction(low: int, high: int, floor: int) -> int:
    """How far the pay meets the floor, all CNY a month.

    All of it from the lowest pay: 1. The highest pay: 1/2, and straight between. A quarter below
    the floor: 0.
    """
    if floor <= low:
        return PPM
    if floor <= high:
        return HALF + HALF * (high - floor) // (high - low)
    return HALF * max(0, 4 * high - 3 * floor) // floor


def experience_fraction(asked_years: int, years: int) -> int:
    """The share of the asked years that the seeker has, at most 1."""
    return PPM if years >= asked_years else PPM * years // asked_years


def nearness(posting: PreparedPosting, seeker: PreparedSeeker) -> Near:
    """The best that can be said of the place, the first of `Near` that is true of it."""
    if place_accepted(posting, seeker):
        home = seeker.doc.counties[0]
        if posting.doc.county == home:
            return Near.HOME
        if posting.doc.county in neighbours_of(home):
            return Near.NEIGHBOUR
        if works_remote(posting, seeker):
            return Near.REMOTE
        if posting.prefecture == seeker.home_prefecture:
            return Near.PREFECTURE
        return Near.ACCEPTED
    return Near.REMOTE if works_remote(posting, seeker) else Near.NOWHERE


def closest_levels(posting: PreparedPosting, seeker: PreparedSeeker) -> int:
    """The most levels of the tree any of the seeker's occupations shares with the posting's."""
    return _closest(posting.occupation, seeker.occupations) if posting.occupation else 0


@lru_cache(maxsize=1 << 12)
def _closest(occupation: str, others: tuple[str, ...]) -> int:
    shared = (shared_levels(occupation, code) for code in others)
    return min(max(shared, default=0), len(CLOSENESS_PPM) - 1)


def best_certificate(posting: PreparedPosting, seeker: PreparedSeeker) -> HeldCertificate | None:
    """The highest certificate in an occupation the posting wants; of equal ones the first id."""
    if not seeker.certificates:
        return None
    fitting = [c for c in seeker.certificates if c.occupation in posting.wanted]
    return max(fitting, key=lambda c: c.level or 0, default=None)


def certificate_fraction(certificate: HeldCertificate | None) -> int:
    """Half for having one, the other half by its level."""
    if certificate is None:
        return 0
    return HALF + HALF * min(certificate.level or 0, LEVELS) // LEVELS


def _best_evidence(spelling: str, shown: tuple[Evidence, ...]) -> tuple[int, Evidence | None]:
    """The nearest evidence; of equals a certificate before a claim, then the first."""
    best, chosen = 0, None
    for evidence in shown:
        similar = similarity_ppm(spelling, evidence.spelling)
        better = similar > best
        proves = similar == best and chosen is not None and not _proven(chosen)
        if better or (proves and _proven(evidence)):
            best, chosen = similar, evidence
    return best, chosen


def _proven(evidence: Evidence) -> bool:
    return evidence.certificate_id is not None
