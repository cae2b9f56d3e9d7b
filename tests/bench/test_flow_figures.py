"""The arithmetic of the flow measurement: percentiles, rates, ratios, processor time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.flow.cpu import OTHERS, Reading, cores, part_of
from bench.flow.figures import MATCHER, PASSTHROUGH, percentile
from tests.bench.flow_runs import a_latency_block, a_rate_block, a_run

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@given(VALUES, st.floats(0, 100))
def test_percentiles_are_those_of_numpy(values: list[float], percent: float) -> None:
    wanted = float(np.percentile(values, percent))
    assert percentile(values, percent) == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="of 0 values"):
        percentile([], 50)
    with pytest.raises(ValueError, match="101"):
        percentile([1.0], 101)


def test_a_rate_counts_the_time_until_all_is_read() -> None:
    block = a_rate_block(postings=300, offered_s=2.0, whole_s=6.0, events=9_000)
    assert block.postings_a_second == 50
    assert block.events_a_second == 1_500


def test_what_did_not_arrive_is_missed_and_in_no_percentile() -> None:
    block = a_latency_block(from_201_ms=(10.0, 20.0, 30.0), probes=5)
    assert block.missed == 2
    assert block.ms(50) == 20.0
    assert a_latency_block(from_201_ms=(), probes=5).ms(50) is None


def test_ratios_are_of_blocks_in_order_of_time() -> None:
    run = a_run(
        a_latency_block(engine=MATCHER, from_201_ms=(30.0,)),
        a_latency_block(engine=PASSTHROUGH, from_201_ms=(10.0,)),
        a_latency_block(engine=MATCHER, from_201_ms=(40.0,)),
        a_latency_block(engine=MATCHER, share=0.25, from_201_ms=(1.0,)),
        a_latency_block(engine=PASSTHROUGH, from_201_ms=(20.0,)),
    )
    assert run.ratios(0.5, 50) == [3.0, 2.0]
    assert run.ratios(0.25, 50) == []
    assert run.shares == [0.25, 0.5]


def test_cores_are_of_the_time_between_and_others_are_the_rest() -> None:
    before = Reading(at=10.0, used_s={"kafka": 1.0, "talent": 5.0}, machine_s=100.0)
    after = Reading(at=14.0, used_s={"kafka": 3.0, "talent": 5.4, "new": 9.0}, machine_s=106.0)
    used = cores(before, after)
    assert used == pytest.approx({"kafka": 0.5, "talent": 0.1, OTHERS: 0.9})
    assert list(used) == [OTHERS, "kafka", "talent"]


def test_a_session_of_postgresql_counts_for_its_database() -> None:
    title = "postgres: rengang rengang_seekers 127.0.0.1(41234) INSERT"
    assert part_of("postgres", title) == "postgres:seekers"
    assert part_of("postgres", "postgres: walwriter") == "postgres"
    assert part_of("seekers", "python -m services.seekers.main") == "seekers"
