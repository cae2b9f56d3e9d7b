"""Made-up runs of the flow measurement, for the tests of its arithmetic and its report."""

from bench.flow.figures import HOPS, MATCHER, Fan, LatencyBlock, Load, RateBlock, Run


def a_rate_block(
    *,
    engine: str = MATCHER,
    postings: int = 1_000,
    offered_s: float = 8.0,
    whole_s: float = 10.0,
    events: int = 20_000,
    cpu: dict[str, float] | None = None,
) -> RateBlock:
    return RateBlock(
        engine=engine,
        postings=postings,
        offered_s=offered_s,
        whole_s=whole_s,
        fan=Fan(10.0, 2.0, 8.0),
        events=events,
        event_bytes=events * 1_000,
        held=0.25,
        cpu=cpu or {"matcher": 0.5, "kafka": 0.1, "others": 0.3},
    )


def a_latency_block(
    *,
    engine: str = MATCHER,
    share: float = 0.5,
    from_201_ms: tuple[float, ...] = (20.0, 30.0),
    probes: int | None = None,
) -> LatencyBlock:
    return LatencyBlock(
        engine=engine,
        share=share,
        wanted=50.0,
        reached=49.5,
        probes=len(from_201_ms) if probes is None else probes,
        from_201_ms=from_201_ms,
        hops_ms={name: (1.0, 2.0, 3.0) for name, _ in HOPS},
        door_ms=4.0,
        fan=Fan(10.0, 2.0, 8.0),
        cpu={"matcher": 0.2, "others": 0.1},
    )


def a_run(
    *blocks: RateBlock | LatencyBlock,
    seekers: int = 100_000,
    postings: int = 20_000,
    load: Load | None = None,
) -> Run:
    return Run(
        seekers=seekers,
        postings=postings,
        probes=200,
        seconds=20.0,
        seed=1,
        machine="2 cores",
        load=load or Load(steps=(("seekers through the import door", 100_000, 50.0),)),
        blocks=blocks,
    )
