"""Tiny programs for the supervisor to run: they listen, die or refuse to end, as asked."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dev.stack.folder import DataFolder
from dev.stack.plan import compiled_code
from dev.stack.ports import unused
from dev.stack.probes import http_ready
from dev.stack.program import Program, Stage
from dev.stack.supervisor import Stack

ROOT = Path(__file__).resolve().parents[2]
ROOT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "PYTHONPATH": str(ROOT),
    **compiled_code(),
}

_LISTENS = """
import http.server, signal, sys
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = sys.argv[2].encode()
        self.send_response(200 if "unready" not in sys.argv else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""


def listening(name: str, *words: str, port: int | None = None, body: str = "{}") -> Program:
    """Answers /readyz. words: "stubborn" ignores SIGTERM, "unready" answers 503."""
    chosen = port or unused()[0]
    return program(name, [_LISTENS, str(chosen), body, *words], port=chosen)


def dying(name: str, last_words: str) -> Program:
    """Says its last words and ends with exit code 3."""
    return program(name, [f"import sys; print({last_words!r}); sys.exit(3)"], port=unused()[0])


def module(name: str, dotted: str, settings: dict[str, str]) -> Program:
    """One of our own modules, told its port."""
    (port,) = unused()
    return replace(
        program(name, [], port=port),
        command=lambda: [sys.executable, "-m", dotted],
        environment=ROOT_ENVIRONMENT | settings | {"RENGANG_PORT": str(port)},
    )


def program(
    name: str, script: Sequence[str], *, port: int, before: Callable[[], None] = lambda: None
) -> Program:
    """A Python script as a program. before: called at each start."""

    async def prepare() -> None:
        before()

    return Program(
        name=name,
        command=lambda: [sys.executable, "-I", "-S", "-c", *script],
        probe=http_ready(port),
        address=f"http://127.0.0.1:{port}",
        port=port,
        folder=Path("/"),
        environment={"PATH": os.environ.get("PATH", os.defpath)},
        prepare=prepare,
        stop_within_s=0.5,
        ready_within_s=20,
    )


def stack(folder: DataFolder, *stages: Stage) -> Stack:
    """A stack of these stages."""
    return Stack(folder, stages)


@contextmanager
def apart(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that no supervisor of ours has started; killed afterwards."""
    process = subprocess.Popen([sys.executable, *arguments], env=ROOT_ENVIRONMENT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def rengang(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `./rengang` with these arguments in this environment's Python, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dev", *arguments],
        env=ROOT_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
