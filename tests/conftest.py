"""The fixtures that every folder of tests shares: real servers and fresh databases.

What only one service's tests need stands in that folder's own conftest.
"""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests import servers

# No test asserts a time: what is compiled at its first call takes long once.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_LONGER = 10
_TOGETHER = ("tests/flows/", "tests/bench/")


class _FoldersTogether(LoadFileScheduling):  # type: ignore[misc]
    """Files to whichever worker is free; but all of a folder that shares much to one.

    The flows share a system: they wait more than they work, so the other workers have the
    processors meanwhile. What is measured shares a made-up world, and compiles kernels of its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        whole = next((folder for folder in _TOGETHER if nodeid.startswith(folder)), None)
        return whole or str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """What `--dist loadfile` is here."""
    return _FoldersTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On several workers such folders come first: each takes as long as many files."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through all that is imported, again and again.

    It took an eighth of the time. What has been read by now stays to the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _place(nodeid: str) -> int:
    first = (at for at, folder in enumerate(_TOGETHER) if nodeid.startswith(folder))
    return next(first, len(_TOGETHER))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: what is drawn at random goes on for longer."""
    parser.addoption(
        "--long", action="store_true", help=f"random histories of {_LONGER} times the length"
    )


FreshDatabase = Callable[[str], Awaitable[str]]


@pytest.fixture(scope="session")
def times(request: pytest.FixtureRequest) -> int:
    """How many times its length a random history goes on for: 1, or 10 with `--long`."""
    return _LONGER if request.config.getoption("--long") else 1


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[str]:
    """The administrator's URL of the session's PostgreSQL."""
    async with servers.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
async def kafka_server() -> AsyncIterator[str]:
    """The address, host:port, of the session's Kafka. It has no topics of ours."""
    async with servers.kafka_server() as address:
        yield address


@pytest.fixture(scope="session")
async def databases(postgres_server: str) -> AsyncIterator[servers.Databases]:
    """Makes databases; whoever asks drops them."""
    made = servers.Databases(postgres_server)
    yield made
    await made.drop_templates()


@pytest.fixture
async def fresh_database(databases: servers.Databases) -> AsyncIterator[FreshDatabase]:
    """`await fresh_database("postings")`: URL of a migrated, empty database, dropped afterwards."""
    given: list[str] = []

    async def fresh(service: str) -> str:
        given.append(await databases.create(service))
        return given[-1]

    yield fresh
    for url in given:
        await databases.drop(url)


@pytest.fixture
async def empty_database(databases: servers.Databases) -> AsyncIterator[str]:
    """URL of a database without tables, dropped afterwards."""
    url = await databases.create_empty()
    yield url
    await databases.drop(url)
