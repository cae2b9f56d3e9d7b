"""The report says plainly what was met and what was not, and hides no row."""

import json

from bench.flow.figures import MATCHER, PASSTHROUGH, Load, Run
from bench.flow.report import as_json, as_text, verdicts
from tests.bench.flow_runs import a_latency_block, a_rate_block, a_run


def verdict_of(run: Run, what: str) -> str:
    return next(row[-1] for row in verdicts(run) if row[0].startswith(what))


def with_times(mine: tuple[float, ...], other: tuple[float, ...], probes: int = 1) -> Run:
    return a_run(
        a_latency_block(engine=MATCHER, from_201_ms=mine, probes=probes),
        a_latency_block(engine=PASSTHROUGH, from_201_ms=other),
    )


def test_the_rate_is_met_from_the_aim_on() -> None:
    assert verdict_of(a_run(a_rate_block(postings=1_000)), "postings/s") == "met"
    assert verdict_of(a_run(a_rate_block(postings=999)), "postings/s") == "NOT met"


def test_the_rate_is_the_matchers_not_the_stand_ins() -> None:
    run = a_run(a_rate_block(postings=10), a_rate_block(engine=PASSTHROUGH, postings=9_000))
    assert verdict_of(run, "postings/s") == "NOT met"


def test_another_size_is_said() -> None:
    said = verdict_of(a_run(a_rate_block(), seekers=2_000, postings=400), "postings/s")
    assert said.startswith("met, but at another size")


def test_the_ratio_is_met_up_to_twice() -> None:
    assert verdict_of(with_times((20.0,), (10.0,)), "201") == "met"
    assert verdict_of(with_times((20.1,), (10.0,)), "201") == "NOT met"


def test_a_posting_that_never_arrived_spoils_the_ratio() -> None:
    assert verdict_of(with_times((9.0,), (10.0,), 3), "201") == "NOT met; 2 never arrived"
    assert verdict_of(with_times((), (10.0,), 3), "201") == "NOT met"


def test_every_block_has_its_row_also_the_losing_ones() -> None:
    run = a_run(
        a_rate_block(postings=70),
        a_latency_block(from_201_ms=(91.0, 93.0)),
        a_rate_block(engine=PASSTHROUGH, postings=80),
        a_latency_block(engine=PASSTHROUGH, from_201_ms=(11.0, 13.0)),
    )
    text = as_text(run)
    for figure in ("7.0", "8.0", "92.0", "12.0", "7.67×", "NOT met", "2,000", "others"):
        assert figure in text, text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_block_in_which_nothing_arrived_is_shown() -> None:
    assert "0/4" in as_text(with_times((), (10.0,), 4))


def test_processor_time_is_told_for_each_match_event() -> None:
    block = a_rate_block(events=20_000, whole_s=10.0, cpu={"matcher": 0.5, "others": 1.0})
    text = as_text(a_run(block))
    assert "0.25" in next(line for line in text.splitlines() if "matcher, a match event" in line)


def test_a_folder_that_was_loaded_before_is_said() -> None:
    assert "earlier run" in as_text(a_run(a_rate_block(), load=Load(folder_reused=True)))


def test_the_json_holds_all_of_it() -> None:
    run = a_run(a_rate_block(), a_latency_block(), a_latency_block(engine=PASSTHROUGH))
    told = json.loads(json.dumps(as_json(run)))
    assert [block["kind"] for block in told["blocks"]] == ["rate", "latency", "latency"]
    assert told["aims"]["postings_a_second"]["measured"] == 100.0
    assert told["aims"]["ratio_of_medians"] == [
        {"share": 0.5, "aim": 2.0, "measured": 1.0, "each": [1.0]}
    ]
    assert told["blocks"][1]["median_ms"] == 25.0


def test_a_disturbed_run_says_so() -> None:
    quiet = a_run(a_rate_block(cpu={"matcher": 1.0, "others": 0.1}))
    loud = a_run(a_rate_block(), a_rate_block(cpu={"matcher": 0.5, "others": 1.2}))
    assert "WARNING" not in as_text(quiet)
    assert "WARNING: other processes used up to 1.2 cores" in as_text(loud)
