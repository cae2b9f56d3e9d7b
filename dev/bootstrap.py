"""Makes .venv from a lock, before anything is installed: run by path, with nothing but the stdlib.

`python -I bootstrap.py VENV LOCK STAMP`: brings VENV to what LOCK names and then writes STAMP into
it. What may be installed is decided by the lock, never here.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UV_LOCK = Path(__file__).with_name("bootstrap.lock")
_STAMP = "rengang-stamp"
_HEARTBEAT_S = 10.0


class Failed(Exception):
    """The environment cannot be made; says what to do."""


def main(venv: Path, lock: Path, stamp: str) -> None:
    """Bring the environment up to date, one caller at a time."""
    with _alone(venv.parent):
        if _read(venv / _STAMP) == stamp and usable(venv):
            return
        _say(f"setting up {venv.name} from {lock.name} (once, and when the lock changes)")
        began = time.monotonic()
        _make(venv, stamp)
        (venv / _STAMP).unlink(missing_ok=True)
        _install(venv, lock)
        (venv / _STAMP).write_text(stamp + "\n", encoding="utf-8")
        _say(f"set up in {time.monotonic() - began:.0f} s")


def _make(venv: Path, stamp: str) -> None:
    """Have a Python with pip there. One that works, and lies where it was made, is kept."""
    old = _read(venv / _STAMP)
    moved = bool(old) and old.split(" ", 3)[-1] != stamp.split(" ", 3)[-1]
    if usable(venv) and not moved:
        return
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", venv], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Failed(
            f"python -m venv failed: {(done.stdout + done.stderr).strip()}\n"
            f"On Debian and Ubuntu it is in the package python{version}-venv."
        )


def _install(venv: Path, lock: Path) -> None:
    python = str(venv / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--require-hashes"]
    # uv first: 2 s to get it and 2 s with it, where pip alone takes 28 s.
    quick = subprocess.run([*pip, "--quiet", "-r", _UV_LOCK], check=False, capture_output=True)
    if quick.returncode == 0:
        uv = [python, "-m", "uv", "pip", "install", "--python", python, "--require-hashes"]
        if not sys.stderr.isatty():
            uv.append("--quiet")
        if _ran([*uv, "-r", str(lock)], "fetching packages", as_pip_is_told(python)):
            return
        _say("uv could not; trying again with pip, which takes longer")
    if not _ran([*pip, "--progress-bar=off", "-r", str(lock)], "fetching packages", {}):
        raise Failed("the packages of the lock could not be installed; see above")


def _ran(command: list[str], doing: str, environment: dict[str, str]) -> bool:
    with _heartbeat(doing):
        # Not to stdout: the caller may be in the middle of TOKEN=$(./rengang token …).
        done = subprocess.run(command, check=False, stdout=sys.stderr, env=os.environ | environment)
    return done.returncode == 0


def as_pip_is_told(python: str) -> dict[str, str]:
    """pip's index, certificates and folders of wheels in uv's words: uv reads none of pip's."""
    said = subprocess.run(
        [python, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    )
    told: dict[str, str] = {}
    for line in said.stdout.splitlines():
        name, _, value = line.partition("=")
        told[name.rpartition(".")[2]] = value.strip("'\"")
    environment = {"UV_SYSTEM_CERTS": "1"}
    for option, variable in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("cert", "SSL_CERT_FILE"),
        ("find-links", "UV_FIND_LINKS"),
    ):
        if option in told and variable not in os.environ:
            environment[variable] = told[option]
    return environment


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on the checkout itself: no file is left lying about."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another start is setting up; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _heartbeat(doing: str) -> Iterator[None]:
    """Say now and then that it goes on."""
    over = threading.Event()

    def beat() -> None:
        began = time.monotonic()
        while not over.wait(_HEARTBEAT_S):
            _say(f"{doing}, {time.monotonic() - began:.0f} s so far")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def usable(venv: Path) -> bool:
    """Whether there is a Python of a fitting version with pip."""
    check = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))"
    try:
        done = subprocess.run(
            [venv / "bin" / "python", "-c", check], check=False, capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return ""


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except Failed as error:
        sys.exit(f"rengang: {error}")
    except PermissionError as error:
        sys.exit(f"rengang: no permission for {error.filename}; run it as the checkout's owner")
    except KeyboardInterrupt:
        sys.exit(130)
