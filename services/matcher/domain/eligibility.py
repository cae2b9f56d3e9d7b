"""Which pairs may meet at all: the hard requirements, each with its name.

How well a pair that may meet fits does not live here.
"""

from enum import StrEnum

from contracts.vocabulary.counties import prefecture_of
from contracts.vocabulary.neighbours import neighbours_of
from services.matcher.domain.documents import Seeker
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker


class Rule(StrEnum):
    """A hard requirement, by the name under which "why not" reports it."""

    POSTING_OPEN = "posting_open"
    SEEKER_LOOKING = "seeker_looking"
    PLACE = "place"
    CERTIFICATE = "certificate"
    EDUCATION = "education"
    EMPLOYMENT = "employment"


def broken_rules(posting: PreparedPosting, seeker: PreparedSeeker) -> tuple[Rule, ...]:
    """The hard requirements the pair does not meet, in order of `Rule`; none means eligible."""
    job, person = posting.doc, seeker.doc
    held = {
        Rule.POSTING_OPEN: job.open,
        Rule.SEEKER_LOOKING: person.looking,
        Rule.PLACE: place_accepted(posting, seeker) or works_remote(posting, seeker),
        Rule.CERTIFICATE: all(
            level_held(seeker, wanted.occupation) >= wanted.level
            for wanted in job.certificates
            if wanted.required
        ),
        Rule.EDUCATION: (person.education or 0) >= (job.education or 0),
        Rule.EMPLOYMENT: not person.employment or job.employment in person.employment,
    }
    return tuple(rule for rule in Rule if not held[rule])


def place_accepted(posting: PreparedPosting, seeker: PreparedSeeker) -> bool:
    """Whether the posting's county, or the prefecture it lies in, is among those accepted."""
    accepted = places_accepted(seeker.doc)
    return posting.doc.county in accepted or posting.prefecture in accepted


def places_accepted(doc: Seeker) -> tuple[str, ...]:
    """The places the seeker named, home first; for a commuter then those that border home.

    None that lies in another of them is added.
    """
    named = doc.counties
    if not (doc.commute and named):
        return named
    beside = sorted(neighbours_of(named[0]).difference(named))
    return (*named, *(county for county in beside if prefecture_of(county) not in named))


def works_remote(posting: PreparedPosting, seeker: PreparedSeeker) -> bool:
    """Whether the work can be done from anywhere and the seeker would."""
    return posting.doc.remote and seeker.doc.remote_ok


def level_held(seeker: PreparedSeeker, occupation: str) -> int:
    """The highest level held in this occupation, 0 where there is none."""
    levels = (c.level or 0 for c in seeker.certificates if c.occupation == occupation)
    return max(levels, default=0)
