"""`./rengang test`: the tests."""

import os
import subprocess
import sys

import typer

from dev.stack.folder import ROOT
from dev.stack.plan import compiled_code

app = typer.Typer(add_completion=False)

WARMING = "services.matcher.warm"
# In the order of the files, but for folders that stay together, which come first. One worker more
# than cores, for flows wait more than they work; each has a PostgreSQL and a Kafka of its own.
ALL_ON_TWO_CORES = [
    "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "15",
]  # fmt: skip


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
    os.chdir(ROOT)
    environment = os.environ | compiled_code()
    if not context.args:
        # Once, and not in each worker and each system that the tests start.
        subprocess.run([sys.executable, "-m", WARMING], env=environment, check=False)
    # In place of this process, so that Ctrl-C and the exit code are pytest's own.
    arguments = context.args or ALL_ON_TWO_CORES
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *arguments], environment)  # noqa: S606
