"""A segment: up to 65,536 documents that change no more but by dying, laid out for the search.

Which documents go together does not live here.
"""

from dataclasses import dataclass, fields

import numpy as np

from services.matcher.domain.fast import build
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Documents
from services.matcher.domain.fast.codes import Occupations, Places, WeightSets
from services.matcher.domain.fast.directory import numbers_of, rows_of
from services.matcher.domain.fast.growing import Array
from services.matcher.domain.fast.packing import packed
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.language.trades import spoken_buckets

# A term of more than this share of the documents is kept with them: it says little and would be
# most of what a search touches. Below so many documents lists are short anyway.
FREQUENT_SHARE = 0.03
_FREQUENT_LEAST = 64
_NONE: Array = np.zeros(0, np.uint32)


@dataclass(frozen=True, slots=True)
class Tables:
    """The numberings that both sides share."""

    places: Places
    occupations: Occupations
    weights: WeightSets


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The arrays of a segment, as `layout` names them; `row` is where the search finds them.

    alive: uint8 (n,). ids: uint16, the documents of each list, and impacts: uint8.
    threshold: int32 (n_blocks,), not above any living document's threshold.
    regions: uint64, the places of every REGION blocks, and holding: their certificates.
    shown: uint16, rows of the names each seeker shows, and k_numbers: the names of these rows.
    """

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
    row: Array

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(getattr(self, each.name).nbytes) for each in fields(self))

    @property
    def living(self) -> int:
        """How many documents have not died."""
        return int(self.alive.sum())

    def documents(self) -> Documents:
        """The living documents again, in order; their terms in no order."""
        kept = np.flatnonzero(self.alive)
        v_start, buckets, impacts = build.take_apart(
            self.alive, numbers_of(self.rows), self.start, self.ids, self.impacts, self.frequent,
            self.f_start, self.f_term, self.f_impact,
        )  # fmt: skip
        weighs = self.k_weighs if len(self.k_weighs) else np.zeros(len(self.k_ids), np.uint8)
        k_start, spellings, weighs = build.take_apart(
            self.alive, numbers_of(self.k_rows), self.k_start, self.k_ids, weighs, self.frequent,
            _NONE, self.f_term, weighs,
        )  # fmt: skip
        t_start, tags = build.take_tags(kept, self.t_start.astype(np.int64), self.tags)
        return Documents(
            self.slots[kept],
            self.numbers[kept],
            t_start.astype(np.int64),
            tags,
            v_start,
            buckets,
            impacts,
            k_start,
            spellings,
            weighs,
        )


def build_segment(side: int, documents: Documents, order: Array, tables: Tables) -> Segment:
    """A segment of these documents in this order. order: int64 (n ≤ MAX_SEGMENT,)."""
    said = _said(order, documents)
    shown = _shown(side, order, documents)
    t_start, tags = build.take_tags(order, documents.t_start, documents.tags)
    numbers = np.ascontiguousarray(documents.numbers[order])
    names = np.diff(shown["shown_start"].astype(np.int64))
    masks, places = build.bound_blocks(
        side, numbers, t_start, tags, said["norms"], names, tables.occupations.paths,
        tables.places.prefectures, tables.weights.rows,
    )  # fmt: skip
    regions = np.arange(0, len(places), lay.REGION)
    arrays = {
        "alive": np.ones(len(order), np.uint8),
        "slots": documents.slots[order],
        **said,
        **shown,
        # Only what is asked for has a weight, and only what is shown is kept with the documents.
        "k_weighs": shown["k_weighs"][: 0 if side == lay.SEEKERS else None],
        "shown_start": shown["shown_start"] if side == lay.SEEKERS else _NONE,
        "t_start": t_start,
        "tags": tags,
        "numbers": numbers,
        "places": places,
        "masks": masks,
        "threshold": np.zeros(len(masks), np.int32),
        "regions": np.bitwise_or.reduceat(places, regions),
        "holding": np.bitwise_or.reduceat(masks[:, lay.M_CERTIFICATE], regions),
    }
    arrays = packed(arrays)
    return Segment(**arrays, row=_row(arrays))


def _said(order: Array, documents: Documents) -> dict[str, Array]:
    """The terms of the texts: lists of the rarer ones, the frequent ones with their documents."""
    of_each = order, documents.v_start, documents.buckets
    rows = build.held_by(*of_each, BUCKETS // 64)
    terms = numbers_of(rows)
    times = build.times_of(*of_each, rows, len(terms))
    often = _often(terms, times, len(order))
    frequent, rare = terms[often], rows_of(terms[~often], len(rows))
    start, ids, impacts = build.invert(*of_each, documents.impacts, rare, times[~often])
    f_start, f_term, f_impact, norms = build.forward(
        *of_each, documents.impacts, rows_of(frequent, len(rows))
    )
    return {
        "rows": rare, "start": start, "ids": ids, "impacts": impacts, "frequent": frequent,
        "f_start": f_start, "f_term": f_term, "f_impact": f_impact, "norms": norms,
    }  # fmt: skip


def _often(terms: Array, times: Array, n: int) -> Array:
    """Which terms are to be kept with n documents. terms: ascending. bool, ≤ MOST_FREQUENT.

    None of an occupation or a field: they say much, and a bound that counts them in is no bound.
    """
    often = np.flatnonzero(times > max(_FREQUENT_LEAST, int(FREQUENT_SHARE * n)))
    often = often[np.isin(terms[often], spoken_buckets(), invert=True)]
    chosen = np.zeros(len(terms), np.bool_)
    chosen[often[np.argsort(-times[often], kind="stable")[: lay.MOST_FREQUENT]]] = True
    return chosen


def _shown(side: int, order: Array, documents: Documents) -> dict[str, Array]:
    """What is shown, or asked for: lists of each spelling, and a seeker's with the documents."""
    of_each = order, documents.k_start, documents.spellings
    n_words = -(-(int(documents.spellings.max(initial=-1)) + 1) // 64)
    rows = build.held_by(*of_each, n_words)
    spellings = numbers_of(rows)
    times = build.times_of(*of_each, rows, len(spellings))
    kept = spellings[: _kept(spellings) if side == lay.SEEKERS else 0]
    shown_start, shown = build.rows_shown(*of_each, rows, len(kept))
    start, ids, weighs = build.invert(*of_each, documents.weighs, rows, times)
    return {
        "k_rows": rows,
        "k_start": start,
        "k_ids": ids,
        "k_weighs": weighs,
        "shown_start": shown_start,
        "shown": shown,
        "k_numbers": kept,
    }


def _kept(spellings: Array) -> int:
    """How many names are kept with the documents: whole words of their bits."""
    beyond = spellings[lay.MOST_SHOWN :]
    return int(np.searchsorted(spellings, beyond[0] >> 6 << 6)) if len(beyond) else len(spellings)


_ADDRESSES = {
    lay.S_ALIVE: "alive",
    lay.S_SLOT: "slots",
    lay.S_ROWS: "rows",
    lay.S_START: "start",
    lay.S_IDS: "ids",
    lay.S_IMPACTS: "impacts",
    lay.S_FREQUENT: "frequent",
    lay.S_F_START: "f_start",
    lay.S_F_TERM: "f_term",
    lay.S_F_IMPACT: "f_impact",
    lay.S_NORM: "norms",
    lay.S_K_ROWS: "k_rows",
    lay.S_K_START: "k_start",
    lay.S_K_IDS: "k_ids",
    lay.S_K_WEIGHS: "k_weighs",
    lay.S_T_START: "t_start",
    lay.S_TAGS: "tags",
    lay.S_NUMBERS: "numbers",
    lay.S_PLACES: "places",
    lay.S_MASKS: "masks",
    lay.S_THRESHOLD: "threshold",
    lay.S_REGIONS: "regions",
    lay.S_HOLDING: "holding",
    lay.S_SHOWN_START: "shown_start",
    lay.S_SHOWN: "shown",
    lay.S_K_NUMBERS: "k_numbers",
}


def _row(arrays: dict[str, Array]) -> Array:
    row = np.zeros(lay.N_FIELDS, np.int64)
    row[lay.S_DOCS] = len(arrays["slots"])
    row[lay.S_N_FREQUENT] = len(arrays["frequent"])
    row[lay.S_SPELLINGS] = 64 * len(arrays["k_rows"])
    row[lay.S_KEPT] = _words_kept(arrays["k_rows"], arrays["k_numbers"])
    row[lay.S_MOST_NORM] = int(arrays["norms"].max(initial=0))
    row[lay.S_MOST_SHOWN] = int(np.diff(arrays["shown_start"]).max(initial=0))
    for field, name in _ADDRESSES.items():
        array = arrays[name]
        if not array.flags.c_contiguous:
            raise ValueError(f"{name} is not contiguous")
        row[field] = array.ctypes.data
    return row


def _words_kept(k_rows: Array, k_numbers: Array) -> int:
    """Words of bits whose names are all kept with the documents, as far as any are held."""
    held = int(np.bitwise_count(k_rows[:, 0]).sum())
    if len(k_numbers) == held:
        return len(k_rows)
    return int(k_numbers[-1] >> 6) + 1 if len(k_numbers) else 0
