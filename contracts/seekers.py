"""Events of seekers: profiled, withdrawn. No name, number, contact or protected trait."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event, Wire
from contracts.topics import SEEKERS, Topic
from contracts.values import Education, Employment, PayUnit


class PayFloor(Wire):
    """The least a seeker would work for, whole CNY for each unit."""

    amount: int = Field(ge=0)
    unit: PayUnit


class SeekerState(Wire):
    """What a seeker offers and wants, as the matcher may know it; texts are masked before.

    counties: counties the seeker would work in; a prefecture's code stands for all of its counties;
    the first is home. commute: would work too in the counties that border home. employment: kinds
    accepted; empty means any.
    """

    seeker_id: UUID
    titles: tuple[str, ...] = ()
    text: str = ""
    occupations: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    education: Education | None = None
    experience_years: int = Field(default=0, ge=0)
    counties: tuple[str, ...] = ()
    commute: bool = False
    remote_ok: bool = False
    pay_floor: PayFloor | None = None
    employment: tuple[Employment, ...] = ()


class SeekerGone(Wire):
    """All that is left of a seeker who withdrew."""

    seeker_id: UUID


class _SeekerEvent(Event):
    topic: ClassVar[Topic] = SEEKERS
    source_of: ClassVar[str] = "/rengang/seekers"
    source: str = source_of


class SeekerProfiled(_SeekerEvent):
    """A seeker came to the market, came back, or changed the profile."""

    type: Literal["SeekerProfiled"] = "SeekerProfiled"
    data: SeekerState


class SeekerWithdrawn(_SeekerEvent):
    """The seeker is no longer looking."""

    type: Literal["SeekerWithdrawn"] = "SeekerWithdrawn"
    data: SeekerGone
