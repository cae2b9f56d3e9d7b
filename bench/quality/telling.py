"""A result as people read it: one table, where we lose, and each required line.

What is required lives in `required`.
"""

from collections.abc import Sequence

from bench.quality.result import OURS, Required, Result, Row

_SAYS = {True: "met", False: "NOT met", None: "unsure"}
_WIDE = 34


def told(result: Result, required: Sequence[Required]) -> str:
    """The whole result."""
    return "\n\n".join((_about(result), _table(result), _losses(result), _required(required)))


def _about(result: Result) -> str:
    sizes = "; ".join(
        f"{task} {queries:,} queries, {docs:,} documents"
        for task, (queries, docs) in result.sizes.items()
    )
    return f"{sizes}.\nMeans over queries, with their 95 % intervals; s: all scores of all tasks."


def _table(result: Result) -> str:
    tasks = list(result.sizes)
    heads = [f"{task} {result.of(task)[0].metric}" for task in tasks]
    head = f"{'':<{_WIDE}}" + "".join(f" {each:>20}" for each in heads) + f" {'s':>7}"
    lines = [head, "-" * len(head)]
    for name in dict.fromkeys(row.name for row in result.rows):
        rows = {row.task: row for row in result.rows if row.name == name}
        cells = "".join(f" {_cell(rows.get(task)):>20}" for task in tasks)
        lines.append(f"{name:<{_WIDE}}{cells} {sum(row.seconds for row in rows.values()):>7.1f}")
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    return "-" if row is None else f"{row.value:.3f} [{row.low:.2f}, {row.high:.2f}]"


def _losses(result: Result) -> str:
    """Every way that ranks a task better than ours, and by how much."""
    lines = [
        f"  {row.task}, {row.name}: {-row.ahead:.3f} more "
        f"[{-row.ahead_high:+.3f}, {-row.ahead_low:+.3f}]"
        for row in result.rows
        if row.name != OURS and row.ahead < 0
    ]
    return "\n".join(["Where ours loses", *(lines or ["  nowhere"])])


def _required(required: Sequence[Required]) -> str:
    wide = max(len(each.what) for each in required)
    lines = [
        f"  {_SAYS[each.met]:<8} {each.what:<{wide}}  {each.target}: {each.measured}"
        for each in required
    ]
    return "\n".join(["What it must show", *lines])
