"""Every event there is, and how a record's bytes become one."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from contracts.certificates import (
    CertificateClaimed,
    CertificateLapsed,
    CertificateRejected,
    CertificateVerified,
)
from contracts.envelope import Event, Malformed, UnknownType
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.seekers import SeekerProfiled, SeekerWithdrawn

PostingEvent = PostingPublished | PostingRevised | PostingClosed
SeekerEvent = SeekerProfiled | SeekerWithdrawn
CertificateEvent = (
    CertificateClaimed | CertificateVerified | CertificateRejected | CertificateLapsed
)
MatchEvent = MatchFound | MatchChanged | MatchWithdrawn
OutcomeEvent = MatchAccepted | MatchDeclined | SeekerInvited | SeekerHired
AnyEvent = PostingEvent | SeekerEvent | CertificateEvent | MatchEvent | OutcomeEvent

EVENT_TYPES: dict[str, type[Event]] = {
    model.__name__: model
    for model in (
        PostingPublished,
        PostingRevised,
        PostingClosed,
        SeekerProfiled,
        SeekerWithdrawn,
        CertificateClaimed,
        CertificateVerified,
        CertificateRejected,
        CertificateLapsed,
        MatchFound,
        MatchChanged,
        MatchWithdrawn,
        MatchAccepted,
        MatchDeclined,
        SeekerInvited,
        SeekerHired,
    )
}

_ANY: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])


def parse(value: bytes | None) -> AnyEvent:
    """The event in a record's value.

    Raises Malformed where it is none of ours, UnknownType where it is a CloudEvent of a type not
    known here.
    """
    if not value:
        raise Malformed("a tombstone: the record has no value")
    try:
        fields = from_json(value)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from error
    type_ = _type_of(fields)
    if type_ not in EVENT_TYPES:
        raise UnknownType(type_)
    try:
        return _ANY.validate_json(value)
    except ValidationError as error:
        raise Malformed(_first_faults(error)) from error


def _type_of(fields: Any) -> str:
    if not isinstance(fields, dict):
        raise Malformed("not an envelope: a JSON object was expected")
    if fields.get("specversion") != "1.0":
        raise Malformed("not an envelope: specversion 1.0 is missing")
    type_ = fields.get("type")
    if not isinstance(type_, str) or not type_:
        raise Malformed("not an envelope: type must be a text")
    return type_


def _first_faults(error: ValidationError, most: int = 5) -> str:
    # The input is left out of the message: it may hold what must not reach a log.
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults]
    more = "" if len(told) <= most else f"; and {len(told) - most} more"
    return "; ".join(told[:most]) + more
