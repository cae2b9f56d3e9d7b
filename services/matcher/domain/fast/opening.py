"""The first look at a segment: what its lists say of each document, and the best of each region.

Which of its documents are then looked into does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Asked, Best, Desk, Rules, laid, taken
from services.matcher.domain.fast.bounding import best_of_region
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.scatter import (
    frequent_of_query,
    scatter_shown,
    scatter_skills,
    scatter_terms,
)

UNASKED = -1
"""In place of what a region says: nobody there accepts the place, or holds what is required."""

# So many unasked regions between asked ones are not worth finding the places behind them in lists.
_GAP = 8


@inlined
def _note(region: Int, n_runs: Int, runs: Array) -> Int:
    """Take a region, behind all before it, into the runs of documents; how many those are now."""
    first = region * lay.REGION_DOCS
    if not n_runs or first - runs[n_runs - 1, 1] > _GAP * lay.REGION_DOCS:
        runs[n_runs, 0] = first
        n_runs += 1
    runs[n_runs - 1, 1] = first + lay.REGION_DOCS
    return n_runs


@compiled
def open_segment(
    f: Array, first_doc: Int, asked: Asked, compared: Rules, written: Desk, found: Best
) -> Int:
    """Add up what the lists of a segment say, and the best of each region.

    first_doc: where the segment's documents begin on the desk. Sums of regions that are not asked
    are whatever was there, perhaps added to, and never read. Returns the length of the query's part
    that no list has, rounded up.
    """
    q, rules, desk, best = taken(asked, compared, written, found)
    s, counters = laid(f), best.counters
    anywhere = q.numbers[lay.PACKED] >> lay.REMOTE_AT & 1
    first_region, n_regions = first_doc // lay.REGION_DOCS, len(s.regions)
    end_doc = first_doc + n_regions * lay.REGION_DOCS
    sums, skills = desk.sums[first_doc:end_doc], desk.skills[first_doc:end_doc]
    n_runs = np.int64(0)
    # Nobody who lacks a required certificate is eligible; what a seeker holds requires nothing.
    required = q.masks[lay.M_REQUIRED] if q.side == lay.SEEKERS else np.uint64(0)
    for region in range(n_regions):
        desk.said[first_region + region] = UNASKED
        here = anywhere or s.regions[region] & q.masks[lay.M_PLACE]
        if here and not required & ~s.holding[region]:
            n_runs = _note(region, n_runs, desk.runs)
            desk.said[first_region + region] = 0
            first, end = region * lay.REGION_DOCS, (region + 1) * lay.REGION_DOCS
            sums[first:end] = 0
            skills[first:end] = 0
            first = (first_region + region) * lay.REGION
            desk.done[first : first + lay.REGION] = 0
    if not n_runs:
        return np.int64(0)
    counters[lay.C_SEGMENTS] += 1
    counters[lay.C_POSTINGS] += scatter_terms(
        sums, desk.runs, n_runs, s.rows, s.start, s.ids, s.impacts, q.buckets, q.impacts, desk.lists
    )
    if q.side == lay.SEEKERS:
        counters[lay.C_POSTINGS] += scatter_shown(
            sums, s.spellings, s.k_rows, s.k_start, s.k_ids, q.active, q.ranks, q.added, desk.loud,
            s.kept, desk.lists,
        )  # fmt: skip
    counters[lay.C_STAMP] = scatter_skills(
        q.side, skills, desk.marks, counters[lay.C_STAMP], s.spellings, s.k_rows, s.k_start,
        s.k_ids, s.k_weighs, q.skills, s.numbers, rules.weight_rows, desk.lists,
    )  # fmt: skip
    for region in range(n_regions):
        if desk.said[first_region + region] != UNASKED:
            desk.said[first_region + region] = best_of_region(sums, region)
            desk.skilled[first_region + region] = best_of_region(skills, region)
    return frequent_of_query(s.frequent, q.buckets, q.impacts, desk.in_query)
