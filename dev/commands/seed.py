"""`./rengang seed`: the sample market, loaded again."""

import os
import subprocess
import sys

import typer

from dev.commands import places
from dev.commands.places import Data
from dev.stack import state
from dev.stack.folder import ROOT

app = typer.Typer(add_completion=False)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def seed(context: typer.Context, data: Data = places.DEFAULT) -> None:
    """Load the sample market into the running stack; options go to the loader.

    Example: ./rengang seed --json
    """
    command = [sys.executable, "-m", "dev.sample.load", *context.args]
    settings: dict[str, str] = {}
    if "--help" not in context.args:
        folder = places.existing(data)
        running = state.load(folder)
        if running is None or not folder.in_use:
            places.refuse("the stack does not run; start it: ./rengang up")
        settings = running.settings
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=False)
    raise typer.Exit(done.returncode)
