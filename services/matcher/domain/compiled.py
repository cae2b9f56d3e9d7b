"""The one way in which kernels are compiled, and kept so that the next start finds them compiled.

What a kernel computes does not live here.

numba keeps its code in NUMBA_CACHE_DIR, else beside the source, else in the user's cache folder,
and sees by the source of the kernel's own file whether it is still good. So a kernel calls kernels
of its own file alone: of another file it would keep the old code when that one changes.
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def compiled(kernel: _Kernel) -> _Kernel:
    """The kernel as machine code, without the GIL; made at its first call, or read from the cache.

    Division by zero is NumPy's (no exception), as is overflow of integers (it wraps around).
    """
    try:
        made = njit(cache=True, nogil=True, error_model="numpy")(kernel)
    except RuntimeError as error:  # no folder to be found that can be written
        warnings.warn(f"compiled anew at each start: {error}", RuntimeWarning, stacklevel=2)
        made = njit(nogil=True, error_model="numpy")(kernel)
    return cast(_Kernel, made)
