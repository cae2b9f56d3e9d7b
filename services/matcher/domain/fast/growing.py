"""Arrays that grow at the end.

What they hold does not live here.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

Int = Any
"""A number of a kernel: 64 bits, and no int of Python, which a type checker would take it for."""


class Growing:
    """One growing array. Appending is amortised constant; `values` is a view, not a copy."""

    def __init__(self, dtype: Any, width: int = 0, *, room: int = 64) -> None:
        self.held: Array = np.zeros((room, width) if width else room, dtype)
        self.n = 0

    def extend(self, values: Any) -> None:
        """Append values at the end."""
        end = self.n + len(values)
        self.reserve(end)
        self.held[self.n : end] = values
        self.n = end

    def reserve(self, n: int) -> None:
        """Have room for n values in all; new room holds zeros."""
        if n > len(self.held):
            grown = np.zeros((max(n, 2 * len(self.held)), *self.held.shape[1:]), self.held.dtype)
            grown[: self.n] = self.held[: self.n]
            self.held = grown

    def clear(self) -> None:
        """Forget the values, keep the room."""
        self.n = 0

    @property
    def values(self) -> Array:
        """All values, in order."""
        return self.held[: self.n]

    @property
    def nbytes(self) -> int:
        """Bytes held, with the room."""
        return int(self.held.nbytes)
