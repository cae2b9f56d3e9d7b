"""Many seekers numbered at once: the same documents as `Numbering.seeker_row` gives one by one.

What the numbers mean does not live here: `layout` and `codes` say it.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.batch import Documents
from services.matcher.domain.fast.growing import Array
from services.matcher.domain.fast.known import KnownSeekers
from services.matcher.domain.fast.numbering import MOST_LEVEL, NUMBERED, Numbering


def seeker_documents(numbering: Numbering, slots: Array, known: KnownSeekers) -> Documents:
    """These seekers as they are kept. slots: int32 (n,). At least one.

    Raises ValueError where a certificate's level is none.
    """
    accepted, occupations, spellings, held, floors, years, educations, employments, remote = zip(
        *known.facts, strict=True
    )
    n_places, places = _flat(accepted)
    n_named, named = _flat(occupations)
    n_held, certificates = _flat(held)
    n_shown, shown = _flat(spellings)
    place = numbering.places.numbers(places)
    occupation = numbering.occupations.numbers(named)
    certified = numbering.occupations.numbers([code for code, _ in certificates])
    levels = np.fromiter((level for _, level in certificates), np.int64, len(certificates))
    if ((levels < 0) | (levels > MOST_LEVEL)).any():
        raise ValueError(f"no level of a certificate: {levels.min()} … {levels.max()}")
    t_start = _starts(n_places + n_named + n_held)
    tags = np.empty(t_start[-1], np.int32)
    for counts, before, kind, values in (
        (n_places, 0, lay.PLACE, place),
        (n_named, n_places, lay.OCCUPATION, occupation),
        (n_held, n_places + n_named, lay.CERTIFICATE, certified << lay.LEVEL_BITS | levels),
    ):
        tags[_each(t_start[:-1] + before, counts)] = kind << lay.TAG_BITS | values
    packed = (
        np.array(years, np.int64)
        | np.array(educations, np.int64) << lay.EDUCATION_AT
        | np.array(employments, np.int64) << lay.EMPLOYMENT_AT
        | np.array(remote, np.int64) << lay.REMOTE_AT
        | (n_held > 0).astype(np.int64) << lay.CERTIFIED_AT
    )
    numbers = np.empty((len(known), lay.N_NUMBERS), np.int32)
    numbers[:, lay.PAY_LOW] = floors
    numbers[:, lay.HOME] = _nth(0, n_places, place, lay.NONE)
    numbers[:, lay.PACKED] = packed
    numbers[:, lay.ONLY] = _only(n_named, occupation)
    return Documents(
        slots,
        numbers,
        t_start,
        tags,
        known.t_start,
        known.buckets,
        known.impacts,
        _starts(n_shown),
        numbering.shown.numbers(shown),
        np.zeros(len(shown), np.uint8),
    )


def _only(counts: Array, occupations: Array) -> Array:
    """Up to two occupations in one number, as `layout.ONLY` says."""
    first, second = (_nth(nth, counts, occupations, lay.NO_OTHER) for nth in range(NUMBERED))
    # A number that has no room stands in the place of NO_OTHER or above it.
    has_room = (counts < 1) | (first < lay.NO_OTHER)
    has_room &= (counts < NUMBERED) | (second < lay.NO_OTHER)
    few: Array = np.where((counts <= NUMBERED) & has_room, first | second << 16, lay.SEVERAL)
    return few


def _flat(parts: Sequence[Sequence[object]]) -> tuple[Array, list]:  # type: ignore[type-arg]
    """How many each part has, and all of them in order."""
    return np.fromiter(map(len, parts), np.int64, len(parts)), list(chain.from_iterable(parts))


def _starts(counts: Array) -> Array:
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _each(starts: Array, counts: Array) -> Array:
    """Of runs that begin at these places, every place."""
    places: Array = np.arange(counts.sum()) + np.repeat(starts - _starts(counts)[:-1], counts)
    return places


def _nth(nth: int, counts: Array, values: Array, missing: int) -> Array:
    """The n-th value of each run, from 0; `missing` where a run is shorter."""
    found = np.full(len(counts), missing, np.int64)
    longer = counts > nth
    found[longer] = values[(_starts(counts)[:-1] + nth)[longer]]
    return found
