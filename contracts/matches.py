"""Events of matches: found, changed, withdrawn; each score with the tree that explains it."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event, Wire
from contracts.postings import Pay
from contracts.topics import MATCHES, Topic


class Reason(Wire):
    """A node of the explanation. The leaves' points add up to the score.

    code: stable, rendered for people by `contracts.reasons`. points_ppm: millionths of the score.
    certificate_id: the verified certificate that proves it.
    """

    code: str
    points_ppm: int
    params: dict[str, str | int] = Field(default_factory=dict)
    certificate_id: UUID | None = None
    children: tuple["Reason", ...] = ()


class Missing(Wire):
    """Something the posting asks for and the seeker does not show; it would add to the score."""

    code: str
    params: dict[str, str | int] = Field(default_factory=dict)


class PostingBrief(Wire):
    """What a seeker is shown of the posting, so that no reader must call back."""

    employer_id: str
    title: str
    county: str
    remote: bool = False
    pay: Pay
    occupation: str | None = None


class MatchState(Wire):
    """A live match. for_seeker: among the seeker's best; for_posting: among the posting's best."""

    match_id: UUID
    seeker_id: UUID
    posting_id: UUID
    score_ppm: int = Field(ge=0, le=1_000_000)
    for_seeker: bool
    for_posting: bool
    posting: PostingBrief
    reason: Reason
    missing: tuple[Missing, ...] = ()
    model: str


class Reasons(Wire):
    """What explains a live match; as a reader looks at a record that it has kept."""

    reason: Reason
    missing: tuple[Missing, ...] = ()


class Content(Reasons):
    """What a seeker is shown of a live match besides its score, from a kept record too."""

    posting: PostingBrief


def reasons_in(record: bytes) -> Reasons:
    """The explanation in the value of a record that `parse` has read before.

    Of the envelope only `data` needs to be there. Raises ValidationError.
    """
    return _ReasonsKept.model_validate_json(record).data


def content_in(record: bytes) -> Content:
    """The explanation and the posting in a record's value, as `reasons_in` reads it."""
    return _ContentKept.model_validate_json(record).data


class _ReasonsKept(Wire):
    data: Reasons


class _ContentKept(Wire):
    data: Content


class MatchGone(Wire):
    """A match that is live no more."""

    match_id: UUID
    seeker_id: UUID
    posting_id: UUID
    employer_id: str


class _MatchEvent(Event):
    """subject: the match's id; key: the seeker's."""

    topic: ClassVar[Topic] = MATCHES
    source_of: ClassVar[str] = "/rengang/matcher"
    source: str = source_of
    data: MatchState

    @property
    def key(self) -> str:
        return str(self.data.seeker_id)


class MatchFound(_MatchEvent):
    """The pair became live."""

    type: Literal["MatchFound"] = "MatchFound"


class MatchChanged(_MatchEvent):
    """The pair stays live; its score, reasons, side or posting changed."""

    type: Literal["MatchChanged"] = "MatchChanged"


class MatchWithdrawn(Event):
    """The pair is live no more. subject: the match's id; key: the seeker's."""

    topic: ClassVar[Topic] = MATCHES
    source_of: ClassVar[str] = "/rengang/matcher"
    source: str = source_of
    type: Literal["MatchWithdrawn"] = "MatchWithdrawn"
    data: MatchGone

    @property
    def key(self) -> str:
        return str(self.data.seeker_id)
