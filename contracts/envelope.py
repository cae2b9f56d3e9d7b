"""The envelope: CloudEvents 1.0 JSON, and how a record's bytes become an event."""

import re
from typing import Any, ClassVar, Literal
from uuid import UUID

import uuid_utils
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.topics import Topic

REQUIRED = ("specversion", "id", "source", "type")
"""What every CloudEvent has (1.0.2 §3.1); the models here fill them in when an event is made."""


def new_event_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, and roughly in order of time."""
    return UUID(int=uuid_utils.uuid7().int)


class Wire(BaseModel):
    """Anything that stands in an event. Readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _require_identity(schema: dict[str, Any]) -> None:
    # A writer may leave these to their defaults; a record may not: a reader that made up an id
    # would take each delivery for a new event.
    required = schema.get("required", [])
    schema["required"] = [*(name for name in REQUIRED if name not in required), *required]


class Event(Wire):
    """What happened to one aggregate, with the state it is in since.

    subject: the aggregate's id. version: grows by one with each event of the aggregate; a reader
    ignores one not above what it has. CloudEvents 1.0.2, JSON format; `version` and `traceparent`
    are extension attributes.
    """

    model_config = ConfigDict(json_schema_extra=_require_identity)

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
    """A CloudEvent of a type this reader does not know. It is skipped and counted.

    type: as it came where it is a plain name; else a stand-in, since it ends in logs and labels.
    """

    def __init__(self, type_: str) -> None:
        self.type = type_ if _NAME.fullmatch(type_) else "(no plain name)"
        super().__init__(f"unknown event type {self.type}")


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
