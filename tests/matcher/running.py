"""The matcher as a whole, its jobs and doors, in this process."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic import SecretStr

from services.matcher.main import end_process, make_app
from services.matcher.settings import MatcherSettings
from tests.kit.door import ISSUER, knocking


def settings(url: str, kafka: str, **more: Any) -> MatcherSettings:
    """Settings of a service at whose door nobody knocks with a token."""
    return MatcherSettings(
        port=1,
        database_url=SecretStr(url),
        kafka=kafka,
        jwks_url="http://127.0.0.1:9/jwks",
        issuer=ISSUER,
        **more,
    )


@asynccontextmanager
async def living(
    chosen: MatcherSettings, on_shard_lost: Callable[[], None] = end_process
) -> AsyncIterator[httpx.AsyncClient]:
    """The service between its start and its end; gives its door."""
    app = make_app(chosen, on_shard_lost=on_shard_lost)
    async with app.router.lifespan_context(app), knocking(app) as door:
        yield door


async def failing(door: httpx.AsyncClient) -> list[str]:
    """Which checks of readiness fail now."""
    checks: dict[str, str] = (await door.get("/readyz")).json()["checks"]
    return [name for name, state in checks.items() if state != "ok"]


async def is_ready(door: httpx.AsyncClient) -> bool:
    return not await failing(door)
