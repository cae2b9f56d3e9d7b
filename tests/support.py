"""What the tests of several services share: a clock to turn, a door to knock at, callers.

Servers and databases come from conftest; what one service's tests need stands in its own folder.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI

from contracts.events import AnyEvent, parse
from dev.stack import ports
from services.kit.database import Database
from tests.kit.door import Issuer, knocking, served

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes only when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Door:
    """A service's HTTP door without its background jobs: what it announces stays in the outbox."""

    app: FastAPI
    db: Database
    issuer: Issuer
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def caller(self, subject: str, role: str, language: str = "en") -> httpx.AsyncClient:
        """A client that calls as this account."""
        client = knocking(self.app)
        token = self.issuer.token(sub=subject, role=role)
        client.headers.update({"Authorization": f"Bearer {token}", "Accept-Language": language})
        self.clients.append(client)
        return client

    async def announced(self) -> list[AnyEvent]:
        """Every event in the outbox, in the order in which it will be sent."""
        async with self.db.transaction() as tx:
            rows = await tx.fetch("SELECT value FROM outbox ORDER BY id")
        return [parse(row["value"]) for row in rows]

    async def close(self) -> None:
        """Let the callers go."""
        for client in self.clients:
            await client.aclose()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database, connected."""
    database = Database(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def published_issuer() -> AsyncIterator[tuple[Issuer, str]]:
    """An issuer of tokens, and where its keys are published."""
    issuer = Issuer()
    async with served(issuer) as url:
        yield issuer, f"{url}/jwks"


@dataclass
class Running:
    """A service as a process of its own. log: what it wrote so far."""

    url: str
    process: asyncio.subprocess.Process
    log: list[bytes] = field(default_factory=list)

    async def ready(self, patience_s: float = 30.0) -> None:
        """Wait until it says so; fails with its log where it ended instead."""
        async with asyncio.timeout(patience_s), httpx.AsyncClient() as client:
            while True:
                assert self.process.returncode is None, self.told()
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """Ask it to end, as an operator would; returns its exit status."""
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)

    def told(self) -> str:
        """Its log as text."""
        return b"".join(self.log).decode()


@asynccontextmanager
async def running(service: str, **environment: str) -> AsyncIterator[Running]:
    """`python -m services.<service>.main` with these variables, ended afterwards."""
    (port,) = ports.unused()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"services.{service}.main",
        env={**os.environ, "RENGANG_PORT": str(port), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    started = Running(f"http://127.0.0.1:{port}", process)

    async def listen() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            started.log.append(line)

    listening = asyncio.create_task(listen())
    try:
        yield started
    finally:
        await started.stop()
        await listening
