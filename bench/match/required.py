"""What the search has to show, each line beside what this run measured.

A line that a run of this size cannot speak to says so; a miss is never left out.
"""

from bench.match.result import Required, Result

OURS = "rengang, exact"
TANTIVY = "tantivy, OR of all terms"
SCAN = "scikit-learn X @ q + rapidfuzz scan"
MILLION, HUNDRED_THOUSAND = 1_000_000, 100_000
_QUERIES = 400
_NOT_HERE = "not measured in this run"


def required(result: Result) -> list[Required]:
    """All required lines, in their order."""
    return [
        _faster(result, "times as fast as tantivy OR-all", TANTIVY, MILLION, 8),
        _faster(result, "times as fast as the scan", SCAN, MILLION, 3_000),
        _exact(result),
        _faster(result, "times as fast as tantivy OR-all", TANTIVY, HUNDRED_THOUSAND, 3),
        _steady(result),
        _growth(result),
        _bytes(result),
        _built(result),
    ]


def _faster(result: Result, what: str, name: str, seekers: int, least: float) -> Required:
    row = result.row(name, seekers)
    said = f"{what}, {seekers:,} seekers"
    if row is None:
        return Required(said, f"≥ {least:,}", _NOT_HERE, None)
    measured = f"{row.ratio_median:,.1f} (worst block {row.ratio_worst:,.1f})"
    return Required(said, f"≥ {least:,}", measured, row.ratio_median >= least)


def _exact(result: Result) -> Required:
    """All sizes count: an answer that is not the exact one is a miss at any of them."""
    queries = sum(each.queries for each in result.exact)
    equal = sum(each.equal for each in result.exact)
    largest = max((each.seekers for each in result.exact), default=0)
    there = sum(each.queries for each in result.exact if each.seekers == largest)
    measured = f"{equal:,} of {queries:,}; {there:,} at {largest:,}"
    met: bool | None = equal == queries
    if met and (there < _QUERIES or largest < MILLION):
        met = None
        measured += "; fewer or smaller than asked for"
    return Required(
        "the exact top 100, pairs and scores", f"all of ≥ {_QUERIES} at 1,000,000", measured, met
    )


def _steady(result: Result) -> Required:
    what = "p99 over the median, with updates running"
    updates = result.updates
    if updates is None:
        return Required(what, "≤ 3", _NOT_HERE, None)
    ratio = updates.p99_ms / updates.median_ms
    measured = f"{ratio:.2f} ({updates.p99_ms:.2f} / {updates.median_ms:.2f} ms)"
    return Required(f"{what}, {updates.seekers:,} seekers", "≤ 3", measured, ratio <= 3)


def _growth(result: Result) -> Required:
    what = "median at 1,000,000 over that at 100,000"
    large, small = result.row(OURS, MILLION), result.row(OURS, HUNDRED_THOUSAND)
    if large is None or small is None:
        return Required(what, "≤ 3", _NOT_HERE, None)
    ratio = large.median_ms / small.median_ms
    measured = f"{ratio:.2f} ({large.median_ms:.2f} / {small.median_ms:.2f} ms)"
    return Required(what, "≤ 3", measured, ratio <= 3)


def _bytes(result: Result) -> Required:
    row = max(
        (row for row in result.rows if row.name == OURS), key=lambda row: row.seekers, default=None
    )
    what = "bytes a seeker, index beside the documents"
    if row is None:
        return Required(what, "≤ 400", _NOT_HERE, None)
    return Required(
        f"{what}, {row.seekers:,} seekers",
        "≤ 400",
        f"{row.bytes_per_seeker:.0f}",
        row.bytes_per_seeker <= 400,
    )


def _built(result: Result) -> Required:
    what = "seconds to index 1,000,000 (reading the store is not in it)"
    row = result.row(OURS, MILLION)
    if row is None:
        return Required(what, "< 60", _NOT_HERE, None)
    return Required(what, "< 60", f"{row.build_s:.1f}", row.build_s < 60)
