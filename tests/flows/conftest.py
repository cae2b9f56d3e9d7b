"""A running system for the tests of flows: they share it as users share a market."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.system import System, running
from tests.servers import in_memory

# What is written down is looked through; other cities are on this machine, and asked again soon.
_SETTINGS = {
    "RENGANG_LOG_LEVEL": "DEBUG",
    "CERTIFICATES_CITIES_PRIVATE": "true",
    "CERTIFICATES_CITY_TIMEOUT_S": "1",
    "CERTIFICATES_CITY_RETRY_S": "0.3",
    "CERTIFICATES_CITY_LISTS_INTERVAL_S": "0.5",
    "CERTIFICATES_EXPIRY_INTERVAL_S": "0.5",
}


@pytest.fixture(scope="package")
async def system() -> AsyncIterator[System]:
    # Not below pytest's own folder: each of its sessions closes that for others, and PostgreSQL's
    # account must pass through, also when it is started again.
    folder = Path(tempfile.mkdtemp(prefix="rengang-flows-", dir=in_memory()))
    folder.chmod(0o711)  # noqa: ASYNC240 (before anything runs)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _SETTINGS.items():
                patch.setenv(name, value)
            async with running(folder / "data") as one:
                yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)
