"""`./rengang bench`: the measurements."""

import os
import sys

import typer

from dev.stack.folder import ROOT
from dev.stack.plan import compiled_code

app = typer.Typer(add_completion=False)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def bench(context: typer.Context) -> None:
    """Run a measurement; everything after the command goes to it.

    Example: ./rengang bench match --quick
    """
    # In place of this process, so that Ctrl-C and the exit code are the measurement's own. Files
    # named in the arguments are meant from where the caller stands, so the folder stays.
    here = os.environ.get("PYTHONPATH", "")
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{here}" if here else str(ROOT)}
    environment = os.environ | compiled_code() | path
    command = [sys.executable, "-P", "-m", "bench", *context.args]
    os.execve(sys.executable, command, environment)  # noqa: S606
