"""A result as people read it, and as machines do.

What is required lives in `figures`.
"""

from dataclasses import asdict
from typing import Any

from bench.start.figures import MILLION, MOST_S, Result

_SAYS = {True: "met", False: "NOT met", None: "-"}
_MB = 1e6


def as_json(result: Result) -> dict[str, Any]:
    """The whole result as JSON values, without the answers that were checked."""
    said = asdict(result)
    del said["start"]["answers"]
    return said | {"seekers_per_second": result.seekers_per_second, "met": result.met}


def told(result: Result) -> str:
    """The whole result in lines of at most 100 characters."""
    parts = [_about(result), _steps(result), _memory(result), _checked(result), _required(result)]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _about(result: Result) -> list[str]:
    filled = result.filled
    pairs = (
        "the true ones"
        if filled.exact
        else "true of each posting's side; a seeker's are the best among those, not all there are"
    )
    return [
        ", ".join(f"{name} {value}" for name, value in result.machine.items()),
        f"{filled.seekers:,} seekers, {filled.postings:,} postings, {filled.live:,} live pairs: "
        f"{filled.bytes / _MB:,.0f} MB in the store",
        f"The pairs are {pairs}.",
        f"Filling the store took {filled.seconds:,.0f} s and is not in the figures. It is in the "
        "machine's memory when read.",
    ]


def _steps(result: Result) -> list[str]:
    start, n = result.start, result.filled.seekers
    head = f"{'step':<28}{'wall s':>9}{'CPU s':>9}{'seekers/s':>13}{'µs CPU a seeker':>18}"
    lines = [head, "-" * len(head)]
    rest_s = start.begun_s - sum(step.wall_s for step in start.steps)
    rest_cpu_s = start.cpu_s - sum(step.cpu_s for step in start.steps)
    for name, wall_s, cpu_s in (
        *((step.name, step.wall_s, step.cpu_s) for step in start.steps),
        ("the model, and the rest", rest_s, rest_cpu_s),
        ("from the order until ready", start.begun_s, start.cpu_s),
    ):
        rate = f"{n / wall_s:,.0f}" if wall_s >= 0.01 else "-"
        lines.append(f"{name:<28}{wall_s:>9.2f}{cpu_s:>9.2f}{rate:>13}{1e6 * cpu_s / n:>18.1f}")
    lines.append(
        f"PostgreSQL used {result.server_cpu_s:.1f} s of CPU beside it. From the start of the "
        f"process: {start.process_s:.1f} s."
    )
    return lines


def _memory(result: Result) -> list[str]:
    start, n = result.start, result.filled.seekers
    lines = [f"{'memory':<28}{'MB':>9}{'bytes a seeker':>18}"]
    lines += [
        f"  {name:<26}{size / _MB:>9,.1f}{size / n:>18.1f}" for name, size in start.nbytes.items()
    ]
    whole = sum(start.nbytes.values())
    lines += [
        f"  {'the index':<26}{whole / _MB:>9,.1f}{whole / n:>18.1f}",
        f"  {'the process, at its peak':<26}{start.peak_bytes / _MB:>9,.1f}"
        f"{start.peak_bytes / n:>18.1f}",
    ]
    return lines


def _checked(result: Result) -> list[str]:
    start = result.start
    return [
        f"Lists taken from the store: {'yes' if start.restored else 'no, found anew'}; "
        f"{start.agreeing:,} of {start.asked:,} stored pairs stand in them as stored.",
        f"Best seekers afterwards: {result.right} of {result.checked} postings answered with the "
        "exact top.",
    ]


def _required(result: Result) -> list[str]:
    measured = f"{result.start.begun_s:.1f} s at {result.filled.seekers:,}"
    return [
        "What it must show",
        f"  {_SAYS[result.met]:<8} the index of {MILLION:,} ready from the store  "
        f"< {MOST_S:.0f} s: {measured}",
    ]
