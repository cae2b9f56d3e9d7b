"""Asking a process of ours over HTTP whether it is ready."""

import asyncio
import json
from contextlib import suppress

from dev.stack.ports import HOST
from dev.stack.program import Probe

_TIMEOUT_S = 5.0
_LIMIT_BYTES = 16 * 1024


def http_ready(port: int, path: str = "/readyz") -> Probe:
    """A probe that asks for that path of 127.0.0.1 and wants status 200.

    By hand: a client library takes longer to make ready than these two lines take to send, and
    this is asked ten times a second while a service starts.
    """

    async def probe() -> str | None:
        try:
            status, body = await asyncio.wait_for(_get(port, path), _TIMEOUT_S)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            return (
                "does not listen yet" if isinstance(error, ConnectionError) else "gives no answer"
            )
        return None if status == 200 else f"{path} says {status}{_failing(body)}"

    return probe


async def _get(port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode("ascii"))
        answer = await reader.read(_LIMIT_BYTES)
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body + await reader.read(_LIMIT_BYTES)
    except IndexError:
        raise ValueError("not HTTP") from None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _failing(body: bytes) -> str:
    """Which checks a /readyz body says have failed, as far as it can be read."""
    try:
        content = json.loads(body)
        checks = content.get("checks", {})
        failing = [name for name, said in checks.items() if said not in (True, "ok")]
    except (ValueError, AttributeError):
        return ""
    return f" ({', '.join(failing)})" if failing else ""
