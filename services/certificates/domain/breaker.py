"""A circuit breaker: who does not answer is left alone for a while, then tried with one question.

What counts as no answer, and whose breaker it is, does not live here. Time comes as an argument.
"""

from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """closed: asks · open: does not · half-open: one question is on its way to find out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Breaker:
    """closed --(failures in a row)--> open --(pause over)--> half-open --> closed, or open again.

    failures: how many in a row open it. pause_s: how long it first stays open; doubled each time
    the trial fails, up to most_pause_s. lost_after_s: a trial of which nothing was heard counts
    for nothing after so long. Times are monotonic seconds.
    Source: M. Nygard, Release It!, "Circuit Breaker".
    """

    failures: int = 5
    pause_s: float = 2.0
    most_pause_s: float = 60.0
    lost_after_s: float = 30.0
    _failed: int = 0
    _opened: int = 0
    _open_until_s: float | None = None
    _trial_at_s: float | None = None

    def state(self, now_s: float) -> BreakerState:
        """Where it stands."""
        if self._open_until_s is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._on_trial(now_s) else BreakerState.OPEN

    def admits(self, now_s: float) -> bool:
        """Whether a question may go out now; when it is open and its pause over, one may."""
        if self._open_until_s is None:
            return True
        if now_s < self._open_until_s or self._on_trial(now_s):
            return False
        self._trial_at_s = now_s
        return True

    def succeeded(self) -> bool:
        """An answer came. Returns whether that closed it."""
        was_open = self._open_until_s is not None
        self._failed = self._opened = 0
        self._open_until_s = self._trial_at_s = None
        return was_open

    def failed(self, now_s: float, chance: float) -> None:
        """No answer came. chance: 0 … 1, spreads the trials of many over half to one and a half."""
        self._failed += 1
        tried = self._open_until_s is not None and self._trial_at_s is not None
        if not tried and (self._open_until_s is not None or self._failed < self.failures):
            # Questions that were under way when it opened say nothing new.
            return
        pause_s = min(self.pause_s * 2.0 ** min(self._opened, 30), self.most_pause_s)
        self._opened += 1
        self._trial_at_s = None
        self._open_until_s = now_s + pause_s * (0.5 + chance)

    def _on_trial(self, now_s: float) -> bool:
        return self._trial_at_s is not None and now_s - self._trial_at_s < self.lost_after_s
