"""Any process may die in the middle of an import: nothing is lost, nothing is seen twice."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from dev.sample import generate
from tests.flows.listening import listening
from tests.flows.people import someone
from tests.flows.system import OPERATOR, System

VICTIMS = (
    "postgres",
    "kafka",
    "postings",
    "seekers",
    "certificates",
    "matcher",
    "talent",
    "issuer",
)
POSTINGS = 30
SEEKERS = 20


async def bring_in(
    system: System, victim: str, employer: tuple[str, str], halfway: asyncio.Event
) -> list[str]:
    """Import seekers, certificates and postings in small bites; the ids acknowledged."""
    seed = VICTIMS.index(victim) + 10
    people = [
        line | {"account": f"{victim}-{line['account']}"}
        for line in generate.seekers(SEEKERS, seed=seed)
    ]
    proofs = list(generate.certificates(SEEKERS, seed=seed))
    jobs = list(generate.postings(POSTINGS, seed=seed))
    acknowledged: list[str] = []
    for n in range(10):
        await system.bring("seekers", "/v1/seekers/import", OPERATOR, people[n::10])
        await system.register(proofs[n::10])
        report = await system.bring("postings", "/v1/postings/import", employer, jobs[n::10])
        acknowledged += [line["id"] for line in report["lines"]]
        if n == 4:
            halfway.set()
    return acknowledged


@pytest.mark.parametrize("victim", VICTIMS)
async def test_kill_9_in_the_middle_of_an_import(system: System, victim: str) -> None:
    employer, seeker = someone("employer"), ("seeker", f"{victim}-{generate.account(1)}")
    await system.bring(
        "seekers",
        "/v1/seekers/import",
        OPERATOR,
        [next(generate.seekers(1)) | {"account": seeker[1]}],
    )
    me = (await system.call("GET", "seekers", "/v1/seekers/me", seeker, status=200)).json()
    halfway = asyncio.Event()
    async with listening(system, seeker, me["seeker_id"]) as ear:
        importing = asyncio.create_task(bring_in(system, victim, employer, halfway))
        await halfway.wait()
        await system.kill(victim)
        acknowledged = await importing
        await system.at_rest()

        assert len(set(acknowledged)) == POSTINGS
        for service in ("postings", "matcher", "talent"):
            assert set(acknowledged) <= await ids_of(system, service), service
        await system.verified()
        assert await readers_of_seekers(system) == await live(system, "for_seeker")
        assert await readers_of_postings(system) == await live(system, "for_posting")

        last = await system.rows(
            "seekers", "SELECT max(seq) FROM feed WHERE seeker_id::text = $1", me["seeker_id"]
        )
        await ear.hears(lambda entry: entry["seq"] == last[0]["max"])
    assert [entry["seq"] for entry in ear.heard] == list(range(1, len(ear.heard) + 1))
    assert not await notified_twice(system)


async def ids_of(system: System, service: str) -> set[str]:
    rows = await system.rows(service, "SELECT posting_id::text AS id FROM postings")
    return {row["id"] for row in rows}


async def live(system: System, side: str) -> dict[tuple[str, str], int]:
    return pairs(
        await system.rows(
            "matcher",
            "SELECT seeker_id::text, posting_id::text, score_ppm FROM matches "
            f"WHERE live AND {side}",
        )
    )


async def readers_of_seekers(system: System) -> dict[tuple[str, str], int]:
    return pairs(
        await system.rows(
            "seekers",
            "SELECT seeker_id::text, posting_id::text, score_ppm FROM matches "
            "WHERE standing = 'seen'",
        )
    )


async def readers_of_postings(system: System) -> dict[tuple[str, str], int]:
    return pairs(
        await system.rows(
            "talent",
            "SELECT seeker_id::text, posting_id::text, score_ppm FROM matches WHERE for_posting",
        )
    )


def pairs(rows: Any) -> dict[tuple[str, str], int]:
    return {(row["seeker_id"], row["posting_id"]): row["score_ppm"] for row in rows}


async def notified_twice(system: System) -> list[str]:
    """Matches of which a seeker was told anew although they had not become better."""
    rows = await system.rows(
        "seekers", "SELECT match_id::text AS id FROM feed WHERE kind = 'found' AND notify"
    )
    return [one for one, times in Counter(row["id"] for row in rows).items() if times > 1]
