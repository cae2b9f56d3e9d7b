"""Events of outcomes: what people made of a match."""

from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Wire
from contracts.topics import OUTCOMES, Topic


class Outcome(Wire):
    """Who decided about which match. reason: a stable code, given where a match was declined."""

    match_id: UUID
    seeker_id: UUID
    posting_id: UUID
    employer_id: str
    reason: str | None = None


class _OutcomeEvent(Event):
    """subject: the match's id; key: the seeker's."""

    topic: ClassVar[Topic] = OUTCOMES
    data: Outcome

    @property
    def key(self) -> str:
        return str(self.data.seeker_id)


class MatchAccepted(_OutcomeEvent):
    """The seeker said yes; the employer named in it may have the contact."""

    source_of: ClassVar[str] = "/rengang/seekers"
    source: str = source_of
    type: Literal["MatchAccepted"] = "MatchAccepted"


class MatchDeclined(_OutcomeEvent):
    """The seeker said no."""

    source_of: ClassVar[str] = "/rengang/seekers"
    source: str = source_of
    type: Literal["MatchDeclined"] = "MatchDeclined"


class SeekerInvited(_OutcomeEvent):
    """The employer invited the seeker."""

    source_of: ClassVar[str] = "/rengang/talent"
    source: str = source_of
    type: Literal["SeekerInvited"] = "SeekerInvited"


class SeekerHired(_OutcomeEvent):
    """The employer hired the seeker."""

    source_of: ClassVar[str] = "/rengang/talent"
    source: str = source_of
    type: Literal["SeekerHired"] = "SeekerHired"
