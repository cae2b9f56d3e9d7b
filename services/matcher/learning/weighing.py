"""From examples to weights: least squares that cannot go below nothing, drawn to the old weights.

Whether the new weights are any better does not live here.
"""

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from contracts.values import PPM
from services.matcher.domain.model import Weights
from services.matcher.learning.outcomes import NAMES, Example

PRIOR_EXAMPLES = 500
"""An old weight counts as much as so many examples in which its part varied as it usually does."""

USUAL_VARIANCE = 0.05
"""Of a part in 0 … 1. A part that varies less teaches less, one that is always the same nothing."""

LEAST_SLOPE = 1.0
"""Grades from a score of 0 to one of 1 that the old weights are believed to foretell at least."""


def learned(examples: Sequence[Example], before: Weights) -> Weights:
    """The weights by which a score foretells the grade best. Deterministic.

    Minimises Σ (grade - a - β·parts)² + PRIOR_EXAMPLES · USUAL_VARIANCE · |β - c·before|² over
    β ≥ 0 and c ≥ LEAST_SLOPE, and takes the direction of β: the old weights are what is believed
    first, of how steeply grades follow scores nothing is. No weight below nothing: whatever comes
    out, a part that grows never lowers a score (promise 8).
    Source: scikit-learn LinearRegression(positive=True); c - LEAST_SLOPE is its last unknown, and
    what is believed first stands as rows of its own.
    """
    if not examples:
        return before
    parts, grades = parts_matrix(examples), grades_of(examples)
    pull = np.sqrt(PRIOR_EXAMPLES * USUAL_VARIANCE)
    old = np.array(astuple(before)) / PPM
    rows = np.block(
        [
            [parts - parts.mean(axis=0), np.zeros((len(parts), 1))],
            [pull * np.eye(len(NAMES)), -pull * old[:, None]],
        ]
    )
    wanted = np.concatenate([grades - grades.mean(), pull * LEAST_SLOPE * old])
    found = LinearRegression(fit_intercept=False, positive=True).fit(rows, wanted).coef_
    slopes = found[: len(NAMES)]
    return shares(slopes) if slopes.sum() > 0 else before


def parts_matrix(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Their parts, float64 (n, len(NAMES)), in 0 … 1."""
    return np.array([each.parts for each in examples], np.float64).reshape(-1, len(NAMES)) / PPM


def grades_of(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Their grades, float64 (n,)."""
    return np.array([each.grade for each in examples], np.float64)


def shares(found: NDArray[np.float64]) -> Weights:
    """These numbers, none below nothing, as weights: whole millionths that add up to one.

    What rounding down leaves goes to those that lost most by it, of equals to the first.
    """
    exact = found * (PPM / found.sum())
    whole = np.floor(exact).astype(np.int64)
    short = PPM - int(whole.sum())
    for at in np.argsort(whole - exact, kind="stable")[:short]:
        whole[at] += 1
    return Weights(**dict(zip(NAMES, whole.tolist(), strict=True)))
