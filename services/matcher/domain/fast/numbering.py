"""From facts to numbers: the row a document is kept as, and the query it makes of the other side.

Which numbers stand for which codes is `codes` to say; what is found lives in `search`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.values import PPM
from services.matcher.domain.compiled import compiled
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Row
from services.matcher.domain.fast.codes import Occupations, Places, WeightSets
from services.matcher.domain.fast.growing import Array, Int
from services.matcher.domain.fast.shown import NO_WORTH, ShownWords, WordsOf, Worth
from services.matcher.domain.fast.spellings import NONE_NEAR, Spellings
from services.matcher.domain.language.synonyms import canonical_of
from services.matcher.domain.vector import TermVector, stacked

_WORD = (1 << 64) - 1
NUMBERED = 2
"""Occupations of a seeker that fit in one number."""

MOST_LEVEL = (1 << lay.LEVEL_BITS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A document of one side as the search asks the other side with it; see `layout`.

    numbers: int64 (4,). masks: uint64 (10,). tags: int32. buckets, impacts: int32. skills: int32
    (n, 3): group, spelling, worth. worth: of what is shown to a posting.
    """

    numbers: Array
    masks: Array
    tags: Array
    buckets: Array
    impacts: Array
    skills: Array
    worth: Worth


class Numbering:
    """All numberings of an engine; both sides share those of places, occupations and weights.

    shown: names of what seekers show, and words: theirs; asked: spellings that postings ask for.
    words_of: the words of what is shown.
    """

    def __init__(self, words_of: WordsOf) -> None:
        self._words_of = words_of
        self.places = Places()
        self.occupations = Occupations()
        self.weights = WeightSets()
        self.words = ShownWords(words_of)
        self.shown = Spellings(canonical_of, self.words.learn)
        self.asked = Spellings()

    def reorder_shown(self) -> Array:
        """Number names that have a word in common one after the other.

        A search reads the lists of all names with a word of the posting's, and then finds them
        together. For when no index holds a number yet. Returns the new numbers by the old ones,
        int32 (n,).
        """
        order = self.words.order()
        self.words.reorder(order)
        self.shown.reorder(order)
        numbers = np.empty(len(order), np.int32)
        numbers[order] = np.arange(len(order))
        return numbers

    def seeker_row(self, facts: SeekerFacts, terms: TermVector) -> Row:
        """A seeker as it is kept."""
        return Row(
            self._seeker_tags(facts),
            self._seeker_numbers(facts),
            [(self.shown.number(name), 0) for name in facts.shown],
            terms.buckets,
            terms.impacts,
        )

    def posting_row(self, facts: PostingFacts, terms: TermVector) -> Row:
        """A posting as it is kept."""
        return Row(
            self._posting_tags(facts),
            self._posting_numbers(facts),
            [(self.asked.number(spelling), weighs) for spelling, weighs in facts.skills],
            terms.buckets,
            terms.impacts,
        )

    def posting_query(self, facts: PostingFacts, terms: TermVector) -> Query:
        """A posting that asks for seekers."""
        county, prefecture, beside = self.places.around(facts.county)
        paths = [facts.occupation] if facts.occupation else []
        return Query(
            np.array(self._posting_numbers(facts), np.int64),
            np.array(
                [
                    _bits((county,)),
                    _bits((prefecture,)),
                    *self._path_bits(paths),
                    _bits(map(self.occupations.number, facts.wanted)),
                    _bits((county, prefecture)),
                    _bits(self.occupations.number(code) for code, _ in facts.required),
                    _bits(beside),
                ],
                np.uint64,
            ),
            np.array(self._posting_tags(facts), np.int32),
            terms.buckets,
            terms.impacts,
            self._skills_asked(facts),
            self.words.worth(terms.buckets, terms.impacts),
        )

    def seeker_query(self, facts: SeekerFacts, terms: TermVector) -> Query:
        """A seeker who asks for postings."""
        places = [self.places.number(code) for code in facts.places]
        beside = self.places.beside_of(facts.places[0]) if places else []
        said = stacked([terms, *map(self._words_of, facts.shown)])
        return Query(
            np.array((facts.pay_floor, 0, _packed_seeker(facts), 0), np.int64),
            np.array(
                [
                    _bits(places[:1]),
                    _bits(int(self.places.prefectures[home]) for home in places[:1]),
                    *self._path_bits(facts.occupations),
                    _bits(self.occupations.number(code) for code, _ in facts.certificates),
                    _bits(places),
                    0,
                    _bits(beside),
                ],
                np.uint64,
            ),
            np.array(self._seeker_tags(facts), np.int32),
            said.buckets,
            said.impacts,
            self._skills_shown(facts.shown),
            NO_WORTH,
        )

    def _skills_asked(self, facts: PostingFacts) -> Array:
        whole = PPM * sum(weighs for _, weighs in facts.skills)
        weight = facts.weights[lay.W_SKILLS]
        near = [self.shown.near(spelling) for spelling, _ in facts.skills]
        of_each = [
            (len(found), weight * asked[1]) for found, asked in zip(near, facts.skills, strict=True)
        ]
        asked: Array = _asked(
            np.concatenate([NONE_NEAR, *near]), np.array(of_each, np.int64).reshape(-1, 2), whole
        )
        return asked

    def _skills_shown(self, shown: Sequence[str]) -> Array:
        """A posting asks for each spelling once, so each is met for itself: a group of its own."""
        near = np.concatenate([NONE_NEAR, *(self.asked.near(canonical_of(name)) for name in shown)])
        near = near[np.lexsort((-near[:, 1], near[:, 0]))]
        nearest = near[np.flatnonzero(np.diff(near[:, 0], prepend=-1))]
        return np.column_stack([np.arange(len(nearest)), nearest]).astype(np.int32)

    def _seeker_tags(self, facts: SeekerFacts) -> list[int]:
        return [
            *(_tag(lay.PLACE, self.places.number(code)) for code in facts.places),
            *(_tag(lay.OCCUPATION, self.occupations.number(code)) for code in facts.occupations),
            *(self._certificate(code, level) for code, level in facts.certificates),
        ]

    def _posting_tags(self, facts: PostingFacts) -> list[int]:
        paths = [facts.occupation] if facts.occupation else []
        return [
            _tag(lay.PLACE, self.places.number(facts.county)),
            *(_tag(lay.OCCUPATION, self.occupations.number(code)) for code in paths),
            *(self._certificate(code, level) for code, level in facts.required),
            *(_tag(lay.WANTED, self.occupations.number(code)) for code in facts.wanted),
        ]

    def _certificate(self, code: str, level: int) -> int:
        if not 0 <= level <= MOST_LEVEL:
            raise ValueError(f"no level of a certificate: {level}")
        return _tag(lay.CERTIFICATE, self.occupations.number(code) << lay.LEVEL_BITS | level)

    def _posting_numbers(self, facts: PostingFacts) -> tuple[int, int, int, int]:
        packed = (
            facts.experience_years
            | facts.education << lay.EDUCATION_AT
            | facts.employment << lay.EMPLOYMENT_AT
            | int(facts.remote) << lay.REMOTE_AT
            | sum(weighs for _, weighs in facts.skills) << lay.WHOLE_AT
        )
        return facts.pay_low, facts.pay_high, packed, self.weights.number(facts.weights)

    def _seeker_numbers(self, facts: SeekerFacts) -> tuple[int, int, int, int]:
        home = self.places.number(facts.places[0]) if facts.places else lay.NONE
        named = [self.occupations.number(code) for code in facts.occupations]
        only = lay.SEVERAL
        if len(named) <= NUMBERED and max(named, default=0) < lay.NO_OTHER:
            first, second = (*named, lay.NO_OTHER, lay.NO_OTHER)[:NUMBERED]
            only = first | second << 16
        certified = bool(facts.certificates) << lay.CERTIFIED_AT
        return facts.pay_floor, home, _packed_seeker(facts) | certified, only

    def _path_bits(self, codes: tuple[str, ...] | list[str]) -> list[int]:
        bits = [0] * self.occupations.paths.shape[1]
        for code in codes:
            for level, bit in enumerate(self.occupations.masks(self.occupations.number(code))):
                bits[level] |= bit
        return bits


@compiled
def _asked(near: Array, of_each: Array, whole: Int) -> Array:
    """What skills ask for: group, spelling and worth of each that is near. int32 (n, 3).

    near: as `Spellings.near` gives them, of one skill after the other. of_each: int64 (n_skills,
    2): how many are near one, and what it is worth, of a whole.
    """
    asked, at = np.empty((len(near), 3), np.int32), 0
    for group in range(len(of_each)):
        for _ in range(of_each[group, 0]):
            asked[at, 0], asked[at, 1] = group, near[at, 0]
            asked[at, 2] = near[at, 1] * of_each[group, 1] // whole
            at += 1
    return asked


def _packed_seeker(facts: SeekerFacts) -> int:
    return (
        facts.experience_years
        | facts.education << lay.EDUCATION_AT
        | facts.employment << lay.EMPLOYMENT_AT
        | int(facts.remote_ok) << lay.REMOTE_AT
    )


def _tag(kind: int, value: int) -> int:
    return kind << lay.TAG_BITS | value


def _bits(numbers: Iterable[int]) -> int:
    bits = 0
    for number in numbers:
        bits |= 1 << (number & 63)
    return bits & _WORD
