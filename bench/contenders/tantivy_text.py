"""tantivy: BM25 over the words of the texts, as a search engine would be put to this use.

It ranks by text alone; what it finds of the exact answer is part of what is measured.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import Making, texts
from bench.drawing import NONE
from bench.population import Population
from bench.queries import Query

RAREST = 10
_REMOTE = "remote"
_SAID, _PLACE, _ROW = "said", "place", "row"
# All of it fits in one segment: what one thread finds fastest.
_HEAP_BYTES = 2_000_000_000
_SHOULD, _MUST = tantivy.Occur.Should, tantivy.Occur.Must


class Tantivy(Contender):
    """One index of texts, and of the places as they would be filtered by."""

    name = "tantivy"

    def load(self, population: Population) -> float:
        self._population = population
        self._folder = Path(tempfile.mkdtemp(prefix="rengang-bench-"))
        builder = tantivy.SchemaBuilder()
        builder.add_text_field(_SAID, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field(_PLACE, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field(_ROW, stored=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, path=str(self._folder))
        began = time.perf_counter()
        writer = self._index.writer(_HEAP_BYTES, 1)
        made = Making(_documents(population))
        for document in made:
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        seconds = time.perf_counter() - began - made.seconds
        self._index.reload()
        self._searcher = self._index.searcher()
        return seconds

    def ways(self) -> list[Way]:
        asked = (
            ("tantivy, OR of all terms", self._all),
            ("tantivy, OR, filtered by place", self._here),
            (f"tantivy, {RAREST} rarest terms", self._rare),
        )
        return [Way(name, ready, self._search, self._rows, fused=False) for name, ready in asked]

    def held_bytes(self) -> int:
        """On disk, without the store of row numbers."""
        files = self._folder.iterdir()
        return sum(file.stat().st_size for file in files if file.suffix not in (".store", ".lock"))

    def close(self) -> None:
        del self._searcher, self._index, self._schema, self._population
        shutil.rmtree(self._folder)

    def _all(self, query: Query) -> Any:
        return self._or(_SAID, self._words(query.words), "freq")

    def _rare(self, query: Query) -> Any:
        """The rarest that anybody says."""
        vocabulary, model = self._population.world.vocabulary, self._population.model
        idf = model.idf[vocabulary.buckets[list(query.words)]]
        rarest = np.argsort(-idf.astype(np.int64), kind="stable").tolist()
        said = [query.words[at] for at in rarest if idf[at] < model.unseen]
        return self._or(_SAID, self._words(said[:RAREST]), "freq")

    def _here(self, query: Query) -> Any:
        posting = query.posting
        accepted = [posting.doc.county, posting.prefecture, *[_REMOTE] * posting.doc.remote]
        place = tantivy.Query.const_score_query(self._or(_PLACE, accepted, "basic"), 0.0)
        return tantivy.Query.boolean_query([(_MUST, place), (_MUST, self._all(query))])

    def _words(self, words: Any) -> list[str]:
        spelled = self._population.world.vocabulary.words
        return [spelled[word] for word in words]

    def _or(self, field: str, values: list[str], option: str) -> Any:
        term = tantivy.Query.term_query
        clauses = [(_SHOULD, term(self._schema, field, value, option)) for value in values]
        return tantivy.Query.boolean_query(clauses)

    def _search(self, question: Any) -> Any:
        # Without count, or it would visit every document that has any of the terms.
        return self._searcher.search(question, TOP, count=False)

    def _rows(self, answer: Any) -> list[int]:
        return [self._searcher.doc(address)[_ROW][0] for _, address in answer.hits]


def _documents(population: Population) -> Any:
    world, page = population.world, population.page
    beside = [np.flatnonzero(row).tolist() for row in world.beside]
    named = page.places.tolist()
    commute = page.commute.tolist()
    remote = page.remote.tolist()
    for row, text in enumerate(texts(population)):
        document = tantivy.Document()
        document.add_text(_SAID, text)
        for at in [*named[row], *(beside[named[row][0]] if commute[row] else ())]:
            if at != NONE:
                document.add_text(_PLACE, world.places[at])
        if remote[row]:
            document.add_text(_PLACE, _REMOTE)
        document.add_unsigned(_ROW, row)
        yield document
