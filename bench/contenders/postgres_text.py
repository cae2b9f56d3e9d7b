"""PostgreSQL full text: an OR of all words over a GIN index, ranked by ts_rank.

It ranks by text alone. The server is the one that `./rengang up` runs, thrown away afterwards.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import texts
from bench.population import Population
from bench.queries import Query
from dev.stack import ports, postgres
from dev.stack.folder import DataFolder
from dev.stack.servers import postgres_program
from dev.stack.supervisor import Stack

# One process, as the others have one thread; memory enough for everything to stay in it.
_SETTINGS = postgres.THROWAWAY | {
    "shared_buffers": "1536MB",
    "work_mem": "512MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
}
_TABLE = "CREATE UNLOGGED TABLE said (row integer PRIMARY KEY, words tsvector NOT NULL)"
_INDEX = "CREATE INDEX said_words ON said USING gin (words) WITH (fastupdate = off)"
_SEARCH = f"""
SELECT row FROM said WHERE words @@ $1::text::tsquery
ORDER BY ts_rank(words, $1::text::tsquery) DESC LIMIT {TOP}
"""  # noqa: S608 - a number of ours
_LINES_AT_ONCE = 5_000
_MOST_QUERIES = 3


class PostgresText(Contender):
    """A table of tsvectors in a PostgreSQL of its own."""

    name = "PostgreSQL"

    def load(self, population: Population) -> float:
        self._vocabulary = population.world.vocabulary
        self._runner = asyncio.Runner()
        self._path = Path(tempfile.mkdtemp(prefix="rengang-bench-"))
        return self._runner.run(self._load(population))

    def ways(self) -> list[Way]:
        return [
            Way(
                "PostgreSQL, OR, ts_rank",
                self._ready,
                self._search,
                lambda answer: answer,
                fused=False,
                most=_MOST_QUERIES,
            )
        ]

    def held_bytes(self) -> int:
        size = self._connection.fetchval("SELECT pg_total_relation_size('said')")
        held: int = self._runner.run(size)
        return held

    def close(self) -> None:
        self._runner.run(self._stop())
        self._runner.close()
        shutil.rmtree(self._path, ignore_errors=True)

    async def _load(self, population: Population) -> float:
        folder = DataFolder(self._path)
        folder.open()
        (port,) = ports.unused()
        server = postgres.Postgres(self._path, port, folder.secret("postgres"), _SETTINGS)
        self._stack = Stack(folder, [(postgres_program(server),)])
        await self._stack.start()
        self._connection = await asyncpg.connect(server.url())
        began = time.perf_counter()
        await self._connection.execute(_TABLE)
        await self._connection.copy_to_table("said", source=_lines(population), format="text")
        await self._connection.execute(_INDEX)
        await self._connection.execute("ANALYZE said")
        return time.perf_counter() - began

    async def _stop(self) -> None:
        await self._connection.close()
        await self._stack.stop()
        postgres.remove(self._path)

    def _ready(self, query: Query) -> str:
        return " | ".join(self._vocabulary.words[word] for word in query.words)

    def _search(self, question: str) -> Any:
        found = self._runner.run(self._connection.fetch(_SEARCH, question))
        return [row for (row,) in found]


async def _lines(population: Population) -> AsyncIterator[bytes]:
    """Lines for COPY, each a row's tsvector with the places of its words."""
    lines: list[str] = []
    for row, text in enumerate(texts(population)):
        places: dict[str, list[str]] = {}
        for at, word in enumerate(text.split(), 1):
            places.setdefault(word, []).append(str(at))
        vector = " ".join(f"{word}:{','.join(at)}" for word, at in places.items())
        lines.append(f"{row}\t{vector}\n")
        if len(lines) == _LINES_AT_ONCE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()
