"""Seekers taken in columns are the documents that each makes for itself, and as stored."""

from random import Random
from uuid import UUID

import numpy as np
import pytest

from contracts.values import SeekerId
from services.matcher.domain.base_model import base_model
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Batch
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.ids import Slots
from services.matcher.domain.fast.known import KnownSeeker, KnownSeekers, Places
from services.matcher.domain.fast.many import seeker_documents
from services.matcher.domain.fast.numbering import Numbering
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.vector import UNIT, TermVector
from tests.matcher.documents import any_posting, any_seeker
from tests.matcher.engines import known, no_words

PLACES = ("530100", "530102", "530111", "530300", "530302", "532300", "532301")
OCCUPATIONS = ("6-18-02-04", "6-18-02-01", "6-31-01-03", "4-01-02-01", "2-06-03-00")
SKILLS = ("焊工", "氩弧焊", 'a "quoted"\\ one', "C++", "", "茶艺\n师", "🛠", "[1,2]")


def a_seeker(draw: Random) -> KnownSeeker:
    def some(of: tuple[str, ...], most: int) -> tuple[str, ...]:
        return tuple(draw.sample(of, draw.randint(0, most)))

    facts = SeekerFacts(
        places=some(PLACES, 4),
        occupations=some(OCCUPATIONS, 4),
        shown=some(SKILLS, 8),
        certificates=tuple((code, draw.randint(0, 8)) for code in some(OCCUPATIONS, 3)),
        pay_floor=draw.choice((0, 4500, 2_000_000)),
        experience_years=draw.randint(0, 60),
        education=draw.randint(0, 7),
        employment=draw.randint(1, 31),
        remote_ok=draw.random() < 0.5,
    )
    buckets = sorted(draw.sample(range(1 << 22), draw.choice((0, 1, 40))))
    impacts = [draw.randint(1, UNIT - 1) for _ in buckets]
    terms = TermVector(np.array(buckets, np.int32), np.array(impacts, np.int32))
    return KnownSeeker(SeekerId(UUID(int=draw.getrandbits(128))), facts, terms)


def stored(seekers: list[KnownSeeker], draw: Random) -> KnownSeekers:
    """The seekers as bytes somewhere in a piece of what the store sends."""
    whole, places = b"", []
    for seeker in seekers:
        for field in (seeker.terms.to_bytes(), seeker.facts.to_bytes()):
            whole += draw.randbytes(draw.randint(0, 9))
            places.append((len(whole), len(field)))
            whole += field
    at = np.array(places, np.int64)
    terms, facts = (Places(at[nth::2, 0], at[nth::2, 1]) for nth in (0, 1))
    whole_ids = KnownSeekers.of(seekers)
    return KnownSeekers.stored(
        whole_ids.high, whole_ids.low, np.frombuffer(whole, np.uint8), terms, facts
    )


@pytest.mark.parametrize("seed", range(20))
def test_many_are_kept_as_each_would_be(seed: int) -> None:
    """A page at a time, so that codes are new in the first and known in others."""
    draw, numbering, batch, plain = Random(seed), Numbering(no_words), Batch(), Batch()
    seekers = [a_seeker(draw) for _ in range(90)]
    for start in range(0, 90, 30):
        page = seekers[start : start + 30]
        known = stored(page, draw) if seed % 2 else KnownSeekers.of(page)
        slots = np.arange(start, start + 30, dtype=np.int32)
        batch.take(seeker_documents(numbering, slots, known))
    count = len(numbering.shown)
    rows = [numbering.seeker_row(each.facts, each.terms) for each in seekers]
    plain.extend(list(range(90)), rows)
    for name in batch.documents.__slots__:
        mine, each = getattr(batch.documents, name), getattr(plain.documents, name)
        assert mine.dtype == each.dtype
        assert mine.tolist() == each.tolist(), name
    assert len(numbering.shown) == count


def test_spellings_numbered_together_are_found_like_others() -> None:
    numbering, plain = Numbering(no_words), Numbering(no_words)
    asked = [*SKILLS, "氩弧焊接", *SKILLS[:3], "茶艺师"]
    assert numbering.shown.numbers(asked).tolist() == [plain.shown.number(each) for each in asked]
    for spelling in ("氩弧焊", "焊工", "茶艺"):
        assert numbering.shown.near(spelling).tolist() == plain.shown.near(spelling).tolist()


@pytest.mark.parametrize("level", [-1, 1 << lay.LEVEL_BITS])
def test_a_level_that_is_none_is_refused(level: int) -> None:
    draw = Random(1)
    seeker = a_seeker(draw)
    facts = SeekerFacts((), (), (), ((OCCUPATIONS[0], level),), 0, 0, 0, 1, remote_ok=False)
    wrong = KnownSeekers.of([seeker, KnownSeeker(seeker.seeker_id, facts, seeker.terms)])
    with pytest.raises(ValueError, match="no level"):
        seeker_documents(Numbering(no_words), np.arange(2, dtype=np.int32), wrong)


@pytest.mark.parametrize(
    ("terms", "facts"), [(b"1234", b"[]"), (b"", b"[],[]"), (b"", b"[")], ids=str
)
def test_bytes_that_nobody_wrote_are_refused(terms: bytes, facts: bytes) -> None:
    one = np.zeros(1, np.uint64)
    data = np.frombuffer(terms + facts, np.uint8)
    lie = Places(np.array([0]), np.array([len(terms)]))
    say = Places(np.array([len(terms)]), np.array([len(facts)]))
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's own says what it found
        KnownSeekers.stored(one, one, data, lie, say)


def test_slots_of_many_ids_are_those_of_each() -> None:
    draw, slots, plain = Random(2), Slots(), Slots()
    keys = [UUID(int=draw.getrandbits(128)) for _ in range(700)]
    for start in range(0, 700, 70):
        page = keys[start : start + 70]
        known = np.array([[key.int >> 64, key.int & (1 << 64) - 1] for key in page], np.uint64)
        taken = slots.take_halves(known[:, 0], known[:, 1])
        assert taken.tolist() == [plain.take(key) for key in page]
    assert [slots.find(key) for key in keys] == list(range(700))
    slots.free(3)
    with pytest.raises(ValueError, match="freed"):
        slots.take_halves(np.zeros(1, np.uint64), np.zeros(1, np.uint64))


def test_who_came_while_the_others_were_loaded_is_left_to_come_by_an_event() -> None:
    """They are read a second time, to be searched for, and by then there may be more of them."""
    draw, model = Random(4), base_model().limited(tau_ppm=0, k_s=3, k_p=4)
    jobs, people = known(
        [prepare_posting(model, any_posting(draw, n)) for n in range(30)],
        [prepare_seeker(model, any_seeker(draw, n)) for n in range(120)],
    )
    # As many as lists have room for at first, so that none beyond the last is there by chance.
    loaded, newcomer = people[:64], people[64]
    pairs = [(person.seeker_id, job.posting_id) for person in people for job in jobs]
    engine, alone = FastEngine(model), FastEngine(model)
    for each, read in ((alone, loaded), (engine, [*loaded, newcomer])):
        each.load(jobs, loaded)
        each.fill_seekers(read)
        each.fill_postings([job.posting_id for job in jobs])
    standing = engine.standing(pairs)
    assert standing == alone.standing(pairs)
    assert any(standing)
