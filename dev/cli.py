"""The command line: which commands there are, and where each lives.

What a command does stands in its module of `dev.commands`; only the one asked for is imported.
"""

import importlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Command:
    """One command. module: has `app`, a typer application."""

    name: str
    module: str
    does: str
    example: str


COMMANDS = tuple(
    Command(name, f"dev.commands.{module}", does, f"./rengang {example}")
    for name, module, does, example in (
        ("up", "up", "start the whole system on this machine", "up --detach"),
        ("down", "down", "stop it", "down"),
        ("status", "status", "show each process, its health and its lag", "status"),
        ("logs", "logs", "show what the processes print", "logs matcher -f"),
        ("doctor", "doctor", "check that this machine has what is needed", "doctor"),
        ("token", "token", "print a token to call the services with", "token employer acme"),
        ("watch", "watch", "watch a seeker's matches as they come", "watch sample-00001"),
        (
            "import",
            "importing",
            "load postings or profiles",
            "import postings jobs.ndjson --employer acme",
        ),
        (
            "registry",
            "registry",
            "sign and load files of certificates",
            "registry import june.csv",
        ),
        ("topic", "topic", "look at a topic of the bus", "topic tail matches -n 5"),
        ("dead", "dead", "list and send back records that were parked", "dead list"),
        ("model", "model", "fit a model, and choose the one in force", "model fit"),
        (
            "city",
            "city",
            "register partner cities, and try the way",
            "city test qujing",
        ),
        (
            "receipt",
            "receipt",
            "check the receipt of a certificate",
            "receipt check receipt.jws",
        ),
        ("audit", "audit", "see who asked about certificates, and why", "audit check"),
        ("seed", "seed", "load the sample market again", "seed"),
        ("test", "test", "run the tests", "test tests/matcher -k exact"),
        ("lint", "lint", "check style, types and who imports whom", "lint"),
        ("bench", "bench", "measure the matcher beside its peers", "bench match --quick"),
    )
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    name, rest = (arguments[0], list(arguments[1:])) if arguments else ("help", [])
    if name in ("help", "--help", "-h"):
        if rest and rest[0] in {command.name for command in COMMANDS}:
            return main([rest[0], "--help"])
        print(overview())
        return 0
    for command in COMMANDS:
        if command.name == name:
            app = importlib.import_module(command.module).app
            answer = app(rest, prog_name=f"./rengang {name}", standalone_mode=True)
            return int(answer or 0)
    near = get_close_matches(name, [command.name for command in COMMANDS], 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    print(f"There is no command {name}.{meant} ./rengang help lists them.", file=sys.stderr)
    return 2


def overview() -> str:
    """Every command with one line and an example."""
    rows = [(f"  {each.name:<8} {each.does:<43}", each.example) for each in COMMANDS]
    wide = max(len(does) + 1 + len(example) for does, example in rows)
    beside = wide <= shutil.get_terminal_size().columns
    lines = ["人岗速配: one labour market over the cities of a region", ""]
    for does, example in rows:
        lines += [f"{does} {example}"] if beside else [does.rstrip(), f"{'':<11}{example}"]
    lines += ["", "Each has --help. Start with ./rengang up"]
    return "\n".join(lines)
