"""Arrays in one stretch of memory, which the processor finds its way in by fewer and larger pages.

A search reads a little of hundreds of lists, far from each other: with pages of 4 KiB it looks up
as many page numbers as it reads lists. What the arrays are does not live here.
"""

import mmap

import numpy as np

from services.matcher.domain.fast.growing import Array

# Large pages are of 2 MiB (x86-64, ARM): less is no stretch of them.
_WORTH_IT = 4 << 20
_LINE = 64


def packed(arrays: dict[str, Array]) -> dict[str, Array]:
    """The same arrays, copied next to each other where they are many bytes."""
    starts = np.cumsum([0, *(-(-each.nbytes // _LINE) * _LINE for each in arrays.values())])
    advice = getattr(mmap, "MADV_HUGEPAGE", None)
    if advice is None or starts[-1] < _WORTH_IT:
        return arrays
    stretch = mmap.mmap(-1, int(starts[-1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        stretch.madvise(advice)
    except OSError:
        return arrays  # a system without large pages
    copies = {}
    for (name, each), start in zip(arrays.items(), starts.tolist(), strict=False):
        copy = np.frombuffer(stretch, each.dtype, each.size, start).reshape(each.shape)
        copy[...] = each
        copies[name] = copy
    return copies
