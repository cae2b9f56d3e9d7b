"""`python -m bench.start.starting URL SCHEMA`: a matcher's beginning in a process of its own.

Its log goes to stderr, what it measured to stdout. What it reads is `filling`'s to write.
"""

import asyncio
import json
import sys
import time
from collections.abc import MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import structlog

from bench.contenders.contender import TOP
from bench.start.figures import Start, Step
from services.kit.database import Database
from services.matcher import actions
from services.matcher.index import Index, ready_posting
from services.matcher.main import spare_collector
from services.matcher.store import documents, matches
from services.matcher.store.matches import Announced

ASKED, PAIRS_ASKED = 5, 1000


class Steps:
    """A processor of the log that notes the steps of a build, and how it went."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.restored = False

    def __call__(
        self, _: Any, __: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Note it, and let it go on to stderr."""
        if event["event"] == "index.step":
            self.steps.append(Step(event["step"], event["seconds"], event["cpu_seconds"]))
        if event["event"] == "index.built":
            self.restored = event["restored"]
        return event


async def started(url: str, schema: str) -> Start:
    """Begin as the service does, and look whether what was built answers."""
    steps = Steps()
    structlog.configure(
        processors=[
            steps,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    db = Database(url, schema=schema)
    await db.open()
    index = Index(db, {})
    try:
        began, began_cpu = time.perf_counter(), time.process_time()
        spare_collector()
        await actions.begin(index)
        spare_collector()
        begun_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        process_s = time.time() - psutil.Process().create_time()
        peak_bytes = _peak_bytes()
        agreeing, asked = await _agreeing(index)
        return Start(
            steps=tuple(steps.steps),
            begun_s=begun_s,
            cpu_s=cpu_s,
            process_s=process_s,
            peak_bytes=peak_bytes,
            nbytes=index.nbytes,
            restored=steps.restored,
            answers=await _answers(index),
            agreeing=agreeing,
            asked=asked,
        )
    finally:
        index.close()
        await db.close()


async def _answers(index: Index) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    """The best seekers of the first few postings."""
    async with index.db.transaction() as tx:
        rows = await anext(documents.open_postings(tx, ASKED))
    asked = [ready_posting(index.model, row) for row in rows]
    found = await index.think(
        lambda engine: [engine.best_seekers(posting, TOP).pairs() for posting in asked]
    )
    return tuple(
        (
            str(posting.doc.posting_id),
            tuple((score, str(seeker_id)) for score, seeker_id in best),
        )
        for posting, best in zip(asked, found, strict=True)
    )


async def _agreeing(index: Index) -> tuple[int, int]:
    """Of some stored pairs: how many stand in the engine's lists as they are stored; of how many.

    A pair that its lists' limits leave out has to be no pair, which a store never holds.
    """
    async with index.db.transaction() as tx:
        stored: list[Announced] = await anext(matches.live_matches(tx, PAIRS_ASKED), [])
    pairs = [(row.seeker_id, row.posting_id) for row in stored]
    standing = await index.think(lambda engine: engine.standing(pairs))
    right = [row.standing == now for row, now in zip(stored, standing, strict=True)]
    return sum(right), len(right)


def _peak_bytes() -> int:
    """The most memory the process held; where the system does not tell, what it holds now."""
    status = Path("/proc/self/status")
    # Not getrusage: its figure may be that of the process this one was forked from.
    if status.exists():
        (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM:")]
        return 1024 * int(line.split()[1])
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(started(*sys.argv[1:])))))
