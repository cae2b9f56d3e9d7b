"""Ports of 127.0.0.1: which are free, and which to take near a wanted one.

Which process wants which port is the plan's.
"""

import fcntl
import socket
from collections.abc import Mapping
from pathlib import Path

from dev.stack.folder import DataFolder

HOST = "127.0.0.1"
_STEP = 10
_LAST = 65_535
_KEPT = "ports.json"


class NoPortFree(Exception):
    """Not one of the ports tried is free."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now.

    With SO_REUSEADDR, as servers do: connections that are still winding down do not count.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def near(wanted: int, taken: set[int]) -> int:
    """The wanted port, or the next in steps of ten that is free and not taken by our own.

    Steps of ten keep the last digit, by which one knows the service. Raises NoPortFree.
    """
    for port in range(wanted, min(wanted + 200 * _STEP, _LAST), _STEP):
        if port not in taken and is_free(port):
            return port
    raise NoPortFree(f"no port is free from {wanted} upwards in steps of {_STEP}")


def unused(count: int = 1) -> list[int]:
    """Ports that nobody uses at this moment, as the system gives them out."""
    held = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def assign(
    folder: DataFolder, wanted: Mapping[str, int], claims: Path
) -> tuple[dict[str, int], str | None]:
    """A port for each name: last time's, or the one wanted, or one near it that is free.

    folder: acquired by us; the choice is kept there. claims: a folder in which this user's stacks
    say which ports are theirs, because a stack that is just starting does not listen yet.
    Returns the ports, and a sentence about those that moved now.
    """
    claims.mkdir(parents=True, exist_ok=True)
    kept = folder.read(_KEPT)
    with (claims / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = {int(claim.name) for claim in claims.glob("[0-9]*") if _holds(claim, folder)}
        chosen: dict[str, int] = {}
        for name, port in wanted.items():
            first = kept.get(name, port)
            taken = others | set(chosen.values())
            # From the wanted one again when last time's is gone, so that ports do not wander off.
            usable = first not in taken and is_free(first)
            chosen[name] = first if usable else near(port, taken)
            (claims / str(chosen[name])).write_text(str(folder.path), encoding="utf-8")
    folder.write(_KEPT, dict(chosen))
    moved = [
        f"{name} {chosen[name]} (not {port})"
        for name, port in wanted.items()
        if chosen[name] not in (port, kept.get(name))
    ]
    if not moved:
        return chosen, None
    return chosen, f"on other ports than usual, because those are taken: {', '.join(moved)}"


def _holds(claim: Path, ours: DataFolder) -> bool:
    """Whether a running stack other than ours made this claim; an old claim is removed."""
    theirs = DataFolder(Path(claim.read_text(encoding="utf-8")))
    if theirs.path == ours.path:
        return False
    if theirs.in_use:
        return True
    claim.unlink(missing_ok=True)
    return False
