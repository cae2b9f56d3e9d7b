"""What the ranking has to show on each task, beside what this run measured.

A difference that may be chance is not called met; a miss is never left out.
"""

from bench.quality.result import OURS, Required, Result, Row


def required(result: Result) -> list[Required]:
    """A line for each task, in their order."""
    return [_ahead(task, result.of(task)) for task in result.sizes]


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
