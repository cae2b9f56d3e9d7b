"""Outcomes of matches, and which of them teach what.

What is learned from them does not live here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from contracts.values import PPM, PostingId, SeekerId
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.model import Model, Weights
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score

NAMES = tuple(each.name for each in fields(Weights))
"""The names of the weights, in their order."""

OTHER_REASON = "other"
SAYS_NOTHING_OF_FIT = frozenset(
    {
        "found_job",  # has found work by now, here or elsewhere
        "not_looking",  # looks for none any more, for whatever reason
        "posting_closed",  # came too late
        "already_applied",  # the two know each other already
        "distrusts_employer",  # would decline any posting of theirs
        "mistake",  # pressed the wrong button
    }
)
"""Reasons to decline that would be given whatever the score is made of; all others teach."""

_CODE = re.compile(r"[a-z][a-z_]{0,39}")


class Kind(StrEnum):
    """What became of a match."""

    DECLINED = "declined"
    ACCEPTED = "accepted"
    INVITED = "invited"
    HIRED = "hired"


GRADES: dict[Kind, int] = {Kind.DECLINED: 0, Kind.ACCEPTED: 1, Kind.INVITED: 1, Kind.HIRED: 2}
"""How well a match turned out. Somebody's yes is one; that both stayed with it is two."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a match, by the event that said it. reason: a code; of a decline alone."""

    event_id: UUID
    seeker_id: SeekerId
    posting_id: PostingId
    kind: Kind
    reason: str | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """An outcome and the pair as it was then. parts: as `parts_of` has them; by: who made them."""

    outcome: Outcome
    parts: Mapping[str, int]
    by: str


@dataclass(frozen=True, slots=True)
class Example:
    """A pair to learn from. parts: in the order of NAMES, in millionths."""

    seeker_id: SeekerId
    parts: tuple[int, ...]
    grade: int


def reason_code(told: str | None) -> str | None:
    """The reason as it is kept: a code, or that there was one. What people wrote is not kept."""
    return told if told is None or _CODE.fullmatch(told) else OTHER_REASON


def parts_of(
    model: Model, posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> dict[str, int]:
    """What each weight alone would make of the pair, in millionths, by its name.

    Under any weights the score is their weighted mean, but for the millionths that each leaf is
    rounded down by; also where the posting leaves something unsaid and that weight is the text's.
    """
    person = prepare_seeker(model, seeker, held)
    return {
        # The same terms, so the version stays: it is only the weights that are tried.
        name: score(prepare_posting(replace(model, weights=only(name)), posting), person).score_ppm
        for name in NAMES
    }


def only(name: str) -> Weights:
    """Weights of which one is all."""
    return Weights(**{each: PPM if each == name else 0 for each in NAMES})


def examples_of(noted: Iterable[Noted]) -> list[Example]:
    """One of each pair of which an outcome says something of the fit, by seeker, then posting.

    A pair that led to a hire is that; of any other counts what was said of it last.
    """
    of_pair: defaultdict[tuple[SeekerId, PostingId], list[Noted]] = defaultdict(list)
    for each in noted:
        if teaches(each):
            of_pair[each.outcome.seeker_id, each.outcome.posting_id].append(each)
    return [
        Example(
            seeker_id,
            tuple(decisive.parts[name] for name in NAMES),
            GRADES[decisive.outcome.kind],
        )
        for (seeker_id, _), said in sorted(of_pair.items())
        for decisive in [max(said, key=_weight_of_word)]
    ]


def teaches(noted: Noted) -> bool:
    """Whether it says something of the fit, and of all that a score is made of today."""
    return noted.outcome.reason not in SAYS_NOTHING_OF_FIT and noted.parts.keys() == set(NAMES)


def _weight_of_word(noted: Noted) -> tuple[bool, datetime, UUID]:
    outcome = noted.outcome
    return outcome.kind is Kind.HIRED, outcome.happened_at, outcome.event_id
