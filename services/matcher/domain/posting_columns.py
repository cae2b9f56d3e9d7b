"""All open postings in columns, to score one seeker against every one of them in one stroke.

What a score is lives in `scoring`; here is only how to have many at once.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.columns import EMPLOYMENT_BIT, UNKNOWN, Codes, Columns, Terms
from services.matcher.domain.eligibility import level_held
from services.matcher.domain.fractions import (
    certificate_fractions,
    closeness_fractions,
    experience_fractions,
    pay_fractions,
    place_fractions,
)
from services.matcher.domain.growing import Column, Flags, Ints, Ragged
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.spellings import Spellings
from services.matcher.domain.vector import ONE


class PostingColumns(Columns[PreparedPosting]):
    """Open postings, one row each."""

    def __init__(self, codes: Codes, spellings: Spellings) -> None:
        self._codes = codes
        self._spellings = spellings
        super().__init__()

    def matches(self, seeker: PreparedSeeker, tau_ppm: int) -> list[tuple[int, int]]:
        """(key, score) of every posting this seeker, who is looking, is eligible for, from τ up."""
        if not self._documents:
            return []
        accepted, remote = self._place(seeker)
        eligible = self._eligible(seeker, accepted | remote)
        points = (
            self._text_weight.values * self._terms.dots(seeker.terms) // ONE
            + self._skill_points(seeker)
            + self._fit_points(seeker, accepted, remote)
        )
        return list(self.listed(eligible, points, tau_ppm))

    def _clear(self) -> None:
        self._terms = Terms()
        # spelling, what it adds when it is met, and what that is divided by
        self._skills = Ragged(self._spellings.number(""), 0, 1)
        self._required = Ragged(UNKNOWN, 0)
        self._wanted = Ragged(UNKNOWN)
        self._occupation = Ragged(*[UNKNOWN] * 4)
        self._text_weight, self._occupation_weight = Column(), Column()
        self._certificate_weight = Column()
        self._pay_weight, self._place_weight, self._years_weight = Column(), Column(), Column()
        self._county, self._prefecture, self._remote = Column(), Column(), Column()
        self._pay_low, self._pay_high, self._years = Column(), Column(), Column()
        self._education, self._employment = Column(), Column()

    def _append(self, posting: PreparedPosting) -> None:
        doc, codes, weights = posting.doc, self._codes, posting.weights
        self._terms.append(posting.terms)
        whole = PPM * sum(asked.weighs for asked in posting.skills)
        self._skills.append(
            [
                (self._spellings.number(asked.spelling), weights.skills * asked.weighs, whole)
                for asked in posting.skills
            ]
        )
        self._required.append(
            [(codes.number(c.occupation), c.level) for c in doc.certificates if c.required]
        )
        self._wanted.append([(codes.number(code),) for code in posting.wanted])
        self._occupation.append([codes.path(posting.occupation)])
        self._text_weight.extend([weights.text])
        self._occupation_weight.extend([weights.occupation])
        self._certificate_weight.extend([weights.certificate])
        self._pay_weight.extend([weights.pay])
        self._place_weight.extend([weights.place])
        self._years_weight.extend([weights.experience])
        self._county.extend([codes.number(doc.county)])
        self._prefecture.extend([codes.number(posting.prefecture)])
        self._remote.extend([doc.remote])
        self._pay_low.extend([posting.pay_low])
        self._pay_high.extend([posting.pay_high])
        self._years.extend([posting.experience_years])
        self._education.extend([doc.education or 0])
        self._employment.extend([EMPLOYMENT_BIT[doc.employment]])

    def _place(self, seeker: PreparedSeeker) -> tuple[Flags, Flags]:
        named = [self._codes.number(county) for county in seeker.doc.counties]
        accepted = np.isin(self._county.values, named) | np.isin(self._prefecture.values, named)
        return accepted, (self._remote.values == 1) & seeker.doc.remote_ok

    def _eligible(self, seeker: PreparedSeeker, place: Flags) -> Flags:
        doc = seeker.doc
        eligible = place & (self._education.values <= (doc.education or 0))
        if doc.employment:
            kinds = sum({EMPLOYMENT_BIT[kind] for kind in doc.employment})
            eligible &= self._employment.values & kinds != 0
        held = np.zeros(len(self._required[0]), np.int64)
        for occupation in {c.occupation for c in seeker.certificates if c.occupation is not None}:
            fitting = self._required[0] == self._codes.number(occupation)
            held[fitting] = level_held(seeker, occupation)
        return eligible & ~self._required.any(held < self._required[1])

    def _skill_points(self, seeker: PreparedSeeker) -> Ints:
        spellings = sorted({evidence.spelling for evidence in seeker.evidence})
        similar = self._spellings.similarities(spellings)[self._skills[0]]
        return self._skills.total(self._skills[1] * similar // self._skills[2])

    def _fit_points(self, seeker: PreparedSeeker, accepted: Flags, remote: Flags) -> Ints:
        doc, codes = seeker.doc, self._codes
        home = codes.number(doc.counties[0]) if doc.counties else UNKNOWN
        pay = pay_fractions(self._pay_low.values, self._pay_high.values, seeker.pay_floor)
        place = place_fractions(
            accepted,
            remote,
            self._county.values == home,
            self._prefecture.values == codes.number(seeker.home_prefecture),
        )
        years = experience_fractions(self._years.values, seeker.experience_years)
        closeness = closeness_fractions(self._levels(seeker))
        return (
            self._pay_weight.values * pay // PPM
            + self._place_weight.values * place // PPM
            + self._years_weight.values * years // PPM
            + self._occupation_weight.values * closeness // PPM
            + self._certificate_weight.values * certificate_fractions(self._ranks(seeker)) // PPM
        )

    def _levels(self, seeker: PreparedSeeker) -> Ints:
        best = np.zeros(len(self._keys), np.int64)
        for code in seeker.occupations:
            shared = np.zeros(len(self._keys), np.int64)
            for level, number in enumerate(self._codes.path(code)):
                if number != UNKNOWN:
                    shared += self._occupation[level] == number
            best = np.maximum(best, shared)
        return best

    def _ranks(self, seeker: PreparedSeeker) -> Ints:
        rank = np.zeros(len(self._wanted[0]), np.int64)
        for certificate in seeker.certificates:
            if certificate.occupation is not None:
                fitting = self._wanted[0] == self._codes.number(certificate.occupation)
                held = np.where(fitting, 1 + (certificate.level or 0), 0)
                rank = np.maximum(rank, held)
        return self._wanted.most(rank)
