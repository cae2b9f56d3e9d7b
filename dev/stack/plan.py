"""The topology: which processes make up the system, what each is told, and what waits for what.

Read `stages` from top to bottom. How a process is kept running is `supervisor`'s.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dev import issuer
from dev.stack import errands, jars, java, ports, postgres, state
from dev.stack.folder import ROOT, DataFolder
from dev.stack.java import NoJava
from dev.stack.kafka import Kafka
from dev.stack.ports import HOST
from dev.stack.postgres import Postgres, PostgresUnavailable
from dev.stack.probes import http_ready
from dev.stack.program import Errand, Program, StackFailed, Stage
from dev.stack.servers import kafka_program, postgres_program
from dev.stack.state import StackState
from dev.stack.supervisor import OnChange, Stack

SERVICES = {
    "postings": 8701,
    "seekers": 8702,
    "certificates": 8703,
    "matcher": 8704,
    "talent": 8705,
}
"""Each service and the port it would like."""

# A service that ends is seen at once; this is for those that do not. The matcher compiles at its
# first start, for half a minute alone on a machine and for minutes on a busy one.
_READY_WITHIN_S, _COMPILED_WITHIN_S = 90.0, 600.0

SECRETS = {"certificates": "CERTIFICATES_PEPPER"}
"""The secret of its own that a service needs, unless the caller's environment gives one."""

ISSUER_PORT = 8709
POSTGRES_PORT = 8732
KAFKA_PORT = 8792
KAFKA_CONTROLLER_PORT = 8793


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Servers that somebody else runs; None: we run our own.

    kafka: host:port[,host:port]. database_server: postgresql://admin:password@host:port
    """

    kafka: str | None = None
    database_server: str | None = None

    @classmethod
    def from_environment(cls) -> "Elsewhere":
        """RENGANG_KAFKA and RENGANG_DATABASE_SERVER."""
        server = os.environ.get("RENGANG_DATABASE_SERVER", "").rstrip("/")
        return cls(kafka=os.environ.get("RENGANG_KAFKA") or None, database_server=server or None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a Stack runs. settings: the environment by which others reach the system."""

    stages: tuple[Stage, ...]
    settings: dict[str, str]
    notices: tuple[str, ...] = ()


async def local_stack(
    folder: DataFolder,
    *,
    elsewhere: Elsewhere | None = None,
    sample: bool = True,
    throwaway: Mapping[str, str] | None = None,
    on_change: OnChange = lambda state: None,
) -> Stack:
    """The whole system on a data folder, ready to be started. Takes the folder.

    throwaway: PostgreSQL settings for a folder that no one will miss.
    Raises StackFailed, FolderRefused.
    """
    folder.open()
    if not folder.acquire():
        raise StackFailed(f"a stack is already running on {folder.path}")
    try:
        # Before ports are chosen: what a killed stack left behind still listens on its own.
        left = await state.end_strays(folder)
        plan = make(folder, elsewhere or Elsewhere(), sample=sample, throwaway=throwaway)
    except BaseException:
        folder.release()
        raise
    notices = [f"ended what a killed stack left: {', '.join(left)}"] if left else []
    return Stack(
        folder,
        plan.stages,
        settings=plan.settings,
        notices=[*notices, *plan.notices],
        on_change=on_change,
    )


def forget(folder: DataFolder) -> None:
    """Delete all that a stack kept, in the data folder and outside it. Raises FolderRefused."""
    if folder.is_ours:
        postgres.remove(folder.path)
    folder.empty()


def make(
    folder: DataFolder,
    elsewhere: Elsewhere,
    *,
    sample: bool = True,
    throwaway: Mapping[str, str] | None = None,
) -> Plan:
    """Choose the ports and draw up what runs on them. Raises StackFailed."""
    wanted = SERVICES | {"issuer": ISSUER_PORT}
    if elsewhere.database_server is None:
        wanted |= {"postgres": POSTGRES_PORT}
    if elsewhere.kafka is None:
        wanted |= {"kafka": KAFKA_PORT, "kafka controller": KAFKA_CONTROLLER_PORT}
    try:
        port, moved = ports.assign(folder, wanted, jars.cache_folder() / "ports")
        first, server = _postgres(folder, elsewhere, port, throwaway)
        fetched, second, kafka = _kafka(folder, elsewhere, port)
    except (NoJava, PostgresUnavailable, ports.NoPortFree) as error:
        raise StackFailed(str(error)) from error
    settings = _settings(folder, port, kafka)
    services = tuple(_service(name, port[name], server, settings, folder) for name in SERVICES)
    stages: tuple[Stage, ...] = (
        (*first, *fetched, _issuer(folder, port["issuer"])),
        (errands.databases(server, tuple(SERVICES)),),
        # All at once: Kafka takes as long to start as the services do, and they and the errand
        # that makes the topics wait for what they need.
        (*second, errands.topics(kafka, folder, ROOT), *services),
    )
    if sample:
        stages = (*stages, (errands.sample(settings, folder, ROOT),))
    return Plan(stages, settings, (moved,) if moved else ())


def _settings(folder: DataFolder, port: Mapping[str, int], kafka: str) -> dict[str, str]:
    urls = {f"RENGANG_{name.upper()}_URL": f"http://{HOST}:{port[name]}" for name in SERVICES}
    return {
        **urls,
        "RENGANG_KAFKA": kafka,
        "RENGANG_JWKS_URL": f"http://{HOST}:{port['issuer']}/.well-known/jwks.json",
        "RENGANG_ISSUER": issuer.ISSUER,
        "RENGANG_AUDIENCE": issuer.AUDIENCE,
        "RENGANG_DATA": str(folder.path),
    }


def _service(
    name: str, port: int, server: str, settings: Mapping[str, str], folder: DataFolder
) -> Program:
    shared = ("RENGANG_KAFKA", "RENGANG_JWKS_URL", "RENGANG_ISSUER", "RENGANG_AUDIENCE")
    told = {variable: settings[variable] for variable in shared}
    return Program(
        name=name,
        command=lambda: [sys.executable, "-m", f"services.{name}.main"],
        probe=http_ready(port),
        address=f"http://{HOST}:{port}",
        port=port,
        folder=ROOT,
        ready_within_s=_COMPILED_WITHIN_S if name == "matcher" else _READY_WITHIN_S,
        environment=environment(
            told
            | {
                "RENGANG_HOST": HOST,
                "RENGANG_PORT": str(port),
                "RENGANG_DATABASE_URL": f"{server}/rengang_{name}",
            }
            | _secret(name, folder)
        ),
    )


def beside(service: str, folder: DataFolder, running: StackState) -> dict[str, str]:
    """The environment of a process that works on a running service's database, and is no service.

    Raises StackFailed where somebody else runs the server and no setting says where.
    """
    server = Elsewhere.from_environment().database_server
    ours = next((part for part in running.programs if part.name == "postgres"), None)
    if ours is not None:
        port = int(ours.address.rpartition(":")[2])
        server = Postgres(folder.path, port, folder.secret("postgres")).server
    if server is None:
        raise StackFailed(
            "the stack's database server is not its own: set RENGANG_DATABASE_SERVER as for up"
        )
    return environment({"RENGANG_DATABASE_URL": f"{server}/rengang_{service}"})


def compiled_code() -> dict[str, str]:
    """The settings of where compiled code is kept. Not beside the source: it may be read-only.

    Python's own goes there where it is not to stand beside the source: were it not kept at all,
    each process would spend its first seconds on compiling the same two thousand modules.
    """
    kept = {"NUMBA_CACHE_DIR": str(jars.cache_folder() / "compiled")}
    if sys.dont_write_bytecode:
        kept["PYTHONPYCACHEPREFIX"] = str(jars.cache_folder() / "modules")
    named = {name: value for name in kept if (value := os.environ.get(name))}
    return kept | named | {"PYTHONDONTWRITEBYTECODE": ""}


def _secret(service: str, folder: DataFolder) -> dict[str, str]:
    variable = SECRETS.get(service)
    if variable is None or {variable, f"{variable}_FILE"} & os.environ.keys():
        return {}
    return {f"{variable}_FILE": str(folder.secret_file(variable.lower()))}


def _issuer(folder: DataFolder, port: int) -> Program:
    return Program(
        name="issuer",
        command=lambda: [sys.executable, "-m", "dev.issuer"],
        probe=http_ready(port),
        address=f"http://{HOST}:{port}",
        port=port,
        folder=ROOT,
        environment=environment({"RENGANG_PORT": str(port), "RENGANG_DATA": str(folder.path)}),
    )


def _postgres(
    folder: DataFolder,
    elsewhere: Elsewhere,
    port: Mapping[str, int],
    settings: Mapping[str, str] | None,
) -> tuple[Sequence[Program], str]:
    """PostgreSQL, if it is ours to run, and the server's URL without a database."""
    if elsewhere.database_server is not None:
        return (), elsewhere.database_server
    server = Postgres(folder.path, port["postgres"], folder.secret("postgres"), settings)
    return (postgres_program(server),), server.server


def _kafka(
    folder: DataFolder, elsewhere: Elsewhere, port: Mapping[str, int]
) -> tuple[Sequence[Errand], Sequence[Program], str]:
    """What Kafka needs first, Kafka, if it is ours to run, and its address."""
    if elsewhere.kafka is not None:
        return (), (), elsewhere.kafka
    locked = jars.locked()
    kafka = Kafka(
        folder.path,
        port["kafka"],
        port["kafka controller"],
        java=java.find().executable,
        jars=[jars.folder() / jar.file for jar in locked],
    )
    return (errands.fetch_jars(locked),), (kafka_program(kafka),), kafka.address


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with our settings in place of every RENGANG_ one but the log level.

    MATCHER_K_S and the like pass, so that one can try them.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RENGANG_") or name == "RENGANG_LOG_LEVEL"
    }
    return kept | compiled_code() | {"PYTHONUNBUFFERED": "1"} | dict(ours)
