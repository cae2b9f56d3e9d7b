"""The exact answer, found plainly: every seeker scored, nothing indexed, nothing skipped.

It shares no code with the engine that is measured, and is itself held to `scoring` by a test.
"""

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from bench.drawing import EMPLOYMENTS, NONE
from bench.population import Population
from bench.queries import Query
from contracts.values import PPM
from services.matcher.domain.compiled import compiled
from services.matcher.domain.prepare import PreparedPosting
from services.matcher.domain.scoring import CLOSENESS_PPM, SKILL_CUTOFF_PPM
from services.matcher.domain.text import BUCKETS
from services.matcher.domain.vector import SCALE_BITS

NOT_ELIGIBLE = -1
_LEVELS_OF_TREE = 4

# What the kernel reads of a posting, beside its terms and skills.
(
    _COUNTY,
    _PREFECTURE,
    _REMOTE,
    _EDUCATION,
    _YEARS,
    _LOW,
    _HIGH,
    _OCCUPATION,
    _MUST,
    _MUST_LEVEL,
    _WANTED,
    _EMPLOYMENT,
) = range(12)


class Exact:
    """Scores of all rows, and the best of them, for one posting at a time."""

    def __init__(self, population: Population) -> None:
        self._population = population
        world = population.world
        self._place = {code: at for at, code in enumerate(world.places)}
        self._occupation = {code: at for at, code in enumerate(world.occupations)}
        self._paths = _paths(world.occupations)
        self._similar: dict[str, NDArray[np.int64]] = {}
        self._dense = np.zeros(BUCKETS, np.int64)

    def scores(self, posting: PreparedPosting) -> NDArray[np.int64]:
        """int64 (n,): the score of each row, NOT_ELIGIBLE where the two may not meet."""
        page = self._population.page
        self._dense[posting.terms.buckets] = posting.terms.impacts
        weights = posting.weights
        scores = np.empty(len(page.homes), np.int64)
        _score_all(
            self._numbers(posting),
            np.array(
                [
                    weights.text,
                    weights.skills,
                    weights.pay,
                    weights.place,
                    weights.experience,
                    weights.occupation,
                    weights.certificate,
                ],
                np.int64,
            ),
            self._dense,
            np.array([self._similarities(each.spelling) for each in posting.skills], np.int64),
            np.array([each.weighs for each in posting.skills], np.int64),
            self._paths,
            np.array(CLOSENESS_PPM, np.int64),
            self._population.world.skills.names,
            page.term_starts,
            page.buckets,
            self._population.impacts,
            page.skill_starts,
            page.skills,
            page.occupations,
            page.certified,
            page.levels,
            page.places,
            self._population.world.prefecture,
            page.pay_floors,
            page.years,
            page.educations,
            page.employments,
            page.remote,
            scores,
        )
        self._dense[posting.terms.buckets] = 0
        return scores

    def best(
        self, query: Query, k: int, alive: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and scores of the k best, equal scores by id. alive: the rows that count."""
        scores = self.scores(query.posting)
        if alive is not None:
            scores[~alive] = NOT_ELIGIBLE
        page = self._population.page
        rows = np.flatnonzero(scores >= 0)
        if len(rows) > k:
            least = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
            rows = rows[scores[rows] >= least]
        order = np.lexsort((page.id_low[rows], page.id_high[rows], -scores[rows]))[:k]
        return rows[order], scores[rows[order]]

    def _similarities(self, spelling: str) -> NDArray[np.int64]:
        """int64 (n_spellings,): similarity to every spelling there is, 0 below the cut-off."""
        known = self._similar.get(spelling)
        if known is None:
            spellings = self._population.world.skills.spellings
            distances = cdist([spelling], spellings, scorer=Indel.distance, dtype=np.int64)[0]
            lengths = self._lengths() + len(spelling)
            known = PPM * (lengths - distances) // lengths
            known[known < SKILL_CUTOFF_PPM] = 0
            self._similar[spelling] = known
            if len(self._similar) > 256:
                del self._similar[next(iter(self._similar))]
        return known

    def _lengths(self) -> NDArray[np.int64]:
        spellings = self._population.world.skills.spellings
        return np.fromiter(map(len, spellings), np.int64, len(spellings))

    def _numbers(self, posting: PreparedPosting) -> NDArray[np.int64]:
        """The columns the kernel reads. A posting of the bench names one certificate at most."""
        doc = posting.doc
        must = next((wanted for wanted in doc.certificates if wanted.required), None)
        # `wanted` holds the posting's occupation, and its one certificate is in that.
        (wanted,) = posting.wanted
        accepting = sum(
            1 << at for at, kinds in enumerate(EMPLOYMENTS) if not kinds or doc.employment in kinds
        )
        return np.array(
            [
                self._place[doc.county],
                self._place[posting.prefecture],
                int(doc.remote),
                doc.education or 0,
                posting.experience_years,
                posting.pay_low,
                posting.pay_high,
                self._occupation[posting.occupation or ""],
                self._occupation[must.occupation] if must else NONE,
                must.level if must else 0,
                self._occupation[wanted],
                accepting,
            ],
            np.int64,
        )


def _paths(codes: tuple[str, ...]) -> NDArray[np.int32]:
    """int32 (n, 4): a number for the first 1 … 4 levels of each code."""
    numbers: dict[str, int] = {}
    parts = [code.split("-") for code in codes]
    return np.array(
        [
            [
                numbers.setdefault("-".join(part[: level + 1]), len(numbers))
                for level in range(_LEVELS_OF_TREE)
            ]
            for part in parts
        ],
        np.int32,
    )


@compiled
def _accepts(job: NDArray[np.int64], places: NDArray[np.int16]) -> bool:
    for place in places:
        if place >= 0 and (place == job[_COUNTY] or place == job[_PREFECTURE]):
            return True
    return False


@compiled
def _holds_what_is_required(
    job: NDArray[np.int64], certified: NDArray[np.int16], levels: NDArray[np.int8]
) -> bool:
    if job[_MUST] < 0:
        return True
    for nth in range(len(certified)):
        if certified[nth] == job[_MUST] and levels[nth] >= job[_MUST_LEVEL]:
            return True
    return False


@compiled
def _fit(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    paths: NDArray[np.int32],
    closeness: NDArray[np.int64],
    occupations: NDArray[np.int16],
    certified: NDArray[np.int16],
    levels: NDArray[np.int8],
    accepted: bool,
    remote: bool,
    home: int,
    home_prefecture: int,
    floor: int,
    years: int,
) -> int:
    """Points for pay, place, years, occupation and certificate, as `scoring` words them."""
    million, half = 1_000_000, 500_000
    low, high = job[_LOW], job[_HIGH]
    if floor <= low:
        pay = million
    elif floor <= high:
        pay = half + half * (high - floor) // (high - low)
    else:
        pay = half * max(0, 4 * high - 3 * floor) // floor
    if accepted and home == job[_COUNTY]:
        place = 1_000_000
    elif remote:
        place = 800_000
    elif accepted and home_prefecture == job[_PREFECTURE]:
        place = 700_000
    else:
        place = 400_000
    experience = million if years >= job[_YEARS] else million * years // job[_YEARS]
    shared = 0
    for nth in range(2):
        if occupations[nth] >= 0:
            level = 0
            while level < 4 and paths[occupations[nth], level] == paths[job[_OCCUPATION], level]:
                level += 1
            shared = max(shared, level)
    certificate = 0
    for nth in range(2):
        if certified[nth] >= 0 and certified[nth] == job[_WANTED]:
            certificate = max(certificate, half + half * min(levels[nth], 8) // 8)
    points: int = (
        weights[2] * pay // million
        + weights[3] * place // million
        + weights[4] * experience // million
        + weights[5] * closeness[shared] // million
        + weights[6] * certificate // million
    )
    return points


@compiled
def _score_all(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    dense: NDArray[np.int64],
    similar: NDArray[np.int64],
    weighs: NDArray[np.int64],
    paths: NDArray[np.int32],
    closeness: NDArray[np.int64],
    names: NDArray[np.int32],
    term_starts: NDArray[np.int64],
    buckets: NDArray[np.int32],
    impacts: NDArray[np.uint16],
    skill_starts: NDArray[np.int64],
    skills: NDArray[np.int32],
    occupations: NDArray[np.int16],
    certified: NDArray[np.int16],
    levels: NDArray[np.int8],
    places: NDArray[np.int16],
    prefecture: NDArray[np.int16],
    pay_floors: NDArray[np.int32],
    years: NDArray[np.int8],
    educations: NDArray[np.int8],
    employments: NDArray[np.int8],
    remote_ok: NDArray[np.bool_],
    scores: NDArray[np.int64],
) -> None:
    """Fill scores: one row after the other, each from its own lists."""
    whole = 1_000_000 * weighs.sum()
    for row in range(len(scores)):
        scores[row] = -1
        accepted = _accepts(job, places[row])
        remote = job[_REMOTE] == 1 and remote_ok[row]
        if (
            not (accepted or remote)
            or educations[row] < job[_EDUCATION]
            or not (job[_EMPLOYMENT] >> employments[row]) & 1
            or not _holds_what_is_required(job, certified[row], levels[row])
        ):
            continue
        dot = 0
        for at in range(term_starts[row], term_starts[row + 1]):
            dot += np.int64(impacts[at]) * dense[buckets[at]]
        points = (weights[0] * dot) >> (2 * SCALE_BITS)
        for asked in range(len(weighs)):
            best = 0
            for at in range(skill_starts[row], skill_starts[row + 1]):
                best = max(best, similar[asked, skills[at]])
            for nth in range(2):
                if certified[row, nth] >= 0:
                    best = max(best, similar[asked, names[certified[row, nth]]])
            points += weights[1] * weighs[asked] * best // whole
        home = places[row, 0]
        scores[row] = points + _fit(
            job,
            weights,
            paths,
            closeness,
            occupations[row],
            certified[row],
            levels[row],
            accepted,
            remote,
            home,
            prefecture[home],
            pay_floors[row],
            years[row],
        )
