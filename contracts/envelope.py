"""The envelope: CloudEvents 1.0 JSON, and how a record's bytes become an event."""

from typing import ClassVar, Literal
from uuid import UUID

import uuid_utils
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.topics import Topic


def new_event_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, and roughly in order of time."""
    return UUID(int=uuid_utils.uuid7().int)


class Wire(BaseModel):
    """Anything that stands in an event. Readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Wire):
    """What happened to one aggregate, with the state it is in since.

    subject: the aggregate's id. version: grows by one with each event of the aggregate; a reader
    ignores one not above what it has. CloudEvents 1.0.2, JSON format; `version` and `traceparent`
    are extension attributes.
    """

    topic: ClassVar[Topic]
    source_of: ClassVar[str]

    specversion: Literal["1.0"] = "1.0"
    id: UUID = Field(default_factory=new_event_id)
    source: str
    type: str
    subject: str = Field(min_length=1)
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    version: int = Field(ge=1, le=2**31 - 1)
    traceparent: str | None = None

    @property
    def key(self) -> str:
        """The record's key; the subject unless the event says otherwise."""
        return self.subject

    def encoded(self, traceparent: str | None = None) -> bytes:
        """The record's value. Absent attributes are left out, as CloudEvents wants."""
        event = (
            self if traceparent is None else self.model_copy(update={"traceparent": traceparent})
        )
        return event.model_dump_json(exclude_none=True).encode()


class Malformed(ValueError):
    """The record is no event of ours; the message says why. It belongs in the dead letters."""


class UnknownType(ValueError):
    """A CloudEvent of a type this reader does not know. It is skipped and counted."""

    def __init__(self, type_: str) -> None:
        super().__init__(f"unknown event type {type_!r}")
        self.type = type_
