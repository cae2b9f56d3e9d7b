"""A running system as the tests of flows see it: doors to knock at, processes to kill, its rest."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from dev import issuer, signed_files
from dev.sample import generate
from dev.stack.folder import DataFolder
from dev.stack.lag import lags
from dev.stack.plan import SERVICES, Elsewhere, local_stack
from dev.stack.supervisor import Stack
from services.kit.database import Database
from services.matcher.settings import Shard
from services.matcher.verify import Report, verify

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = ("operator", "flows")


@dataclass
class System:
    """The system on a data folder of its own, without sample data."""

    stack: Stack
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=60))

    def url(self, service: str) -> str:
        return self.stack.state.settings[f"RENGANG_{service.upper()}_URL"]

    def database_url(self, service: str) -> str:
        return str(self.stack.process(service).program.environment["RENGANG_DATABASE_URL"])

    def headers(self, who: tuple[str, str], language: str = "zh") -> dict[str, str]:
        token = issuer.mint(self.stack.data, *who)
        return {"Authorization": f"Bearer {token}", "Accept-Language": language}

    async def call(
        self,
        method: str,
        service: str,
        path: str,
        who: tuple[str, str],
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        status: int | None = None,
    ) -> httpx.Response:
        """Knock once. status: what the answer must be."""
        answer = await self.http.request(
            method,
            self.url(service) + path,
            json=body,
            headers=self.headers(who) | (headers or {}),
        )
        if status is not None:
            assert answer.status_code == status, answer.text
        return answer

    async def bring(
        self, service: str, path: str, who: tuple[str, str], lines: Iterable[dict[str, Any]]
    ) -> dict[str, Any]:
        """Import the lines, again and again until the service acknowledges them."""
        content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        async with asyncio.timeout(120):
            while True:
                headers = self.headers(who) | {"Content-Type": "application/x-ndjson"}
                try:
                    answer = await self.http.post(
                        self.url(service) + path, content=content, headers=headers
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code < 500:
                    assert answer.status_code == 200, answer.text
                    report: dict[str, Any] = answer.json()
                    assert report["rejected"] == 0, report
                    return report
                await asyncio.sleep(0.2)

    async def register(self, lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """Import certificates of the sample's issuer, signed by it with a new key."""
        key, _ = signed_files.new_key()
        code = generate.ISSUER
        body = {k: v for k, v in generate.issuer().items() if k != "code"}
        body["keys"] = [signed_files.public_jwk(key)]
        content = b"\n".join(json.dumps(line, ensure_ascii=False).encode() for line in lines)
        facts = signed_files.facts_of(BytesIO(content), signed_files.NDJSON)
        signature = signed_files.sign(key, code, facts, uuid4(), int(time.time()))
        async with asyncio.timeout(120):
            while True:
                headers = self.headers(OPERATOR)
                signed = {signed_files.HEADER: signature, "Content-Type": signed_files.NDJSON}
                try:
                    known = await self.http.put(
                        f"{self.url('certificates')}/v1/issuers/{code}", json=body, headers=headers
                    )
                    answer = await self.http.post(
                        self.url("certificates") + "/v1/registry/imports",
                        content=content,
                        headers=headers | signed,
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if max(known.status_code, answer.status_code) < 500:
                    assert answer.status_code == 200, (known.text, answer.text)
                    report: dict[str, Any] = answer.json()
                    assert report["rejected"] == 0, report
                    return report
                await asyncio.sleep(0.2)

    async def kill(self, name: str) -> None:
        """SIGKILL the process, and wait until all of the system is ready again."""
        process = self.stack.process(name)
        before = process.restarts
        process.kill()
        async with asyncio.timeout(90):
            while process.restarts == before:
                await asyncio.sleep(0.02)
        await self.ready()

    async def ready(self) -> None:
        """Wait until every process answers as ready."""
        for part in self.stack.state.programs:
            await self.stack.process(part.name).ready(90)

    async def at_rest(self, within_s: float = 180) -> None:
        """Wait until no event waits in an outbox and none is unread, twice in a row."""
        calm = 0
        async with asyncio.timeout(within_s):
            while calm < 2:
                calm = calm + 1 if await self._is_calm() else 0
                await asyncio.sleep(0.25)

    async def _is_calm(self) -> bool:
        for service in SERVICES:
            if await waiting_in_outbox(self.database_url(service)):
                return False
        behind = await lags(self.stack.state.settings["RENGANG_KAFKA"], tuple(SERVICES))
        wanted = {"matcher", "seekers", "talent"}
        return wanted <= behind.keys() and not any(behind.values())

    async def verified(self) -> Report:
        """Compare the live matches with the brute-force program's, and fail where they differ.

        In this process, which has read the tables of the language: another one takes longer to
        begin than a small market takes to compare.
        """
        report = await verify(self.database_url("matcher"), Shard(0, 1))
        assert report.differences == 0, report.first
        return report

    async def verified_as_by_operators(self) -> dict[str, Any]:
        """The same by the command, in processes of its own; its report."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.matcher.verify",
            "--json",
            cwd=ROOT,
            env=os.environ | {"RENGANG_DATABASE_URL": self.database_url("matcher")},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        report: dict[str, Any] = json.loads(out)
        assert process.returncode == 0, report
        return report

    async def rows(self, service: str, sql: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """Look into a service's database; the matcher's in its only shard's schema."""
        schema = "shard_0_of_1" if service == "matcher" else None
        database = Database(self.database_url(service), schema=schema)
        await database.open()
        try:
            async with database.transaction() as tx:
                return await tx.fetch(sql, *arguments)
        finally:
            await database.close()


async def waiting_in_outbox(url: str) -> bool:
    """Whether any schema of the database holds an event that is not sent."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        schemas = await connection.fetch(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'outbox'"
        )
        for row in schemas:
            table = f'"{row["schemaname"]}".outbox'
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):
                return True
        return False
    finally:
        await connection.close()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[System]:
    """A system of its own on this folder, stopped afterwards.

    PostgreSQL as people run it: with the settings of clusters that are thrown away, a kill loses
    commits.
    """
    stack = await local_stack(DataFolder(folder), elsewhere=Elsewhere(), sample=False)
    await stack.start()
    system = System(stack)
    try:
        yield system
    finally:
        await system.http.aclose()
        await stack.stop()
