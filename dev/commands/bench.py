"""`./rengang bench`: measurements."""

import os
import sys

import typer

from dev.stack.folder import ROOT

app = typer.Typer(add_completion=False)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def bench(context: typer.Context) -> None:
    """Run the measurements; everything after the command goes to them.

    Example: ./rengang bench --help
    """
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606
