"""Where PostgreSQL's files lie, whoever runs it, and what stands in the way of its start."""

import os
from pathlib import Path

import pytest

from dev.stack import postgres
from dev.stack.account import Account

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


@pytest.mark.parametrize("content", [f"{os.getpid()}\n/somewhere\n", "4194305\n", "", "half a li"])
def test_the_lock_of_a_postmaster_that_is_no_more_is_removed(tmp_path: Path, content: str) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(content, encoding="ascii")
    postgres.drop_stale_lock(lock)
    assert not lock.exists()
    postgres.drop_stale_lock(lock)


async def test_a_server_that_is_not_there_is_said_without_its_password() -> None:
    why = await postgres.unready("postgresql://admin:secret@127.0.0.1:1/postgres")
    assert why == "ConnectionRefusedError"
