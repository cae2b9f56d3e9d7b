"""A city that runs something else: how its plain JSON is asked, and what its answer means.

Such an answer carries no signature; when it may be believed all the same stands in cities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeGuard

from services.certificates.domain.exchange import FOUND, MISSED, Told, Unbelievable
from services.certificates.domain.levels import LevelUnknown, level_of
from services.certificates.domain.receipts import CertificateFacts
from services.certificates.domain.verdicts import Verdict

ASKABLE = ("number", "holder_name", "identity_number", "occupation", "issuer")
FACTS = ("occupation", "level", "name", "issuer", "issued_on", "valid_until")
_NEEDED_FACTS = ("occupation", "name", "issuer", "issued_on")


class MappingInvalid(ValueError):
    """The mapping does not say what it must. part: which part of it."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


@dataclass(frozen=True, slots=True)
class JsonMapping:
    """How a city's JSON is written and read.

    path: where to POST to, under its base URL. request: for each member to send, what of the
    question it holds. verdict: JSON Pointer (RFC 6901) to the code. verdicts: what the codes
    mean. certificate: a pointer for each fact.
    """

    path: str
    request: Mapping[str, str]
    verdict: str
    verdicts: Mapping[str, Verdict]
    certificate: Mapping[str, str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "JsonMapping":
        """Read from the table. Raises MappingInvalid."""
        path, request = said.get("path"), said.get("request")
        if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
            raise MappingInvalid("path")
        if not _texts(request) or not {"number", "holder_name", "identity_number"} <= set(
            request.values()
        ) <= set(ASKABLE):
            raise MappingInvalid("request")
        verdict, verdicts = said.get("verdict"), said.get("verdicts")
        if not _is_pointer(verdict):
            raise MappingInvalid("verdict")
        meanings = {str(known) for known in FOUND | MISSED}
        if not _texts(verdicts) or not set(verdicts.values()) <= meanings:
            raise MappingInvalid("verdicts")
        certificate = said.get("certificate")
        if (
            not _texts(certificate)
            or not set(_NEEDED_FACTS) <= set(certificate) <= set(FACTS)
            or not all(map(_is_pointer, certificate.values()))
        ):
            raise MappingInvalid("certificate")
        if set(said) - {"path", "request", "verdict", "verdicts", "certificate"}:
            raise MappingInvalid("")
        return cls(
            path,
            dict(request),
            verdict,
            {code: Verdict(meaning) for code, meaning in verdicts.items()},
            dict(certificate),
        )

    def asked(self, question: Mapping[str, str | None]) -> dict[str, str]:
        """The body to send; what the question does not say is left out."""
        told = ((member, question.get(what)) for member, what in self.request.items())
        return {member: value for member, value in told if value is not None}

    def told(self, city_id: str, answer: object, now: datetime) -> Told:
        """What the answer means. Raises Unbelievable."""
        code = _at(answer, self.verdict)
        verdict = self.verdicts.get(str(code)) if isinstance(code, str | int) else None
        if verdict is None:
            raise Unbelievable("verdict_unknown")
        facts = self._facts(answer) if verdict in FOUND else None
        return Told(city_id, verdict, None, now, facts, {}, is_signed=False)

    def _facts(self, answer: object) -> CertificateFacts:
        said = {fact: _at(answer, pointer) for fact, pointer in self.certificate.items()}
        if not all(isinstance(said[fact], str) for fact in _NEEDED_FACTS):
            raise Unbelievable("facts_malformed")
        level, label = _level(said.get("level"))
        until = said.get("valid_until")
        return CertificateFacts(
            kind=None,
            occupation=said["occupation"],
            level=level,
            level_label=label,
            name=said["name"],
            issuer=said["issuer"],
            issued_on=_date(said["issued_on"]),
            valid_until=None if until in (None, "") else _date(until),
        )


def _texts(value: object) -> TypeGuard[Mapping[str, str]]:
    return (
        isinstance(value, Mapping)
        and 1 <= len(value) <= 50
        and all(isinstance(text, str) for pair in value.items() for text in pair)
    )


def _is_pointer(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and (value == "" or value.startswith("/"))


def _at(value: object, pointer: str) -> Any:
    """What stands at a JSON Pointer, or None."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        match value:
            case dict():
                value = value.get(name)
            case list() if name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            case _:
                return None
    return value


def _level(value: object) -> tuple[int | None, str | None]:
    if value in (None, ""):
        return None, None
    if isinstance(value, int) and not isinstance(value, bool):
        return value, None
    if isinstance(value, str):
        try:
            return level_of(value), value
        except LevelUnknown:
            return None, value
    raise Unbelievable("facts_malformed")


def _date(value: object) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Unbelievable("facts_malformed") from None
