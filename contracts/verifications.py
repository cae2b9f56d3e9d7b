"""Events of verifications: a question that waited for another city is answered. Nobody is named."""

from typing import ClassVar, Literal

from contracts.envelope import Event, Wire
from contracts.topics import VERIFICATIONS, Topic


class VerificationState(Wire):
    """receipt_no: of the receipt that said pending. resolved_by: of the one in its place.

    verdict: a stable code, as in the receipt.
    """

    receipt_no: str
    verdict: str
    resolved_by: str


class VerificationResolved(Event):
    """Another city has answered: the receipt that said pending is superseded."""

    topic: ClassVar[Topic] = VERIFICATIONS
    source_of: ClassVar[str] = "/rengang/certificates"
    source: str = source_of
    type: Literal["VerificationResolved"] = "VerificationResolved"
    data: VerificationState
