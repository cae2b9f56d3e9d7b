"""The one way in which kernels are compiled, and kept so that the next start finds them compiled.

What a kernel computes does not live here.

numba looks at the source of a kernel's own file to see whether what it kept is still good, but a
kernel has constants and other kernels of other files in it. So what is kept lies in a folder named
after the sources of the whole domain: where one of them changes, all is compiled anew.
"""

import contextlib
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import config, njit
from numba.extending import register_jitable

_MARK = "in-use"
_UNUSED_S = 7 * 24 * 60 * 60

# Nobody calls a kernel from C; to make it callable takes as long to compile as some of them do.
_OPTIONS = {"error_model": "numpy", "no_cfunc_wrapper": True}

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def compiled(kernel: _Kernel) -> _Kernel:
    """The kernel as machine code, without the GIL; made at its first call, or read from the cache.

    Division by zero is NumPy's (no exception), as is overflow of integers (it wraps around).
    """
    make: Any = njit
    try:
        made = make(cache=True, nogil=True, **_OPTIONS)(kernel)
    except RuntimeError as error:  # no folder to be found that can be written
        warnings.warn(f"compiled anew at each start: {error}", RuntimeWarning, stacklevel=2)
        made = make(nogil=True, **_OPTIONS)(kernel)
    return cast(_Kernel, made)


def inlined(kernel: _Kernel) -> _Kernel:
    """Like `compiled`, for a part of inner loops: put into whatever kernel calls it.

    A call hands an array over as seven words, which takes longer than a comparison of two numbers.
    Called from Python it runs as Python.
    """
    part: Any = register_jitable
    return cast(_Kernel, part(forceinline=True, no_cpython_wrapper=True, **_OPTIONS)(kernel))


def _folders() -> Iterator[Path]:
    """Where compiled code may be kept: where we are told to, beside the source, or at home."""
    if told := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(told)
    yield Path(__file__).parent / "__pycache__"
    with contextlib.suppress(RuntimeError):  # no home
        yield Path.home() / ".cache" / "rengang"


def _kept_in() -> str:
    """The folder for the code of these sources; "" where nothing can be written.

    What other sources left there and did not use for a week is removed.
    """
    sources = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        sources.update(path.read_bytes())
    name = f"kernels-{sources.hexdigest()[:16]}"
    for folder in _folders():
        mark = folder / name / _MARK
        try:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            now_s = mark.stat().st_mtime
        except OSError:
            continue
        for other in folder.glob(f"kernels-*/{_MARK}"):
            with contextlib.suppress(OSError):
                if now_s - other.stat().st_mtime > _UNUSED_S:
                    shutil.rmtree(other.parent, ignore_errors=True)
        return str(folder / name)
    return ""


config.CACHE_DIR = _kept_in()  # type: ignore[attr-defined]
