"""PostgreSQL and Kafka for the tests, from whichever of three places has them.

1. Named by RENGANG_TEST_DATABASE_SERVER and RENGANG_TEST_KAFKA. 2. Containers, where a Docker
engine answers. 3. The wheel and the jars, as `./rengang up` runs them. What is tested on them is
in the folders beside this file.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from dev.stack import jars, java, kafka, ports, postgres
from dev.stack.folder import DataFolder
from dev.stack.program import Program
from dev.stack.servers import kafka_program, postgres_program
from dev.stack.supervisor import Stack

POSTGRES_IMAGE = f"postgres:{postgres.VERSION}"
KAFKA_IMAGE = f"apache/kafka:{kafka.VERSION}"
_PATIENCE_S = 120.0


@asynccontextmanager
async def postgres_server() -> AsyncIterator[str]:
    """A PostgreSQL 16. Gives the administrator's URL of its database "postgres"."""
    if named := os.environ.get("RENGANG_TEST_DATABASE_SERVER"):
        server = f"{named.rstrip('/')}/postgres"
        await _until_ready(lambda: postgres.unready(server))
        yield server
    elif docker_answers():
        async with _postgres_in_container() as server:
            yield server
    else:
        async with _postgres_from_wheel() as server:
            yield server


@asynccontextmanager
async def kafka_server() -> AsyncIterator[str]:
    """A Kafka 4.3 that makes no topic by itself. Gives host:port."""
    if named := os.environ.get("RENGANG_TEST_KAFKA"):
        await _until_ready(lambda: kafka.unready(named))
        yield named
    elif docker_answers():
        async with _kafka_in_container() as address:
            yield address
    else:
        async with _kafka_from_jars() as address:
            yield address


@contextmanager
def data_folder() -> Iterator[DataFolder]:
    """A data folder that is gone afterwards.

    Not pytest's tmp_path: that is closed to others, and PostgreSQL does not run as root.
    """
    path = Path(tempfile.mkdtemp(prefix="rengang-test-", dir=in_memory()))
    folder = DataFolder(path)
    try:
        folder.open()
        yield folder
    finally:
        postgres.remove(folder.path)
        shutil.rmtree(path, ignore_errors=True)


_IN_MEMORY = Path("/dev/shm")
_FREE, _AVAILABLE = 2 * 2**30, 6 * 2**30


@cache
def in_memory() -> Path | None:
    """A file system in memory that has room for servers; None: there is none, a disk will do.

    To make a database is to make 400 files. A disk takes a third of a second for that, nearly all
    of it the processor's, and a thousand tests have a database of their own.
    """
    try:
        free = shutil.disk_usage(_IN_MEMORY).free
    except OSError:
        return None
    available = psutil.virtual_memory().available
    fits = free >= _FREE and available >= _AVAILABLE and os.access(_IN_MEMORY, os.W_OK)
    return _IN_MEMORY if fits else None


@cache
def docker_answers() -> bool:
    """Whether a Docker engine can be asked to run containers."""
    try:
        return bool(DockerClient(timeout=3).client.ping())
    except Exception:  # noqa: BLE001 - a client without an engine raises what it likes
        return False


class Databases:
    """Fresh databases on one server, each a copy of a template migrated once per session.

    admin: the administrator's URL of any database on the server.
    """

    def __init__(self, admin: str) -> None:
        self._admin = admin
        self._templates: dict[str, str] = {}
        self._making = asyncio.Lock()

    async def create(self, service: str) -> str:
        """A database with that service's tables, empty; returns its URL."""
        async with self._making:
            if service not in self._templates:
                self._templates[service] = await self._make_template(service)
        name = f"test_{service}_{uuid4().hex}"
        template = self._templates[service]
        # Copied as files, at half the time of what is usual: there is no standby to be told.
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self._url(name)

    async def create_empty(self) -> str:
        """A database without tables; returns its URL."""
        name = f"test_empty_{uuid4().hex}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._url(name)

    async def drop(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        await self._run(f'DROP DATABASE IF EXISTS "{_database_of(url)}" WITH (FORCE)')

    async def drop_templates(self) -> None:
        """At the end of the session, because the server may be somebody's."""
        for name in self._templates.values():
            await self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _make_template(self, service: str) -> str:
        from services.kit.migrations import migrate

        name = f"template_{service}_{uuid4().hex}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        await migrate(self._url(name), f"services.{service}")
        return name

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, name: str) -> str:
        return f"{self._admin.rpartition('/')[0]}/{name}"


def _database_of(url: str) -> str:
    return url.rpartition("/")[2]


@asynccontextmanager
async def _postgres_from_wheel() -> AsyncIterator[str]:
    with data_folder() as folder:
        (port,) = ports.unused()
        server = postgres.Postgres(folder.path, port, folder.secret("postgres"), postgres.THROWAWAY)
        async with _running(folder, postgres_program(server)):
            yield server.url()


@asynccontextmanager
async def _kafka_from_jars() -> AsyncIterator[str]:
    with data_folder() as folder:
        class_path = await asyncio.to_thread(jars.ensure, jars.folder(), jars.locked())
        port, controller_port = ports.unused(2)
        server = kafka.Kafka(
            folder.path, port, controller_port, java=java.find().executable, jars=class_path
        )
        async with _running(folder, kafka_program(server)):
            yield server.address


@asynccontextmanager
async def _running(folder: DataFolder, program: Program) -> AsyncIterator[None]:
    stack = Stack(folder, [(program,)])
    await stack.start()
    try:
        yield
    finally:
        await stack.stop()


@asynccontextmanager
async def _postgres_in_container() -> AsyncIterator[str]:
    container = (
        DockerContainer(POSTGRES_IMAGE)
        .with_envs(
            POSTGRES_USER=postgres.ADMIN,
            POSTGRES_PASSWORD=uuid4().hex,
            POSTGRES_DB="postgres",
            POSTGRES_INITDB_ARGS="--locale=C --encoding=UTF8",
        )
        .with_exposed_ports(5432)
        .with_command([f"--{name}={value}" for name, value in postgres.THROWAWAY.items()])
    )
    async with _started(container):
        host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
        password = container.env["POSTGRES_PASSWORD"]
        url = f"postgresql://{postgres.ADMIN}:{password}@{host}:{port}/postgres"
        await _until_ready(lambda: postgres.unready(url))
        yield url


@asynccontextmanager
async def _kafka_in_container() -> AsyncIterator[str]:
    # Known before the start, because the broker tells clients its address.
    (port,) = ports.unused()
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    address = f"{container.get_container_host_ip()}:{port}"
    container.with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS="BROKER://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS=f"BROKER://{address}",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_INTER_BROKER_LISTENER_NAME="BROKER",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_MESSAGE_MAX_BYTES="4194304",
    )
    async with _started(container):
        await _until_ready(lambda: kafka.unready(address))
        yield address


@asynccontextmanager
async def _started(container: DockerContainer) -> AsyncIterator[None]:
    await asyncio.to_thread(container.start)
    try:
        yield
    finally:
        await asyncio.to_thread(container.stop)


async def _until_ready(probe: Callable[[], Awaitable[str | None]]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while (why_not := await probe()) is not None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the test server is not ready after {_PATIENCE_S:.0f} s: {why_not}")
        await asyncio.sleep(0.2)
