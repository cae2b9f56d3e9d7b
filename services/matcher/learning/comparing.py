"""New weights against old ones on examples that neither was learned from, and the verdict.

The numbers that must be reached stand here. How they are told does not live here.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from contracts.values import PPM, SeekerId
from services.matcher.domain.model import Weights
from services.matcher.learning.outcomes import Example
from services.matcher.learning.weighing import grades_of, parts_matrix

ONE_IN = 4
"""Of so many seekers one is held back, with all that became of that seeker's matches."""

LEAST_TRAINED = 100
LEAST_HELD_BACK = 50
"""Of those that turned out well and of those that were declined, each."""

MARGIN_AUC = 0.005
"""By less than this nobody would notice, and everything would have to be matched anew."""

DRAWS = 1000
_LEVEL = (0.5, 99.5)
_SEED = 20260101

Floats = NDArray[np.float64]


class Verdict(StrEnum):
    """Whether the new weights may take the place of the old ones."""

    BETTER = "better"
    NOT_BETTER = "not_better"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Sides:
    """How many examples, and how they turned out."""

    good: int
    declined: int
    seekers: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and where it lies in 99 of 100 draws of seekers like these."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure under the old and under the new weights. gain: by how much the new are better."""

    before: Estimate
    after: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """auc: how often one that turned out well scores above one that was declined, ties half.

    log_loss: in nats, of the probability of turning out well that a logistic curve, fitted to the
    other examples, gives for the score.
    """

    auc: Measured
    log_loss: Measured


def held_back(seeker_id: SeekerId) -> bool:
    """Whether nothing is learned from this seeker: one in four, for ever the same."""
    return sha256(seeker_id.bytes).digest()[0] % ONE_IN == 0


def sides_of(examples: Sequence[Example]) -> Sides:
    """How many there are of each kind."""
    good = sum(each.grade > 0 for each in examples)
    return Sides(good, len(examples) - good, len({each.seeker_id for each in examples}))


def enough(trained: Sides, held: Sides) -> bool:
    """Whether there is enough to learn from and to measure on."""
    return (
        min(trained.good, trained.declined) >= LEAST_TRAINED
        and min(held.good, held.declined) >= LEAST_HELD_BACK
    )


def compare(
    trained: Sequence[Example], held: Sequence[Example], before: Weights, after: Weights
) -> Comparison:
    """Measure both on what was held back. Deterministic; of each there must be both kinds.

    The intervals are of DRAWS bootstrap samples of seekers, not of pairs: what becomes of the
    matches of one is not independent. Both weights are measured on the same draws.
    """
    good = grades_of(held) > 0
    old, new = scores(held, before), scores(held, after)
    old_loss = losses(trained, before, old, good)
    new_loss = losses(trained, after, new, good)
    old_auc, new_auc = Ranking(good, old), Ranking(good, new)
    draws = [np.ones(len(held)), *_draws(held)]
    return Comparison(
        auc=_measured(
            [old_auc.auc(times) for times in draws], [new_auc.auc(times) for times in draws], 1
        ),
        log_loss=_measured(
            [np.average(old_loss, weights=times) for times in draws],
            [np.average(new_loss, weights=times) for times in draws],
            -1,
        ),
    )


def judge(comparison: Comparison) -> tuple[Verdict, str]:
    """The verdict, and the reason in one sentence."""
    gain, worse = comparison.auc.gain, -comparison.log_loss.gain.value
    if gain.value < MARGIN_AUC:
        why = f"the AUC changes by {gain.value:+.4f}, where {MARGIN_AUC:+.3f} is the least"
    elif gain.low <= 0:
        why = f"the AUC's gain of {gain.value:+.4f} may be chance: {gain.low:+.4f} is possible"
    elif worse > 0:
        why = f"the log loss would be {worse:.4f} higher"
    else:
        return Verdict.BETTER, f"the AUC on held-back outcomes gains {gain.value:+.4f}"
    return Verdict.NOT_BETTER, why


def scores(examples: Sequence[Example], weights: Weights) -> Floats:
    """Their scores under these weights, float64 (n,), in 0 … 1."""
    found: Floats = parts_matrix(examples) @ (np.array(astuple(weights)) / PPM)
    return found


def losses(
    trained: Sequence[Example], weights: Weights, held: Floats, good: NDArray[np.bool_]
) -> Floats:
    """The log loss of each held-back example. held: their scores under these weights."""
    # C: a score spans tenths, and the default would keep the curve flat.
    curve = LogisticRegression(C=1e4)
    curve.fit(scores(trained, weights)[:, None], grades_of(trained) > 0)
    told = curve.predict_log_proba(held[:, None])
    found: Floats = -np.where(good, told[:, 1], told[:, 0])
    return found


class Ranking:
    """Scores in order, so that the AUC of many draws takes no more than a sum each.

    good: bool (n,). found: float64 (n,).
    """

    def __init__(self, good: NDArray[np.bool_], found: Floats) -> None:
        self._order = np.argsort(found, kind="stable")
        self._good = good[self._order]
        ordered = found[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def auc(self, times: Floats) -> float:
        """The AUC where each example counts so many times; nan unless both kinds are there.

        Equals sklearn.metrics.roc_auc_score(good, found, sample_weight=times).
        """
        counted = times[self._order]
        good = np.add.reduceat(np.where(self._good, counted, 0.0), self._starts)
        bad = np.add.reduceat(np.where(self._good, 0.0, counted), self._starts)
        pairs = good.sum() * bad.sum()
        below = np.cumsum(bad) - bad
        return float(good @ (below + bad / 2) / pairs) if pairs else float("nan")


def _draws(held: Sequence[Example]) -> list[Floats]:
    """How often each example counts in each bootstrap sample of its seekers."""
    places = {seeker: at for at, seeker in enumerate(sorted({each.seeker_id for each in held}))}
    of = np.array([places[each.seeker_id] for each in held])
    draw, n = np.random.default_rng(_SEED), len(places)
    return [
        np.bincount(draw.integers(n, size=n), minlength=n)[of].astype(np.float64)
        for _ in range(DRAWS)
    ]


def _measured(before: list[float], after: list[float], sign: int) -> Measured:
    """The first of each is of all examples, the others are of draws. sign: of what is better."""
    old, new = np.array(before), np.array(after)
    return Measured(_estimate(old), _estimate(new), _estimate(sign * (new - old)))


def _estimate(found: Floats) -> Estimate:
    low, high = np.nanpercentile(found[1:], _LEVEL)
    return Estimate(float(found[0]), float(low), float(high))
