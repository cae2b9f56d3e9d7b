"""What a run showed, as tables for people and JSON for machines: aims met or NOT met, and all rows.

Nothing is measured here.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.flow.cpu import OTHERS
from bench.flow.figures import (
    FULL_POSTINGS,
    FULL_SEEKERS,
    HOPS,
    MATCHER,
    PASSTHROUGH,
    RATE_AIM,
    RATIO_AIM,
    LatencyBlock,
    RateBlock,
    Run,
    median,
    percentile,
)

Rows = list[tuple[str, ...]]

_MUCH_CORES = 0.25


def as_text(run: Run) -> str:
    """The whole report."""
    parts = [
        f"{run.seekers:,} seekers, {run.postings:,} postings, {run.probes} probes, "
        f"blocks of {run.seconds:g} s, seed {run.seed}; {run.machine}",
        _disturbance(run),
        _titled("aims", verdicts(run)),
        _titled("sustained rate, block by block", _rate_rows(run)),
        _titled("from the 201 to the seeker's stream", _latency_rows(run)),
        _titled("where the time goes, median ms", _hop_rows(run)),
        _titled("cores used while measured, the busiest first", _cpu_rows(run)),
        _titled("processor ms of a match event, when sustained", _cost_rows(run)),
        _titled("bringing the market in", _load_rows(run)),
    ]
    return "\n\n".join(part for part in parts if part)


def _disturbance(run: Run) -> str:
    """A warning where something else was using the machine."""
    most = max((block.cpu.get(OTHERS, 0.0) for block in run.blocks), default=0.0)
    if most < _MUCH_CORES:
        return ""
    return (
        f"WARNING: other processes used up to {most:.1f} cores; on a quiet machine, measure again"
    )


def verdicts(run: Run) -> Rows:
    """Each aim: what is asked, what was measured, and plainly whether that is enough."""
    rows: Rows = [("", "aim", "measured", "worst", "")]
    rates = [block.postings_a_second for block in run.rates(MATCHER)]
    if rates:
        middle = median(rates) or 0.0
        rows.append(
            (
                "postings/s sustained",
                f"≥ {RATE_AIM:g}",
                f"{middle:.1f}",
                f"{min(rates):.1f}",
                _verdict(run, met=middle >= RATE_AIM),
            )
        )
    for share in run.shares:
        ratios = run.ratios(share, 50)
        what = f"201 → stream against pass-through, at {_share(share)} of it"
        missed = sum(block.missed for block in run.latencies(MATCHER, share))
        if not ratios:
            rows.append((what, f"≤ {RATIO_AIM:g}×", "nothing arrived", "", "NOT met"))
            continue
        middle = median(ratios) or 0.0
        said = _verdict(run, met=middle <= RATIO_AIM and not missed)
        lost = f"; {missed} never arrived" if missed else ""
        rows.append(
            (what, f"≤ {RATIO_AIM:g}×", f"{middle:.2f}×", f"{max(ratios):.2f}×", said + lost)
        )
    return rows


def _verdict(run: Run, *, met: bool) -> str:
    said = "met" if met else "NOT met"
    if run.is_full_size:
        return said
    return f"{said}, but at another size (the aim: {FULL_SEEKERS:,} and {FULL_POSTINGS:,})"


def _rate_rows(run: Run) -> Rows:
    rows: Rows = [
        (
            "",
            "postings",
            "s",
            "postings/s",
            "match events/s",
            "MB/s",
            "held back",
            "a posting: told",
            "unseen",
            "withdrawn",
        )
    ]
    for block in run.blocks:
        if isinstance(block, RateBlock):
            rows.append(
                (
                    block.engine,
                    f"{block.postings}",
                    f"{block.whole_s:.1f}",
                    f"{block.postings_a_second:.1f}",
                    f"{block.events_a_second:,.0f}",
                    f"{block.event_bytes / block.whole_s / 1e6:.2f}",
                    f"{block.held:.0%}",
                    f"{block.fan.seen:.1f}",
                    f"{block.fan.unseen:.1f}",
                    f"{block.fan.gone:.1f}",
                )
            )
    return rows


def _latency_rows(run: Run) -> Rows:
    rows: Rows = [
        ("", "of sustained", "postings/s", "heard", "median ms", "p90", "p99", "worst", "201 in ms")
    ]
    for block in _latencies(run):
        told = [_ms(block.from_201_ms, percent) for percent in (50, 90, 99, 100)]
        rate = f"{block.reached:.1f} of {block.wanted:.1f}"
        heard = f"{len(block.from_201_ms)}/{block.probes}"
        rows.append((block.engine, _share(block.share), rate, heard, *told, f"{block.door_ms:.1f}"))
    for share in run.shares:
        for percent, name in ((50, "median"), (99, "p99")):
            ratios = run.ratios(share, percent)
            if ratios:
                each = ", ".join(f"{ratio:.2f}×" for ratio in ratios)
                rows.append((f"ratio of {name}", _share(share), each))
    return rows


def _hop_rows(run: Run) -> Rows:
    shares = [(engine, share) for engine in (MATCHER, PASSTHROUGH) for share in run.shares]
    rows: Rows = [("", *(f"{engine} {_share(share)}" for engine, share in shares))]
    for name, words in HOPS:
        row = [words]
        for engine, share in shares:
            blocks = run.latencies(engine, share)
            row.append(_ms([ms for block in blocks for ms in block.hops_ms.get(name, ())], 50))
        rows.append(tuple(row))
    return rows


def _cpu_rows(run: Run) -> Rows:
    rows: Rows = []
    for engine in (MATCHER, PASSTHROUGH):
        kinds: list[tuple[str, Sequence[RateBlock | LatencyBlock]]] = [
            (f"{engine}, sustained", run.rates(engine))
        ]
        kinds += [
            (f"{engine}, {_share(share)}", run.latencies(engine, share)) for share in run.shares
        ]
        for kind, blocks in kinds:
            if not blocks:
                continue
            names = {name for block in blocks for name in block.cpu}
            used = {
                name: median([block.cpu.get(name, 0.0) for block in blocks]) or 0.0
                for name in names
            }
            others = used.pop(OTHERS, 0.0)
            busiest = sorted(used.items(), key=lambda entry: -entry[1])
            said = "  ".join(f"{name} {cores:.2f}" for name, cores in busiest if cores >= 0.005)
            rows.append((kind, f"{sum(used.values()):.2f}", f"{others:.2f}", said))
    return [("", "all", "others", "each of ours"), *rows]


def _cost_rows(run: Run) -> Rows:
    """Processor time of the sustained blocks over their match events: what an event costs whom.

    Unlike rates, these hardly depend on who else is using the machine.
    """
    rows: Rows = []
    for engine in (MATCHER, PASSTHROUGH):
        blocks = [block for block in run.rates(engine) if block.events]
        names = {name for block in blocks for name in block.cpu} - {OTHERS}
        cost = {
            name: median(
                [block.cpu.get(name, 0.0) * 1000 / block.events_a_second for block in blocks]
            )
            or 0.0
            for name in names
        }
        dearest = sorted(cost.items(), key=lambda entry: -entry[1])
        said = "  ".join(f"{name} {ms:.2f}" for name, ms in dearest if ms >= 0.005)
        if cost:
            rows.append((f"{engine}, a match event", f"{sum(cost.values()):.2f}", said))
    return [("", "all", "each"), *rows]


def _load_rows(run: Run) -> Rows:
    if run.load.folder_reused:
        return [("", ""), ("an earlier run's folder was used", "")]
    rows: Rows = [("", "count", "s", "a second")]
    rows += [
        (what, f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}" if seconds else "")
        for what, count, seconds in run.load.steps
    ]
    return rows


def as_json(run: Run) -> dict[str, Any]:
    """All that was measured, and what the aims say of it."""
    blocks: list[dict[str, Any]] = []
    for block in run.blocks:
        told = asdict(block)
        if isinstance(block, RateBlock):
            told |= {
                "kind": "rate",
                "postings_a_second": block.postings_a_second,
                "events_a_second": block.events_a_second,
            }
        else:
            told |= {
                "kind": "latency",
                "missed": block.missed,
                "median_ms": block.ms(50),
                "p99_ms": block.ms(99),
            }
        blocks.append(told)
    rates = [block.postings_a_second for block in run.rates(MATCHER)]
    return {
        "seekers": run.seekers,
        "postings": run.postings,
        "probes": run.probes,
        "seconds": run.seconds,
        "seed": run.seed,
        "machine": run.machine,
        "full_size": run.is_full_size,
        "aims": {
            "postings_a_second": {"aim": RATE_AIM, "measured": median(rates), "each": rates},
            "ratio_of_medians": [
                {
                    "share": share,
                    "aim": RATIO_AIM,
                    "measured": median(run.ratios(share, 50)),
                    "each": run.ratios(share, 50),
                }
                for share in run.shares
            ],
        },
        "load": asdict(run.load),
        "blocks": blocks,
    }


def _latencies(run: Run) -> list[LatencyBlock]:
    return [block for block in run.blocks if isinstance(block, LatencyBlock)]


def _ms(values: Sequence[float], percent: float) -> str:
    return f"{percentile(values, percent):.1f}" if values else "-"


def _share(share: float) -> str:
    return f"{share:.0%}"


def _titled(title: str, rows: Rows) -> str:
    """The rows as a table under a title; empty where there is nothing but a head."""
    if len(rows) < 2:
        return ""
    wide = max(len(row) for row in rows)
    full = [(*row, *[""] * (wide - len(row))) for row in rows]
    # A note in a row's last cell may be as long as it likes.
    widths = [
        max((len(row[n]) for row in rows if n < len(row) - 1 or n == 0), default=0)
        for n in range(wide)
    ]
    lines = []
    for row in full:
        cells = [
            cell.ljust(width) if n == 0 or not _is_figure(cell) else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join([title, *lines])


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() or cell in ("-", "")
