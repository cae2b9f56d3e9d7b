"""Data folders for the tests of the local stack, and a cache of this user's that is not theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack.folder import DataFolder
from tests import servers


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    """A data folder of ours, empty."""
    with servers.data_folder() as one:
        yield one
        one.release()


@pytest.fixture
def other_folder() -> Iterator[DataFolder]:
    """Another one."""
    with servers.data_folder() as one:
        yield one
        one.release()


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Where the stacks of these tests say which ports are theirs."""
    return tmp_path / "ports"
