"""The parts of the engine, each beside something plain that must say the same.

Its top lists have a file of their own.
"""

from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from contracts.values import PPM
from contracts.vocabulary.counties import places
from contracts.vocabulary.neighbours import neighbours_of
from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Batch, Documents, Row, joined
from services.matcher.domain.fast.bounding import reach_of, reaching
from services.matcher.domain.fast.codes import Occupations, Places
from services.matcher.domain.fast.directory import numbers_of, rows_of
from services.matcher.domain.fast.growing import Array
from services.matcher.domain.fast.ids import Slots
from services.matcher.domain.fast.numbering import Numbering
from services.matcher.domain.fast.packing import packed
from services.matcher.domain.fast.scatter import first_from, scatter_terms
from services.matcher.domain.fast.segment import Segment, Tables, build_segment
from services.matcher.domain.fast.shown import ShownWords
from services.matcher.domain.fast.side import Sizes
from services.matcher.domain.fast.spellings import Spellings
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import similarity_ppm
from services.matcher.domain.vector import TermVector, dot
from tests.matcher.documents import (
    SKILLS,
    any_folder,
    any_posting,
    any_seeker,
    certificates_held,
    posting_id,
    postings,
    seekers,
)
from tests.matcher.engines import no_words

MODEL = base_model()

# Parts of kernels, as they are compiled into one.
first_from_compiled: Any = njit(first_from, error_model="numpy")
reaching_compiled: Any = njit(reaching, error_model="numpy")


# Slots


@pytest.mark.parametrize("seed", range(3))
def test_slots_are_a_dictionary_of_ids(seed: int) -> None:
    """Through many times its size of ids taken and freed; ids are alike in all bits but a few."""
    draw, slots = Random(seed), Slots()
    held: dict[UUID, int] = {}
    most = 0
    for step in range(6000):
        key = UUID(
            int=draw.choice((0, 1, 1 << 127)) + (draw.randrange(200) << draw.choice((0, 64)))
        )
        if held and draw.random() < 0.45:
            gone = draw.choice(list(held))
            slots.free(held.pop(gone))
        else:
            slot = slots.take(key)
            assert held.setdefault(key, slot) == slot
        most = max(most, len(held))
        assert slots.find(key) == held.get(key, -1)
        if step % 500 == 0:
            assert len(set(held.values())) == len(held)
            assert [slots.id_of(slot) for slot in held.values()] == list(held)
    assert len(slots) == most, "slots that were freed are given again"


def test_many_ids_are_found_at_once() -> None:
    draw, slots = Random(1), Slots()
    keys = [UUID(int=draw.getrandbits(128)) for _ in range(500)]
    for key in keys[:400]:
        slots.take(key)
    for key in keys[:400:3]:
        slots.free(slots.find(key))
    high = np.array([key.int >> 64 for key in keys], np.uint64)
    low = np.array([key.int & (1 << 64) - 1 for key in keys], np.uint64)
    assert slots.find_all(high, low).tolist() == [slots.find(key) for key in keys]


# Words of what is shown


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 500, 3000])
def test_each_spelling_is_worth_what_its_words_are(count: int) -> None:
    """Those that are laid into lists and those that are not yet, learnt in turns."""
    draw = Random(count)

    def vector(most: int) -> TermVector:
        buckets = sorted(draw.sample(range(4000), draw.randint(0, most)))
        impacts = [draw.randint(1, 255) for _ in buckets]
        return TermVector(np.array(buckets, np.int32), np.array(impacts, np.int32))

    held = [vector(9) for _ in range(count)]
    words = ShownWords(lambda name: held[int(name)])
    for first in range(0, count + 1, 300):
        known = min(count, first + 300)
        words.learn([str(number) for number in range(first, known)])
        document = vector(200)
        worth = words.worth(document.buckets, document.impacts)
        bits = np.unpackbits(worth.active.view(np.uint8), bitorder="little")
        found = np.zeros(known, np.int64)
        found[np.flatnonzero(bits)] = worth.added
        assert found.tolist() == [dot(each, document) for each in held[:known]]
        assert (worth.added > 0).all()
        before = np.cumsum(bits.reshape(-1, 64).sum(1)) - bits.reshape(-1, 64).sum(1)
        assert worth.ranks.tolist() == before.tolist()
    assert len(words) == count


# Lists


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(0, 61), st.data())
def test_a_place_in_a_list_is_where_a_sorted_list_has_it(
    docs: list[int], doc: int, data: st.DataObject
) -> None:
    ids = np.array(sorted(docs), np.uint16)
    first = data.draw(st.integers(0, len(ids)))
    end = data.draw(st.integers(first, len(ids)))
    assert first_from_compiled(ids, first, end, doc) == first + np.searchsorted(ids[first:end], doc)


@given(st.sets(st.integers(0, 64 * 5 - 1)))
def test_numbers_kept_as_bits_are_found_again(chosen: set[int]) -> None:
    numbers = sorted(chosen)
    rows = rows_of(np.array(numbers, np.int32), 5)
    assert numbers_of(rows).tolist() == numbers
    assert rows[:, 1].tolist() == [sum(each < 64 * word for each in numbers) for word in range(5)]


@pytest.mark.parametrize("n_runs", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_those_who_are_wanted_get_what_their_terms_are_worth(seed: int, n_runs: int) -> None:
    """Of short and of long lists, and of what is not wanted only a part is read."""
    draw, n_docs, n_terms = np.random.default_rng(seed), 40 * lay.REGION_DOCS, 300
    said = np.zeros((n_docs, n_terms), np.int64)
    for term in range(0, n_terms, 3):
        holders = draw.choice(n_docs, draw.choice((1, 20, 127, 128, 600, n_docs)), replace=False)
        said[holders, term] = draw.integers(1, 256, len(holders))
    terms, docs = np.nonzero(said.T)
    with_list, times = np.flatnonzero(np.any(said, axis=0)), (said > 0).sum(0)
    rows = rows_of(with_list.astype(np.int32), -(-n_terms // 64))
    start = np.append(0, np.cumsum(times[times > 0])).astype(np.uint32)
    asked = np.sort(draw.choice(n_terms, 80, replace=False)).astype(np.int32)
    impacts = draw.integers(1, 256, len(asked)).astype(np.int32)
    cuts = np.sort(draw.choice(41, 2 * n_runs, replace=False)) if n_runs > 1 else np.array([0, 40])
    runs = (cuts * lay.REGION_DOCS).reshape(-1, 2).astype(np.int64)
    sums = np.zeros(n_docs, np.int32)
    read = scatter_terms(
        sums, runs, np.int64(n_runs), rows, start, docs.astype(np.uint16),
        said[docs, terms].astype(np.uint8), asked, impacts, np.zeros((len(asked), 3), np.int64),
    )  # fmt: skip
    right = said[:, asked] @ impacts
    wanted = np.zeros(n_docs, np.bool_)
    for first, end in runs.tolist():
        wanted[first:end] = True
    assert sums[wanted].tolist() == right[wanted].tolist()
    held = said[:, asked] > 0
    assert held[wanted].sum() <= read <= held.sum()
    assert (read < held.sum()) == (n_runs > 1)


# Spellings

# Few letters make many near pairs; wide ones have the prefilter's bits fall together.
_WORDS = st.one_of(
    st.text("ab", max_size=12),
    st.text("焊工接弧氩电钢", max_size=6),
    st.text(max_size=8),
    st.sampled_from(SKILLS),
)


@given(st.lists(_WORDS, max_size=30), st.lists(_WORDS, min_size=1, max_size=5))
def test_no_near_spelling_is_left_out(shown: list[str], asked: list[str]) -> None:
    """Of a spelling asked for again, those count too that became known in between."""
    spellings = Spellings()
    for at, spelling in enumerate(shown):
        spellings.number(spelling)
        if at % 7 == 3:
            assert near(spellings, asked[0]) == by_comparing_all(asked[0], shown[: at + 1])
    for spelling in asked:
        assert near(spellings, spelling) == by_comparing_all(spelling, shown)


@pytest.mark.parametrize("seed", range(3))
def test_spellings_with_a_slip_or_two_are_found(seed: int) -> None:
    draw = Random(seed)
    letters = [chr(draw.choice((0x61, 0x4E00, 0x1F600)) + draw.randrange(64)) for _ in range(40)]
    shown = ["".join(draw.choices(letters, k=draw.randint(1, 14))) for _ in range(40)]
    shown += [slipped(draw, draw.choice(shown), letters) for _ in range(400)]
    spellings = Spellings()
    for spelling in shown:
        spellings.number(spelling)
    assert len(spellings) == len(set(shown))
    found = 0
    for spelling in shown[:40]:
        found += len(near(spellings, slipped(draw, spelling, letters)))
    assert found > 100
    for spelling in shown:
        assert near(spellings, spelling) == by_comparing_all(spelling, shown)


def slipped(draw: Random, spelling: str, letters: list[str]) -> str:
    """One or two letters more, fewer or other."""
    written = list(spelling)
    for _ in range(draw.randint(1, 2)):
        at = draw.randrange(len(written) + 1)
        written[at : at + draw.randint(0, 1)] = draw.choices(letters, k=draw.randint(0, 1))
    return "".join(written)


def near(spellings: Spellings, spelling: str) -> list[tuple[int, ...]]:
    return [tuple(each) for each in spellings.near(spelling).tolist()]


def by_comparing_all(spelling: str, shown: list[str]) -> list[tuple[int, int]]:
    compared = [
        (at, similarity_ppm(spelling, each)) for at, each in enumerate(dict.fromkeys(shown))
    ]
    return sorted((each for each in compared if each[1]), key=lambda each: (-each[1], each[0]))


# Segments


@pytest.mark.parametrize("side", [lay.SEEKERS, lay.POSTINGS])
@pytest.mark.parametrize("seed", range(3))
def test_a_segment_gives_back_what_went_in(seed: int, side: int) -> None:
    """Of any documents in any order: all that live, terms and skills in no order."""
    draw, numbering = Random(seed), Numbering(no_words)
    rows = {slot: a_row(draw, numbering, side) for slot in draw.sample(range(1000), 300)}
    documents = laid_out(rows)
    order = np.array(draw.sample(range(300), 250), np.int64)
    tables = Tables(numbering.places, numbering.occupations, numbering.weights)
    segment = build_segment(side, documents, order, tables)
    laid = [list(rows)[at] for at in order.tolist()]
    assert as_written(segment.documents()) == {slot: plainly(rows[slot]) for slot in laid}
    assert len(segment.frequent) > 3, "terms of both kinds"

    segment.alive[draw.sample(range(250), 120)] = 0
    living = [slot for slot, alive in zip(laid, segment.alive.tolist(), strict=True) if alive]
    assert segment.living == len(living) == 130
    assert list(as_written(segment.documents())) == living

    again = as_built(side, [segment, segment], tables)
    assert as_written(again.documents()) == {slot: plainly(rows[slot]) for slot in living}


def as_built(side: int, parts: list[Segment], tables: Tables) -> Segment:
    """Several laid out as one; of the same documents the last are taken."""
    merged = joined([part.documents() for part in parts])
    chosen = np.arange(len(merged) // 2, len(merged))
    return build_segment(side, merged, chosen, tables)


def a_row(draw: Random, numbering: Numbering, side: int) -> Row:
    if side == lay.SEEKERS:
        person = prepare_seeker(MODEL, any_seeker(draw, 1), any_folder(draw))
        return numbering.seeker_row(SeekerFacts.of(person), person.terms)
    job = prepare_posting(MODEL, any_posting(draw, 1))
    return numbering.posting_row(PostingFacts.of(job), job.terms)


def laid_out(rows: dict[int, Row]) -> Documents:
    batch = Batch()
    for slot, row in rows.items():
        batch.append(slot, row)
    return batch.documents


Plain = tuple[tuple[int, ...], list[int], dict[int, int], dict[int, int]]


def plainly(row: Row) -> Plain:
    terms = dict(zip(row.buckets.tolist(), row.impacts.tolist(), strict=True))
    return row.numbers, row.tags, terms, dict(row.skills)


def as_written(documents: Documents) -> dict[int, Plain]:
    def entries(at: int, starts: Array, keys: Array, values: Array) -> dict[int, int]:
        chosen = slice(int(starts[at]), int(starts[at + 1]))
        return dict(zip(keys[chosen].tolist(), values[chosen].tolist(), strict=True))

    return {
        slot: (
            tuple(documents.numbers[at].tolist()),
            documents.tags[documents.t_start[at] : documents.t_start[at + 1]].tolist(),
            entries(at, documents.v_start, documents.buckets, documents.impacts),
            entries(at, documents.k_start, documents.spellings, documents.weighs),
        )
        for at, slot in enumerate(documents.slots.tolist())
    }


@pytest.mark.parametrize(("head", "segment"), [(0, 5), (6, 5), (5, lay.MAX_SEGMENT + 1)])
def test_sizes_whose_places_do_not_fit_are_refused(head: int, segment: int) -> None:
    with pytest.raises(ValueError, match="head ≤ segment"):
        Sizes(head, segment)


# Places


@pytest.mark.parametrize("seed", range(3))
def test_places_border_what_they_border_on_the_map(seed: int) -> None:
    """In whatever order they become known, the numbers of all neighbours stand beside a county."""
    codes = [place.code for place in places()]
    Random(seed).shuffle(codes)
    known = Places()
    numbers = {code: known.number(code) for code in codes}
    for code, number in numbers.items():
        beside = {numbers[other] for other in neighbours_of(code)}
        assert {other for other in known.beside[number].tolist() if other >= 0} == beside
        assert set(known.beside_of(code)) == beside


# Facts


@given(postings(1))
def test_facts_of_a_posting_come_back_from_their_bytes(posting: Posting) -> None:
    facts = PostingFacts.of(prepare_posting(MODEL, posting))
    again = PostingFacts.from_bytes(facts.to_bytes())
    assert as_searched(again) == as_searched(facts)
    assert again.to_bytes() == facts.to_bytes()
    assert sum(facts.weights) == PPM


@given(seekers(1), certificates_held)
def test_facts_of_a_seeker_come_back_from_their_bytes(
    seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    facts = SeekerFacts.of(prepare_seeker(MODEL, seeker, held))
    again = SeekerFacts.from_bytes(facts.to_bytes())
    assert as_searched(again) == as_searched(facts)
    assert again.to_bytes() == facts.to_bytes()


def as_searched(facts: PostingFacts | SeekerFacts) -> list[object]:
    """The numbers a search is made with, in a numbering of its own."""
    numbering, no_terms = Numbering(no_words), TermVector.from_bytes(b"")
    if isinstance(facts, SeekerFacts):
        row, spellings = numbering.seeker_row(facts, no_terms), numbering.shown
    else:
        row, spellings = numbering.posting_row(facts, no_terms), numbering.asked
    return [row.tags, row.numbers, row.skills, [near(spellings, skill) for skill in SKILLS]]


def test_ids_of_the_tests_are_in_order_of_their_numbers() -> None:
    assert [posting_id(n) for n in range(50)] == sorted(posting_id(n) for n in range(50))


# Bounds, and how things lie


@given(
    st.lists(st.integers(0, 200_000), min_size=16, max_size=16),
    st.integers(0, PPM),
    st.integers(-PPM, 2 * PPM),
    st.integers(0, 70_000),
)
def test_no_document_is_left_out_that_may_reach_enough(
    said: list[int], weight: int, need: int, unread: int
) -> None:
    """Those that may are marked; others only where the whole of a text is more than the whole."""
    sums = np.array([0] * 16 + said, np.int32)
    bits = reaching_compiled(sums, 1, weight, need, unread)
    may = [reach_of(weight, each + unread, 0) >= need for each in said]
    assert all(bits >> at & 1 for at in range(16) if may[at])
    if need <= weight:
        assert [bool(bits >> at & 1) for at in range(16)] == may or not weight


def test_arrays_are_the_same_next_to_each_other() -> None:
    draw = np.random.default_rng(1)
    arrays: dict[str, Array] = {
        "ids": draw.integers(0, 1 << 16, 3_000_001).astype(np.uint16),
        "none": np.zeros(0, np.int32),
        "bounds": draw.integers(0, 1 << 30, (1001, 10)).astype(np.int32),
        "masks": draw.integers(0, 1 << 60, (999, 7)).astype(np.uint64),
    }
    copies = packed(arrays)
    assert list(copies) == list(arrays)
    for name, each in arrays.items():
        assert copies[name].dtype == each.dtype
        assert copies[name].flags.c_contiguous
        assert copies[name].flags.writeable
        assert np.array_equal(copies[name], each)
    few = {"few": np.arange(9)}
    assert packed(few)["few"] is few["few"], "little stays where it is"


def test_occupations_rank_as_they_stand_in_the_tree() -> None:
    codes, occupations = ["6-18-02-04", "1-01-01-00", "6-18-02", "2-02-10-03"], Occupations()
    numbers = [occupations.number(code) for code in codes]
    ranks = occupations.ranks[numbers].tolist()
    assert [code for _, code in sorted(zip(ranks, codes, strict=True))] == sorted(codes)
