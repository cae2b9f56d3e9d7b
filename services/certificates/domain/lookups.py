"""A look-up: what the registry has under a number, compared with who is said to hold it.

Which answer another city gives does not live here; nor does how often somebody may ask.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.certificates.domain.digests import Statement
from services.certificates.domain.registry import Entry, answer
from services.certificates.domain.verdicts import Answer, Question, Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of our own under the number that was asked about. holder, identity: digests."""

    entry: Entry
    holder: bytes
    identity: bytes

    def is_held_by(self, statement: Statement) -> bool:
        """Compared whole and in constant time, whichever of the two is wrong."""
        return hmac.compare_digest(
            self.holder + self.identity, statement.holder + statement.identity
        )


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """An issuer that is registered. origin: None for ours, else the city it belongs to."""

    origin: str | None
    upload_lag_days: int


def looked_up(
    question: Question,
    statement: Statement,
    candidates: Iterable[Candidate],
    issuers: Mapping[str, KnownIssuer],
    now: datetime,
) -> Answer:
    """What our own registry answers.

    candidates: under the number. Somebody who is not the holder learns that the number is
    registered and no more: which occupation was asked for changes nothing then.
    """
    under_number = [
        candidate
        for candidate in candidates
        # With the number it says which certificate is meant: two issuers may use one number.
        if question.issuer is None or candidate.entry.issuer == question.issuer
    ]
    held = [candidate.entry for candidate in under_number if candidate.is_held_by(statement)]
    if under_number and not held:
        return Answer(Verdict.HOLDER_MISMATCH, None, None, None, now)
    meant = [e for e in held if question.occupation is None or e.occupation == question.occupation]
    if meant:
        _, best = answer(meant, now)
        if best is not None:
            verdict, reason = best.judged(now)
            return Answer(verdict, reason, best, None, now)
    named = [issuers[code] for code in question.named_issuers if code in issuers]
    if question.named_issuers and not named:
        return Answer(Verdict.ISSUER_UNKNOWN, None, None, None, now)
    lag_days = named[0].upload_lag_days if named else None
    return Answer(Verdict.NOT_FOUND, None, None, None, now, lag_days)


def may_be_elsewhere(
    answer: Answer, question: Question, issuers: Mapping[str, KnownIssuer]
) -> bool:
    """Whether another city might have it: nothing was found, and the issuer is not one of ours."""
    if answer.verdict not in (Verdict.NOT_FOUND, Verdict.ISSUER_UNKNOWN):
        return False
    named = [issuers[code] for code in question.named_issuers if code in issuers]
    return not named or named[0].origin is not None
