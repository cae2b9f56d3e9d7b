"""What the tests of the matcher's service share: one that runs on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.matcher.harness import Matcher, running


@pytest.fixture
async def matcher(empty_database: str) -> AsyncIterator[Matcher]:
    """Shard 0 of 1 with short lists, begun on an empty database."""
    async with running(empty_database) as matcher:
        yield matcher
