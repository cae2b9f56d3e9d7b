"""Promise 7 through all doors: others tell the traits, and not one match is announced anew."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from contracts.values import seeker_id_of
from dev.sample import generate
from tests.flows.people import someone
from tests.flows.system import OPERATOR, System
from tests.traits import OF_ONESELF, OF_WHOM_IS_WANTED, dealt

Line = dict[str, Any]
SEEKERS, POSTINGS = 60, 40
NAMES = ("样例甲", "样例乙", "样例丙", "样例丁", "Sample Person")


def persons(draw: random.Random) -> Iterator[Line]:
    """Who one is: name, phone, mail and birth date, each dealt by itself."""
    while True:
        number = draw.randrange(10_000)
        yield {
            "name": draw.choice(NAMES),
            "phone": f"1990000{number:04}",
            "email": draw.choice((None, f"someone{number}@example.com")),
            "birth_date": draw.choice((None, f"{draw.randint(1960, 2007)}-05-17")),
        }


def told_by(people: Iterable[Line], draw: random.Random) -> Iterator[Line]:
    """The lines as told by other persons, with other traits in their texts and among skills."""
    for line, told, person in zip(
        people, dealt(OF_ONESELF, SEEKERS, draw), persons(draw), strict=False
    ):
        work = line["work"]
        skills = list(told.among(work["skills"], str, draw))
        said = {"text": told.into(work["text"], draw), "skills": skills}
        yield {"account": f"blind-{line['account']}", "person": person, "work": work | said}


def asking(jobs: Iterable[Line], draw: random.Random) -> Iterator[Line]:
    """The lines, asking for other persons."""
    for line, asked in zip(jobs, dealt(OF_WHOM_IS_WANTED, POSTINGS, draw), strict=True):
        yield line | {"text": asked.into(line["text"], draw)}


async def test_other_persons_with_other_traits_are_matched_the_same(system: System) -> None:
    people = list(generate.seekers(SEEKERS, seed=77))
    jobs = list(generate.postings(POSTINGS, seed=77))
    employer = someone("employer")
    ids = [seeker_id_of(f"blind-{line['account']}") for line in people]

    async def bring(draw: random.Random) -> tuple[Line, Line]:
        seekers = await system.bring(
            "seekers", "/v1/seekers/import", OPERATOR, told_by(people, draw)
        )
        postings = await system.bring(
            "postings", "/v1/postings/import", employer, asking(jobs, draw)
        )
        await system.at_rest()
        return seekers, postings

    async def matches() -> list[Any]:
        """Of the live ones what was announced: a digest is of score, reasons and what misses."""
        return list(
            await system.rows(
                "matcher",
                "SELECT match_id, version, score_ppm, for_seeker, for_posting, digest FROM matches"
                " WHERE live AND seeker_id = ANY($1::uuid[]) ORDER BY match_id",
                ids,
            )
        )

    await bring(random.Random(1))
    before = await matches()
    assert len(before) > SEEKERS / 2
    seekers, postings = await bring(random.Random(2))
    assert seekers["revised"] > SEEKERS / 2
    assert postings["revised"] > POSTINGS / 2
    assert await matches() == before
