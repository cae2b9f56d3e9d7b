"""The matcher's own scoring as an adapter: `score(queries, docs)` gives every query's every score.

A query is a profile and a document a posting, made ready and scored as the matcher does, under the
model it begins with. Which pairs are relevant, and what is measured on them, does not live here.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from contracts.values import EmployerId, PayUnit, PostingId, SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import Pay, PayFloor, Posting, Seeker, SkillWanted
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score as score_of_pair

Document = Mapping[str, Any]
"""Fields, any of which may be missing: title, skills, text, salary ([low, high] CNY a month)."""

# Somewhere in the region: the same for all, so that place parts no one.
_COUNTY = "530102"


def score(queries: Sequence[Document], docs: Sequence[Document]) -> NDArray[np.int64]:
    """Scores in millionths, int64 (n_queries, n_docs)."""
    model = base_model()
    postings = [prepare_posting(model, _posting(at, doc)) for at, doc in enumerate(docs)]
    scores = np.empty((len(queries), len(docs)), np.int64)
    for at, query in enumerate(queries):
        seeker = prepare_seeker(model, _seeker(at, query))
        scores[at] = [score_of_pair(posting, seeker).score_ppm for posting in postings]
    return scores


def _posting(number: int, doc: Document) -> Posting:
    low, high = doc.get("salary") or (0, 0)
    return Posting(
        posting_id=PostingId(UUID(int=number)),
        employer_id=EmployerId("employer"),
        version=1,
        open=True,
        title=doc.get("title") or "",
        county=_COUNTY,
        pay=Pay(int(low), int(high), PayUnit.MONTH),
        text=doc.get("text") or "",
        skills=tuple(SkillWanted(name) for name in doc.get("skills") or ()),
    )


def _seeker(number: int, query: Document) -> Seeker:
    title, salary = query.get("title"), query.get("salary")
    return Seeker(
        seeker_id=SeekerId(UUID(int=number)),
        version=1,
        looking=True,
        titles=(title,) if title else (),
        text=query.get("text") or "",
        skills=tuple(query.get("skills") or ()),
        counties=(_COUNTY,),
        pay_floor=PayFloor(int(salary[0]), PayUnit.MONTH) if salary else None,
    )
