"""`./rengang lint`: style, types, and who imports whom."""

import subprocess
import sys
import time
from pathlib import Path

import typer

from dev.stack.folder import ROOT

app = typer.Typer(add_completion=False)

CHECKS = (
    ("ruff", "check", "--quiet"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy",),
    ("lint-imports",),
)


@app.command()
def lint() -> None:
    """Run every check, and say at the end which of them complain.

    Example: ./rengang lint
    """
    tools = Path(sys.executable).parent
    failed = []
    for tool, *arguments in CHECKS:
        name = " ".join([tool, *arguments[:1]])
        began = time.monotonic()
        done = subprocess.run([tools / tool, *arguments], cwd=ROOT, check=False)
        said = "ok" if done.returncode == 0 else "complains"
        print(f"{name}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
        if done.returncode != 0:
            failed.append(name)
    if failed:
        raise typer.Exit(1)
