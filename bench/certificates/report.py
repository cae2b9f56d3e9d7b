"""What a run showed, as tables for people and JSON for machines: aims met or NOT met, and all rows.

Nothing is measured here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.certificates.blocks import mixture
from bench.certificates.figures import (
    BARE,
    BATCHES,
    FULL,
    OURS,
    OURS_SMALL,
    RATIO_AIM,
    Block,
    Load,
    Paced,
    Run,
    Saturated,
    median,
    percentile,
)
from bench.flow.cpu import OTHERS

Rows = list[tuple[str, ...]]

_MUCH_CORES = 0.25
_BENCH = "bench"
_AT_ITS_LIMIT = 0.9


def as_text(run: Run) -> str:
    """The whole report."""
    parts = [
        f"{run.certificates:,} certificates, {run.connections} connections, blocks of "
        f"{run.seconds:g} s, seed {run.seed}; {run.machine}\nasked: {mixture()}; of the bare route "
        "only what is there",
        *_warnings(run),
        _table("aims", verdicts(run)),
        _table("bringing certificates in", _load_rows(run)),
        _table("at saturation, block by block", _saturated_rows(run)),
        _table("at half of what ours took, block by block", _paced_rows(run)),
        _table("ratios, round by round", _ratio_rows(run)),
        _table("processor ms a look-up at saturation, median", _cost_rows(run)),
        _table("cores used, median", _cpu_rows(run)),
    ]
    return "\n\n".join(part for part in parts if part)


def _warnings(run: Run) -> list[str]:
    said = []
    others = max((block.cpu.get(OTHERS, 0.0) for block in run.blocks), default=0.0)
    if others >= _MUCH_CORES:
        said.append(
            f"WARNING: other processes used up to {others:.1f} cores; measure again on a quiet "
            "machine"
        )
    sender = max((block.cpu.get(_BENCH, 0.0) for block in run.blocks), default=0.0)
    if sender >= _AT_ITS_LIMIT:
        said.append(f"WARNING: sending took {sender:.2f} cores: the sender may be the limit")
    return said


def verdicts(run: Run) -> Rows:
    """Each aim: what is asked, what was measured, and plainly whether that is enough."""
    rows: Rows = [("", "aim", "median", "worst", "")]
    ratios = run.ratios()
    if ratios:
        middle = median(ratios)
        said = "met" if middle >= RATIO_AIM else "NOT met"
        if not run.is_full_size:
            said += f", but at another size (the aim: {FULL:,})"
        rows.append(
            (
                "look-ups/s against a bare route",
                f"≥ {RATIO_AIM:g}",
                f"{middle:.2f}",
                f"{min(ratios):.2f}",
                said,
            )
        )
    return rows


def _load_rows(run: Run) -> Rows:
    rows: Rows = [("", "s", "lines/s", "file MB", "bytes a row", "of it indexes", "cores")]
    for load in (run.load, run.small_load):
        rows.append(_load_row(load))
    return rows


def _load_row(load: Load) -> tuple[str, ...]:
    return (
        f"{load.certificates:,} certificates",
        f"{load.seconds:.1f}",
        f"{load.lines_a_second:,.0f}",
        f"{load.file_bytes / 1e6:,.0f}",
        f"{load.bytes_a_row:,.0f}",
        f"{load.index_bytes / load.certificates:,.0f}",
        _cores(load.cpu),
    )


def _saturated_rows(run: Run) -> Rows:
    rows: Rows = [("", "look-ups/s", "calls", "p50 ms", "p99 ms", "sender's cores", "others'")]
    for block in run.blocks:
        if isinstance(block, Saturated):
            rows.append((block.what, f"{block.a_second:,.0f}", f"{block.calls:,}", *_told(block)))
    return rows


def _paced_rows(run: Run) -> Rows:
    rows: Rows = [("", "calls/s", "of", "p50 ms", "p99 ms", "sender's cores", "others'")]
    for block in run.blocks:
        if isinstance(block, Paced):
            reached = f"{block.reached:,.0f}", f"{block.wanted:,.0f}"
            rows.append((block.what, *reached, *_told(block)))
    return rows


def _told(block: Block) -> tuple[str, ...]:
    return (
        f"{percentile(block.ms, 50):.1f}",
        f"{percentile(block.ms, 99):.1f}",
        f"{block.cpu.get(_BENCH, 0.0):.2f}",
        f"{block.cpu.get(OTHERS, 0.0):.2f}",
    )


def _ratio_rows(run: Run) -> Rows:
    rows: Rows = [("", "median", "worst", "each")]
    small = f"with {run.certificates:,} certificates against {run.small:,}"
    for name, what, against in (
        ("one question a call, against the bare route", OURS, BARE),
        ("1,000 a call, against the bare route", BATCHES, BARE),
        (small, OURS, OURS_SMALL),
    ):
        ratios = run.ratios(what, against)
        if ratios:
            each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            rows.append((name, f"{median(ratios):.2f}", f"{min(ratios):.2f}", each))
    return rows


def _cost_rows(run: Run) -> Rows:
    """What a look-up costs whom. Unlike rates, this hardly depends on who else uses the machine."""
    rows: Rows = [("", "all but the sender", "each")]
    for what in (OURS, OURS_SMALL, BATCHES, BARE):
        blocks = run.saturated(what)
        names = {name for block in blocks for name in block.cpu} - {OTHERS, _BENCH}
        cost = {n: median([b.cpu.get(n, 0.0) * 1e3 / b.a_second for b in blocks]) for n in names}
        if cost:
            dearest = sorted(cost.items(), key=lambda entry: -entry[1])
            said = "  ".join(f"{name} {ms:.3f}" for name, ms in dearest if ms >= 0.0005)
            rows.append((what, f"{sum(cost.values()):.3f}", said))
    return rows


def _cpu_rows(run: Run) -> Rows:
    rows: Rows = []
    for title, kind in (("at saturation", Saturated), ("at half", Paced)):
        for what in (OURS, OURS_SMALL, BATCHES, BARE):
            blocks = [b for b in run.blocks if isinstance(b, kind) and b.what == what]
            if blocks:
                names = {name for block in blocks for name in block.cpu}
                used = {n: median([block.cpu.get(n, 0.0) for block in blocks]) for n in names}
                rows.append((f"{what}, {title}", _cores(used)))
    return [("", ""), *rows]


def _cores(used: Mapping[str, float]) -> str:
    busiest = sorted(used.items(), key=lambda entry: -entry[1])
    return "  ".join(f"{name} {cores:.2f}" for name, cores in busiest if cores >= 0.02)


def as_json(run: Run) -> dict[str, Any]:
    """All that was measured but each call's time, and what the aim says of it."""
    blocks = []
    for block in run.blocks:
        told = asdict(block)
        ms = told.pop("ms")
        told |= {"p50_ms": percentile(ms, 50), "p99_ms": percentile(ms, 99)}
        if isinstance(block, Saturated):
            told |= {"kind": "saturated", "look_ups_a_second": block.a_second}
        else:
            told |= {"kind": "paced"}
        blocks.append(told)
    ratios = run.ratios()
    return {
        "certificates": run.certificates,
        "small": run.small,
        "connections": run.connections,
        "seconds": run.seconds,
        "seed": run.seed,
        "machine": run.machine,
        "full_size": run.is_full_size,
        "ratio": {
            "aim": RATIO_AIM,
            "median": median(ratios) if ratios else None,
            "worst": min(ratios, default=None),
            "each": ratios,
            "against_small": run.ratios(OURS, OURS_SMALL),
            "batches": run.ratios(BATCHES, BARE),
        },
        "load": asdict(run.load),
        "small_load": asdict(run.small_load),
        "blocks": blocks,
    }


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """The rows under a title, figures to the right; empty where there is nothing but a head."""
    if len(rows) < 2:
        return ""
    last = len(rows[0]) - 1
    widths = [max(len(row[n]) for row in rows) for n in range(last)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append(("  " + "  ".join([*cells, row[last]])).rstrip())
    return "\n".join([title, *lines])
