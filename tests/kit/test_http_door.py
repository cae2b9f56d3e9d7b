"""What every service's door answers by itself: health, documents, problems, traces, metrics."""

import asyncio
import logging
import re
from typing import Annotated, Literal

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from services.kit.database import DatabaseUnavailable
from services.kit.etag import format_etag
from services.kit.http import Check
from services.kit.problems import Problem, language_of
from services.kit.telemetry import current_traceparent
from tests.kit.door import an_app, knocking

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Pay(BaseModel):
    model_config = ConfigDict(extra="forbid")

    min: int = Field(ge=1)
    unit: Literal["month", "day"] = "month"


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=2, max_length=5)
    pay: Pay
    tags: list[str] = Field(default=[], max_length=3)


things = APIRouter(prefix="/things")


@things.post("", status_code=201)
async def make(thing: Thing) -> Thing:
    """Make a thing."""
    return thing


@things.get("")
async def listed(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> int:
    return limit


@things.get("/{number}")
async def read(number: int) -> Response:
    if number == 404:
        raise Problem(404, "thing_not_found", zh="没有这件东西。", en="No such thing.", number=404)
    return JSONResponse({"number": number}, headers={"ETag": format_etag(1)})


@things.delete("/{number}")
async def breaks(number: int) -> None:
    match number:
        case 1:
            raise DatabaseUnavailable("postgresql://user:password@host")
        case 2:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        case _:
            raise RuntimeError("the inside: password=hunter2")


@things.patch("/trace")
async def trace() -> str | None:
    return current_traceparent()


@pytest.fixture
async def client():  # type: ignore[no-untyped-def]
    async with knocking(an_app(things)) as client:
        yield client


async def test_it_lives(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "alive"}


async def test_it_is_ready_when_all_it_needs_is_there() -> None:
    async def there() -> None: ...

    app = an_app(readiness=[Check("database", there), Check("kafka", there)])
    async with knocking(app) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "kafka": "ok"}}


async def test_not_ready_names_what_is_missing_and_nothing_else() -> None:
    asked = 0

    async def there() -> None: ...

    async def gone() -> None:
        nonlocal asked
        asked += 1
        raise OSError("no route to 10.1.2.3")

    async def hangs() -> None:
        await asyncio.sleep(60)

    checks = [Check("database", gone), Check("kafka", there), Check("issuer", hangs)]
    async with knocking(an_app(readiness=checks)) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    answer = answers[0]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["checks"] == {"database": "failed", "kafka": "ok", "issuer": "failed"}
    assert "10.1.2.3" not in answer.text
    assert asked == 1, "callers share an answer"


async def test_the_documents_need_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "://" not in page.text
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = await client.get(f"/{asset}")
        assert answer.status_code == 200, asset
        assert len(answer.content) > 100
    assert (await client.get("/docs/other.js")).status_code == 404
    assert (await client.get("/asyncapi.json")).json() == {"asyncapi": "3.0.0"}


async def test_the_openapi_document_shows_refusals_as_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/things"]["post"]
    refused = operation["responses"]["422"]["content"]
    assert refused == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert set(document["paths"]) == {"/things", "/things/{number}", "/things/trace"}


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere/县区", headers={"traceparent": PARENT})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:rengang:problem:not_found",
        "title": "没有找到",
        "status": 404,
        "detail": "没有找到：这里没有内容，或者不属于您。",
        "instance": "/nowhere/%E2%80%A6",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/nowhere/7/a.b_c-d", "/nowhere/7/a.b_c-d"),
        (
            "/nowhere/01a2037f-7334-7523-b18f-529858879583/x",
            "/nowhere/01a2037f-7334-7523-b18f-529858879583/x",
        ),
        ("/nowhere/999999199003070012", "/nowhere/%E2%80%A6"),
        ("/S000053000123233000456/x", "/%E2%80%A6/x"),
        ("/nowhere/a%20b", "/nowhere/%E2%80%A6"),
    ],
)
async def test_a_refusal_repeats_ids_of_the_address_and_no_numbers(
    client: httpx.AsyncClient, path: str, shown: str
) -> None:
    assert (await client.get(path)).json()["instance"] == shown


async def test_no_redirect_is_made_from_the_host_header(client: httpx.AsyncClient) -> None:
    assert (await client.get("/things/")).status_code == 404


async def test_a_wrong_method_lists_every_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.put("/things/1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET"
    assert (await client.put("/things")).headers["allow"] == "GET, POST"


async def test_a_problem_keeps_its_own_members(client: httpx.AsyncClient) -> None:
    body = (await client.get("/things/404")).json()
    assert body["type"] == "urn:rengang:problem:thing_not_found"
    assert body["number"] == 404


async def test_each_fault_says_where_it_is_and_how_to_mend_it(client: httpx.AsyncClient) -> None:
    thing = {"title": "x", "pay": {"min": 0, "unit": "year", "max~/": 1}, "tags": ["a"] * 4, "z": 1}
    answer = await client.post("/things", json=thing)
    assert answer.status_code == 422
    told = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert told == {
        "/title": "至少 2 个字符，收到 1 个。",
        "/pay/min": "不得小于 1，收到 0。",
        "/pay/unit": "应为以下之一：'month'、'day'；收到 \"year\"。",
        "/pay/max~0~1": "没有这一项，请检查拼写或删去。",
        "/tags": "最多 3 项，请减少。",
        "/z": "没有这一项，请检查拼写或删去。",
    }
    answer = await client.post("/things", json={"title": 3}, headers={"Accept-Language": "en"})
    told = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert told == {"/title": "Must be a text, got 3.", "/pay": "This is missing; add it."}
    assert answer.json()["title"] == "Content not accepted"


async def test_a_fault_outside_the_body_names_its_parameter(client: httpx.AsyncClient) -> None:
    errors = (await client.get("/things?limit=0")).json()["errors"]
    assert errors == [{"parameter": "limit", "where": "query", "detail": '不得小于 1，收到 "0"。'}]
    errors = (await client.get("/things/seven")).json()["errors"]
    assert errors == [
        {"parameter": "number", "where": "path", "detail": '应为整数，收到 "seven"。'}
    ]


async def test_no_more_than_a_hundred_faults_are_listed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", json={f"x{n}": 1 for n in range(5000)})
    assert len(answer.json()["errors"]) == 100
    assert "5002" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("EN", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr,en;q=0.5", "en"),
        ("fr", "zh"),
        ("*", "zh"),
        ("zh;q=0,en;q=0.1", "en"),
        ("zh;q=0.2,en;q=0.3", "en"),
        ("en;q=nan", "zh"),
        ("en;q=inf", "zh"),
        ("en;q=2", "zh"),
        ("en;q=", "zh"),
        ("en;x=1", "zh"),
        (";;;,,,q=1", "zh"),
        ("en" * 5000, "zh"),
        ("," * 5000 + "en", "zh"),
    ],
)
def test_the_language_is_what_the_caller_reads(accepted: str | None, language: str) -> None:
    assert language_of(accepted) == language


async def test_the_language_is_said(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things/404", headers={"Accept-Language": "en"})
    assert answer.headers["content-language"] == "en"
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["detail"] == "No such thing."


@pytest.mark.parametrize("number", [1, 2])
async def test_a_lost_database_asks_to_come_again(client: httpx.AsyncClient, number: int) -> None:
    answer = await client.delete(f"/things/{number}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "password" not in answer.text


async def test_what_breaks_inside_stays_inside(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = await client.delete("/things/3", headers={"traceparent": PARENT})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["traceparent"].split("-")[1] == answer.json()["trace_id"]


async def test_a_trace_goes_on_through_the_door(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/things/trace", headers={"traceparent": PARENT})
    assert answer.json() == answer.headers["traceparent"]
    _, trace_id, span_id, _ = answer.headers["traceparent"].split("-")
    assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span_id != "00f067aa0ba902b7"


async def test_two_traceparents_are_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/livez", headers=[("traceparent", PARENT)] * 2)
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in answer.headers["traceparent"]


async def test_answers_are_safe_to_show(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/things")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (await client.get("/things/1")).headers["cache-control"] == "private, no-cache"
    assert "script-src 'self'" in (await client.get("/docs")).headers["content-security-policy"]


async def test_metrics_know_routes_not_paths() -> None:
    async with knocking(an_app(things, service="metered")) as client:
        await client.get("/things/123456789")
        await client.get("/private/123456789")
        await client.request("BREW", "/things/123456789")
        text = (await client.get("/metrics")).text
    counted = [line for line in text.splitlines() if 'service="metered"' in line]
    assert "123456789" not in text
    assert "BREW" not in text
    assert (
        'rengang_http_requests_total{method="GET",route="/things/{number}",'
        'service="metered",status="200"} 1.0'
    ) in counted
    assert (
        'rengang_http_requests_total{method="GET",route="unmatched",'
        'service="metered",status="404"} 1.0'
    ) in counted
