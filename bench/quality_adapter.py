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
from services.matcher.domain.facts import PostingFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import KnownPosting
from services.matcher.domain.prepare import prepare_posting, prepare_seeker

Document = Mapping[str, Any]
"""Fields, any of which may be missing: title, skills, text, salary ([low, high] CNY a month)."""

# Somewhere in the region: the same for all, so that place parts no one.
_COUNTY = "530102"


def score(queries: Sequence[Document], docs: Sequence[Document]) -> NDArray[np.int64]:
    """Scores in millionths, int64 (n_queries, n_docs)."""
    # Every pair is told, however little it scores.
    model = base_model().limited(tau_ppm=0)
    engine = FastEngine(model)
    postings = (prepare_posting(model, posting_of(at, doc)) for at, doc in enumerate(docs))
    engine.load(
        [KnownPosting(each.doc.posting_id, PostingFacts.of(each), each.terms) for each in postings],
        [],
    )
    scores = np.zeros((len(queries), len(docs)), np.int64)
    for at, query in enumerate(queries):
        found = engine.best_postings(prepare_seeker(model, seeker_of(at, query)), len(docs))
        # The id of a posting is its place among the documents.
        scores[at, found.low.astype(np.int64)] = found.scores
    return scores


def posting_of(number: int, doc: Document) -> Posting:
    """A document as an open posting. number: its id."""
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


def seeker_of(number: int, query: Document) -> Seeker:
    """A query as a profile. number: its id."""
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
