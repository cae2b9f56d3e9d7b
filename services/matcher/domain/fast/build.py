"""Building segments, and taking them apart again: what is done to many documents at once.

What a search does with a segment does not live here.
"""

import numpy as np

from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast import layout as lay
from services.matcher.domain.fast.directory import rank_words, row_of
from services.matcher.domain.fast.growing import Array, Int

_RANKED = 10


def places_by_want(tags: Array, prefectures: Array) -> Array:
    """For each place the bit of its prefecture, the most wanted the highest; 0 beyond ten.

    tags: of many documents. Returns int64 (n_places,); prefectures alone have bits.
    """
    places = tags[tags >> lay.TAG_BITS == lay.PLACE] & lay.TAG_VALUE
    times = np.bincount(prefectures[places], minlength=len(prefectures))
    bits = np.zeros(len(prefectures), np.int64)
    most = np.argsort(-times, kind="stable")[:_RANKED]
    bits[most] = 1 << np.arange(_RANKED - 1, _RANKED - 1 - len(most), -1)
    return bits


@compiled
def order_keys(
    numbers: Array, t_start: Array, tags: Array, prefectures: Array, bits: Array, ranks: Array
) -> Array:
    """By what documents are laid together: where, occupation, county, pay. uint64 (n,).

    Neighbours that are alike make tight bounds, and what no search for one place can want lies
    apart: first by the prefectures accepted, the most wanted before the others. Of those, one trade
    and its like lie together, since most of what a search wants is of them; of one trade, those who
    accept the same places. To who accepts a whole prefecture, the county of the home adds nothing,
    so those of all its counties lie together. bits: as `places_by_want` gives them. ranks: of the
    occupations, in the order of their tree.
    """
    n = len(numbers)
    keys = np.zeros(n, np.uint64)
    for doc in range(n):
        home, occupation, whole = np.int64(-1), np.int64(-1), False
        around, accepted = np.int64(0), np.int64(0)
        for at in range(t_start[doc], t_start[doc + 1]):
            kind, value = tags[at] >> lay.TAG_BITS, np.int64(tags[at] & lay.TAG_VALUE)
            if kind == lay.PLACE:
                if home < 0:
                    home = value
                whole |= value == prefectures[home]
                around |= bits[prefectures[value]]
                # Any order of the same places is the same.
                accepted += (value + 1) * 0x9E3779B1
            elif kind == lay.OCCUPATION and occupation < 0:
                occupation = ranks[value]
        if whole and home != prefectures[home]:
            accepted -= (home + 1) * 0x9E3779B1
        pay: Int = min(np.int64(numbers[doc, lay.PAY_LOW]) // 250, 0xFFFF)
        keys[doc] = np.uint64(
            (around << 54)
            | (((occupation + 1) & 0xFFFF) << 38)
            | (((accepted >> 7) & 0xFFF) << 26)
            | (((home + 1) & 0x3FF) << 16)
            | pay
        )
    return keys


@compiled
def held_by(order: Array, d_start: Array, numbers: Array, n_words: int) -> Array:
    """Which numbers these documents have, as `directory.rows_of`. order: the documents."""
    rows = np.zeros((n_words, 2), np.uint64)
    for doc in order:
        for at in range(d_start[doc], d_start[doc + 1]):
            rows[numbers[at] >> 6, 0] |= np.uint64(1) << np.uint64(numbers[at] & 63)
    rank_words(rows)
    return rows


@compiled
def times_of(order: Array, d_start: Array, numbers: Array, rows: Array, n_rows: int) -> Array:
    """How many of these documents have each of the numbers in rows, ascending. int64 (n_rows,)."""
    times = np.zeros(n_rows, np.int64)
    for doc in order:
        for at in range(d_start[doc], d_start[doc + 1]):
            row = row_of(rows, numbers[at])
            if row >= 0:
                times[row] += 1
    return times


@compiled
def invert(
    order: Array, d_start: Array, numbers: Array, values: Array, rows: Array, times: Array
) -> tuple[Array, Array, Array]:
    """Lists of documents, one for each of the numbers in rows, ascending.

    times: as `times_of` gives them. Returns starts uint32 (n_rows + 1,), documents uint16 and their
    values, each list in order of document.
    """
    n_rows = len(times)
    start = np.zeros(n_rows + 1, np.uint32)
    for row in range(n_rows):
        start[row + 1] = start[row] + times[row]
    fill = start[:-1].astype(np.int64)
    ids = np.empty(start[n_rows], np.uint16)
    said = np.empty(start[n_rows], values.dtype)
    for doc in range(len(order)):
        for at in range(d_start[order[doc]], d_start[order[doc] + 1]):
            row = row_of(rows, numbers[at])
            if row >= 0:
                ids[fill[row]] = doc
                said[fill[row]] = values[at]
                fill[row] += 1
    return start, ids, said


@compiled
def forward(
    order: Array, v_start: Array, buckets: Array, impacts: Array, frequent: Array
) -> tuple[Array, Array, Array, Array]:
    """The frequent terms with their documents, and the length of that part, rounded up.

    frequent: these terms, as `directory.rows_of`. Returns starts uint32 (n + 1,), rows uint8,
    impacts uint8, lengths uint16 (n,).
    """
    n = len(order)
    start = np.zeros(n + 1, np.uint32)
    norms = np.zeros(n, np.uint16)
    for doc in range(n):
        square, held = np.int64(0), 0
        for at in range(v_start[order[doc]], v_start[order[doc] + 1]):
            if row_of(frequent, buckets[at]) >= 0:
                held += 1
                square += np.int64(impacts[at]) * np.int64(impacts[at])
        start[doc + 1] = start[doc] + held
        root = np.int64(np.sqrt(np.float64(square)))
        while root * root < square:
            root += 1
        norms[doc] = root
    terms = np.empty(start[n], np.uint8)
    said = np.empty(start[n], np.uint8)
    at_entry = 0
    for doc in range(n):
        for at in range(v_start[order[doc]], v_start[order[doc] + 1]):
            term = row_of(frequent, buckets[at])
            if term >= 0:
                terms[at_entry] = term
                said[at_entry] = impacts[at]
                at_entry += 1
    return start, terms, said, norms


@compiled
def rows_shown(
    order: Array, k_start: Array, spellings: Array, rows_of_all: Array, n_kept: int
) -> tuple[Array, Array]:
    """What each document shows, as rows, as far as those are below n_kept.

    rows_of_all: of all that is shown, as `directory.rows_of`. Returns starts uint32 (n + 1,), rows
    uint16.
    """
    n = len(order)
    start = np.zeros(n + 1, np.uint32)
    for doc in range(n):
        held = np.int64(0)
        for at in range(k_start[order[doc]], k_start[order[doc] + 1]):
            held += np.int64(row_of(rows_of_all, spellings[at]) < n_kept)
        start[doc + 1] = start[doc] + held
    rows, found = np.empty(start[n], np.uint16), 0
    for doc in range(n):
        for at in range(k_start[order[doc]], k_start[order[doc] + 1]):
            row = row_of(rows_of_all, spellings[at])
            if row < n_kept:
                rows[found] = row
                found += 1
    return start, rows


@compiled
def take_tags(order: Array, t_start: Array, tags: Array) -> tuple[Array, Array]:
    """The tags in another order of documents. Returns starts uint32 (n + 1,), tags int32."""
    start = np.zeros(len(order) + 1, np.uint32)
    for doc in range(len(order)):
        start[doc + 1] = start[doc] + t_start[order[doc] + 1] - t_start[order[doc]]
    taken = np.empty(start[len(order)], np.int32)
    for doc in range(len(order)):
        for at in range(t_start[order[doc]], t_start[order[doc] + 1]):
            taken[start[doc] + at - t_start[order[doc]]] = tags[at]
    return start, taken


@compiled
def bound_blocks(
    side: int,
    numbers: Array,
    t_start: Array,
    tags: Array,
    norms: Array,
    shown: Array,
    paths: Array,
    prefectures: Array,
    weight_rows: Array,
) -> tuple[Array, Array]:
    """Each block's masks with its bounds, and its places. uint64 (n_blocks, N_MASKS), (n_blocks,).

    shown: int64 (n,), names that are kept with each.
    """
    n = len(numbers)
    n_blocks = (n + lay.BLOCK - 1) // lay.BLOCK
    masks = np.zeros((n_blocks, lay.N_MASKS), np.uint64)
    places = np.zeros(n_blocks, np.uint64)
    ways = most_shown = norm = text = education = np.int64(0)
    for doc in range(n):
        block, first = doc // lay.BLOCK, doc % lay.BLOCK == 0
        mask = masks[block]
        packed = np.int64(numbers[doc, lay.PACKED])
        here_education = packed >> lay.EDUCATION_AT & lay.EDUCATION_MASK
        if first:
            ways = most_shown = norm = text = np.int64(0)
            education = here_education
        if side == lay.SEEKERS:
            education = max(education, here_education)
        else:
            education = min(education, here_education)
            text = max(text, np.int64(weight_rows[numbers[doc, lay.WEIGHTS], lay.W_TEXT]))
        ways |= packed >> lay.EMPLOYMENT_AT & lay.WAYS_MASK
        most_shown = max(most_shown, np.int64(shown[doc]))
        norm = max(norm, np.int64(norms[doc]))
        mask[lay.M_BOUNDS] = np.uint64(
            ways
            | education << lay.B_EDUCATION_AT
            | most_shown << lay.B_SHOWN_AT
            | norm << lay.B_NORM_AT
            | text << lay.B_TEXT_AT
        )
        home = True
        for at in range(t_start[doc], t_start[doc + 1]):
            kind, value = tags[at] >> lay.TAG_BITS, tags[at] & lay.TAG_VALUE
            if kind == lay.PLACE:
                here = np.uint64(1) << np.uint64(value & 63)
                around = np.uint64(1) << np.uint64(prefectures[value] & 63)
                places[block] |= here
                if side == lay.POSTINGS:
                    places[block] |= around
                if home:
                    mask[lay.M_HOME] |= here
                    mask[lay.M_AROUND] |= around
                    home = False
            elif kind == lay.OCCUPATION:
                for level in range(paths.shape[1]):
                    if paths[value, level] >= 0:
                        bit = np.uint64(1) << np.uint64(paths[value, level] & 63)
                        mask[lay.M_PATH + level] |= bit
            elif kind == lay.CERTIFICATE and side == lay.SEEKERS:
                bit = np.uint64(1) << np.uint64((value >> lay.LEVEL_BITS) & 63)
                mask[lay.M_CERTIFICATE] |= bit
            elif kind == lay.WANTED:
                mask[lay.M_CERTIFICATE] |= np.uint64(1) << np.uint64(value & 63)
    return masks, places


@compiled
def take_apart(
    alive: Array,
    numbers_of_rows: Array,
    start: Array,
    ids: Array,
    values: Array,
    extra_of_term: Array,
    e_start: Array,
    e_term: Array,
    e_value: Array,
) -> tuple[Array, Array, Array]:
    """Lists by row, and entries kept with documents, back to entries of each living document.

    numbers_of_rows: the number that each row stands for; extra_of_term: likewise for the entries
    kept with documents. Returns starts int64 (n_living + 1,), numbers int32, values.
    """
    n = len(alive)
    place = np.full(n, -1, np.int64)
    living = 0
    for doc in range(n):
        if alive[doc]:
            place[doc] = living
            living += 1
    counts = np.zeros(living + 1, np.int64)
    for entry in range(len(ids)):
        if place[ids[entry]] >= 0:
            counts[place[ids[entry]] + 1] += 1
    for doc in range(n):
        if place[doc] >= 0 and len(e_start):
            counts[place[doc] + 1] += np.int64(e_start[doc + 1]) - np.int64(e_start[doc])
    starts = np.cumsum(counts)
    fill = starts[:-1].copy()
    numbers = np.empty(starts[living], np.int32)
    said = np.empty(starts[living], values.dtype)
    for row in range(len(start) - 1):
        for entry in range(start[row], start[row + 1]):
            to = place[ids[entry]]
            if to >= 0:
                numbers[fill[to]] = numbers_of_rows[row]
                said[fill[to]] = values[entry]
                fill[to] += 1
    for doc in range(n):
        to = place[doc]
        if to >= 0 and len(e_start):
            for entry in range(e_start[doc], e_start[doc + 1]):
                numbers[fill[to]] = extra_of_term[e_term[entry]]
                said[fill[to]] = e_value[entry]
                fill[to] += 1
    return starts, numbers, said
