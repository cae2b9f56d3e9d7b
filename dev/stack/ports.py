"""Ports of 127.0.0.1: which are free, and which to take near a wanted one.

Which process wants which port is the plan's.
"""

import socket

HOST = "127.0.0.1"
_STEP = 10
_LAST = 65_535


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
