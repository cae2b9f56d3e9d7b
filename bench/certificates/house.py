"""What is measured: a PostgreSQL, two deployments of the service on it, and the bare route beside.

What is brought in and asked does not live here.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench.certificates.figures import OURS, OURS_SMALL, BenchFailed
from dev import issuer
from dev.stack import errands, ports, postgres
from dev.stack.folder import ROOT, DataFolder
from dev.stack.plan import environment
from dev.stack.ports import HOST
from dev.stack.postgres import Postgres
from dev.stack.probes import http_ready
from dev.stack.program import Program
from dev.stack.servers import postgres_program
from dev.stack.supervisor import Stack

_PROCESSES = {OURS: "certificates", OURS_SMALL: "small"}
_BARE = "bare"
# So many misses are allowed as the measurement makes: the same checks are made, none refuses.
_MOST_MISSES = {
    "CERTIFICATES_MISSES_PER_HOUR_PARTNER": "10000000",
    "CERTIFICATES_MISSES_PER_NUMBER": "10000",
}


@dataclass(frozen=True, slots=True)
class House:
    """What runs. Kafka is named to the service and not there: no look-up speaks to it."""

    stack: Stack
    server: str
    port: dict[str, int]

    def url(self, what: str) -> str:
        """Of the deployment, without a slash at the end."""
        return f"http://{HOST}:{self.port[_PROCESSES[what]]}"

    def port_of(self, what: str) -> int:
        """Where it listens: a deployment's, else the bare route's."""
        return self.port[_PROCESSES.get(what, _BARE)]

    def database_url(self, what: str) -> str:
        return f"{self.server}/rengang_{_PROCESSES[what]}"

    def headers(self, role: str, subject: str) -> dict[str, str]:
        """What a caller of that role sends with each request."""
        return {"Authorization": f"Bearer {issuer.mint(self.stack.data, role, subject)}"}

    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {part.name: part.pid for part in self.stack.state.programs if part.pid is not None}

    def check(self) -> None:
        """Raises BenchFailed where a process died and was started again."""
        fallen = [part.name for part in self.stack.state.programs if part.restarts]
        if fallen:
            raise BenchFailed(f"died in the middle: {', '.join(fallen)}")

    async def settle(self) -> None:
        """Have the server write out what was brought in, and count it for its plans."""
        for what in _PROCESSES:
            connection = await asyncpg.connect(self.database_url(what))
            try:
                await connection.execute("VACUUM (ANALYZE) registry")
                await connection.execute("CHECKPOINT")
            finally:
                await connection.close()

    async def sizes(self, what: str) -> tuple[int, int]:
        """Bytes of the registry: the table, and its indexes."""
        connection = await asyncpg.connect(self.database_url(what))
        try:
            (row,) = await connection.fetch(
                "SELECT pg_table_size('registry') t, pg_indexes_size('registry') i"
            )
        finally:
            await connection.close()
        return row["t"], row["i"]

    async def digests(self, what: str, count: int) -> Sequence[bytes]:
        """By which the bare route may ask: of certificates drawn by chance."""
        connection = await asyncpg.connect(self.database_url(what))
        try:
            rows = await connection.fetch(
                "SELECT number_digest FROM registry ORDER BY random() LIMIT $1", count
            )
        finally:
            await connection.close()
        return [row["number_digest"] for row in rows]


@asynccontextmanager
async def running() -> AsyncIterator[House]:
    """All of it, on a folder that is gone afterwards.

    PostgreSQL as people run it: each commit is on the disk before it is answered.
    """
    path = Path(tempfile.mkdtemp(prefix="rengang-bench-"))
    # Not only for us: PostgreSQL's own account passes through where we are root.
    path.chmod(0o711)  # noqa: ASYNC240 - before anything runs
    folder = DataFolder(path / "data")
    folder.open()
    names = ("postgres", "issuer", *_PROCESSES.values(), _BARE, "nobody")
    port = dict(zip(names, ports.unused(len(names)), strict=True))
    server = Postgres(folder.path, port["postgres"], folder.secret("postgres"))
    deployments = [_deployment(name, port, server.server, folder) for name in _PROCESSES.values()]
    stack = Stack(
        folder,
        (
            (postgres_program(server), _issuer(folder, port["issuer"])),
            (errands.databases(server.server, tuple(_PROCESSES.values())),),
            (*deployments, _bare(port[_BARE], server.url("rengang_certificates"))),
        ),
    )
    try:
        await stack.start()
        try:
            yield House(stack, server.server, port)
        finally:
            await stack.stop()
    finally:
        postgres.remove(folder.path)
        shutil.rmtree(path, ignore_errors=True)


def _deployment(name: str, port: dict[str, int], server: str, folder: DataFolder) -> Program:
    said = {
        "RENGANG_HOST": HOST,
        "RENGANG_PORT": str(port[name]),
        "RENGANG_DATABASE_URL": f"{server}/rengang_{name}",
        "RENGANG_KAFKA": f"{HOST}:{port['nobody']}",
        "RENGANG_JWKS_URL": f"http://{HOST}:{port['issuer']}/.well-known/jwks.json",
        "RENGANG_ISSUER": issuer.ISSUER,
        "RENGANG_AUDIENCE": issuer.AUDIENCE,
        "CERTIFICATES_PEPPER_FILE": str(folder.secret_file("certificates_pepper")),
    }
    command = [sys.executable, "-m", "services.certificates.main"]
    return _program(name, port[name], command, environment(said | _MOST_MISSES))


def _bare(port: int, database_url: str) -> Program:
    command = [sys.executable, "-m", "bench.certificates.bare", database_url, str(port)]
    return _program(_BARE, port, command, dict(os.environ))


def _issuer(folder: DataFolder, port: int) -> Program:
    said = {"RENGANG_PORT": str(port), "RENGANG_DATA": str(folder.path)}
    return _program("issuer", port, [sys.executable, "-m", "dev.issuer"], environment(said))


def _program(name: str, port: int, command: Sequence[str], settings: dict[str, str]) -> Program:
    return Program(
        name=name,
        command=lambda: command,
        probe=http_ready(port),
        address=f"http://{HOST}:{port}",
        port=port,
        folder=ROOT,
        environment=settings,
    )
