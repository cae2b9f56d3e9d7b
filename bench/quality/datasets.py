"""The labelled data: which tasks there are, and what a ranking is worth by their labels.

It lies outside of the project, in a folder with an evaluation of its own (dev_eval.py), and nothing
of it is copied. Who ranks does not live here.
"""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

VARIABLE = "RENGANG_DATASETS"
_BESIDE = Path(__file__).parents[2].parent / "shared" / "datasets"
_EVALUATION = "dev_eval.py"

Floats = NDArray[np.float64]
Document = Mapping[str, Any]


class DatasetsMissing(Exception):
    """There is no labelled data where it was looked for; says where, and how to name the folder."""


class Evaluation(Protocol):
    """What the folder's own evaluation offers. PRIMARY: the metric of each task."""

    PRIMARY: dict[str, str]

    def load(self, task: str) -> tuple[Sequence[Document], Sequence[Document], Floats]:
        """Queries, documents, and grades (n_queries, n_documents)."""

    def rank_metrics(self, s: Floats, g: Floats) -> dict[str, Floats]:
        """Metrics by name, a value for each query, of scores and grades."""

    def boot(self, v: Floats) -> tuple[float, float]:
        """The 95 % interval of the mean of these values, by bootstrap."""


def usual_folder() -> Path:
    """Named by the environment, or beside the checkout."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else _BESIDE


def evaluation(folder: Path) -> Evaluation:
    """The folder's evaluation, which reads what lies beside it. Raises DatasetsMissing."""
    path = folder / _EVALUATION
    spec = importlib.util.spec_from_file_location("dev_eval", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise DatasetsMissing(f"no {path}: name the folder with --datasets or {VARIABLE}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Evaluation, module)
