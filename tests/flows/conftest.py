"""A running system for the tests of flows: they share it as users share a market."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.system import System, running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On several workers the flows come first: they take as long as many others together."""
    if hasattr(config, "workerinput"):
        here = Path(__file__).parent
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
