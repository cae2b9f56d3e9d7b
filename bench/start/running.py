"""The run: a server of its own, filled; a process that begins on it; and whether it answers right.

What is stored is `filling`'s, what the process does is `starting`'s.
"""

import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from bench.contenders.contender import TOP
from bench.documents import ids_of
from bench.exact import Exact
from bench.population import Population, as_stored, make_population, progress
from bench.queries import Query, make_queries
from bench.start.figures import Filled, Result, Start, StartFailed, Step
from bench.start.filling import fill
from bench.start.pairs import pairs_of_postings, true_pairs
from bench.world import World
from dev.stack import ports, postgres
from dev.stack.folder import DataFolder
from dev.stack.servers import postgres_program
from dev.stack.supervisor import Stack
from services.matcher.domain.model import Limits

_SCHEMA, _SMALL = "shard_0_of_1", "small"
_FEW = 50
# While it is filled nothing has to survive; what reads it afterwards is as ever.
_SETTINGS = postgres.THROWAWAY | {"max_wal_size": "8GB", "maintenance_work_mem": "256MB"}
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured."""

    seekers: int
    postings: int
    live_per_seeker: int
    exact_up_to: int
    seed: int


async def run(wanted: Wanted, world: World) -> Result:
    """Measure it in this world. Says on stderr how far it is. Raises StartFailed."""
    began = time.perf_counter()
    progress(f"drawing {wanted.seekers:,} seekers")
    population = make_population(wanted.seed, world, wanted.seekers)
    # The bench's own model lists every pair; this start is one of a model in use.
    population = as_stored(population, tau_ppm=Limits().tau_ppm)
    queries = make_queries(wanted.seed, population, wanted.postings)
    async with _server() as url:
        filled = await _filled(url, wanted, population, queries, began)
        progress("a small start first, so that all code it needs is compiled")
        await _started(url, await _small(url, population, queries[:_FEW]))
        progress("starting")
        start, server_cpu_s = await _started(url, _SCHEMA)
        progress("looking whether it answers right")
        right = _right(population, queries, start)
        return Result(filled, start, server_cpu_s, right, len(start.answers), _machine())


async def _filled(
    url: str, wanted: Wanted, population: Population, queries: Sequence[Query], began: float
) -> Filled:
    progress("finding live pairs")
    model = population.model
    live = (
        true_pairs(model, population, queries)
        if wanted.seekers <= wanted.exact_up_to
        else pairs_of_postings(model, population, queries, wanted.live_per_seeker)
    )
    progress(f"writing {len(population):,} seekers and {len(live):,} live pairs")
    await fill(url, _SCHEMA, model, population, queries, live)
    connection = await asyncpg.connect(url)
    try:
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    seconds = time.perf_counter() - began
    return Filled(len(population), len(queries), len(live), live.exact, size, seconds)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    """A PostgreSQL of its own, thrown away afterwards; its address."""
    path = Path(tempfile.mkdtemp(prefix="rengang-bench-"))
    try:
        folder = DataFolder(path)
        folder.open()
        (port,) = ports.unused()
        server = postgres.Postgres(path, port, folder.secret("postgres"), _SETTINGS)
        stack = Stack(folder, [(postgres_program(server),)])
        await stack.start()
        try:
            yield server.url()
        finally:
            await stack.stop()
            postgres.remove(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


async def _small(url: str, population: Population, queries: Sequence[Query]) -> str:
    """Fill another schema with a few documents; returns its name."""
    n = min(_FEW, len(population))
    few = replace(population, page=population.page.first(n), terms=population.terms.first(n))
    await fill(url, _SMALL, few.model, few, queries, true_pairs(few.model, few, queries))
    return _SMALL


async def _started(url: str, schema: str) -> tuple[Start, float]:
    """What a process that begins says of itself, and the processor time of the server's in it."""
    connection = await asyncpg.connect(url)
    try:
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        server = psutil.Process(backend).parent()
    finally:
        await connection.close()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "bench.start.starting", url, schema,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    watching = asyncio.create_task(_server_cpu_s(server, process))
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    finally:
        server_cpu_s = await watching
    if process.returncode != 0:
        raise StartFailed(f"the process ended with {process.returncode}")
    return _read(json.loads(said)), server_cpu_s


async def _server_cpu_s(
    server: psutil.Process | None, process: asyncio.subprocess.Process
) -> float:
    """Seconds all sessions of the server used while the process ran, from its first on."""
    used: dict[int, float] = {}
    before: dict[int, float] = {}
    while server is not None and process.returncode is None:
        for session in server.children():
            try:
                times = session.cpu_times()
            except psutil.Error:
                continue
            used[session.pid] = times.user + times.system
            before.setdefault(session.pid, used[session.pid] if not before else 0.0)
        await asyncio.sleep(_LOOK_EVERY_S)
    return sum(used.values()) - sum(before.values())


def _read(said: dict[str, Any]) -> Start:
    said["steps"] = tuple(Step(**step) for step in said["steps"])
    said["answers"] = tuple(
        (posting_id, tuple((score, seeker_id) for score, seeker_id in best))
        for posting_id, best in said["answers"]
    )
    return Start(**said)


def _right(population: Population, queries: Sequence[Query], start: Start) -> int:
    """How many of the answers are the exact best, pairs and scores, from τ up."""
    exact = Exact(population)
    asked = {str(query.posting.doc.posting_id): query for query in queries}
    right = 0
    for posting_id, best in start.answers:
        rows, scores = exact.best(asked[posting_id], TOP)
        truth = zip(scores.tolist(), map(str, ids_of(population, rows)), strict=True)
        tau = population.model.limits.tau_ppm
        right += list(best) == [(score, key) for score, key in truth if score >= tau]
    return right


def _machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory GB": round(psutil.virtual_memory().total / 1e9),
        "Python": platform.python_version(),
    }
