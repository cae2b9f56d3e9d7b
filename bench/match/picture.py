"""A picture of latency against the number of seekers.

The figures come from a result and are in its tables too.
"""

from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.match.result import Result


def draw(result: Result, path: Path) -> None:
    """Write the picture in the format that the file's name says (svg, png)."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in dict.fromkeys(row.name for row in result.rows):
        rows = sorted((row for row in result.rows if row.name == name), key=lambda row: row.seekers)
        sizes, medians = [row.seekers for row in rows], [row.median_ms for row in rows]
        ours = rows[0].ratio_median == 1.0
        axes.plot(
            sizes,
            medians,
            marker="o",
            linewidth=3 if ours else 1.5,
            color="black" if ours else None,
            linestyle="-" if rows[0].fused else "--",
            label=name if rows[0].fused else f"{name} (text only)",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("seekers")
    axes.set_ylabel("ms a posting, median, top 100")
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the date: the same figures give the same file.
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with rc_context({"svg.hashsalt": "rengang"}):
        figure.savefig(path, metadata=metadata)
