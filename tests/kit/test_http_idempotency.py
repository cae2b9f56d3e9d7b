"""Idempotency-Key on real PostgreSQL: done once, answered the same, whatever goes wrong between."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response, StreamingResponse

from services.kit.auth import Caller, Role
from services.kit.database import Database, DatabaseUnavailable
from services.kit.idempotency import (
    IdempotencyKeyHeader,
    prune_idempotency,
    run_idempotent,
)
from services.kit.problems import Problem
from tests.conftest import FreshDatabase
from tests.kit.door import an_app, knocking


class Thing(BaseModel):
    title: str
    tags: list[str] = []


class Shop:
    """A service with one table, whose writes can be held up or broken."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.calls = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.then: Callable[[], Awaitable[None]] | None = None
        self.wait_s = 10.0

    async def make(self, db: Database, thing: Thing) -> Response:
        """An action as services have it: it owns its transaction."""
        self.calls += 1
        async with db.transaction() as tx:
            number = await tx.fetchval(
                "INSERT INTO thing (title) VALUES ($1) RETURNING id", thing.title
            )
            await self.go_on.wait()
            if self.then is not None:
                await self.then()
        return JSONResponse(
            {"number": number, "title": thing.title},
            201,
            {"ETag": '"1"', "Location": f"/things/{number}"},
        )

    async def titles(self) -> list[str]:
        async with self.db.transaction() as tx:
            return [row["title"] for row in await tx.fetch("SELECT title FROM thing ORDER BY id")]

    async def kept(self) -> int:
        async with self.db.transaction() as tx:
            return int(await tx.fetchval("SELECT count(*) FROM idempotency"))

    def app(self) -> FastAPI:
        def caller(request: Request) -> Caller:
            return Caller(request.headers.get("x-caller", "enterprise-1"), Role.EMPLOYER)

        router = APIRouter(dependencies=[IdempotencyKeyHeader])

        @router.post("/things")
        @router.post("/others/{shop}")
        async def make(
            request: Request, thing: Thing, caller: Annotated[Caller, Depends(caller)]
        ) -> Response:
            return await run_idempotent(
                self.db, request, caller, lambda db: self.make(db, thing), wait_s=self.wait_s
            )

        @router.get("/stream")
        async def stream(request: Request, caller: Annotated[Caller, Depends(caller)]) -> Response:
            async def streamed(_db: Database) -> Response:
                return StreamingResponse(iter([b"x"]))

            return await run_idempotent(self.db, request, caller, streamed)

        return an_app(router)


@pytest.fixture
async def shop(fresh_database: FreshDatabase) -> AsyncIterator[Shop]:
    db = Database(await fresh_database("kit"))
    await db.open()
    async with db.transaction() as tx:
        await tx.execute(
            "CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, title text NOT NULL)"
        )
    yield Shop(db)
    await db.close()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with knocking(shop.app()) as client:
        yield client


def a_request(key: str) -> Request:
    async def no_body() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"idempotency-key", key.encode())]
    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b""}
    return Request({**scope, "server": ("x", 1), "headers": headers}, no_body)


def keyed(key: str, **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **headers}


async def test_a_repeat_is_answered_the_same_and_done_once(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    first = await client.post("/things", json={"title": "焊工"}, headers=keyed("a"))
    again = await client.post("/things", json={"title": "焊工"}, headers=keyed("a"))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for header in ("etag", "location", "content-type"):
        assert first.headers[header] == again.headers[header]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await shop.titles() == ["焊工"]


async def test_without_a_key_each_request_is_a_new_one(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        assert (await client.post("/things", json={"title": "a"})).status_code == 201
    assert await shop.titles() == ["a", "a"]
    assert await shop.kept() == 0


async def test_a_key_is_of_one_caller_and_one_address(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    thing = {"title": "a"}
    await client.post("/things", json=thing, headers=keyed("a"))
    await client.post("/things", json=thing, headers=keyed("a", **{"X-Caller": "enterprise-2"}))
    await client.post("/others/1", json=thing, headers=keyed("a"))
    await client.post("/others/2", json=thing, headers=keyed("a"))
    await client.post("/things", json=thing, headers=keyed("b"))
    assert shop.calls == 5


async def test_a_key_used_for_something_else_is_refused(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    await client.post("/things", json={"title": "a"}, headers=keyed("a"))
    others: list[dict[str, Any]] = [
        {"json": {"title": "b"}},
        {"json": {"title": "a"}, "params": {"draft": "1"}},
        {"json": {"title": "a"}, "headers": {"If-Match": '"1"'}},
    ]
    for other in others:
        headers = {**keyed("a"), **other.pop("headers", {})}
        answer = await client.post("/things", headers=headers, **other)
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:rengang:problem:idempotency_key_reused"
    assert await shop.titles() == ["a"]


async def test_the_same_object_written_otherwise_is_the_same_request(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    written = ['{"title": "焊", "tags": ["x"]}', '{"tags":["x"],\n"title":"\\u710a"}']
    for body in written:
        headers = keyed("a", **{"Content-Type": "application/json"})
        answer = await client.post("/things", content=body.encode(), headers=headers)
        assert answer.status_code == 201
    assert shop.calls == 1


async def test_one_of_many_at_once_does_it_and_the_others_wait(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    shop.go_on.clear()
    asking = [
        asyncio.create_task(client.post("/things", json={"title": "a"}, headers=keyed("a")))
        for _ in range(30)
    ]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in asking)
    assert await shop.titles() == [], "waiting takes no connection"
    shop.go_on.set()
    answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert shop.calls == 1
    assert await shop.titles() == ["a"]


async def test_whoever_waits_too_long_is_asked_to_come_again(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    shop.go_on.clear()
    first = asyncio.create_task(client.post("/things", json={"title": "a"}, headers=keyed("a")))
    await asyncio.sleep(0.2)
    shop.wait_s = 0.2
    answer = await client.post("/things", json={"title": "a"}, headers=keyed("a"))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:rengang:problem:idempotency_key_in_use"
    assert answer.headers["retry-after"] == "2"
    shop.go_on.set()
    assert (await first).status_code == 201


OTHER_REPLICA = """
import asyncio, sys
from starlette.responses import Response
from services.kit.auth import Caller, Role
from services.kit.database import Database
from services.kit.idempotency import run_idempotent
from tests.kit.test_http_idempotency import a_request

async def main():
    db = Database(sys.argv[1])
    await db.open()

    async def write(db):
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO thing (title) VALUES ('there')")
        print("writing", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return Response(b"done there", 201)

    await run_idempotent(db, a_request("a"), Caller("enterprise-1", Role.EMPLOYER), write)
    await db.close()

asyncio.run(main())
"""


async def test_another_replica_is_waited_for_too(shop: Shop) -> None:
    replica = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", OTHER_REPLICA, shop.db.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert replica.stdin is not None
    assert replica.stdout is not None
    assert await replica.stdout.readline() == b"writing\n"

    async def write(db: Database) -> Response:
        return await shop.make(db, Thing(title="here"))

    caller = Caller("enterprise-1", Role.EMPLOYER)
    asking = asyncio.create_task(run_idempotent(shop.db, a_request("a"), caller, write))
    await asyncio.sleep(0.3)
    assert not asking.done()
    replica.stdin.write(b"\n")
    answer = await asking
    assert answer.body == b"done there"
    assert await replica.wait() == 0
    assert await shop.titles() == ["there"]


async def test_other_keys_do_not_wait(shop: Shop, client: httpx.AsyncClient) -> None:
    shop.go_on.clear()
    first = asyncio.create_task(client.post("/things", json={"title": "a"}, headers=keyed("a")))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(client.post("/things", json={"title": "b"}, headers=keyed("b")))
    await asyncio.sleep(0.2)
    assert shop.calls == 2
    shop.go_on.set()
    await asyncio.gather(first, second)


@pytest.mark.parametrize("broken", [RuntimeError("inside"), DatabaseUnavailable("gone")])
async def test_what_broke_left_nothing_and_may_be_repeated(
    shop: Shop, client: httpx.AsyncClient, broken: Exception
) -> None:
    async def breaks() -> None:
        raise broken

    shop.then = breaks
    answer = await client.post("/things", json={"title": "a"}, headers=keyed("a"))
    assert answer.status_code in (500, 503)
    assert await shop.titles() == []
    shop.then = None
    answer = await client.post("/things", json={"title": "a"}, headers=keyed("a"))
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers
    assert await shop.titles() == ["a"]


async def test_a_refusal_is_not_kept(shop: Shop, client: httpx.AsyncClient) -> None:
    async def refuses() -> None:
        raise Problem(409, "full", zh="满了。", en="It is full.")

    shop.then = refuses
    first = await client.post("/things", json={"title": "a"}, headers=keyed("a"))
    shop.then = None
    second = await client.post("/things", json={"title": "b"}, headers=keyed("a"))
    assert (first.status_code, second.status_code) == (409, 201)
    assert await shop.titles() == ["b"]


async def test_a_caught_error_undoes_its_own_part_only(shop: Shop) -> None:
    async def tries_twice(db: Database) -> Response:
        try:
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO thing (title) VALUES ('undone')")
                await tx.execute("INSERT INTO thing (title) VALUES (NULL)")
        except asyncpg.NotNullViolationError:
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO thing (title) VALUES ('kept')")
        return Response(status_code=204)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "query_string": b"",
        "server": ("x", 1),
    }
    request = Request({**scope, "headers": [(b"idempotency-key", b"a")]}, _no_body)
    caller = Caller("enterprise-1", Role.EMPLOYER)
    assert (await run_idempotent(shop.db, request, caller, tries_twice)).status_code == 204
    assert await shop.titles() == ["kept"]


async def _no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb", "\x7f"])
async def test_a_malformed_key_is_refused(shop: Shop, client: httpx.AsyncClient, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await client.post("/things", json={"title": "a"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:rengang:problem:idempotency_key_malformed"
    assert shop.calls == 0


async def test_two_keys_are_refused_and_long_ones_taken(client: httpx.AsyncClient) -> None:
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await client.post("/things", json={"title": "a"}, headers=two)).status_code == 400
    for key in ("x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "~!"):
        answer = await client.post("/things", json={"title": "a"}, headers=keyed(key))
        assert answer.status_code == 201


async def test_a_stream_cannot_be_kept(shop: Shop, client: httpx.AsyncClient) -> None:
    assert (await client.get("/stream", headers=keyed("a"))).status_code == 500
    assert await shop.kept() == 0


async def test_answers_are_kept_for_a_day(shop: Shop, client: httpx.AsyncClient) -> None:
    for key in ("old", "new"):
        await client.post("/things", json={"title": key}, headers=keyed(key))
    async with shop.db.transaction() as tx:
        await tx.execute(
            "UPDATE idempotency SET stored_at = now() - interval '24 hours 1 second' "
            "WHERE position('old' IN convert_from(body, 'UTF8')) > 0"
        )
    assert await prune_idempotency(shop.db) == 1
    assert await prune_idempotency(shop.db, timedelta(days=2)) == 0
    answer = await client.post("/things", json={"title": "new"}, headers=keyed("new"))
    assert answer.headers["idempotency-replayed"] == "true"


async def test_the_table_names_nobody(shop: Shop, client: httpx.AsyncClient) -> None:
    await client.post("/things", json={"title": "a"}, headers=keyed("my-key"))
    async with shop.db.transaction() as tx:
        row = str(await tx.fetchval("SELECT t::text FROM idempotency t"))
    assert "enterprise-1" not in row
    assert "my-key" not in row


def test_the_openapi_document_names_the_header() -> None:
    shop = Shop(Database("postgresql://nowhere"))
    parameters = shop.app().openapi()["paths"]["/things"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["Idempotency-Key"]
    assert parameters[0]["required"] is False
