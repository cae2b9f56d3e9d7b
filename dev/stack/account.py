"""The unprivileged account that PostgreSQL runs as when we are root, and what it can reach.

PostgreSQL refuses root. Everyone else runs everything as themselves.
"""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "pgserver"
_FALLBACK = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A system user by number."""

    name: str
    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether it may walk down to the folder (which must exist)."""
        resolved = folder.resolve()
        return all(self._may_search(step) for step in (resolved, *resolved.parents))

    def _may_search(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def existing() -> Account | None:
    """The account that would be used, None if it would have to be made."""
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def needed() -> bool:
    """Whether we are root, and PostgreSQL needs another account."""
    return os.geteuid() == 0


def for_postgres() -> Account | None:
    """The account to run PostgreSQL as, made if missing; None where we are not root."""
    if not needed():
        return None
    account = existing()
    if account is None and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],
            check=False,
            capture_output=True,
            timeout=30,
        )
        account = existing()
    if account is not None:
        return account
    entry = pwd.getpwnam(_FALLBACK)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
