"""Fills a matcher's schema with what it would hold of a population, by COPY.

Which pairs are live is `pairs` to say.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import sha256
from typing import Any

import asyncpg
import orjson

from bench.contenders.making import texts
from bench.documents import Seekers
from bench.population import Population, progress
from bench.queries import Query
from bench.start.pairs import Live
from contracts.values import match_id_of
from services.kit.database import Database
from services.kit.migrations import migrate
from services.matcher.domain.documents import Posting, Seeker
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.model import Model
from services.matcher.index.index import computed_with
from services.matcher.index.making import made_by
from services.matcher.store import shard

_TOLD_EVERY = 200_000

_POSTINGS = ("posting_id", "version", "open", "document", "terms", "facts", "made_by")
_SEEKERS = ("seeker_id", "version", "looking", "document", "terms", "facts", "made_by")
_FOLDERS = ("seeker_id", "version", "held")
_MATCHES = ("match_id", "seeker_id", "posting_id", "version", "live", "score_ppm", "for_seeker",
            "for_posting", "digest", "model")  # fmt: skip


async def fill(
    url: str,
    schema: str,
    model: Model,
    population: Population,
    queries: Sequence[Query],
    live: Live,
) -> None:
    """Lay out the schema and write everything, as a matcher that was ended in good order left it.

    model: in force, and what all documents were made by.
    """
    await migrate(url, "services.matcher", schema=schema)
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    try:
        for table, columns, rows in (
            ("postings", _POSTINGS, _posting_rows(model, population, queries)),
            ("seekers", _SEEKERS, _seeker_rows(model, population)),
            ("certificates", _FOLDERS, _folder_rows(population)),
            ("matches", _MATCHES, _match_rows(model, live)),
        ):
            await connection.copy_records_to_table(
                table, columns=columns, records=_counted(table, rows), schema_name=schema
            )
            # As a table that is in use: without it, the first to read it would mark every row.
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()
    await _put_in_force(url, schema, model)


async def _put_in_force(url: str, schema: str, model: Model) -> None:
    db = Database(url, schema=schema)
    await db.open()
    try:
        async with db.transaction() as tx:
            await shard.insert_model(tx, model.version, model.to_bytes())
            await shard.update_computed(tx, computed_with(model))
    finally:
        await db.close()


async def _counted(table: str, rows: Iterator[tuple[Any, ...]]) -> AsyncIterator[tuple[Any, ...]]:
    for written, row in enumerate(rows):
        if written and written % _TOLD_EVERY == 0:
            progress(f"{written:,} rows of {table} written")
        yield row


def _posting_rows(
    model: Model, population: Population, queries: Sequence[Query]
) -> Iterator[tuple[Any, ...]]:
    words, by = population.world.vocabulary.words, made_by(model)
    for query in queries:
        posting, text = query.posting, " ".join(words[word] for word in query.words)
        facts = PostingFacts.of(posting).to_bytes()
        document = _document(posting.doc, text)
        key = posting.doc.posting_id
        yield key, 1, True, document, posting.terms.to_bytes(), facts, by


def _seeker_rows(model: Model, population: Population) -> Iterator[tuple[Any, ...]]:
    by = made_by(model)
    documents = Seekers(population).documents(0, len(population))
    for seeker, text in zip(documents, texts(population), strict=True):
        facts = SeekerFacts.of(seeker).to_bytes()
        document = _document(seeker.doc, text)
        yield seeker.doc.seeker_id, 1, True, document, seeker.terms.to_bytes(), facts, by


def _document(doc: Posting | Seeker, text: str) -> str:
    """As the store writes it. The bench's documents have no text: only terms are compared."""
    fields = orjson.loads(orjson.dumps(doc))
    return orjson.dumps(fields | {"text": text}).decode()


def _folder_rows(population: Population) -> Iterator[tuple[Any, ...]]:
    for seeker in Seekers(population).documents(0, len(population)):
        if seeker.certificates:
            held = orjson.dumps(seeker.certificates).decode()
            yield seeker.doc.seeker_id, 1, held


def _match_rows(model: Model, live: Live) -> Iterator[tuple[Any, ...]]:
    for seeker_id, posting_id, score, for_seeker, for_posting in live.rows():
        match_id = match_id_of(seeker_id, posting_id)
        digest = sha256(f"{match_id} {score}".encode()).digest()
        yield (match_id, seeker_id, posting_id, 1, True, score, for_seeker, for_posting, digest,
               model.version)  # fmt: skip
