"""The data folder: ours is marked, locked and private; others' are never touched."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dev.stack.folder import DataFolder, FolderRefused
from tests.dev.programs import ROOT


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work", encoding="utf-8")
    mine = DataFolder(tmp_path)
    with pytest.raises(FolderRefused, match="holds other things"):
        mine.open()
    with pytest.raises(FolderRefused, match="nothing was deleted"):
        mine.empty()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_said_in_one_line() -> None:
    with pytest.raises(FolderRefused, match=r"^/proc/nowhere/data cannot be used: [^\n]+$"):
        DataFolder(Path("/proc/nowhere/data")).open()


def test_emptying_deletes_all_but_what_lies_behind_a_link(
    folder: DataFolder, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.txt").touch()
    (folder.path / "link").symlink_to(tmp_path)
    (folder.path / "kafka").mkdir()
    (folder.path / "kafka" / "log").touch()
    secret = folder.secret("postgres")
    folder.empty()
    assert not (folder.path / "kafka").exists()
    assert not (folder.path / "link").exists()
    assert (tmp_path / "elsewhere.txt").exists()
    assert folder.secret("postgres") != secret


def test_a_secret_stays_the_same_and_is_its_owner_s_alone(folder: DataFolder) -> None:
    assert folder.secret("postgres") == folder.secret("postgres") != folder.secret("other")
    mode = (folder.path / "secrets" / "postgres").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_lock_is_held_against_other_processes_and_ends_with_its_holder(
    folder: DataFolder,
) -> None:
    script = (
        "import sys; from pathlib import Path; from dev.stack.folder import DataFolder\n"
        "one = DataFolder(Path(sys.argv[1])); print(one.acquire(), flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, folder.path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert folder.in_use
        assert not folder.acquire()
    finally:
        holder.kill()
        holder.communicate()
    assert not folder.in_use
    assert folder.acquire()
    assert folder.in_use


def test_a_half_written_file_is_as_good_as_none(folder: DataFolder) -> None:
    folder.write("ports.json", {"web": 1})
    assert folder.read("ports.json") == {"web": 1}
    (folder.path / "ports.json").write_text('{"web": ', encoding="utf-8")
    assert folder.read("ports.json") == {}
