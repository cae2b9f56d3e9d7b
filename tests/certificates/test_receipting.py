"""An answer becomes a receipt: whose it is, what it may say, and where it is looked up later."""

import secrets
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.certificates.actions.keeping_keys import Signer, make_keys
from services.certificates.actions.receipting import Receipts
from services.certificates.domain.receipt_numbers import receipt_number
from services.certificates.domain.receipts import Asked, Receipt, StatusEntry, check
from services.certificates.domain.verdicts import Answer, Verdict
from services.kit.database import Database
from tests.certificates.samples import ISSUER, LI_NA, NUMBER, PEPPER, an_entry
from tests.support import NOW

URL = "https://kunming.example"
ASKED = Asked(b"salt for sixteen", NUMBER, LI_NA.name, LI_NA.identity)
NUMBER_OF_RECEIPT = receipt_number(bytes(range(16)))
OURS = Answer(Verdict.VALID, None, an_entry(status_list=3, status_index=77), None, NOW)


@pytest.fixture
async def signer(db: Database) -> Signer:
    signer = Signer(PEPPER)
    await make_keys(db, signer, secrets.token_bytes, NOW)
    return signer


@pytest.fixture
def issued(signer: Signer) -> "Issued":
    return Issued(signer)


class Issued:
    """Issues a receipt and reads it with the published keys."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._receipts = Receipts(signer, "kunming", URL)

    def __call__(self, answer: Answer, **more: str) -> Receipt:
        jws = self._receipts.issue(
            answer,
            ASKED.hash,
            receipt_no=NUMBER_OF_RECEIPT,
            at=NOW,
            audience=more.get("audience"),
            nonce=more.get("nonce"),
        )
        receipt = check(jws, self._signer.public)
        assert isinstance(receipt, Receipt)
        return receipt


async def test_it_says_whose_it_is_and_what_was_asked(issued: Issued) -> None:
    receipt = issued(OURS)
    assert (receipt.issuer, receipt.number, receipt.issued_at) == (
        "kunming",
        NUMBER_OF_RECEIPT,
        NOW,
    )
    assert receipt.says_of(ASKED)
    assert not receipt.says_of(replace(ASKED, number="S000053000123233000457"))
    assert (receipt.answered_by.city, receipt.answered_by.at) == ("kunming", NOW)
    assert (receipt.audience, receipt.nonce, receipt.supersedes) == (None, None, None)


async def test_it_tells_of_the_certificate_and_its_places(issued: Issued) -> None:
    receipt = issued(replace(OURS, entry=replace(
        an_entry(status_list=3, status_index=77), review_due=date(2027, 1, 1))))  # fmt: skip
    assert receipt.certificate is not None
    assert receipt.certificate.issuer == ISSUER
    assert receipt.certificate.kind == "skill-level"
    assert receipt.certificate.level == 4
    assert receipt.certificate.review_due == date(2027, 1, 1)
    assert receipt.status == (
        StatusEntry("revocation", f"{URL}/v1/status-lists/revocation/3", 77),
        StatusEntry("suspension", f"{URL}/v1/status-lists/suspension/3", 77),
    )


@pytest.mark.parametrize(
    "verdict",
    [Verdict.HOLDER_MISMATCH, Verdict.NOT_FOUND, Verdict.ISSUER_UNKNOWN, Verdict.PENDING],
)
async def test_without_an_entry_it_tells_of_no_certificate(
    issued: Issued, verdict: Verdict
) -> None:
    receipt = issued(Answer(verdict, None, None, None, NOW, upload_lag_days=30))
    assert (receipt.verdict, receipt.certificate, receipt.status) == (verdict, None, ())
    assert receipt.upload_lag_days == 30


async def test_another_citys_answer_names_that_city_and_no_place_of_ours(issued: Issued) -> None:
    at = NOW - timedelta(minutes=9)
    theirs = Answer(
        Verdict.SUSPENDED,
        "review-overdue",
        an_entry(origin="qujing", checked_at=at),
        "qujing",
        at,
        is_signed=False,
    )
    receipt = issued(theirs)
    assert (receipt.issuer, receipt.answered_by.city) == ("kunming", "qujing")
    assert receipt.answered_by.at == at
    assert not receipt.answered_by.is_signed
    assert (receipt.verdict, receipt.reason) == ("suspended", "review-overdue")
    assert receipt.status == ()


async def test_for_a_city_that_asked_it_is_meant_for_that_question_alone(issued: Issued) -> None:
    receipt = issued(OURS, audience="yuxi", nonce="n-1")
    assert (receipt.audience, receipt.nonce) == ("yuxi", "n-1")
