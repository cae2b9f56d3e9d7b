"""Revising and closing: one version and one event a change, and no change on what is stale."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.postings import PostingClosed, PostingRevised
from contracts.values import ClosedReason, PostingStatus
from tests.postings.conftest import Door, waiting_backends
from tests.postings.requests import URL, close, published, revise
from tests.postings.samples import a_body, a_posting_id
from tests.support import NOW


async def at_once(
    door: Door, *requests: Coroutine[Any, Any, httpx.Response]
) -> list[httpx.Response]:
    """The answers to requests that are all under way before the first is done."""
    async with door.db.transaction() as tx:
        await tx.execute("SELECT FROM postings FOR UPDATE")
        under_way = [asyncio.create_task(request) for request in requests]
        await waiting_backends(tx, len(requests))
    return await asyncio.gather(*under_way)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:rengang:problem:")


# ---------------------------------------------------------------------- revising


async def test_a_revision_takes_the_place_of_all_that_was_said(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    door.clock.pass_(hours=1)
    answer = await revise(employer, url, 1, title="电焊工", skills=..., education=...)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    posting = answer.json()
    assert (posting["title"], posting["skills"], posting["education"]) == ("电焊工", [], None)
    assert (posting["published_at"], posting["changed_at"]) == (
        "2026-03-01T08:00:00Z",
        "2026-03-01T09:00:00Z",
    )
    assert (await employer.get(url)).json() == posting


async def test_a_revision_is_announced_with_the_whole_posting(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    door.clock.pass_(hours=1)
    await revise(employer, url, 1, title="电焊工")
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]
    first, second = await door.announced()
    assert isinstance(second, PostingRevised)
    assert second.time == door.clock.now
    assert second.data == first.data.model_copy(update={"title": "电焊工"})


async def test_a_revision_that_says_nothing_new_keeps_the_version_and_is_not_announced(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    door.clock.pass_(hours=1)
    # The same instant in another zone, and blanks that are dropped, are nothing new.
    answer = await revise(employer, url, 1, title=" 焊工 ", valid_until="2026-03-31T16:00:00+08:00")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json()["changed_at"] == "2026-03-01T08:00:00Z"
    assert await door.told() == [("PostingPublished", 1)]


async def test_of_two_revisions_of_one_version_one_wins_and_the_other_hears_of_it(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    answers = await at_once(
        door, revise(employer, url, 1, title="电焊工"), revise(employer, url, 1, title="气焊工")
    )
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 200
    assert problem(lost) == (412, "version_stale")
    assert (lost.headers["ETag"], lost.json()["current_version"]) == ('"2"', 2)
    assert (await employer.get(url)).json() == won.json()
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]


async def test_any_number_of_revisions_at_once_leave_versions_without_gap_or_double(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    headers = {"If-Match": "*"}
    answers = await at_once(
        door, *(employer.put(url, json=a_body(headcount=n), headers=headers) for n in range(10, 18))
    )
    assert sorted(answer.json()["version"] for answer in answers) == [*range(2, 10)]
    assert [version for _, version in await door.told()] == [*range(1, 10)]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "if_match_missing"),
        ({"If-Match": "1"}, 400, "if_match_malformed"),
        ({"If-Match": '"2"'}, 412, "version_stale"),
        ({"If-Match": 'W/"1"'}, 412, "version_stale"),
    ],
)
async def test_a_change_must_say_which_version_it_means(
    door: Door, employer: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    url = await published(employer)
    revised = await employer.put(url, json=a_body(title="电焊工"), headers=headers)
    closed = await employer.post(f"{url}/close", headers=headers)
    assert problem(revised) == problem(closed) == (status, code)
    assert await door.told() == [("PostingPublished", 1)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"county": "999999"}, "/county"),
        ({"valid_until": "2026-02-28T00:00:00Z"}, "/valid_until"),
        ({"pay": {"min": 2, "max": 1, "unit": "day"}}, "/pay/max"),
        ({"status": "closed"}, "/status"),
    ],
)
async def test_a_revision_keeps_to_the_same_rules(
    door: Door, employer: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    url = await published(employer)
    answer = await revise(employer, url, 1, **changes)
    assert problem(answer) == (422, "content_not_accepted")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await door.told() == [("PostingPublished", 1)]


async def test_a_reference_may_be_repeated_or_left_out_but_not_changed(
    employer: httpx.AsyncClient,
) -> None:
    url = await published(employer, reference="HG-1")
    assert (await revise(employer, url, 1, title="甲")).json()["reference"] == "HG-1"
    assert (await revise(employer, url, 2, title="乙", reference="HG-1")).status_code == 200
    for address, version in ((url, 3), (await published(employer), 1)):
        answer = await revise(employer, address, version, title="丙", reference="HG-2")
        assert problem(answer) == (422, "content_not_accepted")
        assert answer.json()["errors"][0]["pointer"] == "/reference"


async def test_repeating_a_revision_with_its_key_repeats_the_answer(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    headers = {"If-Match": '"1"', "Idempotency-Key": "k-2"}
    answers = [
        await employer.put(url, json=a_body(title="电焊工"), headers=headers) for _ in range(2)
    ]
    assert [answer.headers["ETag"] for answer in answers] == ['"2"', '"2"']
    assert await door.told() == [("PostingPublished", 1), ("PostingRevised", 2)]


# ----------------------------------------------------------------------- closing


async def test_closing_is_announced_with_its_reason(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    answer = await close(employer, url, 1)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert (answer.json()["status"], answer.json()["closed_reason"]) == ("closed", "employer")
    first, second = await door.announced()
    assert isinstance(second, PostingClosed)
    assert second.data == first.data.model_copy(
        update={"status": PostingStatus.CLOSED, "closed_reason": ClosedReason.EMPLOYER}
    )


async def test_closing_twice_announces_once(door: Door, employer: httpx.AsyncClient) -> None:
    url = await published(employer)
    first = await close(employer, url, 1)
    door.clock.pass_(days=1)
    # Whose first answer was lost still holds the old version; who read again, the new one.
    for version in (1, 2):
        again = await close(employer, url, version)
        assert (again.status_code, again.json()) == (200, first.json())
    assert await door.told() == [("PostingPublished", 1), ("PostingClosed", 2)]


async def test_closing_at_the_same_time_announces_once(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    answers = await at_once(door, *(close(employer, url, 1) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert await door.told() == [("PostingPublished", 1), ("PostingClosed", 2)]


async def test_a_revision_and_a_close_of_one_version_do_not_both_happen(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    revised, closed = await at_once(
        door, revise(employer, url, 1, title="电焊工"), close(employer, url, 1)
    )
    assert (revised.status_code, closed.status_code) in {(200, 412), (409, 200)}
    assert [version for _, version in await door.told()] == [1, 2]


async def test_a_closed_posting_cannot_be_revised_whatever_the_version(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    await close(employer, url, 1)
    for version in (1, 2):
        answer = await revise(employer, url, version, title="电焊工")
        assert problem(answer) == (409, "posting_closed")
        assert answer.json()["closed_reason"] == "employer"
    assert await door.told() == [("PostingPublished", 1), ("PostingClosed", 2)]


async def test_a_posting_past_its_time_expires_at_the_first_touch(
    door: Door, employer: httpx.AsyncClient
) -> None:
    urls = [await published(employer), await published(employer)]
    door.clock.pass_(days=31)
    later = (door.clock.now + timedelta(days=30)).isoformat()
    answer = await revise(employer, urls[0], 1, valid_until=later)
    assert problem(answer) == (409, "posting_closed")
    assert answer.json()["closed_reason"] == "expired"
    assert (await close(employer, urls[1], 1)).json()["closed_reason"] == "expired"
    assert [type_ for type_, _ in await door.told()][2:] == ["PostingClosed"] * 2
    assert {event.time for event in (await door.announced())[2:]} == {door.clock.now}
    assert NOW + timedelta(days=30) < door.clock.now


# ------------------------------------------------------------------------ foreign


async def test_anothers_posting_answers_exactly_as_an_unknown_one(
    door: Door, employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    url = await published(employer)
    unknown = f"{URL}/{a_posting_id()}"

    async def answers(address: str) -> list[tuple[int, dict[str, Any]]]:
        got = [
            await rival.get(address),
            await revise(rival, address, 1, title="电焊工"),
            await revise(rival, address, 7, title="电焊工"),
            await close(rival, address, 1),
        ]
        return [(answer.status_code, _same(answer.json())) for answer in got]

    foreign = await answers(url)
    assert foreign == await answers(unknown)
    assert {status for status, _ in foreign} == {404}
    assert await door.told() == [("PostingPublished", 1)]


def _same(body: dict[str, Any]) -> dict[str, Any]:
    """The problem without what names the request."""
    return {name: said for name, said in body.items() if name not in {"instance", "trace_id"}}


@pytest.mark.parametrize("role", ["seeker", "partner", "planner", "operator"])
async def test_only_employers_revise_and_close(
    door: Door, employer: httpx.AsyncClient, role: str
) -> None:
    url = await published(employer)
    other = door.caller("somebody", role)
    assert (await revise(other, url, 1, title="电焊工")).status_code == 403
    assert (await close(other, url, 1)).status_code == 403
    assert await door.told() == [("PostingPublished", 1)]
