"""The run: each task's documents to each way, and what its ranking is worth by the labels.

What the figures must be lives in `required`.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from bench import quality_adapter
from bench.quality.baselines import Texts, baselines
from bench.quality.datasets import Document, Evaluation, Floats
from bench.quality.result import OURS, Result, Row
from bench.terminal import Progress


def run(labelled: Evaluation, tasks: Sequence[str], say: Progress) -> Result:
    """Measure everyone on these tasks."""
    began = time.monotonic()
    result = Result()
    # Compiles what it runs, and fits the model, before anything is timed.
    quality_adapter.score([{"title": "welder"}], [{"title": "焊工"}])
    for task in tasks:
        queries, docs, grades = labelled.load(task)
        result.sizes[task] = len(queries), len(docs)
        metric = labelled.PRIMARY[task]
        ours = np.zeros(0)
        for name, scores, seconds in _timed(queries, docs):
            values = labelled.rank_metrics(scores, grades)[metric]
            if name == OURS:
                ours = values
            result.rows.append(_row(labelled, task, name, values, ours, seconds))
            say(f"{task}: {name} {metric} {values.mean():.3f}")
    result.seconds = round(time.monotonic() - began, 1)
    return result


def _timed(
    queries: Sequence[Document], docs: Sequence[Document]
) -> Iterator[tuple[str, Floats, float]]:
    """Each way, ours first: its name, its scores, and how long they took."""
    began = time.perf_counter()
    for name, scores in _scored(queries, docs):
        yield name, scores, time.perf_counter() - began
        began = time.perf_counter()


def _scored(queries: Sequence[Document], docs: Sequence[Document]) -> Iterator[tuple[str, Floats]]:
    yield OURS, quality_adapter.score(queries, docs).astype(np.float64)
    yield from baselines(Texts.of(queries, docs))


def _row(
    labelled: Evaluation, task: str, name: str, values: Floats, ours: Floats, seconds: float
) -> Row:
    low, high = labelled.boot(values)
    ahead_low, ahead_high = labelled.boot(ours - values)
    return Row(
        task=task,
        name=name,
        metric=labelled.PRIMARY[task],
        value=float(values.mean()),
        low=low,
        high=high,
        ahead=float((ours - values).mean()),
        ahead_low=ahead_low,
        ahead_high=ahead_high,
        seconds=seconds,
    )
