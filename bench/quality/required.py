"""What the ranking has to show on each task, beside what this run measured.

A difference that may be chance is not called met; a miss is never left out.
"""

from bench.quality.result import OURS, Required, Result, Row

LEAST = {"zh_title": 0.45, "en_title": 0.45, "zh_posting": 0.53, "en_skill": 0.70}
"""What ours has to reach on each task's development set, in the task's own metric."""


def required(result: Result) -> list[Required]:
    """Two lines for each task, in their order: the least, and ahead of the others."""
    return [
        line
        for task in result.sizes
        for line in (_least(task, result.of(task)), _ahead(task, result.of(task)))
    ]


def _least(task: str, rows: list[Row]) -> Required:
    (ours,) = (row for row in rows if row.name == OURS)
    return Required(
        what=f"{task}: {ours.metric} at least",
        target=f"≥ {LEAST[task]:.2f}",
        measured=f"{ours.value:.3f} [{ours.low:.3f}, {ours.high:.3f}]",
        met=ours.value >= LEAST[task],
    )


def _ahead(task: str, rows: list[Row]) -> Required:
    best = max((row for row in rows if row.name != OURS), key=lambda row: row.value)
    return Required(
        what=f"{task}: ahead of all others",
        target=f"> {best.value:.3f}, {best.name}",
        measured=(
            f"{best.value + best.ahead:.3f}, {best.ahead:+.3f} "
            f"[{best.ahead_low:+.3f}, {best.ahead_high:+.3f}]"
        ),
        met=_met(best),
    )


def _met(best: Row) -> bool | None:
    if best.ahead <= 0:
        return False
    return True if best.ahead_low > 0 else None
