"""`./rengang` itself: found from anywhere, set up once, and the environment it makes or keeps."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev import bootstrap
from tests.dev.programs import ROOT

_FAKE_PYTHON = '#!/bin/sh\necho "$PYTHONPATH" "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a space in its path, set up with a Python that only tells what it is told."""
    root = (tmp_path / "我的 checkout").resolve()
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock"):
        (root / name).write_text(f"{name}\n", encoding="utf-8")
    script = root / "rengang"
    script.write_bytes((ROOT / "rengang").read_bytes())
    script.chmod(0o755)
    python = root / ".venv" / "bin" / "python"
    python.write_text(_FAKE_PYTHON, encoding="utf-8")
    python.chmod(0o755)
    stamp(root, "requirements-dev")
    return root


def stamp(root: Path, need: str) -> None:
    """Say that the environment is what that lock names."""
    lock = (root / f"{need}.lock").read_bytes()
    sum_ = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode()
    (root / ".venv" / "rengang-stamp").write_text(
        f"{need} {sum_.strip()} {root}\n", encoding="utf-8"
    )


def run(script: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_from_another_folder_and_passes_arguments_whole(
    checkout: Path, tmp_path: Path
) -> None:
    done = run(checkout / "rengang", "token", "employer", "a b", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{checkout} -P -m dev token employer a b\n", "")


def test_it_follows_links_to_itself(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "first").symlink_to(checkout / "rengang")
    (tmp_path / "second").symlink_to("first")
    done = run(tmp_path / "second", "help", cwd=Path("/"))
    assert done.stdout == f"{checkout} -P -m dev help\n"


def test_a_changed_lock_sets_up_again(checkout: Path) -> None:
    (checkout / "requirements-dev.lock").write_text("more\n", encoding="utf-8")
    done = run(checkout / "rengang", "up", cwd=checkout)
    # There is no dev/bootstrap.py in this checkout, and that is what is asked for.
    assert done.returncode != 0
    assert "bootstrap.py" in done.stderr


def test_only_measurements_need_the_peers(checkout: Path) -> None:
    assert run(checkout / "rengang", "lint", cwd=checkout).returncode == 0
    assert "bootstrap.py" in run(checkout / "rengang", "bench", "match", cwd=checkout).stderr


def test_an_environment_with_the_peers_keeps_them(checkout: Path) -> None:
    stamp(checkout, "requirements-bench")
    for command in ("up", "test", "bench"):
        assert run(checkout / "rengang", command, cwd=checkout).returncode == 0


def test_only_tests_and_checks_need_the_tools_for_development(checkout: Path) -> None:
    stamp(checkout, "requirements")
    assert run(checkout / "rengang", "up", cwd=checkout).returncode == 0
    for command in ("test", "lint"):
        assert "bootstrap.py" in run(checkout / "rengang", command, cwd=checkout).stderr


def test_without_a_fitting_python_it_says_which_it_needs(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv" / "rengang-stamp").unlink()
    for number, name in enumerate(("python3", "python3.11", "python3.14")):
        old = tmp_path / "bin" / name
        old.parent.mkdir(exist_ok=True)
        old.write_text(f"#!/bin/sh\nexit {number + 1}\n", encoding="utf-8")
        old.chmod(0o755)
    for name in ("sh", "cat", "cksum", "dirname", "readlink"):
        tool = shutil.which(name, path="/usr/bin:/bin")
        assert tool is not None
        (tmp_path / "bin" / name).symlink_to(tool)
    done = subprocess.run(
        [checkout / "rengang", "up"],
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("rengang needs Python 3.11 to 3.14")


def test_an_environment_made_by_hand_is_kept(tmp_path: Path) -> None:
    """This one, here: it has a Python with pip, and no stamp of that lock."""
    assert bootstrap.usable(Path(sys.prefix))
    assert not bootstrap.usable(tmp_path)


def test_uv_goes_where_pip_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    told = bootstrap.as_pip_is_told(sys.executable)
    assert told["UV_DEFAULT_INDEX"] == "https://mirror.invalid/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.invalid/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap.as_pip_is_told(sys.executable)
