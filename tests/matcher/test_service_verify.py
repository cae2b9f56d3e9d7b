"""`python -m services.matcher.verify` finds whatever is not as brute force has it."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from services.matcher.domain.base_model import base_model
from services.matcher.settings import Shard
from services.matcher.verify import (
    NothingToCheck,
    expected_of,
    in_words,
    joined,
    live_in,
    ranges,
    read,
    verify,
)
from tests.matcher.harness import Matcher
from tests.matcher.market import Market, sample_market

DAMAGE = {
    "missing": "UPDATE matches SET live = false, score_ppm = NULL, digest = NULL, "
    "for_seeker = false, for_posting = false WHERE match_id = (SELECT match_id FROM one)",
    "score": "UPDATE matches SET score_ppm = (score_ppm + 1) % 1000000 "
    "WHERE match_id = (SELECT match_id FROM one)",
    "sides": "UPDATE matches SET for_seeker = for_posting AND NOT for_seeker, "
    "for_posting = true WHERE match_id = (SELECT match_id FROM one)",
    "reasons": "UPDATE matches SET digest = sha256('other') "
    "WHERE match_id = (SELECT match_id FROM one)",
    "surplus": "UPDATE postings SET open = false, terms = NULL, facts = NULL, made_by = NULL, "
    "document = jsonb_set(document, '{open}', 'false') "
    "WHERE posting_id = (SELECT posting_id FROM one)",
}


async def test_a_shard_that_is_exact_is_found_equal(matcher: Matcher) -> None:
    await matcher.take(*Market(1).events(60))
    report = await verify(matcher.url, matcher.shard)
    assert report.equal
    assert report.live_stored == report.live_expected > 0
    assert "equal: pairs, scores, sides and reasons" in in_words(report)


@pytest.mark.parametrize("fault", DAMAGE)
async def test_each_kind_of_fault_is_found(matcher: Matcher, fault: str) -> None:
    await matcher.take(*Market(2).events(60))
    await damage(matcher, fault)
    report = await verify(matcher.url, matcher.shard)
    assert not report.equal
    assert fault in report.by_fault
    assert f"{fault}: posting" in in_words(report)


@pytest.mark.parametrize("fault", ["missing", "score", "sides", "reasons"])
async def test_a_start_trusts_the_matches_that_are_stored(matcher: Matcher, fault: str) -> None:
    """It reads them for its lists, and would have to work all of them out to know better."""
    await matcher.take(*Market(2).events(60))
    announced = len(await matcher.announced())
    await damage(matcher, fault)
    await matcher.restart()
    assert fault in (await verify(matcher.url, matcher.shard)).by_fault
    assert len(await matcher.announced()) == announced


@pytest.mark.parametrize("fault", DAMAGE)
async def test_choosing_the_model_in_force_again_mends_and_announces_it(
    matcher: Matcher, fault: str
) -> None:
    await matcher.take(*Market(2).events(60))
    announced = len(await matcher.announced())
    await damage(matcher, fault)
    await matcher.restart()
    await matcher.switch(base_model().version)
    report = await verify(matcher.url, matcher.shard)
    assert report.equal, in_words(report)
    said = (await matcher.announced())[announced:]
    # A posting that was closed behind our back may take more matches along, and others move up.
    assert len(said) >= 1 if fault == "surplus" else len(said) == 1
    await matcher.take(*Market(7, first=1000).events(20))
    assert (await verify(matcher.url, matcher.shard)).equal


async def test_ranges_of_seekers_put_together_are_the_whole(matcher: Matcher) -> None:
    await matcher.take(*sample_market(60, 60))
    stored = await read(matcher.url, matcher.shard)
    (whole,) = map(live_in, ranges(stored, 1))
    assert len(whole) > 60
    for count in (2, 7, 60):
        parts = list(map(live_in, ranges(stored, count)))
        assert len(parts) >= count
        assert joined(parts, stored.model.limits.k_p) == whole


async def test_several_processes_find_what_one_finds(matcher: Matcher) -> None:
    await matcher.take(*Market(2).events(60))
    stored = await read(matcher.url, matcher.shard)
    assert await asyncio.to_thread(expected_of, stored, 2) == expected_of(stored, 1)


async def test_a_shard_that_does_not_exist_is_nothing_to_check(matcher: Matcher) -> None:
    with pytest.raises(NothingToCheck, match="no shard 1/2"):
        await verify(matcher.url, Shard(1, 2))


async def test_the_command_tells_by_its_exit_code(matcher: Matcher) -> None:
    await matcher.take(*Market(3).events(60))
    code, told = await command(matcher, "--json", "--processes", "1")
    assert code == 0
    assert json.loads(told)["differences"] == 0
    await damage(matcher, "score")
    code, told = await command(matcher, "--json", "--processes", "1")
    assert (code, json.loads(told)["by_fault"]) == (1, {"score": 1})
    code, told = await command(matcher, MATCHER_SHARD="1/2")
    assert (code, told) == (2, "")


async def damage(matcher: Matcher, fault: str) -> None:
    async with matcher.db.transaction() as tx:
        await tx.execute(
            "WITH one AS (SELECT match_id, posting_id FROM matches WHERE live "
            f"ORDER BY for_seeker AND for_posting DESC, match_id LIMIT 1) {DAMAGE[fault]}"
        )


async def command(matcher: Matcher, *arguments: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.matcher.verify", *arguments),
        env=os.environ | {"RENGANG_DATABASE_URL": matcher.url} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    code: Any = process.returncode
    return code, out.decode()
