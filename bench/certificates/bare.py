"""What we are measured beside: one route that reads one row by a digest and answers it as JSON.

`python -m bench.certificates.bare DATABASE_URL PORT`. No token, no record, no signature: what a
look-up costs at least with FastAPI and asyncpg.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

_ROW = (
    "SELECT occupation, level, name, issuer, issued_on, valid_until, status "
    "FROM registry WHERE number_digest = $1"
)


class Found(BaseModel):
    """The row."""

    occupation: str
    level: int | None
    name: str
    issuer: str
    issued_on: date
    valid_until: date | None
    status: str


def make_app(database_url: str) -> FastAPI:
    """The route, and one that says it is ready."""
    pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        async with asyncpg.create_pool(database_url, min_size=10, max_size=10) as pool:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/certificates/{digest}")
    async def look_up(digest: str) -> Found:
        assert pool is not None  # noqa: S101 - for the type checker: it is open while served
        row = await pool.fetchrow(_ROW, bytes.fromhex(digest))
        if row is None:
            raise HTTPException(404)
        found: dict[str, Any] = dict(row)
        return Found(**found)

    return app


def main(database_url: str, port: int) -> None:
    """Serve with the settings that the services have (kit.http.serve)."""
    config = uvicorn.Config(
        make_app(database_url),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=32 * 1024,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
