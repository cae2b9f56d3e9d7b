"""One running system for all tests of flows: they share it as users share a market."""

from collections.abc import AsyncIterator

import pytest

from tests.flows.system import System, running


@pytest.fixture(scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    # Not below pytest's own folder: PostgreSQL's account must be able to pass through.
    folder = tmp_path_factory.mktemp("system")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o711)
    async with running(folder / "data") as one:
        yield one
