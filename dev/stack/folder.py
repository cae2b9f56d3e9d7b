"""The data folder of one stack: marked as ours, locked while used, holding secrets and state.

What lies in postgres/ and kafka/ is theirs.
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

DEFAULT_DATA = ROOT / ".rengang"

MARKER = "rengang-data"
_MARKER_TEXT = "Data of a local rengang stack. `./rengang up --fresh` empties this folder.\n"


class FolderRefused(Exception):
    """The folder is not ours, or cannot be used; says which and why."""


class DataFolder:
    """One data folder. path: made absolute, so that a stack is the same from everywhere."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def state_file(self) -> Path:
        return self.path / "run" / "state.json"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @property
    def is_ours(self) -> bool:
        return (self.path / MARKER).is_file()

    def open(self) -> None:
        """Make the folder, or take it if it is ours or empty. Raises FolderRefused."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.is_ours:
                if any(self.path.iterdir()):
                    raise FolderRefused(
                        f"{self.path} holds other things; choose an empty folder: --data DIR"
                    )
                # PostgreSQL's account passes through when we are root; nobody can list it.
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
                (self.path / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
            for name in ("run", "logs", "secrets"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FolderRefused(f"{self.path} cannot be used: {error.strerror}") from error

    def acquire(self) -> bool:
        """Take the folder for this process until it ends; False if a stack runs on it."""
        if self._lock is None:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
            if not _try_lock(descriptor):
                os.close(descriptor)
                return False
            self._lock = descriptor
        return True

    def release(self) -> None:
        """Give it back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def in_use(self) -> bool:
        """Whether a stack runs on it, this process's or another's."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """Delete all that lies in it. Raises FolderRefused if the folder is not ours."""
        if not self.is_ours:
            raise FolderRefused(f"{self.path} is not a data folder of ours; nothing was deleted")
        for entry in self.path.iterdir():
            # The lock stays: a new file would be a new lock, held by nobody.
            if entry.name not in (MARKER, "run"):
                whole = entry.is_dir() and not entry.is_symlink()
                shutil.rmtree(entry) if whole else entry.unlink()
        self.state_file.unlink(missing_ok=True)
        self.open()

    def secret(self, name: str) -> str:
        """A random secret of that name, made when first asked for; readable by its owner alone."""
        return self.secret_file(name).read_text(encoding="ascii")

    def secret_file(self, name: str) -> Path:
        """The file that holds it: 43 characters that need no quoting anywhere."""
        path = self.path / "secrets" / name
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of ours, empty if there is none."""
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a JSON file of ours, at once and whole."""
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_private(self.path / name, text)

    @property
    def _lock_file(self) -> Path:
        return self.path / "run" / "lock"


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, at once and whole."""
    arriving = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    arriving.replace(path)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
