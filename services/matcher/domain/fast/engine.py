"""The engine: both sides indexed, both top lists of every document kept exact as changes come.

A change searches the other side once, for its own best and for all whose lists it enters; a change
that takes something away first finds the lists it stood in. How a search is done does not live
here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar, assert_never

import numpy as np

from contracts.values import PostingId, SeekerId
from services.matcher.domain import wording
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    ListsShort,
    ModelMismatch,
    Pair,
    PairChange,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Batch
from services.matcher.domain.fast.growing import Array, Growing
from services.matcher.domain.fast.known import (
    KnownLive,
    KnownPosting,
    KnownSeeker,
    KnownSeekers,
)
from services.matcher.domain.fast.lists import TopLists
from services.matcher.domain.fast.many import seeker_documents
from services.matcher.domain.fast.numbering import Numbering, Query
from services.matcher.domain.fast.side import Found, Ranked, RunAll, Scratch, Side, Sizes, in_turn
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.vector import TermVector

_SLACK = 8
_PAGE = 2000
_UNKNOWN = -1


@dataclass(slots=True)
class Work:
    """What the engine has done since it was made; postings: entries of inverted lists read."""

    searches: int = 0
    refills: int = 0
    blocks: int = 0
    documents: int = 0
    postings: int = 0
    scored: int = 0


Document = TypeVar("Document")


def _pages(documents: Iterable[Document]) -> Iterator[list[Document]]:
    remaining = iter(documents)
    while page := list(islice(remaining, _PAGE)):
        yield page


class FastEngine:
    """Keeps the live set of all documents put so far, exactly: it always equals `oracle.live_set`.

    It holds no documents, only what it needs of them. One thread at a time; all of it is CPU work,
    to be run off the event loop. slack: how many entries a list keeps beyond those that count.
    run_all: runs the searches of a batch.
    """

    def __init__(
        self,
        model: Model,
        *,
        sizes: Sizes | None = None,
        slack: int = _SLACK,
        run_all: RunAll = in_turn,
    ) -> None:
        limits = model.limits
        sizes = sizes or Sizes()
        self.work = Work()
        self._model = model
        self._run_all = run_all
        self._numbering = Numbering(partial(wording.shown, model))
        self._seekers = Side(lay.SEEKERS, self._numbering, sizes)
        self._postings = Side(lay.POSTINGS, self._numbering, sizes)
        self._of_seekers = TopLists(
            limits.k_s, slack if limits.k_s else 0, limits.tau_ppm, self._postings.slots,
            linked=False,
        )  # fmt: skip
        self._of_postings = TopLists(
            limits.k_p, slack if limits.k_p else 0, limits.tau_ppm, self._seekers.slots,
            linked=True,
        )  # fmt: skip
        # Postings are few: kept to find, when one goes, the lists that it stood in.
        self._known: dict[int, tuple[PostingFacts, TermVector]] = {}
        self._revised_seekers, self._revised_postings = Growing(np.uint8), Growing(np.uint8)
        self._told: dict[int, set[int]] = {lay.SEEKERS: set(), lay.POSTINGS: set()}
        self._scratch: list[Scratch] = []
        self._loading = {lay.SEEKERS: Batch(), lay.POSTINGS: Batch()}

    @property
    def model(self) -> Model:
        """The model all documents are prepared by."""
        return self._model

    @property
    def nbytes(self) -> dict[str, int]:
        """Bytes held, by side and what for; spellings: of what seekers show."""
        return {
            **{f"seekers.{name}": size for name, size in self._seekers.nbytes.items()},
            "seekers.spellings": self._numbering.shown.nbytes + self._numbering.words.nbytes,
            "seekers.lists": self._of_seekers.nbytes,
            **{f"postings.{name}": size for name, size in self._postings.nbytes.items()},
            "postings.lists": self._of_postings.nbytes,
        }

    def load(self, postings: Iterable[KnownPosting], seekers: Iterable[KnownSeeker]) -> None:
        """Take all documents into an engine that is empty. Lists stay empty: `restore` or fill."""
        for known in _pages(postings):
            self.take_postings(known)
        for page in _pages(seekers):
            self.take_seekers(page)
        self.lay_out()

    def take_postings(self, postings: Iterable[KnownPosting]) -> None:
        """Take postings of an engine that is being loaded; each once."""
        new = list(postings)
        slots = self._postings.slots.take_all([each.posting_id for each in new])
        self._known.update(zip(slots, ((each.facts, each.terms) for each in new), strict=True))
        rows = [self._numbering.posting_row(each.facts, each.terms) for each in new]
        self._loading[lay.POSTINGS].extend(slots, rows)

    def take_seekers(self, seekers: Iterable[KnownSeeker]) -> None:
        """Take seekers of an engine that is being loaded; each once."""
        self.take_known(KnownSeekers.of(list(seekers)))

    def take_known(self, seekers: KnownSeekers) -> None:
        """Likewise, in columns. Raises ValueError where a fact cannot be."""
        if len(seekers):
            slots = self._seekers.slots.take_halves(seekers.high, seekers.low)
            documents = seeker_documents(self._numbering, slots, seekers)
            self._loading[lay.SEEKERS].take(documents)

    def lay_out(self) -> None:
        """All documents have been taken: lay them out for the search."""
        self._loading[lay.SEEKERS].renumber(self._numbering.reorder_shown())
        for side, key in ((self._postings, lay.POSTINGS), (self._seekers, lay.SEEKERS)):
            side.load(self._loading[key])
            self._loading[key] = Batch()
        self._reserve()

    def posting_ids(self) -> list[PostingId]:
        """All postings, in no order."""
        return [PostingId(self._postings.slots.id_of(slot)) for slot in self._known]

    def restore(self, live: KnownLive) -> None:
        """Set all lists from the whole live set of the loaded documents, as it was stored."""
        seekers = self._seekers.slots.find_all(live.seeker_high, live.seeker_low)
        postings = self._postings.slots.find_all(live.posting_high, live.posting_low)
        known = (seekers >= 0) & (postings >= 0)
        own, shown = known & live.for_seeker, known & live.for_posting
        self._of_seekers.restore(seekers[own], live.scores[own], postings[own])
        self._of_postings.restore(postings[shown], live.scores[shown], seekers[shown])

    def fill_seekers(self, seekers: Sequence[KnownSeeker]) -> None:
        """Find the postings of loaded seekers; what changes by it is not told."""
        slots = [self._seekers.slots.find(each.seeker_id) for each in seekers]
        # Who came since the others were loaded has no slot, and comes by an event.
        loaded = [(slot, each) for slot, each in zip(slots, seekers, strict=True) if slot >= 0]
        queries = [self._numbering.seeker_query(each.facts, each.terms) for _, each in loaded]
        answers = self._search_postings(queries, hits=False)
        for (slot, _), found in zip(loaded, answers, strict=True):
            self._set_seeker(slot, found)
        self._forget()

    def fill_postings(self, posting_ids: Sequence[PostingId]) -> None:
        """Find the seekers of loaded postings; what changes by it is not told."""
        slots = [self._postings.slots.find(posting_id) for posting_id in posting_ids]
        self._find_seekers(slots)
        self._forget()

    def apply(self, changes: Iterable[Change]) -> None:
        """Take the changes; of one document the last counts. Putting the same again is harmless.

        Raises ModelMismatch, before anything is changed, where a document is prepared by another
        model. What is `wanted` afterwards must be refilled before the change can be told.
        """
        postings: dict[PostingId, PreparedPosting | None] = {}
        seekers: dict[SeekerId, PreparedSeeker | None] = {}
        for change in changes:
            match change:
                case PutPosting(posting):
                    self._check(posting)
                    postings[posting.doc.posting_id] = posting if posting.doc.open else None
                case DropPosting(posting_id):
                    postings[posting_id] = None
                case PutSeeker(seeker):
                    self._check(seeker)
                    seekers[seeker.doc.seeker_id] = seeker if seeker.doc.looking else None
                case DropSeeker(seeker_id):
                    seekers[seeker_id] = None
                case _:
                    assert_never(change)
        # First everything is put in its place; then each new document searches, all of them in the
        # same state. So a pair of two new documents is found from both sides, which is harmless.
        shrunk = [self._take_out_seeker(seeker_id) for seeker_id in seekers]
        self._take_out_postings(list(postings))
        new_seekers = [self._put_seeker(each) for each in seekers.values() if each]
        new_postings = [self._put_posting(each) for each in postings.values() if each]
        # Only now is every spelling known that a query may be near to.
        to_postings = self._search_postings(
            [self._numbering.seeker_query(facts, terms) for _, facts, terms in new_seekers],
            hits=True,
        )
        to_seekers = self._search_seekers(
            [self._numbering.posting_query(facts, terms) for _, facts, terms in new_postings],
            hits=True,
        )
        for (slot, _, _), found in zip(new_seekers, to_postings, strict=True):
            self._set_seeker(slot, found)
        for (slot, _, _), found in zip(new_postings, to_seekers, strict=True):
            self._set_posting(slot, found)
        for (slot, _, _), found in zip(new_seekers, to_postings, strict=True):
            self._of_postings.insert(found.hit_slots, found.hit_scores, slot)
        for (slot, _, _), found in zip(new_postings, to_seekers, strict=True):
            self._of_seekers.insert(found.hit_slots, found.hit_scores, slot)
        self._fill_short_postings(np.concatenate([np.zeros(0, np.int32), *shrunk]))

    def wanted(self) -> list[SeekerId]:
        """Seekers whose own lists ran short by the changes taken: to be handed to `refill`."""
        return [SeekerId(self._seekers.slots.id_of(slot)) for slot in self._short_seekers()]

    def refill(self, seekers: Iterable[PreparedSeeker]) -> None:
        """Search again for the postings of these seekers, who are as they were put last.

        Raises ModelMismatch as `apply` does.
        """
        chosen = list(seekers)
        for seeker in chosen:
            self._check(seeker)
        queries = [self._numbering.seeker_query(SeekerFacts.of(s), s.terms) for s in chosen]
        slots = [self._seekers.slots.find(seeker.doc.seeker_id) for seeker in chosen]
        self.work.refills += len(chosen)
        for slot, found in zip(slots, self._search_postings(queries, hits=False), strict=True):
            if slot >= 0 and self._seekers.lives(slot):
                self._set_seeker(slot, found)

    def settle(self) -> list[PairChange]:
        """The pairs whose live state may have changed since the last call, as they are now.

        Net: a pair that came and went in between is not told. A pair is told too where only its
        reasons may have changed, so the caller still compares. Ordered by posting, then seeker.
        Raises ListsShort while a seeker is wanted.
        """
        if self._short_seekers():
            raise ListsShort("seekers are wanted")
        seekers, postings = self._of_seekers.changes(
            self._revised_seekers.held, self._revised_postings.held
        )
        more_postings, more_seekers = self._of_postings.changes(
            self._revised_postings.held, self._revised_seekers.held
        )
        pairs = np.unique(
            np.stack(
                [np.concatenate([postings, more_postings]), np.concatenate([seekers, more_seekers])]
            ),
            axis=1,
        )
        told = self._told_of(pairs[1], pairs[0])
        self._forget()
        return told

    def standing(self, pairs: Iterable[Pair]) -> list[Standing | None]:
        """How each of these pairs is live; None where it is not."""
        found = [
            (self._seekers.slots.find(seeker_id), self._postings.slots.find(posting_id))
            for seeker_id, posting_id in pairs
        ]
        chosen = np.array(found, np.int32).reshape(-1, 2)
        known = (chosen >= 0).all(axis=1)
        standings: list[Standing | None] = [None] * len(found)
        for at, standing in zip(
            np.flatnonzero(known).tolist(),
            self._standings(chosen[known, 0], chosen[known, 1]),
            strict=True,
        ):
            standings[at] = standing
        return standings

    def live_of(self, seeker_ids: Iterable[SeekerId]) -> Iterator[Pair]:
        """All live pairs of these seekers, in no order; each once."""
        for seeker_id in seeker_ids:
            slot = self._seekers.slots.find(seeker_id)
            if slot < 0 or not self._seekers.lives(slot):
                continue
            own = self._of_seekers.top(slot)[1]
            shown = self._of_postings.owners_of(slot)
            for posting in np.union1d(own, shown).tolist():
                if self._standings(np.array([slot]), np.array([posting]))[0] is not None:
                    yield seeker_id, PostingId(self._postings.slots.id_of(posting))

    def best_seekers(self, posting: PreparedPosting, k: int) -> Ranked:
        """The k best seekers for a posting, known or not, from τ up."""
        query = self._numbering.posting_query(PostingFacts.of(posting), posting.terms)
        return self._seekers.ranked(self._search(self._seekers, query, k, None))

    def best_seekers_of(self, postings: Sequence[PreparedPosting], k: int) -> list[Ranked]:
        """The k best seekers for each posting, as `best_seekers`; searched by `run_all`."""
        ask = self._numbering.posting_query
        queries = [ask(PostingFacts.of(each), each.terms) for each in postings]
        return list(map(self._seekers.ranked, self._search_seekers(queries, hits=False, k=k)))

    def best_postings(self, seeker: PreparedSeeker, k: int) -> Ranked:
        """The k best postings for a seeker, known or not, from τ up."""
        query = self._numbering.seeker_query(SeekerFacts.of(seeker), seeker.terms)
        return self._postings.ranked(self._search(self._postings, query, k, None))

    def _take_out_seeker(self, seeker_id: SeekerId) -> Array:
        """Remove a seeker from the index and all lists; returns the postings who lose it."""
        slot = self._seekers.slots.find(seeker_id)
        if slot < 0 or not self._seekers.lives(slot):
            return np.zeros(0, np.int32)
        self._revise(lay.SEEKERS, slot)
        owners = self._of_postings.owners_of(slot)
        self._of_postings.remove(owners, slot)
        self._postings.lower(owners, self._of_postings.thresholds)
        self._of_seekers.close(slot)
        self._seekers.drop(slot)
        return owners

    def _take_out_postings(self, posting_ids: Sequence[PostingId]) -> None:
        """Remove postings from the index and all lists."""
        slots = [
            slot
            for slot in map(self._postings.slots.find, posting_ids)
            if slot >= 0 and self._postings.lives(slot)
        ]
        # Its old self finds every list that it stands in: they hold all that reach their threshold.
        queries = [self._numbering.posting_query(*self._known[slot]) for slot in slots]
        for slot, found in zip(slots, self._search_seekers(queries, hits=True, k=0), strict=True):
            self._revise(lay.POSTINGS, slot)
            self._of_seekers.remove(found.hit_slots, slot)
            self._seekers.lower(found.hit_slots, self._of_seekers.thresholds)
            self._of_postings.close(slot)
            self._postings.drop(slot)
            del self._known[slot]

    def _put_seeker(self, seeker: PreparedSeeker) -> tuple[int, SeekerFacts, TermVector]:
        facts = SeekerFacts.of(seeker)
        slot = self._seekers.slots.take(seeker.doc.seeker_id)
        self._seekers.put(slot, self._numbering.seeker_row(facts, seeker.terms))
        self._revise(lay.SEEKERS, slot)
        self._of_seekers.close(slot)
        return slot, facts, seeker.terms

    def _put_posting(self, posting: PreparedPosting) -> tuple[int, PostingFacts, TermVector]:
        facts = PostingFacts.of(posting)
        slot = self._postings.slots.take(posting.doc.posting_id)
        self._postings.put(slot, self._numbering.posting_row(facts, posting.terms))
        self._known[slot] = facts, posting.terms
        self._revise(lay.POSTINGS, slot)
        self._of_postings.close(slot)
        return slot, facts, posting.terms

    def _set_seeker(self, slot: int, found: Found) -> None:
        lists = self._of_seekers
        lists.replace(slot, found.scores, found.slots, complete=len(found.slots) < lists.room)
        self._seekers.lower(np.array([slot]), lists.thresholds)

    def _set_posting(self, slot: int, found: Found) -> None:
        lists = self._of_postings
        lists.replace(slot, found.scores, found.slots, complete=len(found.slots) < lists.room)
        self._postings.lower(np.array([slot]), lists.thresholds)

    def _fill_short_postings(self, owners: Array) -> None:
        short = [
            slot
            for slot in np.unique(self._of_postings.short(owners)).tolist()
            if self._postings.lives(slot)
        ]
        self.work.refills += len(short)
        self._find_seekers(short)

    def _find_seekers(self, postings: Sequence[int]) -> None:
        queries = [self._numbering.posting_query(*self._known[slot]) for slot in postings]
        for slot, found in zip(postings, self._search_seekers(queries, hits=False), strict=True):
            self._set_posting(slot, found)

    def _short_seekers(self) -> list[int]:
        short = self._of_seekers.short(self._of_seekers.touched())
        return [slot for slot in short.tolist() if self._seekers.lives(slot)]

    def _search_seekers(
        self, queries: Sequence[Query], *, hits: bool, k: int | None = None
    ) -> list[Found]:
        thresholds = self._of_seekers.thresholds if hits else None
        k = self._of_postings.room if k is None else k
        return self._search_all(self._seekers, queries, k, thresholds)

    def _search_postings(self, queries: Sequence[Query], *, hits: bool) -> list[Found]:
        thresholds = self._of_postings.thresholds if hits else None
        return self._search_all(self._postings, queries, self._of_seekers.room, thresholds)

    def _search_all(
        self, side: Side, queries: Sequence[Query], k: int, thresholds: Array | None
    ) -> list[Found]:
        jobs = [partial(self._search, side, query, k, thresholds) for query in queries]
        found = self._run_all(jobs) if len(jobs) > 1 else in_turn(jobs)
        for each in found:
            counted = each.counters
            self.work.searches += 1
            self.work.blocks += int(counted[lay.C_BLOCKS])
            self.work.documents += int(counted[lay.C_DOCS])
            self.work.postings += int(counted[lay.C_POSTINGS])
            self.work.scored += int(counted[lay.C_SCORED])
        return found

    def _search(self, side: Side, query: Query, k: int, thresholds: Array | None) -> Found:
        # Taken and given back in one step each, so that threads never share one.
        try:
            scratch = self._scratch.pop()
        except IndexError:
            scratch = Scratch()
        try:
            return side.search(
                query, scratch, tau_ppm=self._model.limits.tau_ppm, k=k, thresholds=thresholds
            )
        finally:
            self._scratch.append(scratch)

    def _told_of(self, seekers: Array, postings: Array) -> list[PairChange]:
        """What these pairs are now, by posting, then seeker."""
        s_ids, p_ids = self._seekers.slots, self._postings.slots
        order = np.lexsort(
            (s_ids.low[seekers], s_ids.high[seekers], p_ids.low[postings], p_ids.high[postings])
        )
        seekers, postings = seekers[order], postings[order]
        return [
            PairChange(SeekerId(s_ids.id_of(seeker)), PostingId(p_ids.id_of(posting)), standing)
            for seeker, posting, standing in zip(
                seekers.tolist(), postings.tolist(), self._standings(seekers, postings), strict=True
            )
        ]

    def _standings(self, seekers: Array, postings: Array) -> list[Standing | None]:
        seen = self._of_seekers.standing(seekers, postings)
        shown = self._of_postings.standing(postings, seekers)
        return [
            Standing(max(own, theirs), own != _UNKNOWN, theirs != _UNKNOWN)
            if max(own, theirs) != _UNKNOWN
            else None
            for own, theirs in zip(seen.tolist(), shown.tolist(), strict=True)
        ]

    def _forget(self) -> None:
        """Everything up to here has been told."""
        self._of_seekers.forget()
        self._of_postings.forget()
        for side, key, revised in (
            (self._seekers, lay.SEEKERS, self._revised_seekers),
            (self._postings, lay.POSTINGS, self._revised_postings),
        ):
            for slot in self._told[key]:
                revised.held[slot] = 0
                if not side.lives(slot):
                    side.slots.free(slot)
            self._told[key].clear()

    def _reserve(self) -> None:
        seekers, postings = len(self._seekers.slots), len(self._postings.slots)
        self._of_seekers.reserve(seekers, postings)
        self._of_postings.reserve(postings, seekers)
        for revised, n in ((self._revised_seekers, seekers), (self._revised_postings, postings)):
            revised.reserve(n)
            revised.n = n

    def _revise(self, key: int, slot: int) -> None:
        """All live pairs of this document are to be told."""
        self._reserve()
        revised = self._revised_seekers if key == lay.SEEKERS else self._revised_postings
        revised.held[slot] = 1
        self._told[key].add(slot)

    def _check(self, document: PreparedPosting | PreparedSeeker) -> None:
        if document.model_version != self._model.version:
            raise ModelMismatch(
                f"prepared by model {document.model_version}, not {self._model.version}"
            )
