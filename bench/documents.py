"""Documents made from columns, one by one, as the matcher's `prepare` would make them, or only what
an engine is loaded with of them.

Made when they are read and never all held: a million of them would be gigabytes of objects. Texts
and titles are left out, since only their terms are ever compared.
"""

from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from bench.drawing import EMPLOYMENTS, NONE
from bench.population import Population
from contracts.values import CertificateId, Education, PayUnit, SeekerId
from contracts.vocabulary.counties import prefecture_of
from contracts.vocabulary.occupations import occupation_name
from services.matcher.domain.documents import HeldCertificate, PayFloor, Seeker
from services.matcher.domain.eligibility import places_accepted
from services.matcher.domain.facts import employment_bits
from services.matcher.domain.fast.known import KnownSeekers
from services.matcher.domain.language.synonyms import plain_skill
from services.matcher.domain.prepare import Evidence, PreparedSeeker
from services.matcher.domain.vector import TermVector

_AT_ONCE = 10_000


class Seekers:
    """The population's documents by row."""

    def __init__(self, population: Population) -> None:
        self._population = population
        world = population.world
        self._places: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._floors: dict[int, PayFloor | None] = {0: None}
        self._named = [occupation_name(code) for code in world.occupations]
        self._plainly_named = [plain_skill(name) for name in self._named]

    @cached_property
    def _evidence(self) -> list[Evidence]:
        return [Evidence(name, name, name) for name in self._population.world.skills.spellings]

    @cached_property
    def _words(self) -> list[TermVector]:
        return [self._population.shown.vector(nth) for nth in range(len(self._evidence))]

    def documents(self, start: int, end: int, version: int = 1) -> Iterator[PreparedSeeker]:
        """Rows start … end - 1, in order."""
        for at in range(start, end, _AT_ONCE):
            yield from self._page(at, min(at + _AT_ONCE, end), version)

    def document(self, row: int, version: int = 1) -> PreparedSeeker:
        """One row."""
        (only,) = self._page(row, row + 1, version)
        return only

    def known(self, start: int, end: int) -> Iterator[KnownSeekers]:
        """What an engine is loaded with of the rows start … end - 1, in order, many at once."""
        page, terms = self._population.page, self._population.terms
        for at in range(start, end, _AT_ONCE):
            rows = slice(at, min(at + _AT_ONCE, end))
            t_start = terms.starts[rows.start : rows.stop + 1]
            said = slice(t_start[0], t_start[-1])
            yield KnownSeekers(
                page.id_high[rows],
                page.id_low[rows],
                list(self._facts(rows)),
                t_start - t_start[0],
                terms.buckets[said],
                terms.impacts[said],
            )

    def _facts(self, rows: slice) -> Iterator[tuple[Any, ...]]:
        """The fields of each one's `SeekerFacts`."""
        page, codes = self._population.page, self._population.world.occupations
        names = self._population.world.skills.spellings
        skills = page.skill_starts[rows.start : rows.stop + 1].tolist()
        numbers = page.skills[skills[0] : skills[-1]].tolist()
        kinds = [employment_bits(each) for each in EMPLOYMENTS]

        @cache
        def accepted(commute: bool, *places: int) -> tuple[str, ...]:
            counties = self._counties(places)
            return places_accepted(
                Seeker(SeekerId(UUID(int=0)), 1, looking=True, counties=counties, commute=commute)
            )

        columns = (
            page.occupations, page.certified, page.levels, page.places, page.commute,
            page.pay_floors, page.years, page.educations, page.employments, page.remote,
        )  # fmt: skip
        each = zip(*(column[rows].tolist() for column in columns), strict=True)
        for at, (trades, certified, levels, places, commute, *figures) in enumerate(each):
            shown = [
                names[nth] for nth in numbers[skills[at] - skills[0] : skills[at + 1] - skills[0]]
            ]
            held = [pair for pair in zip(certified, levels, strict=True) if pair[0] != NONE]
            floor, years, education, kind, remote = figures
            yield (
                accepted(commute, *places),
                tuple(codes[number] for number in trades if number != NONE),
                tuple(
                    dict.fromkeys([*shown, *(self._plainly_named[number] for number, _ in held)])
                ),
                tuple((codes[number], level) for number, level in held),
                floor,
                years,
                education,
                kinds[kind],
                remote,
            )

    def _page(self, start: int, end: int, version: int) -> Iterator[PreparedSeeker]:
        population, page = self._population, self._population.page
        codes, names = population.world.occupations, population.world.skills.names.tolist()
        model_version = population.model.version
        skills = page.skill_starts[start : end + 1].tolist()
        first_skill = skills[0]
        named = page.skills[first_skill : skills[-1]].tolist()
        rows = zip(
            ids_of(population, np.arange(start, end)),
            page.occupations[start:end].tolist(),
            zip(page.certified[start:end].tolist(), page.levels[start:end].tolist(), strict=True),
            page.places[start:end].tolist(),
            page.pay_floors[start:end].tolist(),
            page.years[start:end].tolist(),
            page.educations[start:end].tolist(),
            page.employments[start:end].tolist(),
            page.remote[start:end].tolist(),
            page.commute[start:end].tolist(),
            strict=True,
        )
        for at, row in enumerate(rows):
            seeker_id, trades, held, places, floor, years, education, kinds, remote, commute = row
            numbers = named[skills[at] - first_skill : skills[at + 1] - first_skill]
            shown = [self._evidence[number] for number in numbers]
            numbers += [names[number] for number in held[0] if number != NONE]
            counties = self._counties(tuple(places))
            stated = tuple(codes[number] for number in trades if number != NONE)
            certificates = self._held(seeker_id, *held)
            doc = Seeker(
                seeker_id=seeker_id,
                version=version,
                looking=True,
                occupations=stated,
                skills=tuple(each.name for each in shown),
                education=Education(education) if education else None,
                experience_years=years,
                counties=counties,
                commute=commute,
                remote_ok=remote,
                pay_floor=self._floor(floor),
                employment=EMPLOYMENTS[kinds],
            )
            yield PreparedSeeker(
                doc=doc,
                model_version=model_version,
                terms=population.terms.vector(start + at),
                shown=tuple(self._words[number] for number in dict.fromkeys(numbers)),
                evidence=(*shown, *self._shown_by(certificates, held[0])),
                certificates=certificates,
                occupations=stated,
                pay_floor=floor,
                experience_years=years,
                home_prefecture=prefecture_of(counties[0]),
            )

    def _counties(self, places: tuple[int, ...]) -> tuple[str, ...]:
        known = self._places.get(places)
        if known is None:
            codes = self._population.world.places
            known = self._places[places] = tuple(codes[at] for at in places if at != NONE)
        return known

    def _floor(self, amount: int) -> PayFloor | None:
        if amount not in self._floors:
            self._floors[amount] = PayFloor(amount, PayUnit.MONTH)
        return self._floors[amount]

    def _held(
        self, seeker_id: SeekerId, certified: list[int], levels: list[int]
    ) -> tuple[HeldCertificate, ...]:
        """The certificates of a seeker; their ids follow the seeker's, in order."""
        codes = self._population.world.occupations
        return tuple(
            HeldCertificate(
                CertificateId(UUID(int=(seeker_id.int + nth) % (1 << 128))), codes[number], level
            )
            for nth, (number, level) in enumerate(zip(certified, levels, strict=True), 1)
            if number != NONE
        )

    def _shown_by(
        self, certificates: tuple[HeldCertificate, ...], certified: list[int]
    ) -> list[Evidence]:
        if not certificates:
            return []
        names = self._population.world.skills.names
        spellings = self._population.world.skills.spellings
        return [
            Evidence(
                self._named[number],
                self._plainly_named[number],
                spellings[names[number]],
                certificate.certificate_id,
            )
            for certificate, number in zip(
                certificates, (number for number in certified if number != NONE), strict=True
            )
        ]


def ids_of(population: Population, rows: NDArray[np.int64]) -> list[SeekerId]:
    """The ids of rows, in order."""
    page = population.page
    halves = zip(page.id_high[rows].tolist(), page.id_low[rows].tolist(), strict=True)
    return [SeekerId(UUID(int=(high << 64) | low)) for high, low in halves]
