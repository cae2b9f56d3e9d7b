"""Importing many postings: each line on its own, and the same file twice changes nothing."""

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from contracts.events import EVENT_TYPES
from contracts.postings import PostingPublished
from services.kit.database import Database
from services.postings import api, store
from tests.kit.door import Issuer, an_app
from tests.postings.conftest import Door, waiting_backends
from tests.postings.requests import close, published, revise
from tests.postings.samples import EMPLOYER, a_body, a_posting_id, ndjson
from tests.support import NOW

URL = "/v1/postings/import"


async def send(client: httpx.AsyncClient, *lines: dict[str, Any] | str | bytes) -> httpx.Response:
    headers = {"Content-Type": "application/x-ndjson"}
    return await client.post(URL, content=ndjson(*lines), headers=headers)


async def report(client: httpx.AsyncClient, *lines: dict[str, Any] | str | bytes) -> dict[str, Any]:
    answer = await send(client, *lines)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["created"], found["revised"], found["unchanged"], found["rejected"]


async def test_every_good_line_is_published_and_reported(
    door: Door, employer: httpx.AsyncClient
) -> None:
    found = await report(employer, a_body(reference="A-1"), a_body(title="钳工"))
    assert counts(found) == (2, 0, 0, 0)
    first, second = found["lines"]
    assert (first["line"], first["status"], first["reference"]) == (1, "created", "A-1")
    assert second["reference"].startswith("content:")
    for line in found["lines"]:
        posting = (await employer.get(f"/v1/postings/{line['id']}")).json()
        assert posting["reference"] == line["reference"]
    assert await door.told() == [("PostingPublished", 1)] * 2


async def test_a_line_says_what_a_publication_would(
    door: Door, employer: httpx.AsyncClient
) -> None:
    await report(employer, a_body())
    await employer.post("/v1/postings", json=a_body())
    imported, posted = await door.announced()
    assert isinstance(imported, PostingPublished)
    assert imported.data == posted.data.model_copy(update={"posting_id": imported.data.posting_id})


async def test_line_17_is_told_what_is_wrong_and_the_others_are_in(
    door: Door, employer: httpx.AsyncClient
) -> None:
    lines = [a_body(reference=f"A-{number}") for number in range(1, 31)]
    lines[16]["pay"]["min"] = -1
    lines[16]["county"] = "999999"
    found = await report(employer, *lines)
    assert counts(found) == (29, 0, 0, 1)
    (bad,) = [line for line in found["lines"] if line["status"] == "rejected"]
    assert (bad["line"], bad["reference"], bad["id"]) == (17, "A-17", None)
    assert [error["pointer"] for error in bad["errors"]] == ["/county", "/pay/min"]
    assert bad["errors"][1]["zh"] == "待遇须大于 0 元，收到 -1。"
    assert bad["errors"][1]["en"] == "Pay must be above 0 CNY, got -1."
    assert await door.count() == 29


BAD_LINES: list[tuple[dict[str, Any] | str | bytes, str, str]] = [
    ('{"title": "焊工", "cou', "", "cut off"),
    ("null", "", "not a JSON object"),
    ("[]", "", "not a JSON object"),
    ("焊工".encode("gb18030"), "", "UTF-8"),
    ('{"title": "焊工'.encode()[:-1], "", "UTF-8"),
    (b'{"title": "a\x00b"}', "", "NUL"),
    (r'{"title": "a\u0000b"}', "/title", "NUL"),
    ('{"title": 1, "title": 2}', "/title", "more than once"),
    (a_body(text="a" * 65_536), "", "at most 65536"),
    (a_body(county="999999"), "/county", "no county"),
    (a_body(pay={"min": -1, "max": 2, "unit": "day"}), "/pay/min", "above 0"),
    (a_body(pay={"min": 3, "max": 2, "unit": "day"}), "/pay/max", "below"),
    (a_body(pay={"min": "3", "max": 2, "unit": "day"}), "/pay/min", "whole number"),
    (a_body(valid_until="2026-02-01T00:00:00Z"), "/valid_until", "past"),
    (a_body(salary=1), "/salary", "no such field"),
    (a_body(occupation="6-18-02-99"), "/occupation", "no code"),
    (a_body(skills=[{"name": "A"}, {"name": "a"}]), "/skills/1/name", "same skill"),
    (
        a_body(certificates=[{"occupation": "6-18-02-04", "level": 9}]),
        "/certificates/0/level",
        "at most 8",
    ),
    (a_body(reference="编" * 101), "/reference", "at most 100"),
]


@pytest.mark.parametrize(("line", "pointer", "word"), BAD_LINES)
async def test_a_bad_line_harms_no_other(
    door: Door,
    employer: httpx.AsyncClient,
    line: dict[str, Any] | str | bytes,
    pointer: str,
    word: str,
) -> None:
    found = await report(employer, a_body(reference="A"), line, a_body(reference="B"))
    assert [told["status"] for told in found["lines"]] == ["created", "rejected", "created"]
    (error,) = found["lines"][1]["errors"]
    assert error["pointer"] == pointer
    assert word in error["en"]
    assert await door.count() == 2
    assert await door.told() == [("PostingPublished", 1)] * 2


async def test_a_thousand_lines_with_bad_ones_among_them(
    door: Door, employer: httpx.AsyncClient
) -> None:
    lines: list[dict[str, Any] | str | bytes] = [
        a_body(reference=f"A-{number}", headcount=number % 50 + 1) for number in range(1000)
    ]
    for number in range(16, 1000, 50):
        lines[number] = BAD_LINES[number // 50 % len(BAD_LINES)][0]
    found = await report(employer, *lines)
    assert (found["total"], counts(found)) == (1000, (980, 0, 0, 20))
    assert [line["line"] for line in found["lines"]] == [*range(1, 1001)]
    rejected = [line["line"] for line in found["lines"] if line["status"] == "rejected"]
    assert rejected == [*range(17, 1001, 50)]
    assert await door.count() == 980
    events = await door.announced()
    assert {(event.type, event.version) for event in events} == {("PostingPublished", 1)}
    created = [line["id"] for line in found["lines"] if line["status"] == "created"]
    assert [event.subject for event in events] == created

    again = await report(employer, *lines)
    assert counts(again) == (0, 0, 980, 20)
    assert await door.announced() == events


async def test_importing_again_changes_nothing_with_or_without_references(
    door: Door, employer: httpx.AsyncClient
) -> None:
    lines = [a_body(reference="A-1"), a_body(title="钳工"), a_body(title="电工")]
    first = await report(employer, *lines)
    door.clock.pass_(days=1)
    again = await report(employer, *reversed(lines))
    assert counts(again) == (0, 0, 3, 0)
    assert [line["id"] for line in again["lines"]][::-1] == [line["id"] for line in first["lines"]]
    assert await door.told() == [("PostingPublished", 1)] * 3


async def test_a_known_reference_revises_its_posting(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer, reference="A-1")
    found = await report(employer, a_body(reference="A-1", title="电焊工"))
    assert counts(found) == (0, 1, 0, 0)
    posting = (await employer.get(url)).json()
    assert (posting["title"], posting["version"]) == ("电焊工", 2)
    assert posting["posting_id"] == found["lines"][0]["id"]
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]


async def test_anothers_reference_is_not_known(
    employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    url = await published(employer, reference="A-1")
    assert counts(await report(rival, a_body(reference="A-1", title="电焊工"))) == (1, 0, 0, 0)
    assert (await employer.get(url)).json()["version"] == 1


async def test_one_reference_twice_in_a_file_is_published_then_revised(
    door: Door, employer: httpx.AsyncClient
) -> None:
    found = await report(
        employer,
        a_body(reference="A-1"),
        a_body(reference="A-1", title="电焊工"),
        a_body(reference="A-1", title="电焊工"),
    )
    assert [line["status"] for line in found["lines"]] == ["created", "revised", "unchanged"]
    assert len({line["id"] for line in found["lines"]}) == 1
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]
    assert (await employer.get(f"/v1/postings/{found['lines'][0]['id']}")).json()["version"] == 2


async def test_a_line_known_by_its_content_does_not_turn_a_later_revision_back(
    door: Door, employer: httpx.AsyncClient
) -> None:
    found = await report(employer, a_body())
    url = f"/v1/postings/{found['lines'][0]['id']}"
    await revise(employer, url, 1, title="电焊工")
    assert counts(await report(employer, a_body())) == (0, 0, 1, 0)
    assert (await employer.get(url)).json()["title"] == "电焊工"
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]


@pytest.mark.parametrize("title", ["焊工", "电焊工"])
async def test_a_line_for_a_closed_posting_is_rejected_and_names_it(
    door: Door, employer: httpx.AsyncClient, title: str
) -> None:
    url = await published(employer, reference="A-1")
    await close(employer, url, 1)
    found = await report(employer, a_body(reference="A-1", title=title), a_body(reference="B"))
    assert [line["status"] for line in found["lines"]] == ["rejected", "created"]
    assert url.endswith(found["lines"][0]["id"])
    assert "closed" in found["lines"][0]["errors"][0]["en"]
    assert [type_ for type_, _ in await door.told()] == [
        "PostingPublished",
        "PostingClosed",
        "PostingPublished",
    ]


async def test_a_line_for_a_posting_past_its_time_finds_it_expired(
    door: Door, employer: httpx.AsyncClient
) -> None:
    await published(employer, reference="A-1")
    door.clock.pass_(days=31)
    later = (door.clock.now + timedelta(days=9)).isoformat()
    found = await report(employer, a_body(reference="A-1", valid_until=later))
    assert counts(found) == (0, 0, 0, 1)
    assert await door.told() == [("PostingPublished", 1), ("PostingClosed", 2)]


async def test_the_same_file_twice_at_once_publishes_each_line_once(
    door: Door, employer: httpx.AsyncClient
) -> None:
    lines = [a_body(reference=f"A-{n}") for n in range(300)] + [
        a_body(headcount=n) for n in range(1, 101)
    ]
    found = await asyncio.gather(
        report(employer, *lines), report(employer, *reversed(lines)), report(employer, *lines)
    )
    assert sum(one["created"] for one in found) == 400
    assert sum(one["unchanged"] for one in found) == 800
    assert await door.count() == 400
    assert await door.told() == [("PostingPublished", 1)] * 400


async def test_blank_lines_byte_order_mark_and_foreign_line_ends_do_no_harm(
    employer: httpx.AsyncClient,
) -> None:
    content = b"\xef\xbb\xbf" + ndjson(a_body(reference="A"), "", a_body(reference="B"))
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await employer.post(
        URL, content=content.replace(b"\n", b"\r\n").rstrip(), headers=headers
    )
    assert [line["line"] for line in answer.json()["lines"]] == [1, 3]
    assert counts(answer.json()) == (2, 0, 0, 0)


async def test_an_empty_file_is_no_fault(employer: httpx.AsyncClient) -> None:
    assert counts(await report(employer)) == (0, 0, 0, 0)


async def test_a_line_with_endless_faults_tells_twenty(employer: httpx.AsyncClient) -> None:
    body = a_body(**{f"f{number}": 1 for number in range(1000)})
    (line,) = (await report(employer, body))["lines"]
    assert len(line["errors"]) == 21
    assert line["errors"][-1]["en"] == "And 980 more fault(s)."


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{}\n" * 5001, "application/x-ndjson", 413, "too_many_lines"),
        (b"a" * (16 * 1024 * 1024 + 1), "application/x-ndjson", 413, "body_too_large"),
        (b"{}", "application/json", 415, "content_type_not_supported"),
        (b"{}", "text/csv", 415, "content_type_not_supported"),
    ],
)
async def test_a_file_that_is_too_much_or_something_else_is_refused_whole(
    door: Door,
    employer: httpx.AsyncClient,
    content: bytes,
    content_type: str,
    status: int,
    code: str,
) -> None:
    good = ndjson(a_body()) + content
    answer = await employer.post(URL, content=good, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:rengang:problem:{code}"
    assert await door.count() == 0


async def test_five_thousand_lines_are_not_too_many(
    door: Door, employer: httpx.AsyncClient
) -> None:
    found = await report(employer, *(a_body(reference=f"A-{n}") for n in range(5000)))
    assert counts(found) == (5000, 0, 0, 0)
    assert await door.count() == 5000


@pytest.mark.parametrize("role", ["seeker", "partner", "planner", "operator"])
async def test_only_employers_import(door: Door, role: str) -> None:
    assert (await send(door.caller("somebody", role), a_body())).status_code == 403
    assert await door.count() == 0


async def test_an_import_that_dies_in_the_middle_is_finished_by_sending_it_again(
    door: Door, db: Database, employer: httpx.AsyncClient
) -> None:
    lines = [a_body(reference=f"A-{number}") for number in range(1, 501)]
    # Holds up the third transaction, which wants to revise this posting.
    url = await published(employer, reference="A-401")
    async with db.transaction() as tx:
        (held,) = await store.lock_referenced(tx, EMPLOYER, ["A-401"])
        assert url.endswith(str(held.posting_id))
        lines[400]["title"] = "电焊工"
        sending = asyncio.create_task(send(employer, *lines))
        (backend,) = await waiting_backends(tx)
        await tx.execute("SELECT pg_terminate_backend($1)", backend)
        answer = await sending
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:rengang:problem:import_interrupted"
    assert answer.json()["first_line_not_imported"] == 401
    assert await door.count() == 401
    assert len(await door.announced()) == 401

    assert counts(await report(employer, *lines)) == (99, 1, 400, 0)
    assert len({(event.subject, event.version) for event in await door.announced()}) == 501


async def test_a_line_is_taken_in_at_the_time_at_which_it_was_checked(
    door: Door, issuer_at: tuple[Issuer, str]
) -> None:
    times = (NOW + timedelta(seconds=seconds) for seconds in count())
    router = api.routes(door.db, clock=lambda: next(times), new_id=a_posting_id)
    hasty = Door(an_app(router, jwks_url=issuer_at[1]), door.db, door.issuer)
    async with hasty.caller(EMPLOYER, "employer") as employer:
        line = a_body(valid_until=(NOW + timedelta(milliseconds=500)).isoformat())
        assert counts(await report(employer, line)) == (1, 0, 0, 0)


async def test_the_outbox_holds_exactly_one_event_for_each_version(
    door: Door, employer: httpx.AsyncClient
) -> None:
    await report(employer, *(a_body(reference=f"A-{n}") for n in range(30)))
    await report(employer, *(a_body(reference=f"A-{n}", title="电工") for n in range(0, 30, 2)))
    await report(employer, *(a_body(reference=f"A-{n}", title="焊工") for n in range(0, 30, 3)))
    async with door.db.transaction() as tx:
        stored = {
            str(row[0]): row[1]
            for row in await tx.fetch("SELECT posting_id, version FROM postings")
        }
    told: dict[str, list[int]] = {}
    for event in await door.announced():
        assert type(event) is EVENT_TYPES[event.type]
        told.setdefault(event.subject, []).append(event.version)
    assert told == {subject: [*range(1, version + 1)] for subject, version in stored.items()}
