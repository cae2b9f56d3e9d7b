"""Noting outcomes of matches, each once, with what the pair was made of when it was heard.

No match changes by that. What is learned from outcomes does not live here.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from prometheus_client import Counter

from contracts.values import PostingId, SeekerId
from services.matcher.domain.model import Model
from services.matcher.index import Index
from services.matcher.index.making import made_by
from services.matcher.learning.outcomes import Noted, Outcome, parts_of
from services.matcher.store import documents, outcomes
from services.matcher.store import shard as shards
from services.matcher.store.documents import PostingRow, SeekerRow

log = structlog.get_logger(__name__)

NOTED = Counter("rengang_matcher_outcomes_noted_total", "Outcomes of matches kept to learn from")


async def note(index: Index, heard: Sequence[Outcome]) -> None:
    """Keep these outcomes to learn from; those that are kept already stay as they are.

    Left out is what became of a pair that is not known here, and of a seeker who withdrew.
    """
    async with index.lock:
        await index.mend()
        model = index.model
        async with index.db.transaction() as tx:
            await shards.lock_epoch(tx, index.epoch)
            jobs = await documents.select_postings(tx, {each.posting_id for each in heard})
            people = await documents.select_seekers(tx, {each.seeker_id for each in heard})
            noted = await index.compute(partial(_noted, model, heard, jobs, people))
            new = await outcomes.insert_outcomes(tx, noted)
    NOTED.inc(new)
    if len(noted) < len(heard):
        log.info("outcomes.left_out", of_unknown_pairs=len(heard) - len(noted))


def _noted(
    model: Model,
    heard: Sequence[Outcome],
    jobs: Mapping[PostingId, PostingRow],
    people: Mapping[SeekerId, SeekerRow],
) -> list[Noted]:
    found: list[Noted] = []
    for outcome in heard:
        job, person = jobs.get(outcome.posting_id), people.get(outcome.seeker_id)
        if job is not None and person is not None and person.doc.looking:
            parts = parts_of(model, job.doc, person.doc, person.held)
            found.append(Noted(outcome, parts, made_by(model)))
    return found
