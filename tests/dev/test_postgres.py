"""Where PostgreSQL's files lie, whoever runs it, and what stands in the way of its start."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from dev.stack import ports, postgres
from dev.stack.account import Account
from dev.stack.folder import DataFolder
from dev.stack.servers import postgres_program
from tests.dev.programs import apart, stack

STRANGER = Account("stranger", 54_321, 54_321)


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that everybody can enter, as far as it is ours to open."""
    folder = tmp_path / "data"
    folder.mkdir()
    for step in (folder, *folder.parents):
        if step.stat().st_uid == os.geteuid() and step != Path("/"):
            step.chmod(step.stat().st_mode | 0o011)
    return folder


def test_an_account_enters_only_where_every_folder_above_lets_it(open_folder: Path) -> None:
    assert STRANGER.can_enter(open_folder)
    open_folder.parent.chmod(0o700)
    assert not STRANGER.can_enter(open_folder)
    assert Account("me", os.geteuid(), os.getegid()).can_enter(open_folder)


def test_the_cluster_lies_in_the_data_folder_where_its_account_can_enter(
    open_folder: Path,
) -> None:
    assert postgres.home(open_folder, None) == open_folder / "postgres"
    assert postgres.home(open_folder, STRANGER) == open_folder / "postgres"


def test_else_it_lies_outside_in_a_place_of_its_own(open_folder: Path) -> None:
    open_folder.chmod(0o700)
    outside = postgres.home(open_folder, STRANGER)
    assert outside.parent == postgres.SHARED
    assert outside != postgres.home(open_folder.parent, STRANGER)


def test_a_cluster_that_is_there_is_never_left_for_an_empty_one(open_folder: Path) -> None:
    (open_folder / "postgres").mkdir()
    open_folder.chmod(0o700)
    assert postgres.home(open_folder, STRANGER) == open_folder / "postgres"


def test_removing_follows_no_link_to_another_stack_s_cluster(
    open_folder: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (open_folder / "postgres").symlink_to(theirs)
    postgres.remove(open_folder)
    assert theirs.is_dir()


def test_a_lock_with_another_program_s_pid_is_taken_over_whole(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    with apart("-c", "import time; time.sleep(600)") as bystander:
        lock.write_text(f"{bystander.pid}\n{tmp_path}\n1\n5432\n\n127.0.0.1\n  1 2\n")
        postgres.take_over_lock(lock, tmp_path)
    # The shared memory it names must stay known: somebody may still be using it.
    assert lock.read_text() == f"{os.getpid()}\n{tmp_path}\n1\n5432\n\n127.0.0.1\n  1 2\n"


def test_an_empty_lock_is_removed_and_a_missing_one_is_no_trouble(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.touch()
    postgres.take_over_lock(lock, tmp_path)
    assert not lock.exists()
    postgres.take_over_lock(lock, tmp_path)


async def test_postgres_comes_back_over_a_lock_whose_pid_is_another_s(folder: DataFolder) -> None:
    server = postgres.Postgres(folder.path, ports.unused()[0], "secret", postgres.THROWAWAY)
    running = stack(folder, (postgres_program(server),))
    await running.start()
    try:
        one = running.process("postgres")
        lock = server.folder / "cluster" / "postmaster.pid"
        _, _, rest = lock.read_text().partition("\n")
        one.kill()
        with apart("-c", "import time; time.sleep(600)") as bystander:
            lock.write_text(f"{bystander.pid}\n{rest}")
            await one.ready(60)
        assert await postgres.unready(server.url()) is None
    finally:
        await running.stop()


async def test_postgres_comes_back_after_a_kill_amid_work(folder: DataFolder) -> None:
    server = postgres.Postgres(folder.path, ports.unused()[0], "secret", postgres.THROWAWAY)
    running = stack(folder, (postgres_program(server),))
    await running.start()
    try:
        client = await asyncpg.connect(server.url())
        busy = asyncio.ensure_future(client.execute("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.2)
        one = running.process("postgres")
        one.kill()
        with pytest.raises((asyncpg.PostgresError, ConnectionError)):
            await busy
        await one.ready(60)
        assert await postgres.unready(server.url()) is None
    finally:
        await running.stop()


async def test_a_server_that_is_not_there_is_said_without_its_password() -> None:
    why = await postgres.unready("postgresql://admin:secret@127.0.0.1:1/postgres")
    assert why == "ConnectionRefusedError"
