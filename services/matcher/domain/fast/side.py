"""All documents of one side: a head that takes new ones, and segments that it is laid into.

Which lists a document stands in does not live here.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matcher.domain.fast import build
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.asking import Asked, Best, Desk, Rules
from services.matcher.domain.fast.batch import Batch, Documents, Row, joined
from services.matcher.domain.fast.faint import least_loud
from services.matcher.domain.fast.growing import Array, Growing
from services.matcher.domain.fast.head import Head
from services.matcher.domain.fast.ids import Slots
from services.matcher.domain.fast.numbering import Numbering, Query
from services.matcher.domain.fast.search import search_head, search_segments
from services.matcher.domain.fast.segment import Segment, Tables, build_segment

_NOWHERE, _IN_HEAD = -2, -1
_NO_HITS: Array = np.zeros(0, np.int32)
_TIER = 4
_STAMPS = 1 << 30


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many documents the head and a segment hold at most.

    loud_from: what a name must add to be read for all documents, see `faint`; None: by how many.
    """

    head: int = 4096
    segment: int = lay.MAX_SEGMENT
    loud_from: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError where places would not fit."""
        if not 1 <= self.head <= self.segment <= lay.MAX_SEGMENT:
            raise ValueError(f"not 1 ≤ head ≤ segment ≤ {lay.MAX_SEGMENT}: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found, by slot: the best, in order; and all that reach their own threshold."""

    scores: Array
    slots: Array
    hit_scores: Array
    hit_slots: Array
    counters: Array


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The best that a search found, in order. scores: int32 (n,), millionths. high, low: uint64
    (n,), the halves of the ids."""

    scores: Array
    high: Array
    low: Array

    def __len__(self) -> int:
        return len(self.scores)

    def pairs(self) -> list[tuple[int, UUID]]:
        """(score, id) of each: objects of Python, which cost more than the search for few."""
        halves = zip(self.scores.tolist(), self.high.tolist(), self.low.tolist(), strict=True)
        return [(score, UUID(int=high << 64 | low)) for score, high, low in halves]


Job = Callable[[], Found]
RunAll = Callable[[Sequence[Job]], list[Found]]
"""Runs searches, at once or one after the other; they only read. Results in order."""


def in_turn(jobs: Sequence[Job]) -> list[Found]:
    """Run searches one after the other."""
    return [job() for job in jobs]


class Scratch:
    """Arrays that one search at a time writes into."""

    def __init__(self) -> None:
        documents, blocks = lay.MAX_SEGMENT, lay.MAX_SEGMENT // lay.BLOCK
        sums, skills, done, said, skilled = _for_documents(documents)
        self.desk = Desk(
            sums=sums,
            skills=skills,
            done=done,
            said=said,
            skilled=skilled,
            marks=np.zeros(documents, np.int32),
            maybe=np.zeros((lay.N_MAYBE, documents), np.int32),
            rests=np.zeros(blocks, np.int32),
            turns=np.zeros(blocks, np.int32),
            wanted=np.zeros(blocks, np.uint16),
            in_query=np.zeros(lay.MOST_FREQUENT + 1, np.uint8),
            lists=np.zeros((64, 3), np.int64),
            runs=np.zeros((documents // lay.REGION_DOCS, 2), np.int64),
            norms=np.zeros(1, np.int64),
            loud=np.zeros(1, np.uint64),
        )
        # As many zeros as a head has documents, and one.
        self.nothing = np.zeros(documents + lay.BLOCK, np.uint16)
        self.no_starts = np.zeros(documents + lay.BLOCK, np.uint32)
        self.near_of = np.zeros(1, np.int32)
        self.closeness_of = np.zeros(lay.NO_OTHER + 1, np.int32)
        self.counters = np.zeros(lay.N_COUNTERS, np.int64)
        self.hit_scores = self.hit_slots = np.zeros(0, np.int32)

    def number(self, tables: Tables) -> None:
        """Have room for what a query gives for each place and each occupation."""
        places, occupations = len(tables.places.prefectures), len(tables.occupations.paths)
        if places >= len(self.near_of):
            self.near_of = np.zeros(places + 1, np.int32)
        if occupations > len(self.closeness_of):
            self.closeness_of = np.zeros(occupations, np.int32)

    def begin(
        self, most_hits: int, most_lists: int, documents: int, segments: int, names: int
    ) -> None:
        """Be ready for a search that finds at most so many hits, of at most so many terms, among so
        many documents in so many segments. names: words of 64 bits for all names."""
        stamp = self.counters[lay.C_STAMP]
        if stamp > _STAMPS:
            self.desk.marks[:] = 0
            stamp = 0
        self.counters[:] = 0
        self.counters[lay.C_STAMP] = stamp
        if most_lists > len(self.desk.lists):
            self.desk = self.desk._replace(lists=np.zeros((2 * most_lists, 3), np.int64))
        if documents > len(self.desk.sums):
            sums, skills, done, said, skilled = _for_documents(documents + documents // 4)
            self.desk = self.desk._replace(
                sums=sums, skills=skills, done=done, said=said, skilled=skilled
            )
        if segments > len(self.desk.norms):
            self.desk = self.desk._replace(norms=np.zeros(2 * segments, np.int64))
        if names > len(self.desk.loud):
            self.desk = self.desk._replace(loud=np.zeros(2 * names, np.uint64))
        if most_hits > len(self.hit_slots):
            self.hit_scores = np.zeros(2 * most_hits, np.int32)
            self.hit_slots = np.zeros(2 * most_hits, np.int32)


def _for_documents(count: int) -> tuple[Array, Array, Array, Array, Array]:
    """Sums and skills of so many documents; done of each block; said and skilled of each region."""
    regions = -(-count // lay.REGION_DOCS)
    return (
        np.zeros(regions * lay.REGION_DOCS, np.int32),
        np.zeros(regions * lay.REGION_DOCS, np.int32),
        np.zeros(regions * lay.REGION, np.uint16),
        np.zeros(regions, np.int32),
        np.zeros(regions, np.int32),
    )


class Side:
    """The documents of one side. Reading is free for any number of threads; changing is for one."""

    def __init__(self, side: int, numbering: Numbering, sizes: Sizes) -> None:
        self.slots = Slots()
        self.segments: list[Segment] = []
        self._side = side
        self._sizes = sizes
        self._numbering = numbering
        self._tables = Tables(numbering.places, numbering.occupations, numbering.weights)
        self._segment_of, self._doc_of = Growing(np.int16), Growing(np.uint16)
        self._head = Head(sizes.head)
        self._table = np.zeros((0, lay.N_FIELDS), np.int64)
        # Places of the desk: of each segment whole regions.
        self._room = 0
        self.living = 0

    def lives(self, slot: int) -> bool:
        """Whether there is a document in this slot."""
        return slot < self._segment_of.n and self._segment_of.held[slot] != _NOWHERE

    def put(self, slot: int, row: Row) -> None:
        """Set the document of a slot."""
        self.drop(slot)
        if self._head.full:
            self._freeze()
        self._reserve()
        self._segment_of.held[slot] = _IN_HEAD
        self._doc_of.held[slot] = self._head.append(slot, row)
        self.living += 1

    def drop(self, slot: int) -> None:
        """Remove the document of a slot, if there is one. The slot stays."""
        self._reserve()
        segment, doc = int(self._segment_of.held[slot]), int(self._doc_of.held[slot])
        if segment == _NOWHERE:
            return
        alive = self._head.alive if segment == _IN_HEAD else self.segments[segment].alive
        alive[doc] = 0
        self._segment_of.held[slot] = _NOWHERE
        self.living -= 1

    def load(self, batch: Batch) -> None:
        """Take many documents at once into an empty index; each slot once."""
        documents = batch.documents
        self._reserve()
        self.living += len(documents)
        self._lay(documents, np.arange(len(documents)))
        self._tabulate()

    def lower(self, slots: Array, thresholds: Array) -> None:
        """Note that the thresholds of these slots may have fallen. thresholds: by slot."""
        for slot in slots.tolist():
            segment = self._segment_of.held[slot] if slot < self._segment_of.n else _NOWHERE
            if segment >= 0:
                block = int(self._doc_of.held[slot]) // lay.BLOCK
                low = self.segments[int(segment)].threshold
                low[block] = min(low[block], thresholds[slot])

    def search(
        self, query: Query, scratch: Scratch, *, tau_ppm: int, k: int, thresholds: Array | None
    ) -> Found:
        """The k best for the query, from τ up, and with thresholds (by slot) all that reach theirs.

        Of equal scores the lower id is the better.
        """
        hits_wanted = thresholds is not None
        worth, weights = query.worth, self._numbering.weights
        longest = max(len(query.buckets), len(query.skills), len(worth.added))
        most_hits = self.living if hits_wanted else 0
        scratch.begin(most_hits, longest, self._room, len(self.segments), len(worth.active))
        scratch.number(self._tables)
        asked = Asked(
            self._side, tau_ppm, k, int(hits_wanted), query.numbers, query.masks, query.tags,
            query.buckets, query.impacts, query.skills, worth.active, worth.ranks, worth.added,
            self._sizes.loud_from if self._sizes.loud_from is not None else least_loud(self.living),
        )  # fmt: skip
        rules = Rules(
            weights.rows, weights.most, self._tables.occupations.paths,
            self._tables.places.prefectures, self._tables.places.beside, scratch.near_of,
            scratch.closeness_of,
        )  # fmt: skip
        best = Best(
            np.zeros(k + 1, np.int32), np.zeros(k + 1, np.int32), scratch.hit_scores,
            scratch.hit_slots, self.slots.high, self.slots.low,
            thresholds if thresholds is not None else scratch.hit_scores, scratch.counters,
        )  # fmt: skip
        desk = scratch.desk
        if len(self._table):
            search_segments(self._table, asked, rules, desk, best, not len(self._head))
        head = self._head
        if len(head):
            held = head.batch
            search_head(
                head.laid(scratch.nothing, scratch.no_starts), head.terms.chains, head.terms.next,
                held.buckets.held, held.impacts.held, head.terms.doc, head.skills.chains,
                head.skills.next, held.spellings.held, head.skills.doc, held.spellings.n, asked,
                rules, desk, best,
            )  # fmt: skip
        n, hits = int(scratch.counters[lay.C_HEAP]), int(scratch.counters[lay.C_HITS])
        return Found(
            best.heap_scores[:n], best.heap_slots[:n],
            best.hit_scores[:hits].copy() if hits else _NO_HITS,
            best.hit_slots[:hits].copy() if hits else _NO_HITS, scratch.counters.copy(),
        )  # fmt: skip

    def ranked(self, found: Found) -> Ranked:
        """The best that were found, with their ids."""
        return Ranked(found.scores, self.slots.high[found.slots], self.slots.low[found.slots])

    @property
    def nbytes(self) -> dict[str, int]:
        """Bytes held, by what for."""
        return {
            "index": sum(segment.nbytes for segment in self.segments) + self._head.nbytes,
            "ids": self.slots.nbytes + self._segment_of.nbytes + self._doc_of.nbytes,
        }

    def _reserve(self) -> None:
        missing = len(self.slots) - self._segment_of.n
        if missing > 0:
            self._segment_of.extend(np.full(missing, _NOWHERE, np.int16))
            self._doc_of.extend(np.zeros(missing, np.uint16))

    def _freeze(self) -> None:
        """Lay the head out as a segment, and segments that are many or half dead as fewer."""
        documents, living = self._head.documents()
        self._head = Head(self._sizes.head)
        self._lay(documents, living)
        while worn := self._worn():
            parts = [self.segments[at].documents() for at in worn]
            self.segments = [each for at, each in enumerate(self.segments) if at not in worn]
            merged = joined(parts)
            self._lay(merged, np.arange(len(merged)))
        self._tabulate()
        for at, segment in enumerate(self.segments):
            lived = np.flatnonzero(segment.alive)
            self._segment_of.held[segment.slots[lived]] = at

    def _worn(self) -> list[int]:
        """Segments to be laid out anew: half dead ones; or four of about the same size."""
        tiers: defaultdict[int, list[int]] = defaultdict(list)
        for at, segment in enumerate(self.segments):
            living = segment.living
            if 2 * living < len(segment):
                return [at]
            tiers[int(math.log(max(1, living), _TIER))].append(at)
        for same in tiers.values():
            chosen = same[:_TIER]
            if len(chosen) == _TIER and sum(map(self._living, chosen)) <= self._sizes.segment:
                return chosen
        return []

    def _living(self, at: int) -> int:
        return self.segments[at].living

    def _lay(self, documents: Documents, which: Array) -> None:
        """Add segments of these documents, alike ones together."""
        if not len(which):
            return
        prefectures = self._tables.places.prefectures
        bits = build.places_by_want(documents.tags, prefectures)
        keys = build.order_keys(
            documents.numbers, documents.t_start, documents.tags, prefectures, bits,
            self._tables.occupations.ranks,
        )  # fmt: skip
        order = which[np.argsort(keys[which], kind="stable")]
        for start in range(0, len(order), self._sizes.segment):
            chosen = order[start : start + self._sizes.segment]
            segment = build_segment(self._side, documents, chosen, self._tables)
            self._segment_of.held[segment.slots] = len(self.segments)
            self._doc_of.held[segment.slots] = np.arange(len(segment))
            self.segments.append(segment)

    def _tabulate(self) -> None:
        rows: Sequence[Array] = [segment.row for segment in self.segments]
        self._table = np.stack(rows) if rows else np.zeros((0, lay.N_FIELDS), np.int64)
        self._room = sum(-(-len(each) // lay.REGION_DOCS) for each in self.segments)
        self._room *= lay.REGION_DOCS
