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
SEEKERS, EVERY = 1000, 6


async def test_a_share_of_1173_real_postings_and_of_1000_seekers(
    system: System, times: int
) -> None:
    """A sixth of each, of the postings every sixth; all of them with `--long`."""
    share = 1 if times > 1 else EVERY
    people = list(generate.seekers(SEEKERS // share, seed=5))
    with POSTINGS.open(encoding="utf-8") as rows:
        jobs = list(adapt(map(json.loads, rows), now=datetime.now(UTC)))
    assert len(jobs) == 1173
    chosen = jobs[::share]
    await system.bring("seekers", "/v1/seekers/import", OPERATOR, people)
    report = await system.bring("postings", "/v1/postings/import", someone("employer"), chosen)
    assert report["created"] == len(chosen)
    await system.at_rest()
    verdict = await system.verified_as_by_operators()
    assert verdict["postings"] >= len(chosen)
    assert verdict["seekers"] >= len(people)
    assert verdict["live_stored"] > len(chosen)
    assert verdict["differences"] == 0
