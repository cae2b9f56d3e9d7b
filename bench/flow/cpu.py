"""Processor time of each process of the stack, so that one sees which of them is at its limit."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psutil

OTHERS = "others"
"""Processes that are none of ours."""

_DATABASE = "rengang_"


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of processor time used so far by each process and its children, and when.

    machine_s: by everything that runs on this machine.
    """

    at: float
    used_s: Mapping[str, float]
    machine_s: float


def read(pids: Mapping[str, int]) -> Reading:
    """A reading of these processes, and of this one as "bench"; a process that is gone is left out.

    PostgreSQL's work is its children's: it is told by the database they work for. A session that
    ends takes its share out of the sum.
    """
    used: dict[str, float] = {}
    for name, pid in pids.items():
        for part, seconds in _used_s(name, pid):
            used[part] = used.get(part, 0.0) + seconds
    own = os.times()
    return Reading(time.perf_counter(), used | {"bench": own.user + own.system}, _machine_s())


def cores(before: Reading, after: Reading) -> dict[str, float]:
    """Cores each process used in between, the busiest first; 1.0 is one core all the time.

    OTHERS: what else runs on this machine, and so makes the figures worse than they are.
    """
    whole_s = after.at - before.at
    used = {
        name: max(0.0, after.used_s[name] - before.used_s[name]) / whole_s
        for name in before.used_s.keys() & after.used_s.keys()
    }
    rest = (after.machine_s - before.machine_s) / whole_s - sum(used.values())
    used[OTHERS] = max(0.0, rest)
    return dict(sorted(used.items(), key=lambda entry: -entry[1]))


def _machine_s() -> float:
    times = psutil.cpu_times()
    # What a guest uses is in user and nice already (proc_stat(5)).
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(value for name, value in times._asdict().items() if name not in idle))


def _used_s(name: str, pid: int) -> Iterator[tuple[str, float]]:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for one in family:
        try:
            times = one.cpu_times()
            part = part_of(name, " ".join(one.cmdline()))
        except psutil.Error:
            continue
        yield part, times.user + times.system


def part_of(name: str, title: str) -> str:
    """Under what a process is counted: its name, and of PostgreSQL's sessions also the database.

    title: as PostgreSQL sets it, "postgres: USER rengang_SERVICE HOST(PORT) STATE".
    """
    database = next((word for word in title.split() if word.startswith(_DATABASE)), None)
    if not title.startswith("postgres:") or database is None:
        return name
    return f"{name}:{database.removeprefix(_DATABASE)}"
