"""All seekers in columns, to score one posting against every one of them in one stroke.

What a score is lives in `scoring`; here is only how to have many at once.
"""

import numpy as np

from contracts.values import PPM
from services.matcher.domain.columns import EMPLOYMENT_BIT, UNKNOWN, Codes, Columns, Terms
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


class SeekerColumns(Columns[PreparedSeeker]):
    """Seekers who are looking, one row each."""

    def __init__(self, codes: Codes, spellings: Spellings) -> None:
        self._codes = codes
        self._spellings = spellings
        super().__init__()

    def matches(self, posting: PreparedPosting, tau_ppm: int) -> list[tuple[int, int]]:
        """(key, score) of every seeker who is eligible for this open posting and reaches τ."""
        if not self._documents:
            return []
        accepted, remote = self._place(posting)
        eligible = self._eligible(posting, accepted | remote)
        points = (
            posting.weights.text * self._terms.dots(posting.terms) // ONE
            + self._skill_points(posting)
            + self._fit_points(posting, accepted, remote)
        )
        return list(self.listed(eligible, points, tau_ppm))

    def _clear(self) -> None:
        self._terms = Terms()
        self._skills = Ragged(self._spellings.number(""))
        self._counties = Ragged(UNKNOWN)
        self._occupations = Ragged(*[UNKNOWN] * 4)
        self._certificates = Ragged(UNKNOWN, 0)
        self._home, self._home_prefecture, self._remote_ok = Column(), Column(), Column()
        self._pay_floor, self._years = Column(), Column()
        self._education, self._employment = Column(), Column()

    def _append(self, seeker: PreparedSeeker) -> None:
        doc, codes = seeker.doc, self._codes
        self._terms.append(seeker.terms)
        self._skills.append([(self._spellings.number(e.spelling),) for e in seeker.evidence])
        self._counties.append([(codes.number(county),) for county in doc.counties])
        self._occupations.append([codes.path(code) for code in seeker.occupations])
        self._certificates.append(
            [(codes.number(c.occupation), c.level or 0) for c in seeker.certificates]
        )
        self._home.extend([codes.number(doc.counties[0] if doc.counties else None)])
        self._home_prefecture.extend([codes.number(seeker.home_prefecture)])
        self._remote_ok.extend([doc.remote_ok])
        self._pay_floor.extend([seeker.pay_floor])
        self._years.extend([seeker.experience_years])
        self._education.extend([doc.education or 0])
        kinds = {EMPLOYMENT_BIT[kind] for kind in doc.employment or EMPLOYMENT_BIT}
        self._employment.extend([sum(kinds)])

    def _place(self, posting: PreparedPosting) -> tuple[Flags, Flags]:
        named = self._counties[0]
        county = self._codes.number(posting.doc.county)
        prefecture = self._codes.number(posting.prefecture)
        accepted = self._counties.any((named == county) | (named == prefecture))
        return accepted, (self._remote_ok.values == 1) & posting.doc.remote

    def _eligible(self, posting: PreparedPosting, place: Flags) -> Flags:
        doc = posting.doc
        eligible = place & (self._education.values >= (doc.education or 0))
        eligible &= self._employment.values & EMPLOYMENT_BIT[doc.employment] != 0
        for wanted in doc.certificates:
            if wanted.required:
                fitting = self._certificates[0] == self._codes.number(wanted.occupation)
                held = self._certificates.most(np.where(fitting, self._certificates[1], 0))
                eligible &= held >= wanted.level
        return eligible

    def _skill_points(self, posting: PreparedPosting) -> Ints:
        points = np.zeros(len(self._keys), np.int64)
        whole = PPM * sum(asked.weighs for asked in posting.skills)
        for asked in posting.skills:
            similar = self._spellings.similarities([asked.spelling])
            best = self._skills.most(similar[self._skills[0]])
            points += posting.weights.skills * asked.weighs * best // whole
        return points

    def _fit_points(self, posting: PreparedPosting, accepted: Flags, remote: Flags) -> Ints:
        weights, codes = posting.weights, self._codes
        pay = pay_fractions(posting.pay_low, posting.pay_high, self._pay_floor.values)
        place = place_fractions(
            accepted,
            remote,
            self._home.values == codes.number(posting.doc.county),
            self._home_prefecture.values == codes.number(posting.prefecture),
        )
        years = experience_fractions(posting.experience_years, self._years.values)
        return (
            weights.pay * pay // PPM
            + weights.place * place // PPM
            + weights.experience * years // PPM
            + weights.occupation * closeness_fractions(self._levels(posting)) // PPM
            + weights.certificate * certificate_fractions(self._ranks(posting)) // PPM
        )

    def _levels(self, posting: PreparedPosting) -> Ints:
        shared = np.zeros(len(self._occupations[0]), np.int64)
        for level, number in enumerate(self._codes.path(posting.occupation)):
            if number != UNKNOWN:
                shared += self._occupations[level] == number
        return self._occupations.most(shared)

    def _ranks(self, posting: PreparedPosting) -> Ints:
        wanted = [self._codes.number(code) for code in posting.wanted]
        fitting = np.isin(self._certificates[0], wanted)
        return self._certificates.most(np.where(fitting, 1 + self._certificates[1], 0))
