"""Kafka's jars: fetched once per user, checked against jars.lock, and put in a cache.

Which jars there are is decided by `write_jars_lock`, never at start.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("jars.lock")
_ATTEMPTS = 3
# As many as Maven itself opens by default; one by one, the wait is the round trips'.
_AT_ONCE = 5


class JarsUnavailable(Exception):
    """A jar could not be fetched, or what came is not what the lock names."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[Jar, Path], Path]
"""Brings a jar into an empty folder of its own and returns where it lies there."""

Progress = Callable[[int, int], None]
"""Called with how many jars are there, and how many there will be."""


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of the lock, in the order of the class path."""
    lines = lock.read_text(encoding="ascii").splitlines()
    return tuple(Jar(*line.split()) for line in lines if line and not line.startswith("#"))


def cache_folder() -> Path:
    """Where this user keeps what every checkout can share: RENGANG_CACHE, or by the XDG rules."""
    named = os.environ.get("RENGANG_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    base = Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache"
    return base / "rengang"


def folder() -> Path:
    """Where this user's jars are."""
    return cache_folder() / "jars"


def sound(folder: Path, jars: Sequence[Jar]) -> list[Jar]:
    """Those of the jars that lie in the folder and are what the lock names."""
    return [jar for jar in jars if _is_sound(folder / jar.file, jar)]


def ensure(
    folder: Path,
    jars: Sequence[Jar],
    *,
    fetch: Fetch | None = None,
    progress: Progress = lambda there, all_: None,
) -> list[Path]:
    """Make the folder hold every jar, whole; returns the class path.

    Two callers at once do no harm: each jar arrives under another name and is moved into place.
    Raises JarsUnavailable.
    """
    bring = fetch or from_repository
    folder.mkdir(parents=True, exist_ok=True)
    there = set(sound(folder, jars))
    missing = [jar for jar in jars if jar not in there]
    progress(len(there), len(jars))
    if missing:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            arriving = [pool.submit(_bring, jar, folder, bring) for jar in missing]
            try:
                for arrived, future in enumerate(as_completed(arriving), len(there) + 1):
                    future.result()
                    progress(arrived, len(jars))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return [folder / jar.file for jar in jars]


def _bring(jar: Jar, folder: Path, fetch: Fetch) -> None:
    fault: Exception | None = None
    for _ in range(_ATTEMPTS):
        arrivals = Path(tempfile.mkdtemp(prefix=".arriving-", dir=folder))
        try:
            arrived = fetch(jar, arrivals)
            if _is_sound(arrived, jar):
                arrived.replace(folder / jar.file)
                return
            fault = ValueError("its sha256 is not the lock's")
        except Exception as error:  # noqa: BLE001 - whatever the client raises, a second try may help
            fault = error
        finally:
            shutil.rmtree(arrivals, ignore_errors=True)
    raise JarsUnavailable(f"{jar.group}:{jar.artifact}:{jar.version} cannot be had: {fault}")


def from_repository(jar: Jar, folder: Path) -> Path:
    """Fetch from the default Maven repository."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - 0.3 s that only a first start spends

    context = MavenContext(repo_cache=folder, timeout=60)
    project = context.project(jar.group, jar.artifact)
    return Path(project.at_version(jar.version).artifact().resolve())


def _is_sound(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False
