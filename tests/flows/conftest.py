"""One running system for all tests of flows: they share it as users share a market."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.system import System, running


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run on several workers, those of the flows share one: one system is enough.

    They come first, because they take as long as many of the others together.
    """
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.xdist_group("flows"))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.path.is_relative_to(here))


@pytest.fixture(scope="session")
async def system() -> AsyncIterator[System]:
    # Not below pytest's own folder: each of its sessions closes that for others, and PostgreSQL's
    # account must pass through, also when it is started again.
    folder = Path(tempfile.mkdtemp(prefix="rengang-flows-"))
    folder.chmod(0o711)  # noqa: ASYNC240 (before anything runs)
    try:
        async with running(folder / "data") as one:
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)
