"""What is asked of the verifier and what it answers, and whom it needs: signers, other cities.

How a question is answered stands in verifying.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.certificates.actions.guessing import asker_of
from services.certificates.domain.digests import Statement
from services.certificates.domain.guesses import Allowance, TooManyMisses
from services.certificates.domain.receipt_numbers import ReceiptNo
from services.certificates.domain.receipts import Asked
from services.certificates.domain.verdicts import Answer, Question
from services.kit.database import Transaction

Random = Callable[[int], bytes]
"""As many bytes as asked for, which nobody can guess."""

UNREACHABLE = "city-unreachable"
"""The reason of an answer that another city has still to give."""


class Elsewhere(Protocol):
    """The other cities."""

    async def ask(self, question: Question, at: datetime, *, purpose: str) -> Answer | None:
        """What they say; pending where one has still to answer, None where none is concerned.

        purpose: why the asker looks, which they write down.
        """
        ...


class Keeps(Protocol):
    """Keeps questions that another city has still to answer, and asks them again."""

    async def keep(
        self, tx: Transaction, question: Question, now: datetime, *, purpose: str, receipt_no: str
    ) -> None:
        """Keep this one; its receipt says pending."""
        ...


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with who asks it and why.

    audience, nonce: set where a city asks, so that the receipt proves nothing to others; what it
    asks is answered from our own registry alone.
    """

    question: Question
    statement: Statement
    asked: Asked
    requester: str
    role: str
    purpose: str
    allowance: Allowance
    audience: str | None = None
    nonce: str | None = None

    @property
    def asker(self) -> str:
        """Under which name misses are counted."""
        return asker_of(self.role, self.requester)


@dataclass(frozen=True, slots=True)
class Verified:
    """The answer and its receipt. salt: what the question is hidden with in the receipt."""

    receipt_no: ReceiptNo
    answer: Answer
    jws: str
    salt: bytes
    at: datetime


Outcome = Verified | TooManyMisses
