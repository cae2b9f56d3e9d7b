"""`./rengang test`: the tests."""

import os
import sys

import typer

from dev.stack.folder import ROOT

app = typer.Typer(add_completion=False)

# More workers would gain little: each has a PostgreSQL and a Kafka of its own.
ALL_ON_TWO_CORES = ["-n", "2", "--dist", "loadfile", "--durations", "15"]


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def test(context: typer.Context) -> None:
    """Run pytest; everything after the command goes to it. With nothing after it, on two cores.

    Example: ./rengang test tests/matcher -k exact
    """
    # In place of this process, so that Ctrl-C and the exit code are pytest's own.
    os.chdir(ROOT)
    arguments = context.args or ALL_ON_TWO_CORES
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])  # noqa: S606
