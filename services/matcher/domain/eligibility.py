"""Which pairs may meet at all: the hard requirements, each with its name.

How well a pair that may meet fits does not live here.
"""

from enum import StrEnum

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
    """Whether the seeker named the posting's county, or the prefecture it lies in."""
    return posting.doc.county in seeker.doc.counties or posting.prefecture in seeker.doc.counties


def works_remote(posting: PreparedPosting, seeker: PreparedSeeker) -> bool:
    """Whether the work can be done from anywhere and the seeker would."""
    return posting.doc.remote and seeker.doc.remote_ok


def level_held(seeker: PreparedSeeker, occupation: str) -> int:
    """The highest level held in this occupation, 0 where there is none."""
    levels = (c.level or 0 for c in seeker.certificates if c.occupation == occupation)
    return max(levels, default=0)
