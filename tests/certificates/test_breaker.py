"""The circuit breaker as a state machine, and what it does at each turn."""

from hypothesis import given
from hypothesis import strategies as st

from services.certificates.domain.breaker import Breaker, BreakerState

EVEN = 0.5
"""With this chance a pause is neither shortened nor lengthened."""


def opened(at_s: float = 0.0) -> Breaker:
    breaker = Breaker(failures=3, pause_s=2.0, most_pause_s=10.0)
    for _ in range(3):
        breaker.failed(at_s, EVEN)
    return breaker


def test_it_opens_at_so_many_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(failures=3)
    for _ in range(5):
        breaker.failed(0, EVEN)
        breaker.failed(0, EVEN)
        assert breaker.admits(0)
        assert not breaker.succeeded()
    assert opened().state(0) is BreakerState.OPEN
    assert not opened().admits(1.99)


def test_after_the_pause_one_question_finds_out() -> None:
    breaker = opened()
    assert breaker.admits(2.0)
    assert breaker.state(2.0) is BreakerState.HALF_OPEN
    assert not breaker.admits(2.0)
    assert breaker.succeeded()
    assert breaker.state(2.0) is BreakerState.CLOSED
    assert breaker.admits(2.0)
    assert not breaker.succeeded()


def test_each_failed_trial_doubles_the_pause_up_to_the_most() -> None:
    breaker, now_s = opened(), 2.0
    for pause_s in (4.0, 8.0, 10.0, 10.0):
        assert breaker.admits(now_s)
        breaker.failed(now_s, EVEN)
        assert not breaker.admits(now_s + pause_s - 0.01)
        now_s += pause_s
    assert breaker.admits(now_s)


def test_late_failures_do_not_lengthen_the_pause() -> None:
    breaker = opened()
    breaker.failed(1.9, EVEN)
    assert breaker.admits(2.0)


def test_chance_spreads_the_trials() -> None:
    soon, late = Breaker(failures=1, pause_s=2.0), Breaker(failures=1, pause_s=2.0)
    soon.failed(0, 0.0)
    late.failed(0, 1.0)
    assert (soon.admits(1.0), late.admits(2.99), late.admits(3.0)) == (True, False, True)


def test_a_trial_of_which_nothing_is_heard_does_not_block_for_ever() -> None:
    breaker = opened()
    assert breaker.admits(2.0)
    assert not breaker.admits(31.9)
    assert breaker.admits(32.0)


@given(st.lists(st.tuples(st.sampled_from("yn-"), st.floats(0, 40)), max_size=60))
def test_it_never_stays_shut_for_longer_than_it_may(steps: list[tuple[str, float]]) -> None:
    breaker, now_s = Breaker(failures=2, pause_s=1.0, most_pause_s=20.0, lost_after_s=10.0), 0.0
    for outcome, wait_s in steps:
        now_s += wait_s
        if breaker.admits(now_s):
            if outcome == "y":
                breaker.succeeded()
                assert breaker.state(now_s) is BreakerState.CLOSED
            elif outcome == "n":
                breaker.failed(now_s, 1.0)
    # The longest pause, lengthened by chance, or a lost trial.
    assert breaker.admits(now_s + 30.0)
