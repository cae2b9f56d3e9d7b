"""Why a pair has its score, as a tree whose leaves add up to it, and what is missing.

The words for people are rendered elsewhere from code and params. Nothing here repeats the seeker's
pay floor, since an employer reads the tree too.

| code            | params                                           | note                      |
|-----------------|--------------------------------------------------|---------------------------|
| match           |                                                  | root: text, skills, fit   |
| text            |                                                  | terms, then the rest      |
| text.term       | term                                             | words both texts share    |
| text.alike      | term, other (the profile's words)                | words that mean the same  |
| text.trades     |                                                  | text.trade and text.field |
| text.trade      | occupation                                       | both speak of it          |
| text.field      | field                                            | both are work in it       |
| text.rest       | terms (how many more are shared, or 0)           |                           |
| skills          |                                                  | one child a skill met     |
| skills.skill    | skill, required (1, 0), evidence, similarity_ppm | certificate_id: its proof |
| fit             |                                                  | pay … certificate         |
| fit.pay         | pay_low, pay_high (CNY a month), meets           | all, partly, below or any |
| fit.place       | county, near                                     | near: see scoring.Near    |
| fit.experience  | asked_years, years                               |                           |
| fit.occupation  | occupation, levels_shared (0 … 4)                | if the posting has one    |
| fit.certificate | occupation, level (0: has none), name            | certificate_id; if held   |

| missing code        | params                                          |
|---------------------|-------------------------------------------------|
| missing.skill       | skill, required (1, 0)                          |
| missing.certificate | occupation, level, required (1, 0)              |
| missing.experience  | asked_years, short_years                        |
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from contracts.values import CertificateId
from services.matcher.domain.eligibility import level_held
from services.matcher.domain.language.trades import FIELD, TRADE
from services.matcher.domain.phrases import Shared, shared_phrases
from services.matcher.domain.prepare import (
    REQUIRED_WEIGHS,
    AskedSkill,
    Evidence,
    PreparedPosting,
    PreparedSeeker,
)
from services.matcher.domain.scoring import Leaves, SkillLeaf, score

N = TypeVar("N")
M = TypeVar("M")
Params = dict[str, str | int]

T = TypeVar("T", str, tuple[str, str])
_PHRASES, _ALIKE, _SPOKEN_TRADES, _SPOKEN_FIELDS = 5, 3, 1, 2


@dataclass(frozen=True, slots=True)
class Node:
    """A reason and what it is worth. An inner node is worth what its children are."""

    code: str
    points_ppm: int
    children: tuple["Node", ...] = ()
    params: Params = field(default_factory=dict)
    certificate_id: CertificateId | None = None

    def leaves(self) -> Iterator["Node"]:
        """The nodes without children, from left to right."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the posting asks for that the seeker does not show."""

    code: str
    params: Params


@dataclass(frozen=True, slots=True)
class Explanation:
    """The tree of reasons and what is missing, in the order of the posting."""

    reason: Node
    missing: tuple[Missing, ...] = ()

    @property
    def score_ppm(self) -> int:
        """The score that is explained."""
        return self.reason.points_ppm


def explain(posting: PreparedPosting, seeker: PreparedSeeker) -> Explanation:
    """Score the pair and say why."""
    reason, missing = tell(posting, seeker, Node, Missing)
    return Explanation(reason, tuple(missing))


def tell(
    posting: PreparedPosting,
    seeker: PreparedSeeker,
    node: Callable[[str, int, tuple[N, ...], Params, CertificateId | None], N],
    lack: Callable[[str, Params], M],
) -> tuple[N, list[M]]:
    """Score the pair and say why, in whatever shape is made of a reason and of a lack.

    node: makes one of the fields of a `Node`, in their order, its children before it; lack: of a
    `Missing`. What is sent needs no tree of ours in between, which would cost more than the rest.
    """
    shared = shared_phrases(posting, seeker)
    found = score(posting, seeker, shared.cosine)
    text = [
        node(
            code,
            sum(part[1] for part in parts) if parts else points_ppm,
            tuple(node(inner, points, (), said, None) for inner, points, said, _ in parts),
            params,
            None,
        )
        for code, points_ppm, params, parts in _text(posting.weights.text, shared, found.text_ppm)
    ]
    skills = [
        node("skills.skill", leaf.points_ppm, (), _met(leaf, evidence), evidence.certificate_id)
        for leaf in found.skills
        if (evidence := leaf.evidence) is not None
    ]
    fit = [
        node(code, points_ppm, (), params, certificate_id)
        for code, points_ppm, params, certificate_id in _fit(posting, seeker, found)
    ]
    skills_ppm = sum(leaf.points_ppm for leaf in found.skills)
    fit_ppm = found.score_ppm - found.text_ppm - skills_ppm
    tree = (
        node("text", found.text_ppm, tuple(text), {}, None),
        node("skills", skills_ppm, tuple(skills), {}, None),
        node("fit", fit_ppm, tuple(fit), {}, None),
    )
    missing = [lack(code, params) for code, params in _missing(posting, seeker, found)]
    return node("match", found.score_ppm, tree, {}, None), missing


_Told = tuple[str, int, Params, "list[_Told]"]
"""Code, points, params and parts of a reason. An inner one has no points of its own."""


def _text(weight: int, shared: Shared, text_ppm: int) -> Iterator[_Told]:
    """What adds most, and the rest as one leaf."""
    rest, others = text_ppm, shared.terms
    for words, product, n_terms in _most(shared.phrases, _PHRASES):
        points_ppm = weight * product // shared.whole
        yield "text.term", points_ppm, {"term": words}, []
        rest -= points_ppm
        others -= n_terms
    alike = [(pair, product, n_terms) for pair, (product, n_terms) in shared.alike.items()]
    for (here, there), product, n_terms in _most(alike, _ALIKE):
        points_ppm = weight * product // shared.whole
        yield "text.alike", points_ppm, {"term": here, "other": there}, []
        rest -= points_ppm
        others -= n_terms
    if spoken := list(_spoken(weight, shared)):
        yield "text.trades", 0, {}, spoken
        rest -= sum(points_ppm for _, points_ppm, _, _ in spoken)
        others -= len(spoken)
    # Each phrase is rounded down, so a millionth or two may be left where no term is.
    if rest or others:
        yield "text.rest", rest, {"terms": others}, []


def _spoken(weight: int, shared: Shared) -> Iterator[_Told]:
    """The occupation and the fields of which both speak most."""
    for code, param, beginning, most in (
        ("text.trade", "occupation", TRADE, _SPOKEN_TRADES),
        ("text.field", "field", FIELD, _SPOKEN_FIELDS),
    ):
        named = [
            (term.removeprefix(beginning), product, 1)
            for term, product in shared.spoken.items()
            if term.startswith(beginning)
        ]
        for name, product, _ in _most(named, most):
            yield code, weight * product // shared.whole, {param: name}, []


def _most(told: Iterable[tuple[T, int, int]], most: int) -> list[tuple[T, int, int]]:
    """Those of the greatest product, of equal ones by name."""
    return sorted(told, key=lambda each: (-each[1], each[0]))[:most]


def _met(leaf: SkillLeaf, evidence: Evidence) -> Params:
    return {
        **_named(leaf.asked),
        "evidence": evidence.name,
        "similarity_ppm": leaf.similarity_ppm,
    }


def _named(asked: AskedSkill) -> Params:
    return {"skill": asked.name, "required": int(asked.weighs == REQUIRED_WEIGHS)}


def _fit(
    posting: PreparedPosting, seeker: PreparedSeeker, found: Leaves
) -> Iterator[tuple[str, int, Params, CertificateId | None]]:
    pay: Params = {
        "pay_low": posting.pay_low,
        "pay_high": posting.pay_high,
        "meets": _meets(posting, seeker),
    }
    yield "fit.pay", found.pay_ppm, pay, None
    place: Params = {"county": posting.doc.county, "near": found.near.value}
    yield "fit.place", found.place_ppm, place, None
    years: Params = {"asked_years": posting.experience_years, "years": seeker.experience_years}
    yield "fit.experience", found.experience_ppm, years, None
    if posting.occupation:
        work: Params = {"occupation": posting.occupation, "levels_shared": found.levels_shared}
        yield "fit.occupation", found.occupation_ppm, work, None
    if (held := found.certificate) is not None:
        certificate: Params = {
            "occupation": held.occupation or "",
            "level": held.level or 0,
            "name": held.name or "",
        }
        yield "fit.certificate", found.certificate_ppm, certificate, held.certificate_id


def _meets(posting: PreparedPosting, seeker: PreparedSeeker) -> str:
    if not seeker.pay_floor:
        return "any"
    if seeker.pay_floor <= posting.pay_low:
        return "all"
    return "partly" if seeker.pay_floor <= posting.pay_high else "below"


def _missing(
    posting: PreparedPosting, seeker: PreparedSeeker, found: Leaves
) -> Iterator[tuple[str, Params]]:
    for leaf in found.skills:
        if leaf.evidence is None:
            yield "missing.skill", _named(leaf.asked)
    for wanted in posting.doc.certificates:
        if level_held(seeker, wanted.occupation) < wanted.level:
            lacked: Params = {
                "occupation": wanted.occupation,
                "level": wanted.level,
                "required": int(wanted.required),
            }
            yield "missing.certificate", lacked
    asked, short = posting.experience_years, posting.experience_years - seeker.experience_years
    if short > 0:
        yield "missing.experience", {"asked_years": asked, "short_years": short}
