"""`./rengang test`: the tests."""

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
def test(context: typer.Context) -> None:
    """Run pytest; everything after the command goes to it.

    Example: ./rengang test tests/matcher -k exact
    """
    # In place of this process, so that Ctrl-C and the exit code are pytest's own.
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *context.args])  # noqa: S606
