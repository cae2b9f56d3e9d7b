"""What kernels of a search are given: the question, the rules, what they write on and into.

Each is a tuple with names, which compiled code takes as it is. How documents lie in memory,
`layout` says; what is done with it all does not live here.
"""

from typing import NamedTuple

import numpy as np
from numba import carray as view  # type: ignore[attr-defined]

from services.matcher.domain.compiled import inlined
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.memory import pointer, uncounted


class Asked(NamedTuple):
    """What is asked, as `numbering.Query` has it, and `shown.Worth` of it.

    side: of the documents that are asked. The k best from τ up are wanted, and with hits all that
    reach their own threshold. loud_from: names that add less are faint.
    """

    side: Int
    tau: Int
    k: Int
    hits: Int
    numbers: Array
    masks: Array
    tags: Array
    buckets: Array
    impacts: Array
    skills: Array
    active: Array
    ranks: Array
    added: Array
    loud_from: Int


class Rules(NamedTuple):
    """What documents are compared by. weight_rows: int64 (n, 7). most_weights: int64 (7,), the
    greatest of each column. paths, prefectures, beside: as `fit.pair_rest` takes them. near_of,
    closeness_of: as `fit.tabulate` fills them.
    """

    weight_rows: Array
    most_weights: Array
    paths: Array
    prefectures: Array
    beside: Array
    near_of: Array
    closeness_of: Array


class Desk(NamedTuple):
    """What a search writes on; it may hold anything, but for marks, whose stamps only grow.

    Of each document of all segments, each from the start of a region on: sums, skills: int32.
    Of each region: said, skilled: int32, the most of its documents, -1 said where nobody accepts
    the place. Of each block: done: uint16, a bit for each document that was looked into.
    Of one segment, int32: marks of each document, rests and turns of each block, maybe
    (N_MAYBE, n); wanted: uint16 of each block, a bit for each document. in_query: uint8 of each
    frequent term. lists: int64 (n, 3). runs: int64 (n, 2), first documents and ends. Of all
    segments: norms: int64 of each, the length of the query's frequent terms there, rounded up;
    loud: uint64, a bit for each name that is not faint.
    """

    sums: Array
    skills: Array
    done: Array
    said: Array
    skilled: Array
    marks: Array
    maybe: Array
    rests: Array
    turns: Array
    wanted: Array
    in_query: Array
    lists: Array
    runs: Array
    norms: Array
    loud: Array


class Best(NamedTuple):
    """What is found. The heap's: int32 (k + 1,); the hits': int32. high, low: uint64, halves of the
    ids, and thresholds: int32, by slot. counters: int64 (N_COUNTERS,).
    """

    heap_scores: Array
    heap_slots: Array
    hit_scores: Array
    hit_slots: Array
    high: Array
    low: Array
    thresholds: Array
    counters: Array


@inlined
def taken(q: Asked, rules: Rules, desk: Desk, best: Best) -> tuple[Asked, Rules, Desk, Best]:
    """The same as a kernel uses them: arrays that are not counted."""
    asked = Asked(
        q.side, q.tau, q.k, q.hits, uncounted(q.numbers), uncounted(q.masks),
        uncounted(q.tags), uncounted(q.buckets), uncounted(q.impacts), uncounted(q.skills),
        uncounted(q.active), uncounted(q.ranks), uncounted(q.added), q.loud_from,
    )  # fmt: skip
    compared = Rules(
        uncounted(rules.weight_rows), uncounted(rules.most_weights), uncounted(rules.paths),
        uncounted(rules.prefectures), uncounted(rules.beside), uncounted(rules.near_of),
        uncounted(rules.closeness_of),
    )  # fmt: skip
    written = Desk(
        uncounted(desk.sums), uncounted(desk.skills), uncounted(desk.done), uncounted(desk.said),
        uncounted(desk.skilled), uncounted(desk.marks), uncounted(desk.maybe),
        uncounted(desk.rests), uncounted(desk.turns), uncounted(desk.wanted),
        uncounted(desk.in_query), uncounted(desk.lists), uncounted(desk.runs),
        uncounted(desk.norms), uncounted(desk.loud),
    )  # fmt: skip
    found = Best(
        uncounted(best.heap_scores), uncounted(best.heap_slots), uncounted(best.hit_scores),
        uncounted(best.hit_slots), uncounted(best.high), uncounted(best.low),
        uncounted(best.thresholds), uncounted(best.counters),
    )  # fmt: skip
    return asked, compared, written, found


class Laid(NamedTuple):
    """A segment as `segment.Segment` keeps it, or a head as far as it has the like."""

    n_docs: Int
    n_blocks: Int
    alive: Array
    slots: Array
    rows: Array
    start: Array
    ids: Array
    impacts: Array
    frequent: Array
    f_start: Array
    f_term: Array
    f_impact: Array
    norms: Array
    spellings: Int
    k_rows: Array
    k_start: Array
    k_ids: Array
    k_weighs: Array
    t_start: Array
    tags: Array
    numbers: Array
    places: Array
    masks: Array
    threshold: Array
    regions: Array
    holding: Array
    shown_start: Array
    shown: Array
    k_numbers: Array
    kept: Int


@inlined
def laid(f: Array) -> Laid:
    """A segment by its row of the table."""
    # A length that nobody asks for: only rows that exist are read.
    far = 1 << 40
    n_docs = f[lay.S_DOCS]
    n_blocks = (n_docs + lay.BLOCK - 1) // lay.BLOCK
    n_regions = (n_blocks + lay.REGION - 1) // lay.REGION
    return Laid(
        n_docs,
        n_blocks,
        view(pointer(f[lay.S_ALIVE]), (n_docs,), np.uint8),
        view(pointer(f[lay.S_SLOT]), (n_docs,), np.int32),
        view(pointer(f[lay.S_ROWS]), (far, 2), np.uint64),
        view(pointer(f[lay.S_START]), (far,), np.uint32),
        view(pointer(f[lay.S_IDS]), (far,), np.uint16),
        view(pointer(f[lay.S_IMPACTS]), (far,), np.uint8),
        view(pointer(f[lay.S_FREQUENT]), (f[lay.S_N_FREQUENT],), np.int32),
        view(pointer(f[lay.S_F_START]), (n_docs + 1,), np.uint32),
        view(pointer(f[lay.S_F_TERM]), (far,), np.uint8),
        view(pointer(f[lay.S_F_IMPACT]), (far,), np.uint8),
        view(pointer(f[lay.S_NORM]), (n_docs,), np.uint16),
        f[lay.S_SPELLINGS],
        view(pointer(f[lay.S_K_ROWS]), (far, 2), np.uint64),
        view(pointer(f[lay.S_K_START]), (far,), np.uint32),
        view(pointer(f[lay.S_K_IDS]), (far,), np.uint16),
        view(pointer(f[lay.S_K_WEIGHS]), (far,), np.uint8),
        view(pointer(f[lay.S_T_START]), (n_docs + 1,), np.uint32),
        view(pointer(f[lay.S_TAGS]), (far,), np.int32),
        view(pointer(f[lay.S_NUMBERS]), (n_docs * lay.N_NUMBERS,), np.int32),
        view(pointer(f[lay.S_PLACES]), (n_blocks,), np.uint64),
        view(pointer(f[lay.S_MASKS]), (n_blocks, lay.N_MASKS), np.uint64),
        view(pointer(f[lay.S_THRESHOLD]), (n_blocks,), np.int32),
        view(pointer(f[lay.S_REGIONS]), (n_regions,), np.uint64),
        view(pointer(f[lay.S_HOLDING]), (n_regions,), np.uint64),
        view(pointer(f[lay.S_SHOWN_START]), (n_docs + 1,), np.uint32),
        view(pointer(f[lay.S_SHOWN]), (far,), np.uint16),
        view(pointer(f[lay.S_K_NUMBERS]), (far,), np.int32),
        f[lay.S_KEPT],
    )
