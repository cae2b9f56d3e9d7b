"""Every event there is, and how a record's bytes become one."""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from contracts.certificates import (
    CertificateClaimed,
    CertificateLapsed,
    CertificateRejected,
    CertificateVerified,
)
from contracts.envelope import REQUIRED, Event, Malformed, UnknownType
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.models import ModelChosen
from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.seekers import SeekerProfiled, SeekerWithdrawn
from contracts.verifications import VerificationResolved

PostingEvent = PostingPublished | PostingRevised | PostingClosed
SeekerEvent = SeekerProfiled | SeekerWithdrawn
CertificateEvent = (
    CertificateClaimed | CertificateVerified | CertificateRejected | CertificateLapsed
)
MatchEvent = MatchFound | MatchChanged | MatchWithdrawn
OutcomeEvent = MatchAccepted | MatchDeclined | SeekerInvited | SeekerHired
ModelEvent = ModelChosen
VerificationEvent = VerificationResolved
AnyEvent = (
    PostingEvent
    | SeekerEvent
    | CertificateEvent
    | MatchEvent
    | OutcomeEvent
    | ModelEvent
    | VerificationEvent
)

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
        ModelChosen,
        VerificationResolved,
    )
}

_ANY: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])


def parse(value: bytes | None) -> AnyEvent:
    """The event in a record's value.

    Strict: a number is no text, a text no number, a truth no number; fields not known are ignored.
    Raises Malformed where it is none of ours, UnknownType where it is a CloudEvent of a type not
    known here. No message holds an input value, and no cause that does is chained to it: both end
    in logs and dead letters.
    """
    if not value:
        raise Malformed("a tombstone: the record has no value")
    return _as_expected(value) or _examined(value)


_SAYS_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_AS_TYPE: dict[bytes, Callable[..., Event]] = {
    # The model's own validator: by the union of all models the same takes half as long again.
    name.encode(): model.__pydantic_validator__.validate_json
    for name, model in EVENT_TYPES.items()
}
_IDENTITY = frozenset(REQUIRED)


def _as_expected(value: bytes) -> AnyEvent | None:
    """The event, in one go, where nothing about the record is unusual; else None.

    What looks like the type is a guess that the model then checks, as it does all the rest.
    """
    guess = _SAYS_TYPE.search(value)
    read = None if guess is None else _AS_TYPE.get(guess[1])
    if read is None or rb"\u0000" in value:
        return None
    try:
        event = read(value, strict=True)
    except ValidationError:
        return None
    return cast(AnyEvent, event) if event.model_fields_set >= _IDENTITY else None


def _examined(value: bytes) -> AnyEvent:
    """The event, or what is wrong with the record. Raises as `parse` does."""
    try:
        fields = from_json(value)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    type_ = _type_of(fields)
    if type_ not in EVENT_TYPES:
        raise UnknownType(type_)
    _check_identity(fields)
    if rb"\u0000" in value and _holds_nul(fields):
        raise Malformed("a text holds U+0000, which no store can keep")
    try:
        return _ANY.validate_json(value, strict=True)
    except ValidationError as error:
        faults = _first_faults(error)
    raise Malformed(faults)


def _type_of(fields: Any) -> str:
    if not isinstance(fields, dict):
        raise Malformed("not an envelope: a JSON object was expected")
    if fields.get("specversion") != "1.0":
        raise Malformed("not an envelope: specversion 1.0 is missing")
    type_ = fields.get("type")
    if not isinstance(type_, str) or not type_:
        raise Malformed("not an envelope: type must be a text")
    return type_


def _check_identity(fields: dict[str, Any]) -> None:
    # The models would fill these in, and a redelivery would look like another event.
    for name in REQUIRED:
        if name not in fields:
            raise Malformed(f"not an envelope: {name} is missing")


def _holds_nul(part: Any) -> bool:
    match part:
        case str():
            return "\0" in part
        case dict():
            return any("\0" in name or _holds_nul(held) for name, held in part.items())
        case list():
            return any(map(_holds_nul, part))
        case _:
            return False


@cache
def _field_names() -> frozenset[str]:
    shapes = _ANY.json_schema()["$defs"].values()
    fields = (name for shape in shapes for name in shape.get("properties", ()))
    return frozenset(fields) | EVENT_TYPES.keys() | {"str", "int"}


def _first_faults(error: ValidationError, most: int = 5) -> str:
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{_place(fault['loc'])}: {_message(fault['type'], fault['msg'])}" for fault in faults]
    more = "" if len(told) <= most else f"; and {len(told) - most} more"
    return "; ".join(told[:most]) + more


def _place(loc: tuple[int | str, ...]) -> str:
    # A part that names no field of ours is a key of a free object: input.
    known = _field_names()
    return ".".join(str(part) if isinstance(part, int) or part in known else "*" for part in loc)


def _message(type_: str, message: str) -> str:
    # Parsers quote the character they stumbled over, after the comma.
    return message.partition(",")[0] if type_.endswith("_parsing") else message
