"""Scores of seekers in columns, compiled: row after row, or from inverted lists.

What a score is lives in `scoring`; which rows are asked for, in `exact` and in the contenders.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.matcher.domain.compiled import compiled
from services.matcher.domain.vector import ONE, ONE_BITS

NOT_ELIGIBLE = -1

# What is read of a posting beside its terms and skills: int64, in this order.
(
    COUNTY,
    PREFECTURE,
    REMOTE,
    EDUCATION,
    YEARS,
    LOW,
    HIGH,
    OCCUPATION,
    MUST,
    MUST_LEVEL,
    WANTED,
    EMPLOYMENT,
) = range(12)

# And its weights, in this.
W_TEXT, W_SKILLS, W_PAY, W_PLACE, W_YEARS, W_OCCUPATION, W_CERTIFICATE = range(7)

_ACCEPTED, _REMOTE = 1, 2
_PPM, _HALF = 1_000_000, 500_000


class Tree(NamedTuple):
    """paths: int32 (n_occupations, 4), a number for the first 1 … 4 levels of each code.

    closeness: int64 (5,), worth of sharing so many. prefecture: int16, each place's. beside: bool
    (n_places, n_places), which border each other.
    """

    paths: NDArray[np.int32]
    closeness: NDArray[np.int64]
    prefecture: NDArray[np.int16]
    beside: NDArray[np.bool_]


# What eligibility and fit read of a seeker: int32, a row each, in these columns; pairs take two.
(
    P_EDUCATION,
    P_EMPLOYMENT,
    P_REMOTE,
    P_PAY_FLOOR,
    P_YEARS,
    P_OCCUPATIONS,
    _,
    P_CERTIFIED,
    _,
    P_LEVELS,
    _,
    P_PLACES,
    _,
    _,
    _,
    P_COMMUTE,
) = range(16)
N_PEOPLE = 16


@compiled
def _meet(job: NDArray[np.int64], tree: Tree, people: NDArray[np.int32], row: int) -> int:
    """0 where they may not meet, else _ACCEPTED where the place is, and _REMOTE where it can be."""
    if people[row, P_EDUCATION] < job[EDUCATION]:
        return 0
    if not (job[EMPLOYMENT] >> people[row, P_EMPLOYMENT]) & 1:
        return 0
    if job[MUST] >= 0:
        held = 0
        for nth in range(2):
            if people[row, P_CERTIFIED + nth] == job[MUST]:
                held = max(held, people[row, P_LEVELS + nth])
        if held < job[MUST_LEVEL]:
            return 0
    near = 0
    for nth in range(4):
        place = people[row, P_PLACES + nth]
        if place == job[COUNTY] or place == job[PREFECTURE]:
            near = _ACCEPTED
    if people[row, P_COMMUTE] == 1 and tree.beside[people[row, P_PLACES], job[COUNTY]]:
        near = _ACCEPTED
    if job[REMOTE] == 1 and people[row, P_REMOTE] == 1:
        near |= _REMOTE
    return near


@compiled
def _fit(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    tree: Tree,
    people: NDArray[np.int32],
    row: int,
    near: int,
) -> int:
    """Points for pay, place, years, occupation and certificate, as `scoring` words them."""
    low, high, floor = job[LOW], job[HIGH], np.int64(people[row, P_PAY_FLOOR])
    if floor <= low:
        pay = _PPM
    elif floor <= high:
        pay = _HALF + _HALF * (high - floor) // (high - low)
    else:
        pay = _HALF * max(0, 4 * high - 3 * floor) // floor
    home = people[row, P_PLACES]
    if near & _ACCEPTED and home == job[COUNTY]:
        place = 1_000_000
    elif near & _ACCEPTED and tree.beside[home, job[COUNTY]]:
        place = 850_000
    elif near & _REMOTE:
        place = 800_000
    elif tree.prefecture[home] == job[PREFECTURE]:
        place = 700_000
    else:
        place = 400_000
    years = np.int64(people[row, P_YEARS])
    experience = _PPM if years >= job[YEARS] else _PPM * years // job[YEARS]
    shared = 0
    for nth in range(2):
        own = people[row, P_OCCUPATIONS + nth]
        level = 0
        while (
            own >= 0 and level < 4 and tree.paths[own, level] == tree.paths[job[OCCUPATION], level]
        ):
            level += 1
        shared = max(shared, level)
    certificate = 0
    for nth in range(2):
        if people[row, P_CERTIFIED + nth] >= 0 and people[row, P_CERTIFIED + nth] == job[WANTED]:
            certificate = max(certificate, _HALF + _HALF * min(people[row, P_LEVELS + nth], 8) // 8)
    points: int = (
        weights[W_PAY] * pay // _PPM
        + weights[W_PLACE] * place // _PPM
        + weights[W_YEARS] * experience // _PPM
        + weights[W_OCCUPATION] * tree.closeness[shared] // _PPM
        + weights[W_CERTIFICATE] * certificate // _PPM
    )
    return points


@compiled
def score_all(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    tree: Tree,
    people: NDArray[np.int32],
    dense: NDArray[np.int64],
    term_starts: NDArray[np.int64],
    buckets: NDArray[np.int32],
    impacts: NDArray[np.uint8],
    worth: NDArray[np.int64],
    similar: NDArray[np.int64],
    weighs: NDArray[np.int64],
    skill_starts: NDArray[np.int64],
    skills: NDArray[np.int32],
    names: NDArray[np.int32],
    scores: NDArray[np.int64],
) -> None:
    """Fill scores (n,): one row after the other, each from its own lists.

    dense: the posting's impacts by bucket. worth: (n_spellings,), of the words of each. similar:
    (n_asked, n_spellings), to each spelling; weighs: (n_asked,). names: the spelling that a
    certificate in each occupation shows.
    """
    whole = _PPM * weighs.sum()
    for row in range(len(scores)):
        scores[row] = NOT_ELIGIBLE
        near = _meet(job, tree, people, row)
        if not near:
            continue
        dot = 0
        for at in range(term_starts[row], term_starts[row + 1]):
            dot += np.int64(impacts[at]) * dense[buckets[at]]
        first, end = skill_starts[row], skill_starts[row + 1]
        for at in range(first, end):
            if not (skills[first:at] == skills[at]).any():
                dot += worth[skills[at]]
        for nth in range(2):
            certified = people[row, P_CERTIFIED + nth]
            if certified >= 0 and (nth == 0 or certified != people[row, P_CERTIFIED]):
                dot += worth[names[certified]]
        points = (weights[W_TEXT] * min(dot, np.int64(ONE))) >> ONE_BITS
        for asked in range(len(weighs)):
            best = 0
            for at in range(first, end):
                best = max(best, similar[asked, skills[at]])
            for nth in range(2):
                if people[row, P_CERTIFIED + nth] >= 0:
                    best = max(best, similar[asked, names[people[row, P_CERTIFIED + nth]]])
            points += weights[W_SKILLS] * weighs[asked] * best // whole
        scores[row] = points + _fit(job, weights, tree, people, row, near)


@compiled
def fit_all(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    tree: Tree,
    people: NDArray[np.int32],
    points: NDArray[np.int64],
) -> None:
    """Fill points (n,): of the fit alone; NOT_ELIGIBLE where the two may not meet."""
    for row in range(len(points)):
        near = _meet(job, tree, people, row)
        points[row] = _fit(job, weights, tree, people, row, near) if near else NOT_ELIGIBLE


@compiled
def add_impacts(
    buckets: NDArray[np.int32],
    asked: NDArray[np.int32],
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    impacts: NDArray[np.uint8],
    sums: NDArray[np.int64],
) -> None:
    """Add to sums (n,) what each of the terms asked is worth in the rows of its list."""
    for nth in range(len(buckets)):
        impact = np.int64(asked[nth])
        for at in range(starts[buckets[nth]], starts[buckets[nth] + 1]):
            sums[rows[at]] += impact * impacts[at]


@compiled
def add_worth(
    worth: NDArray[np.int64],
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    sums: NDArray[np.int64],
) -> None:
    """Add to sums (n,) what each spelling is worth to the rows of its list, ascending."""
    for spelling in range(len(worth)):
        if worth[spelling]:
            for at in range(starts[spelling], starts[spelling + 1]):
                if at == starts[spelling] or rows[at] != rows[at - 1]:
                    sums[rows[at]] += worth[spelling]


@compiled
def raise_similar(
    numbers: NDArray[np.int64],
    similar: NDArray[np.int64],
    worth: int,
    whole: int,
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    best: NDArray[np.int64],
    points: NDArray[np.int64],
) -> None:
    """Add to points (n,) what the nearest spelling of one skill is worth to the rows of its lists.

    best: (n,), zeros, and zeros again afterwards.
    """
    for nth in range(len(numbers)):
        for at in range(starts[numbers[nth]], starts[numbers[nth] + 1]):
            best[rows[at]] = max(best[rows[at]], similar[nth])
    for nth in range(len(numbers)):
        for at in range(starts[numbers[nth]], starts[numbers[nth] + 1]):
            points[rows[at]] += worth * best[rows[at]] // (_PPM * whole)
            best[rows[at]] = 0


@compiled
def rank_everyone(
    job: NDArray[np.int64],
    weights: NDArray[np.int64],
    tree: Tree,
    people: NDArray[np.int32],
    sums: NDArray[np.int64],
    points: NDArray[np.int64],
    id_high: NDArray[np.uint64],
    top_rows: NDArray[np.int64],
    top_scores: NDArray[np.int64],
) -> int:
    """Fill top_rows and top_scores (k,), the best first, equal ones by id; returns how many.

    sums, points: of the text and of the skills, as the others add them. id_high: distinct.
    """
    found, room = 0, len(top_rows)
    for row in range(len(sums)):
        text = (weights[W_TEXT] * min(sums[row], np.int64(ONE))) >> ONE_BITS
        near = _meet(job, tree, people, row)
        if not near:
            continue
        score = text + points[row] + _fit(job, weights, tree, people, row, near)
        if found == room and score < top_scores[found - 1]:
            continue
        at = found
        while at > 0 and (
            score > top_scores[at - 1]
            or (score == top_scores[at - 1] and id_high[row] < id_high[top_rows[at - 1]])
        ):
            at -= 1
        if at == room:
            continue
        found = min(found + 1, room)
        for moved in range(found - 1, at, -1):
            top_rows[moved], top_scores[moved] = top_rows[moved - 1], top_scores[moved - 1]
        top_rows[at], top_scores[at] = row, score
    return found
