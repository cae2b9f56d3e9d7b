"""Real postings and generated seekers: the live matches are the brute-force program's."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from dev.sample import generate
from dev.sample.jsonl_postings import adapt
from tests.flows.people import someone
from tests.flows.system import OPERATOR, ROOT, System

SHARED = Path(os.environ.get("RENGANG_SHARED", ROOT.parent / "shared"))
POSTINGS = SHARED / "datasets" / "zh_postings_5iai" / "postings.jsonl"
SEEKERS = 1000


async def test_1173_real_postings_and_1000_seekers(system: System) -> None:
    people = list(generate.seekers(SEEKERS, seed=5))
    with POSTINGS.open(encoding="utf-8") as rows:
        jobs = list(adapt(map(json.loads, rows), now=datetime.now(UTC)))
    assert len(jobs) == 1173
    await system.bring("seekers", "/v1/seekers/import", OPERATOR, people)
    report = await system.bring("postings", "/v1/postings/import", someone("employer"), jobs)
    assert report["created"] == 1173
    await system.at_rest()
    verdict = await system.verified()
    assert verdict["postings"] >= 1173
    assert verdict["seekers"] >= SEEKERS
    assert verdict["live_stored"] > 0
    assert verdict["differences"] == 0
