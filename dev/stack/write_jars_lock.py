"""Writes jars.lock anew: `python -m dev.stack.write_jars_lock 4.3.1`. Read the diff before commit.

Only for a new version of Kafka; a start reads the lock and resolves nothing.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext

from dev.stack.jars import LOCK

_LOGGING = "org.apache.logging.log4j"


def resolve(context: Any, coordinate: str) -> list[Any]:
    """The artifact and all it needs at run time, itself first."""
    asked, needed = context.resolver.resolve([context.create_dependency(coordinate)])
    return [*asked, *needed]


def write(version: str) -> int:
    """Write the lock for that version of Kafka; returns how many jars it names."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=60)
        found = resolve(context, f"org.apache.kafka:kafka_2.13:{version}")
        logging = next(dep.version for dep in found if dep.artifactId == "log4j-core")
        # On its own, after Kafka: resolved together, the bridge's list of managed versions
        # replaces kafka-clients with 3.9.1, and nothing starts.
        found += resolve(context, f"{_LOGGING}:log4j-slf4j-impl:{logging}")
        first = {dep.artifactId: dep for dep in reversed(found)}
        lines = [
            "# group artifact version sha256; written by dev/stack/write_jars_lock.py",
            *(_line(first[artifact]) for artifact in sorted(first)),
        ]
    LOCK.write_text("\n".join(lines) + "\n", encoding="ascii")
    return len(first)


def _line(dep: Any) -> str:
    digest = hashlib.sha256(Path(dep.artifact.resolve()).read_bytes()).hexdigest()
    return f"{dep.groupId} {dep.artifactId} {dep.version} {digest}"


if __name__ == "__main__":
    print(f"jars: {write(sys.argv[1])}")
