"""Apache Kafka itself, one node without ZooKeeper: its configuration and the command that runs it.

The topics are the services'; `services.kit.provision` makes them.
"""

import asyncio
import os
import signal
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from dev.stack import process
from dev.stack.logs import last_lines
from dev.stack.ports import HOST

VERSION = "4.3.1"
STOP_SIGNAL = signal.SIGTERM

_PROPERTIES = "server.properties"
_LOG_PROPERTIES = "log4j2.properties"
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_FOR_EVER_MIN = str(2**31 - 1)

_ALWAYS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    # A group that commits to fixed partitions has no members, so its offsets would be forgotten
    # seven days after the last event, and it would read everything again.
    "offsets.retention.minutes": _FOR_EVER_MIN,
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Takes writes again 5 s after a kill -9; 12 s with the defaults of 9000 and 2000.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "message.max.bytes": "4194304",
    "log.cleaner.dedupe.buffer.size": "33554432",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

# Without a file of this kind Kafka logs nothing.
_LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.start.name = kafka.server.KafkaRaftServer
logger.start.level = info
logger.broker.name = kafka.server.BrokerServer
logger.broker.level = info
"""


class KafkaUnavailable(Exception):
    """Kafka cannot be laid out here."""


async def unready(addresses: str) -> str | None:
    """None when a broker there takes writes, else why not. addresses: host:port[,host:port]."""
    host, _, port = addresses.split(",", maxsplit=1)[0].rpartition(":")
    try:
        # First bare, because the client writes an error into the log for each refusal.
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
        writer.close()
    except (OSError, TimeoutError):
        return "does not listen yet"
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.split(","), request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError) as error:
        return type(error).__name__
    finally:
        await admin.close()
    return None if cluster["brokers"] else "no broker is registered"


class Kafka:
    """One broker, its own controller. data: the stack's data folder (made)."""

    def __init__(
        self,
        data: Path,
        port: int,
        controller_port: int,
        *,
        java: Path,
        jars: Sequence[Path],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._data = data
        self._java = java
        self._jars = jars
        self._settings = _ALWAYS | {
            # Relative, here and below: Kafka reads its configuration as Latin-1 and splits this
            # at commas, and a checkout may lie anywhere.
            "log.dirs": "log",
            "listeners": f"BROKER://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
            "advertised.listeners": f"BROKER://{HOST}:{port}",
            "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        }
        self._settings |= dict(settings or {})

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self._data / "logs" / "kafka.log"

    @property
    def folder(self) -> Path:
        return self._data / "kafka"

    @property
    def environment(self) -> dict[str, str]:
        """Its own: KAFKA_OPTS and the like of the user's must not reach it."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": tempfile.gettempdir(),
            # Java reads file names by the locale.
            "LC_ALL": "C.UTF-8",
        }

    @property
    def command(self) -> list[str]:
        """To be run in `folder`."""
        return [*self._run("kafka.Kafka"), _PROPERTIES]

    def _run(self, main_class: str) -> list[str]:
        return [
            str(self._java),
            *_JVM,
            f"-Dlog4j2.configurationFile={_LOG_PROPERTIES}",
            "-cp",
            os.pathsep.join(str(jar) for jar in self._jars),
            main_class,
        ]

    async def prepare(self) -> None:
        """Write the configuration, and format the log folder if it is new."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = (f"{name}={value}\n" for name, value in self._settings.items())
        (self.folder / _PROPERTIES).write_text("".join(lines), encoding="ascii")
        (self.folder / _LOG_PROPERTIES).write_text(_LOGGING, encoding="ascii")
        if not (self.folder / "log" / "meta.properties").exists():
            await self._format()

    async def probe(self) -> str | None:
        """None when it knows itself as a broker that takes writes, else why not."""
        return await unready(self.address)

    async def _format(self) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # StorageTool takes a leading dash for an option.
        cluster_id = cluster_id.replace("-", "A").replace("_", "B")
        tool = [*self._run("kafka.tools.StorageTool"), "format", "--ignore-formatted"]
        code = await process.run(
            [*tool, "-t", cluster_id, "-c", _PROPERTIES],
            log=self.log,
            environment=self.environment,
            folder=self.folder,
        )
        if code != 0:
            said = " ".join(last_lines(self.log, 2))
            raise KafkaUnavailable(f"formatting Kafka's log folder ended with {code}: {said}")
