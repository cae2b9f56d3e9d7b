"""A result as people read it: a table, where we lose, and each required line.

What is required lives in `required`.
"""

from collections.abc import Sequence

from bench.match.required import OURS
from bench.match.result import Required, Result, Row

_SAYS = {True: "met", False: "NOT met", None: "-"}


def told(result: Result, required: Sequence[Required]) -> str:
    """The whole result in lines of at most 110 characters."""
    sizes = sorted({row.seekers for row in result.rows})
    machine = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    parts = [machine, _about(result)]
    for size in sizes:
        rows = [row for row in result.rows if row.seekers == size]
        parts.append(_table(size, rows))
    if result.extras or result.updates:
        parts.append(_more(result))
    parts.append(_losses([row for row in result.rows if row.seekers == sizes[-1]]))
    parts.append(_required(required))
    return "\n\n".join(part for part in parts if part)


def _about(result: Result) -> str:
    missing = "".join(f"\nNot measured, {name} is not installed." for name in result.missing)
    return (
        f"Top 100, one thread; times are medians over questions, ratios over alternating blocks.\n"
        f"{result.eligible_by_place:.0%} of the seekers accept a posting's place; "
        f"{result.spellings_seen:,} spellings of skills are in their profiles."
        f"{missing}"
    )


def _table(size: int, rows: Sequence[Row]) -> str:
    head = (
        f"{f'{size:,} seekers':<40} {'ms':>9} {'p99':>9} {'x ours':>8} {'worst':>8} "
        f"{'recall':>7} {'B/seeker':>8} {'build s':>8} {'asked':>6}"
    )
    lines = [head, "-" * len(head)]
    for row in rows:
        recall = "-" if row.recall is None else f"{row.recall:.3f}"
        lines.append(
            f"{row.name:<40} {_ms(row.median_ms):>9} {_ms(row.p99_ms):>9} "
            f"{_times(row.ratio_median):>8} {_times(row.ratio_worst):>8} {recall:>7} "
            f"{row.bytes_per_seeker:>8.0f} {row.build_s:>8.1f} {row.queries:>6}"
        )
    if any(not row.fused for row in rows):
        lines.append(
            "recall: of the exact top 100 by the whole score; text engines rank by text alone"
        )
    return "\n".join(lines)


def _more(result: Result) -> str:
    lines = ["Also of ours"]
    lines += [
        f"  {each.name}, {each.seekers:,} seekers: {_ms(each.median_ms)} ms, "
        f"p99 {_ms(each.p99_ms)} ({each.queries} queries)"
        for each in result.extras
    ]
    if (updates := result.updates) is not None:
        lines.append(
            f"  with {updates.updates / updates.queries:.0f} updates before each query, "
            f"{updates.seekers:,} seekers: {_ms(updates.median_ms)} ms, p99 {_ms(updates.p99_ms)} "
            f"({updates.queries} queries); an update {updates.update_us:.0f} µs; "
            f"exact afterwards {updates.checked.equal} of {updates.checked.queries}"
        )
    if result.lists_bytes:
        lines.append(f"  the top lists hold {result.lists_bytes:,} bytes beside the index")
    return "\n".join(lines)


def _losses(rows: Sequence[Row]) -> str:
    """Every way that is quicker, smaller or sooner built than ours at the largest size."""
    ours = next((row for row in rows if row.name == OURS), None)
    if ours is None:
        return ""
    lines = []
    for row in rows:
        said = []
        if row.ratio_median < 1:
            said.append(f"{1 / row.ratio_median:.1f} times as fast")
        if row.bytes_per_seeker < ours.bytes_per_seeker:
            said.append(
                f"{row.bytes_per_seeker:.0f} bytes a seeker for {ours.bytes_per_seeker:.0f}"
            )
        if row.build_s < ours.build_s:
            said.append(f"built in {row.build_s:.1f} s for {ours.build_s:.1f}")
        if said:
            recall = "" if row.recall is None else f" (recall {row.recall:.3f})"
            lines.append(f"  {row.name}{recall}: {', '.join(said)}")
    return "\n".join(["Where ours loses", *(lines or ["  nowhere"])])


def _required(required: Sequence[Required]) -> str:
    wide = max(len(each.what) for each in required)
    lines = [
        f"  {_SAYS[each.met]:<8} {each.what:<{wide}}  {each.target}: {each.measured}"
        for each in required
    ]
    return "\n".join(["What it must show", *lines])


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
