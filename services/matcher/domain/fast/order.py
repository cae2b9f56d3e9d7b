"""The order of all entries of many lists at once, as a start needs it.

What a list is lives in `lists`.
"""

import numpy as np

from services.matcher.domain.compiled import compiled
from services.matcher.domain.fast.growing import Array


@compiled
def by_owner_and_rank(
    owners: Array, scores: Array, others: Array, high: Array, low: Array, n_owners: int
) -> Array:
    """Places of the entries by owner, then score downwards, then the other's id. int64 (n,).

    owners, scores, others: int32 (n,). high, low: uint64, the ids of the others by slot. Owners are
    counted, and each run is put in order by insertion: runs are short, and numpy's lexsort goes
    through all entries once for each key.
    """
    ends = np.zeros(n_owners + 1, np.int64)
    for at in range(len(owners)):
        ends[owners[at] + 1] += 1
    for owner in range(n_owners):
        ends[owner + 1] += ends[owner]
    place = ends[:-1].copy()
    order = np.empty(len(owners), np.int64)
    for at in range(len(owners)):
        order[place[owners[at]]] = at
        place[owners[at]] += 1
    for owner in range(n_owners):
        for right in range(ends[owner] + 1, ends[owner + 1]):
            mine, left = order[right], right - 1
            while left >= ends[owner]:
                other = order[left]
                if scores[other] > scores[mine]:
                    break
                if scores[other] == scores[mine]:
                    a, b = others[other], others[mine]
                    if high[a] < high[b] or (high[a] == high[b] and low[a] <= low[b]):
                        break
                order[left + 1] = other
                left -= 1
            order[left + 1] = mine
    return order
