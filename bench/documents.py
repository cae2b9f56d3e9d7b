"""Documents made from columns, one by one, as the matcher's `prepare` would make them.

Made when they are read and never all held: a million of them would be gigabytes of objects. Texts
and titles are left out, since only their terms are ever compared.
"""

from collections.abc import Iterator
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from bench.drawing import EMPLOYMENTS, NONE
from bench.population import Population
from contracts.values import CertificateId, Education, PayUnit, SeekerId
from contracts.vocabulary.counties import prefecture_of
from contracts.vocabulary.occupations import occupation_name
from services.matcher.domain.documents import HeldCertificate, PayFloor, Seeker
from services.matcher.domain.language.synonyms import plain_skill
from services.matcher.domain.prepare import Evidence, PreparedSeeker

_AT_ONCE = 10_000


class Seekers:
    """The population's documents by row."""

    def __init__(self, population: Population) -> None:
        self._population = population
        world = population.world
        self._evidence = [Evidence(name, name, name) for name in world.skills.spellings]
        self._places: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._floors: dict[int, PayFloor | None] = {0: None}
        self._words = [population.shown.vector(nth) for nth in range(len(self._evidence))]
        self._named = [occupation_name(code) for code in world.occupations]

    def documents(self, start: int, end: int, version: int = 1) -> Iterator[PreparedSeeker]:
        """Rows start … end - 1, in order."""
        for at in range(start, end, _AT_ONCE):
            yield from self._page(at, min(at + _AT_ONCE, end), version)

    def document(self, row: int, version: int = 1) -> PreparedSeeker:
        """One row."""
        (only,) = self._page(row, row + 1, version)
        return only

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
                plain_skill(self._named[number]),
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
