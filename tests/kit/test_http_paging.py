"""Cursors, links, and ETags with their conditions."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, Request, Response
from hypothesis import given
from hypothesis import strategies as st

from services.kit.etag import IfMatch, format_etag, if_match, not_modified, parse_etag
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.kit.problems import Problem
from tests.kit.door import an_app, knocking

NEWEST = Cursor("newest", tuple[datetime, UUID])
NUMBERS = Cursor("numbers", tuple[int, str])

routes = APIRouter()


@routes.get("/numbers")
async def numbers(
    request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[int]:
    after = NUMBERS.decode(cursor)[0] if cursor else 0
    items = list(range(after + 1, min(after + limit, 500) + 1))
    following = NUMBERS.encode((items[-1], "")) if items and items[-1] < 500 else None
    if following:
        response.headers["Link"] = next_link(request, following)
    return Page(items=items, next=following)


@routes.get("/version")
async def read(request: Request) -> Response:
    return not_modified(request, 7) or Response("seven", headers={"ETag": format_etag(7)})


@routes.put("/version")
async def change(wanted: Annotated[IfMatch, Depends(if_match)]) -> str:
    wanted.check(7)
    return "changed"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with knocking(an_app(routes)) as client:
        yield client


@given(st.datetimes(timezones=st.just(UTC)), st.uuids(), st.text())
def test_a_cursor_leads_back_to_its_position(at: datetime, id_: UUID, within: str) -> None:
    text = NEWEST.encode((at, id_), within=within)
    assert NEWEST.decode(text, within=within) == (at, id_)
    assert text.isascii()


def refused(cursor: Cursor[tuple[datetime, UUID]], text: str, within: str = "") -> Problem:
    with pytest.raises(Problem) as caught:
        cursor.decode(text, within=within)
    assert caught.value.status == 400
    assert caught.value.code == "cursor_invalid"
    return caught.value


@given(st.text())
def test_any_other_text_is_no_cursor(text: str) -> None:
    refused(NEWEST, text)


@given(st.integers(0, 200), st.integers(0, 7))
def test_a_tampered_cursor_is_refused(position: int, bit: int) -> None:
    text = NEWEST.encode((datetime(2026, 3, 1, tzinfo=UTC), UUID(int=1)))
    data = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data[position % len(data)] ^= 1 << bit
    refused(NEWEST, base64.urlsafe_b64encode(data).rstrip(b"=").decode())


def test_a_cursor_belongs_to_one_list_and_one_filter() -> None:
    position = (datetime(2026, 3, 1, tzinfo=UTC), UUID(int=1))
    refused(Cursor("oldest", tuple[datetime, UUID]), NEWEST.encode(position))
    refused(NEWEST, NEWEST.encode(position, within="县区=530102"), within="县区=530103")
    refused(NEWEST, "x" * 10_000)
    refused(Cursor("numbers", tuple[datetime, UUID]), NUMBERS.encode((1, "x")))


async def test_pages_follow_one_another_by_their_links(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    address = "/numbers?limit=200&sort=%E7%84%8A%20%26"
    while True:
        answer = await client.get(address)
        seen += answer.json()["items"]
        if "next" not in answer.links:
            break
        address = answer.links["next"]["url"]
        assert address.startswith("/numbers?limit=200&sort=%E7%84%8A+%26&cursor=")
    assert seen == list(range(1, 501))
    assert answer.json()["next"] is None


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e3", ""])
async def test_a_limit_outside_its_range_is_refused(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get("/numbers", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "limit"


async def test_a_foreign_cursor_is_refused_at_the_door(client: httpx.AsyncClient) -> None:
    answer = await client.get("/numbers", params={"cursor": "abc"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "cursor"
    assert (await client.get("/numbers", params={"cursor": "a" * 3000})).status_code == 422


@given(st.integers(0, 10**18))
def test_an_etag_names_its_version(version: int) -> None:
    assert parse_etag(format_etag(version)) == version


@pytest.mark.parametrize("text", ["7", 'W/"7"', '"07"', '"+7"', '"7', '""', '"٧"', '"7" ', '"-1"'])
def test_any_other_etag_names_none(text: str) -> None:
    assert parse_etag(text) is None


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428),
        ('"7"', 200),
        ("*", 200),
        ('"1", "7"', 200),
        ('"1","7" , ', 200),
        ('"8"', 412),
        ('W/"7"', 412),
        ('"somebody-elses"', 412),
        ('"07"', 412),
        ("7", 400),
        ("", 400),
        ('"7', 400),
        ('"7" "8"', 400),
        ("*, *", 400),
        ('"' * 10_000, 400),
        ('"7",' * 100, 400),
        (" " * 10_000 + "x", 400),
        (", " * 5_000 + "x", 400),
    ],
)
async def test_a_change_names_the_version_it_changes(
    client: httpx.AsyncClient, header: str | None, status: int
) -> None:
    headers = {} if header is None else {"If-Match": header}
    answer = await client.put("/version", headers=headers)
    assert answer.status_code == status
    if status == 412:
        assert answer.headers["etag"] == '"7"'
        assert answer.json()["current_version"] == 7


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"7"', 304),
        ('W/"7"', 304),
        ("*", 304),
        ('"1", "7"', 304),
        ('"8"', 200),
        ("7", 200),
        ("", 200),
    ],
)
async def test_what_is_already_known_is_not_sent_again(
    client: httpx.AsyncClient, header: str, status: int
) -> None:
    answer = await client.get("/version", headers={"If-None-Match": header})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"7"'
    assert answer.text == ("" if status == 304 else "seven")


async def test_the_openapi_document_names_if_match(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    (parameter,) = document["paths"]["/version"]["put"]["parameters"]
    assert parameter["name"] == "If-Match"
