"""`./rengang bench quality`: its options, and where its result goes.

What is measured lives in `running`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.quality import datasets
from bench.terminal import Progress

_EPILOG = f"""
The labelled data is no part of the project: --datasets or {datasets.VARIABLE} names its folder,
usually shared/datasets beside the checkout. The result goes to stdout at the end, how far it is to
stderr.
Example: ./rengang bench quality --tasks zh_title,en_title
"""


def main(arguments: Sequence[str]) -> int:
    """Measure, and tell it. Returns 0, whatever the figures are; 2 where there is nothing to do."""
    options = _parser().parse_args(arguments)
    try:
        labelled = datasets.evaluation(options.datasets or datasets.usual_folder())
        tasks = _tasks(options.tasks, list(labelled.PRIMARY))
    except (datasets.DatasetsMissing, UnknownTask) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 2
    # What is measured takes seconds to import: only where it is.
    result = import_module("bench.quality.running").run(labelled, tasks, Progress())
    shown = import_module("bench.quality.required").required(result)
    if options.json:
        print(json.dumps(result.as_json(shown), ensure_ascii=False, indent=2))
    else:
        print(import_module("bench.quality.telling").told(result, shown))
    return 0


class UnknownTask(Exception):
    """A task that the labelled data does not have."""


def _tasks(named: str | None, known: list[str]) -> list[str]:
    tasks = named.split(",") if named else known
    unknown = [task for task in tasks if task not in known]
    if unknown:
        raise UnknownTask(f"no task {', '.join(unknown)}; there are {', '.join(known)}")
    return tasks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./rengang bench quality",
        description="Measure how well the matcher ranks, beside what people would pick instead.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--datasets", type=Path, metavar="FOLDER", help="of the labelled data")
    parser.add_argument("--tasks", metavar="TASK,…", help="usually all that the folder has")
    parser.add_argument("--json", action="store_true", help="tell the result as JSON")
    return parser
