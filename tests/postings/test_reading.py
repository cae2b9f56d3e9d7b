"""Reading postings: one's own, one by one or by the page."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.postings.conftest import Door
from tests.postings.requests import close, published
from tests.postings.samples import a_body

URL = "/v1/postings"


async def titles(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get(URL, params=query)
    assert answer.status_code == 200, answer.text
    return [posting["title"] for posting in answer.json()["items"]]


async def pages(client: httpx.AsyncClient, **query: Any) -> list[list[str]]:
    """Every page, following `next`."""
    found: list[list[str]] = []
    cursor = None
    while True:
        params = query if cursor is None else {**query, "cursor": cursor}
        page = (await client.get(URL, params=params)).json()
        found.append([posting["title"] for posting in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return found


async def test_an_operator_reads_any_posting(
    employer: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    url = await published(employer)
    assert (await operator.get(url)).json() == (await employer.get(url)).json()


@pytest.mark.parametrize("role", ["seeker", "partner", "planner"])
async def test_others_do_not_read_here(door: Door, employer: httpx.AsyncClient, role: str) -> None:
    url = await published(employer)
    assert (await door.caller("somebody", role).get(url)).status_code == 403


async def test_who_has_the_version_is_not_sent_it_again(employer: httpx.AsyncClient) -> None:
    url = await published(employer)
    answer = await employer.get(url, headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"1"')
    await close(employer, url, 1)
    assert (await employer.get(url, headers={"If-None-Match": '"1"'})).status_code == 200


async def test_an_employer_lists_its_own_newest_first(
    employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    assert await titles(employer) == []
    for title in "甲乙丙":
        await published(employer, title=title)
    await published(rival, title="丁")
    assert await titles(employer) == ["丙", "乙", "甲"]
    assert await titles(rival) == ["丁"]


async def test_the_list_can_be_narrowed_to_a_status(employer: httpx.AsyncClient) -> None:
    urls = [await published(employer, title=title) for title in "甲乙丙"]
    await close(employer, urls[1], 1)
    assert await titles(employer, status="open") == ["丙", "甲"]
    assert await titles(employer, status="closed") == ["乙"]
    assert (await employer.get(URL, params={"status": "lost"})).status_code == 422


@pytest.mark.parametrize("status", [None, "open"])
async def test_pages_hold_everything_once_also_while_more_is_published(
    employer: httpx.AsyncClient, status: str | None
) -> None:
    for title in "甲乙丙丁戊":
        await published(employer, title=title)
    query: dict[str, Any] = {"limit": 2} if status is None else {"limit": 2, "status": status}
    assert await pages(employer, **query) == [["戊", "丁"], ["丙", "乙"], ["甲"]]
    first = (await employer.get(URL, params=query)).json()
    await published(employer, title="己")
    assert await titles(employer, **query, cursor=first["next"]) == ["丙", "乙"]


async def test_a_full_last_page_has_no_next(employer: httpx.AsyncClient) -> None:
    for title in "甲乙":
        await published(employer, title=title)
    assert await pages(employer, limit=2) == [["乙", "甲"]]


async def test_the_next_page_is_linked(employer: httpx.AsyncClient) -> None:
    for title in "甲乙丙":
        await published(employer, title=title)
    answer = await employer.get(URL, params={"limit": 2, "status": "open"})
    address, _, relation = answer.headers["Link"].partition(">; ")
    assert relation == 'rel="next"'
    assert urlsplit(address[1:]).path == URL
    following = await employer.get(address[1:])
    assert [posting["title"] for posting in following.json()["items"]] == ["甲"]
    assert "Link" not in following.headers


async def test_a_cursor_of_another_list_is_refused(employer: httpx.AsyncClient) -> None:
    for title in "甲乙":
        await published(employer, title=title)
    cursor = (await employer.get(URL, params={"limit": 1})).json()["next"]
    for query in ({"cursor": cursor, "status": "open"}, {"cursor": "x"}, {"cursor": cursor[:-2]}):
        answer = await employer.get(URL, params=query)
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:rengang:problem:cursor_invalid"


async def test_a_cursor_shows_nothing_of_another_employers(
    employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    for title in "甲乙":
        await published(employer, title=title)
    cursor = (await employer.get(URL, params={"limit": 1})).json()["next"]
    assert await titles(rival, cursor=cursor) == []


@pytest.mark.parametrize("limit", ["0", "201", "x"])
async def test_a_page_has_a_sane_size(employer: httpx.AsyncClient, limit: str) -> None:
    assert (await employer.get(URL, params={"limit": limit})).status_code == 422


async def test_every_route_wants_a_token(door: Door, employer: httpx.AsyncClient) -> None:
    url = await published(employer)
    del employer.headers["Authorization"]
    answers = [
        await employer.get(URL),
        await employer.get(url),
        await employer.put(url, json=a_body(), headers={"If-Match": "*"}),
        await employer.post(f"{url}/close", headers={"If-Match": "*"}),
        await employer.post(f"{URL}/import", headers={"Content-Type": "application/x-ndjson"}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert await door.count() == 1
