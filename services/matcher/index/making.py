"""Stored rows and what is made of them: as stored where this model and these rules made it.

When rows are read and written does not live here.
"""

from typing import TypeVar

from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.vector import TermVector
from services.matcher.index.rules import rules_hash
from services.matcher.store.documents import Made, PostingRow, SeekerRow

Facts = TypeVar("Facts", PostingFacts, SeekerFacts)

# A closed posting is told of and matched no more: nobody asks for its terms.
_NO_TERMS = TermVector.from_bytes(b"")
_NAMED = 16


def made_by(model: Model) -> str:
    """What is stored beside what this model and these rules make."""
    return f"{model.version}:{rules_hash()[:_NAMED]}"


def ready_posting(model: Model, row: PostingRow) -> PreparedPosting:
    """The posting made ready; its text is read again only where another model had read it."""
    vector = _vector(model, row.made) if row.doc.open else _NO_TERMS
    return prepare_posting(model, row.doc, vector)


def ready_seeker(model: Model, row: SeekerRow) -> PreparedSeeker:
    """The seeker made ready; the text is read again only where another model had read it."""
    return prepare_seeker(model, row.doc, row.held, _vector(model, row.made))


def posting_row(model: Model, doc: Posting, ready: PreparedPosting | None) -> PostingRow:
    """A posting as it is stored. ready: None unless it is open."""
    if ready is None:
        return PostingRow(doc, None)
    return PostingRow(doc, Made(ready.terms, PostingFacts.of(ready), made_by(model)))


def seeker_row(
    model: Model, doc: Seeker, held: tuple[HeldCertificate, ...], ready: PreparedSeeker | None
) -> SeekerRow:
    """A seeker as stored. ready: None unless looking."""
    if ready is None:
        return SeekerRow(doc, None, held)
    return SeekerRow(doc, Made(ready.terms, SeekerFacts.of(ready), made_by(model)), held)


def _vector(model: Model, made: Made[Facts] | None) -> TermVector | None:
    return made.vector if made and made.by == made_by(model) else None
