"""What no handler could make sense of, sent to the door as it is and over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.middleware import Middleware

from services.kit.intake import MIB, Intake, body_limit
from services.kit.ndjson import ndjson_body, read_lines
from tests.kit.door import an_app, knocking, served

JSON = {"Content-Type": "application/json"}


class Thing(BaseModel):
    title: str
    pay: dict[str, int] = Field(default_factory=dict)


things = APIRouter()


@things.post("/things")
async def make(thing: Thing) -> Thing:
    return thing


@things.post("/large", openapi_extra=body_limit(3 * MIB))
async def make_large(thing: Thing) -> int:
    return len(thing.title)


@things.post("/imports", openapi_extra=body_limit(2 * MIB))
async def take_lines(request: Request) -> int:
    return len(list(read_lines(await ndjson_body(request))))


@things.get("/things/{name}")
async def find(name: str, q: str = "") -> list[str]:
    return [name, q]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with knocking(an_app(things)) as client:
        yield client


def a_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:rengang:problem:{code}"
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"title": "\xe7\x84\x8a', {"line": 1, "column": 11}),
        (b'{"title":\n "a",\n', {"line": 3, "column": 1}),
        (b'{"title": "a"} {}', {"line": 1, "column": 16}),
        (b"{'title': 'a'}", {"line": 1, "column": 2}),
        (b'{"title": "a\nb"}', {"line": 1, "column": 13}),
        (b'{"title": "\\x"}', {"line": 1, "column": 12}),
        (b"\x00", {"line": 1, "column": 1}),
        (b'{"title": "a\x00b"}', {"line": 1, "column": 13}),
        (b'{"title": "a\\u0000b"}', {"pointer": "/title"}),
        (b'{"title": "a", "pay": {"a\\u0000": 1}}', {"pointer": "/pay"}),
        (b'{"title": "\\ud83d"}', {"pointer": "/title"}),
        (b'{"title": "\\udc00\\ud800"}', {"pointer": "/title"}),
        ('{"title": "焊'.encode()[:-1], {"byte": 12}),
        (b'{"title": "\xff"}', {"byte": 12}),
        (b'{"title": "\xed\xa0\x80"}', {"byte": 12}),
        ('{"title": "焊工"}'.encode("gbk"), {"byte": 12}),
        ('{"title": "焊工"}'.encode("utf-16"), {"byte": 1}),
        (b'{"title": "a", "title": "b"}', {"pointer": "/title"}),
        (b'{"title": "a", "pay": {"min": 1, "m\\u0069n": 2}}', {"pointer": "/pay/min"}),
        (b"[" * 65 + b"]" * 65, {"line": 1, "column": 65}),
        (b'{"a":' * 100_000, {"line": 1, "column": 321}),
        (b"[" * 1_000_000, {"line": 1, "column": 65}),
        (b'{"title": "a", "pay": {"min": NaN}}', {}),
        (b'{"title": "a", "pay": {"min": -Infinity}}', {}),
        (b'{"title": "a", "pay": {"min": 1e400}}', {}),
        (b'{"title": "a", "pay": {"min": 9223372036854775808}}', {}),
        (b'{"title": "a", "pay": {"min": ' + b"9" * 10_000 + b"}}", {}),
        (b"nul", {"line": 1, "column": 1}),
    ],
    ids=range(28),
)
async def test_json_that_is_none_says_where(
    client: httpx.AsyncClient, body: bytes, place: dict[str, Any]
) -> None:
    answer = await client.post("/things", content=body, headers=JSON)
    problem = a_problem(answer, 400, "json_malformed")
    assert {key: problem[key] for key in place} == place


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b'"text"', b"null", b"true", b'{"title": 7}', b'{"title": "a", "pay": []}'],
)
async def test_json_of_the_wrong_type_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/things", content=body, headers=JSON)
    a_problem(answer, 422, "content_not_accepted")


@pytest.mark.parametrize(
    "title",
    ["焊工", "😀", '"', "\\u0000", "\\", "[" * 100, "\u2028", "\ufeff", "a\tb"],
)
async def test_odd_but_right_text_comes_through(client: httpx.AsyncClient, title: str) -> None:
    for ascii_only in (False, True):
        body = json.dumps({"title": title}, ensure_ascii=ascii_only).encode()
        answer = await client.post("/things", content=b"\xef\xbb\xbf" + body, headers=JSON)
        assert answer.status_code == 200, answer.text
        assert answer.json()["title"] == title


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=gbk",
        "application",
        "json",
        ";",
        "application/jsonp",
        "multipart/form-data",
        "application/x-ndjson",
    ],
)
async def test_a_body_that_is_not_said_to_be_json_is_refused(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type is not None else {}
    answer = await client.post("/things", content=b'{"title": "a"}', headers=headers)
    a_problem(answer, 415, "content_type_not_supported")
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"],
)
async def test_json_by_any_of_its_names_is_taken(
    client: httpx.AsyncClient, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    answer = await client.post("/things", content=b'{"title": "a"}', headers=headers)
    assert answer.status_code == 200


async def test_an_import_wants_lines(client: httpx.AsyncClient) -> None:
    answer = await client.post("/imports", content=b"{}", headers=JSON)
    a_problem(answer, 415, "content_type_not_supported")
    headers = {"Content-Type": "application/x-ndjson"}
    assert (await client.post("/imports", content=b"{}\n{}", headers=headers)).json() == 2


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = await client.post("/things", content=b"\x1f\x8b", headers=headers)
    a_problem(answer, 415, "content_encoding_not_supported")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "address", ["/things/a%00b", "/things/a?q=%00", "/things/%ff", "/x?q=%e7%84"]
)
async def test_an_address_that_is_no_text_is_refused(
    client: httpx.AsyncClient, address: str
) -> None:
    a_problem(await client.get(address), 400, "address_malformed")


async def test_half_a_character_cannot_come_by_the_address(client: httpx.AsyncClient) -> None:
    a_problem(await client.get("/things/%ED%A0%80"), 400, "address_malformed")
    assert (await client.get("/things/%E7%84%8A?q=%E5%B7%A5")).json() == ["焊", "工"]


@pytest.mark.parametrize("path", ["/things", "/large", "/imports"])
async def test_ten_megabytes_are_refused(client: httpx.AsyncClient, path: str) -> None:
    body = b'{"title": "' + b"a" * 10 * MIB + b'"}'
    content_type = "application/x-ndjson" if path == "/imports" else "application/json"
    answer = await client.post(path, content=body, headers={"Content-Type": content_type})
    problem = a_problem(answer, 413, "body_too_large")
    assert problem["max_bytes"] == {"/things": 1, "/large": 3, "/imports": 2}[path] * MIB


async def test_a_route_may_take_more_than_the_others(client: httpx.AsyncClient) -> None:
    body = b'{"title": "' + b"a" * 2 * MIB + b'"}'
    assert (await client.post("/large", content=body, headers=JSON)).json() == 2 * MIB


async def test_the_limit_is_exact(client: httpx.AsyncClient) -> None:
    frame = b'{"title": ""}'
    body = b'{"title": "' + b"a" * (MIB - len(frame)) + b'"}'
    assert (await client.post("/things", content=body, headers=JSON)).status_code == 200
    answer = await client.post("/things", content=body + b" ", headers=JSON)
    a_problem(answer, 413, "body_too_large")


async def test_an_endless_body_is_cut_off() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"title": "'
        while True:
            sent += 65536
            yield b"a" * 65536

    async with served(an_app(things)) as url, httpx.AsyncClient(trust_env=False) as client:
        try:
            answer = await client.post(f"{url}/things", content=endless(), headers=JSON)
        except (httpx.WriteError, httpx.ReadError):
            # The server has answered and closed while we still wrote.
            pass
        else:
            a_problem(answer, 413, "body_too_large")
    assert sent < 32 * MIB


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/things", JSON, 413),
        ("/things", {**JSON, "Content-Encoding": "gzip"}, 415),
        ("/nowhere", JSON, 404),
    ],
)
async def test_whoever_sends_ten_megabytes_gets_to_read_the_refusal(
    path: str, headers: dict[str, str], status: int
) -> None:
    async with served(an_app(things)) as url, httpx.AsyncClient(trust_env=False) as client:
        for _ in range(5):
            answer = await client.post(f"{url}{path}", content=b"a" * 10 * MIB, headers=headers)
            assert answer.status_code == status


async def raw_exchange(url: str, request: bytes) -> bytes:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_a_body_too_large_is_refused_before_it_is_sent() -> None:
    head = (
        b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: 10485760\r\n\r\n"
    )
    async with served(an_app(things)) as url:
        answer = await raw_exchange(url, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"urn:rengang:problem:body_too_large" in answer


async def test_a_body_that_trickles_is_given_up() -> None:
    app = an_app(things)
    app.user_middleware[-1] = Middleware(Intake, body_timeout_s=0.2)
    head = (
        b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 100\r\n\r\n{"title'
    )
    async with served(app) as url:
        answer = await raw_exchange(url, head)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:rengang:problem:body_too_slow" in answer


async def test_a_caller_who_hangs_up_breaks_nothing() -> None:
    head = (
        b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 100\r\n\r\n{"title'
    )
    async with served(an_app(things)) as url, httpx.AsyncClient(trust_env=False) as client:
        place = urlsplit(url)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(head)
        await writer.drain()
        writer.close()
        assert (await client.get(f"{url}/livez")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "' + b'\\"' * 500_000,
        b"[" * 60 + b'"' + b'\\"' * 500_000,
        b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b',"k89999":1}',
        b"[" + b"[]," * 300_000 + b"[]]",
        b'["' + b"\\u0000" * 170_000 + b'"]',
        b"[" + b"1," * 500_000 + b"1]",
        b"[" + b"9" * 1_000_000 + b"]",
        b"[0." + b"9" * 1_000_000 + b"]",
        b'"' * 1_000_000,
        b"[[" * 30 + b'{"a":{"a":1,"a":1}},' * 40_000,
    ],
    ids=range(10),
)
async def test_no_body_takes_long_to_refuse(client: httpx.AsyncClient, body: bytes) -> None:
    assert len(body) <= MIB
    before = time.process_time()
    answer = await client.post("/things", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    # What is not linear takes minutes of these; a busy machine may take twice the usual second.
    assert time.process_time() - before < 5


def test_the_limit_of_a_route_is_in_the_openapi_document() -> None:
    assert an_app(things).openapi()["paths"]["/large"]["post"]["x-max-body-bytes"] == 3 * MIB
