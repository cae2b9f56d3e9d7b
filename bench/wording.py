"""How the made-up documents are worded: many at once, as the matcher words one.

What each field counts is the matcher's; the rest shares no code with it, since a million would take
a quarter of an hour one at a time, and is held to it by a test. Who says what does not live here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.names import SAID, SKILL_WORDS, WORDS, Names
from services.matcher.domain.compiled import compiled, inlined
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.vector import SCALE, UNIT, TermVector
from services.matcher.domain.wording import (
    _CLAIMED,
    _CLAIMED_FIELDS,
    _CLAIMED_TRADES,
    _FIELDS,
    _FIELDS_DONE,
    _LEAST,
    _MOST_CLAIMED,
    _MOST_OF_A_FIELD,
    _MOST_OF_A_TRADE,
    _MOST_WANTED,
    _MOST_WORDS,
    _SKILLED,
    _SKILLS,
    _TEXT,
    _TITLE,
    _TITLED,
    _TRADES,
    _TRADES_DONE,
)

_THOUSAND = 1000

Sum = NDArray[np.int64]


class Weighing(NamedTuple):
    """What each field counts: titles, skills and text in the words; titles and skills in the
    trades. most_words: so many are kept where no trade is spoken of, 0: all; most_trades,
    most_fields: so many. claiming: whether skills add to the whole instead of counting in it.
    """

    title: int
    skills: int
    text: int
    titled: int
    skilled: int
    most_words: int
    most_trades: int
    most_fields: int
    claiming: bool


POSTING = Weighing(
    _TITLE, _SKILLS, _TEXT, _TITLED, _SKILLED, _MOST_WORDS, _MOST_WANTED, _MOST_WANTED,
    claiming=False,
)  # fmt: skip
SEEKER = Weighing(_TITLE, 0, _TEXT, _TITLED, 0, 0, _TRADES_DONE, _FIELDS_DONE, claiming=True)


class Rarity(NamedTuple):
    """idf: uint16 (BUCKETS,). sublinear: int64 (256,), weight of a term by how often it is said.
    buckets: int32 (n_words,), of each word.
    """

    idf: NDArray[np.uint16]
    sublinear: NDArray[np.int64]
    buckets: NDArray[np.int32]


class Said(NamedTuple):
    """What documents say, ragged ones with starts (n + 1,). buckets, times: of their texts.

    titles, occupations: int32 (n, m), rows of names, NONE for none; skills: rows of names.
    """

    starts: NDArray[np.int64]
    buckets: NDArray[np.int32]
    times: NDArray[np.uint8]
    titles: NDArray[np.int32]
    occupations: NDArray[np.int32]
    skill_starts: NDArray[np.int64]
    skills: NDArray[np.int32]


class Vectors(NamedTuple):
    """Vectors one after the other: starts int64 (n + 1,), buckets int32, impacts uint8."""

    starts: NDArray[np.int64]
    buckets: NDArray[np.int32]
    impacts: NDArray[np.uint8]

    def first(self, n: int) -> "Vectors":
        """The first n, as views."""
        end = self.starts[n]
        return Vectors(self.starts[: n + 1], self.buckets[:end], self.impacts[:end])

    def vector(self, nth: int) -> TermVector:
        """One of them."""
        part = slice(self.starts[nth], self.starts[nth + 1])
        return TermVector(self.buckets[part], self.impacts[part].astype(np.int32))

    @staticmethod
    def of(vectors: Sequence[TermVector]) -> "Vectors":
        """These, in order. At least one."""
        return Vectors(
            np.cumsum([0, *(len(each.buckets) for each in vectors)]),
            np.concatenate([each.buckets for each in vectors]),
            np.concatenate([each.impacts for each in vectors]).astype(np.uint8),
        )

    @staticmethod
    def joined(parts: Sequence["Vectors"]) -> "Vectors":
        """All of these, in order."""
        ends = np.cumsum([0, *(part.starts[-1] for part in parts)])
        moved = [part.starts[1:] + end for part, end in zip(parts, ends, strict=False)]
        return Vectors(
            np.concatenate([np.zeros(1, np.int64), *moved]),
            np.concatenate([part.buckets for part in parts]),
            np.concatenate([part.impacts for part in parts]),
        )


def worded(said: Said, names: Names, rarity: Rarity, weighing: Weighing) -> Vectors:
    """The vectors of all these documents."""
    n = len(said.titles)
    named = said.titles.shape[1] + said.occupations.shape[1]
    ends = np.diff(said.starts) + (WORDS + 2 * SAID) * (named + np.diff(said.skill_starts))
    starts, buckets = np.zeros(n + 1, np.int64), np.empty(ends.sum(), np.int32)
    impacts = np.empty(len(buckets), np.uint8)
    desk = _desk(ends.max(initial=0))
    _word_all(desk, said, names, rarity, weighing, starts, buckets, impacts)
    return Vectors(starts, buckets[: starts[-1]].copy(), impacts[: starts[-1]].copy())


def shown(rows: NDArray[np.int32], names: Names, rarity: Rarity) -> Vectors:
    """The words that each of these skills adds to who shows it."""
    starts, buckets = np.zeros(len(rows) + 1, np.int64), np.empty(len(rows) * WORDS, np.int32)
    impacts = np.empty(len(buckets), np.uint8)
    _show_all(_desk(WORDS), rows, names, rarity, starts, buckets, impacts)
    return Vectors(starts, buckets[: starts[-1]].copy(), impacts[: starts[-1]].copy())


class _Desk(NamedTuple):
    """Where one document is put together: its buckets in the order they were met, and sums.

    slots: int32 (BUCKETS,), the place of each bucket, -1 without. buckets: int32 (most,), the first
    size[0] are met. The sums: int64 (most,), 0 beyond those; all are 0 before a document and after.
    """

    slots: NDArray[np.int32]
    buckets: NDArray[np.int32]
    size: NDArray[np.int64]
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    words: NDArray[np.int64]
    trades: NDArray[np.int64]
    fields: NDArray[np.int64]
    total: NDArray[np.int64]


def _desk(most: int) -> _Desk:
    return _Desk(
        np.full(BUCKETS, -1, np.int32),
        np.empty(most, np.int32),
        np.zeros(1, np.int64),
        *np.zeros((6, most), np.int64),
    )


@inlined
def _slot(desk: _Desk, bucket: int) -> int:
    slot: int = desk.slots[bucket]
    if slot < 0:
        slot = desk.size[0]
        desk.slots[bucket] = slot
        desk.buckets[slot] = bucket
        desk.size[0] += 1
    return slot


@compiled
def _pour(desk: _Desk, of: Sum, length: int, weight: int, to: Sum) -> None:
    """Add weight times a sum that is made as long as length. Empties the sum."""
    n = desk.size[0]
    squares = 0
    for slot in range(n):
        squares += of[slot] * of[slot]
    squares = max(squares - 1, 0)
    root = int(np.sqrt(np.float64(squares)))
    root -= root * root > squares
    root += (root + 1) * (root + 1) <= squares
    for slot in range(n):
        if of[slot]:
            to[slot] += of[slot] * length // (root + 1) * weight
            of[slot] = 0


@compiled
def _pour_strongest(desk: _Desk, of: Sum, length: int, most: int) -> None:
    """Add to the total a sum made as long as length, but only of the most that add most of it.

    Of those that add alike the lower bucket. Empties the sum.
    """
    _pour(desk, of, length, 1, desk.other)
    for _ in range(most):
        best = -1
        for slot in range(desk.size[0]):
            here = desk.other[slot]
            if here and (
                best < 0
                or here > desk.other[best]
                or (here == desk.other[best] and desk.buckets[slot] < desk.buckets[best])
            ):
                best = slot
        if best < 0:
            break
        desk.total[best] += desk.other[best]
        desk.other[best] = 0
    for slot in range(desk.size[0]):
        desk.other[slot] = 0


@compiled
def _pour_at_most(desk: _Desk, of: Sum, most: int) -> None:
    """Add a sum as it is to the total, but of each amount no more than most. Empties it."""
    for slot in range(desk.size[0]):
        desk.total[slot] += min(of[slot], most)
        of[slot] = 0


@compiled
def _add_names(
    desk: _Desk,
    rows: NDArray[np.int32],
    names: Names,
    rarity: Rarity,
    n_words: int,
    weight: int,
    to: Sum,
) -> None:
    """The rarest words of some names, so many, as one text that counts by this weight."""
    for row in rows:
        for nth in range(WORDS - n_words, WORDS):
            if row >= 0 and names.words[row, nth] >= 0:
                desk.one[_slot(desk, rarity.buckets[names.words[row, nth]])] += 1
    for slot in range(desk.size[0]):
        if desk.one[slot]:
            tf = rarity.sublinear[desk.one[slot]]
            desk.one[slot] = tf * rarity.idf[desk.buckets[slot]]
    _pour(desk, desk.one, SCALE, weight, to)


@compiled
def _add_text(desk: _Desk, row: int, said: Said, rarity: Rarity, weight: int) -> None:
    """The text of a document, in the same way."""
    for at in range(said.starts[row], said.starts[row + 1]):
        bucket = said.buckets[at]
        tf = rarity.sublinear[said.times[at]]
        desk.one[_slot(desk, bucket)] += tf * rarity.idf[bucket]
    _pour(desk, desk.one, SCALE, weight, desk.words)


@compiled
def _speak_most(desk: _Desk, row: int, names: Names, trades: Sum, fields: Sum) -> None:
    """Add the trade and the field that a name speaks of most."""
    at = names.speaks[row]
    nth = np.argmax(names.trade_impacts[at])
    if names.trade_impacts[at, nth]:
        trades[_slot(desk, names.trade_buckets[at, nth])] += names.trade_impacts[at, nth]
    nth = np.argmax(names.field_impacts[at])
    if names.field_impacts[at, nth]:
        fields[_slot(desk, names.field_buckets[at, nth])] += names.field_impacts[at, nth]


@compiled
def _speak(desk: _Desk, row: int, names: Names, weight: int, trades: Sum, fields: Sum) -> None:
    """Add what a name speaks of, so weighed."""
    at = names.speaks[row]
    for nth in range(SAID):
        if names.trade_impacts[at, nth]:
            slot = _slot(desk, names.trade_buckets[at, nth])
            trades[slot] += names.trade_impacts[at, nth] * weight
        if names.field_impacts[at, nth]:
            slot = _slot(desk, names.field_buckets[at, nth])
            fields[slot] += names.field_impacts[at, nth] * weight


@compiled
def _add_spoken(desk: _Desk, rows: NDArray[np.int32], names: Names, weight: int) -> int:
    """Trades and fields of some names. Returns the greatest likeness, so weighed."""
    surely = 0
    for row in rows:
        if row >= 0:
            surely = max(surely, names.likeness[row] * weight // _THOUSAND)
            _speak(
                desk, row, names, names.likeness[row] * weight // SCALE, desk.trades, desk.fields
            )
    return surely


@compiled
def _add_claims(desk: _Desk, rows: NDArray[np.int32], names: Names) -> None:
    """What skills speak of: trades and fields, each the sum up to a limit."""
    for nth in range(min(len(rows), _MOST_CLAIMED)):
        _speak_most(desk, rows[nth], names, desk.one, desk.other)
        likeness = names.likeness[rows[nth]]
        _pour(desk, desk.one, likeness * _CLAIMED_TRADES // _THOUSAND, 1, desk.trades)
        _pour(desk, desk.other, likeness * _CLAIMED_FIELDS // _THOUSAND, 1, desk.fields)
    _pour_at_most(desk, desk.trades, SCALE * _MOST_OF_A_TRADE // _THOUSAND)
    _pour_at_most(desk, desk.fields, SCALE * _MOST_OF_A_FIELD // _THOUSAND)


@compiled
def _lay_down(
    desk: _Desk, at: int, least: int, buckets: NDArray[np.int32], impacts: NDArray[np.uint8]
) -> int:
    """Write the total rounded from `at` on, by bucket, and clear the desk; returns where it ends.

    least: what is less is left out.
    """
    met = desk.buckets[: desk.size[0]]
    met.sort()
    for bucket in met:
        slot = desk.slots[bucket]
        impact = min((desk.total[slot] * UNIT + SCALE // 2) // SCALE, UNIT - 1)
        if impact >= least:
            buckets[at] = bucket
            impacts[at] = impact
            at += 1
        desk.total[slot] = 0
        desk.slots[bucket] = -1
    desk.size[0] = 0
    return at


@compiled
def _word_all(
    desk: _Desk,
    said: Said,
    names: Names,
    rarity: Rarity,
    weighing: Weighing,
    starts: NDArray[np.int64],
    buckets: NDArray[np.int32],
    impacts: NDArray[np.uint8],
) -> None:
    """Fill the vectors of all documents."""
    for row in range(len(said.titles)):
        skills = said.skills[said.skill_starts[row] : said.skill_starts[row + 1]]
        _add_names(desk, said.titles[row], names, rarity, WORDS, weighing.title, desk.words)
        _add_text(desk, row, said, rarity, weighing.text)
        surely = max(
            _add_spoken(desk, said.titles[row], names, weighing.titled),
            _add_spoken(desk, said.occupations[row], names, weighing.titled),
        )
        if not weighing.claiming:
            _add_names(desk, skills, names, rarity, WORDS, weighing.skills, desk.words)
            surely = max(surely, _add_spoken(desk, skills, names, weighing.skilled))
        trades, fields = surely * _TRADES // _THOUSAND, surely * _FIELDS // _THOUSAND
        whole, square = SCALE * SCALE, SCALE * SCALE - trades * trades - fields * fields
        length = int(np.sqrt(square))
        if weighing.most_words:
            most = weighing.most_words * square // whole * square // whole
            _pour_strongest(desk, desk.words, length, most)
        else:
            _pour(desk, desk.words, length, 1, desk.total)
        _pour_strongest(desk, desk.trades, trades, weighing.most_trades)
        _pour_strongest(desk, desk.fields, fields, weighing.most_fields)
        if weighing.claiming:
            _add_claims(desk, skills, names)
        starts[row + 1] = _lay_down(desk, starts[row], _LEAST, buckets, impacts)


@compiled
def _show_all(
    desk: _Desk,
    rows: NDArray[np.int32],
    names: Names,
    rarity: Rarity,
    starts: NDArray[np.int64],
    buckets: NDArray[np.int32],
    impacts: NDArray[np.uint8],
) -> None:
    """Fill the vectors of all skills."""
    for nth in range(len(rows)):
        _add_names(desk, rows[nth : nth + 1], names, rarity, SKILL_WORDS, 1, desk.words)
        _pour(desk, desk.words, SCALE * _CLAIMED // _THOUSAND, 1, desk.total)
        starts[nth + 1] = _lay_down(desk, starts[nth], 1, buckets, impacts)
