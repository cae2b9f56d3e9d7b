"""What each broken rule is answered with.

Rules are broken elsewhere; faults that every service knows are worded in the kit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from services.kit.problems import FieldError, Problem, content_not_accepted, not_found
from services.postings.actions import PostingNotFound, ReferenceFixed, ReferenceTaken
from services.postings.domain.offers import OfferRefused
from services.postings.domain.postings import Posting, PostingAlreadyClosed

CLOSED_ZH = "岗位已关闭，不能再更改；如需继续招聘，请重新发布（使用新的编号）。"
CLOSED_EN = "The posting is closed for good; to hire again, publish anew (with a new reference)."


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the rules broken inside into problems."""
    try:
        yield
    except PostingNotFound:
        raise not_found() from None
    except OfferRefused as refused:
        raise content_not_accepted(errors_of(refused)) from None
    except PostingAlreadyClosed as closed:
        raise _closed(closed.posting) from None
    except ReferenceTaken as taken:
        raise _reference_taken(taken.posting) from None
    except ReferenceFixed as fixed:
        raise content_not_accepted([_reference_fixed(fixed.posting)]) from None


def errors_of(refused: OfferRefused) -> list[FieldError]:
    """The rules that an offer breaks, as faults in what was sent."""
    return [{"pointer": rule.pointer, "zh": rule.zh, "en": rule.en} for rule in refused.broken]


def _closed(posting: Posting) -> Problem:
    return Problem(
        409,
        "posting_closed",
        zh=CLOSED_ZH,
        en=CLOSED_EN,
        closed_reason=posting.closed_reason,
        current_version=posting.version,
    )


def _reference_taken(posting: Posting) -> Problem:
    return Problem(
        409,
        "reference_taken",
        zh=f"您已有使用此编号的岗位（{posting.posting_id}）。请换一个编号，或修订该岗位。",
        en=f"You already have a posting of this reference ({posting.posting_id}). "
        "Use another, or revise that posting.",
        posting_id=str(posting.posting_id),
        errors=[
            {
                "pointer": "/reference",
                "zh": "编号在本单位内必须唯一。",
                "en": "A reference must be unique among your postings.",
            }
        ],
    )


def _reference_fixed(posting: Posting) -> FieldError:
    if posting.reference is None:
        return {
            "pointer": "/reference",
            "zh": "岗位发布时没有编号，之后不能添加；请删去此项。",
            "en": "The posting was published without a reference and stays so; leave it out.",
        }
    return {
        "pointer": "/reference",
        "zh": "编号在发布后不能更改；请删去此项，或使用原编号。",
        "en": "A reference cannot change; leave it out or send the posting's own.",
    }
