"""Log files: whole lines, bounded size, and a follower that misses none."""

import os
from pathlib import Path

from dev.commands.logs import Tail, readable
from dev.stack.logs import LogFile, last_lines, pump


def test_a_full_file_is_turned_over_at_a_line_end(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "one.log", limit_bytes=10, kept=2)
    for number in range(1, 5):
        log.write(b"12345678\n" * (number == 1) + f"line {number}\nbeg".encode())
        log.write(b"un\n")
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["one.log", "one.log.1", "one.log.2"]
    for name in files:
        assert (tmp_path / name).read_bytes().endswith(b"\n") or name == "one.log"


def test_nothing_is_lost_between_a_file_and_the_next(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "one.log", limit_bytes=100, kept=50)
    lines = [f"line {number}\n" for number in range(200)]
    for line in lines:
        log.write(line.encode())
    log.close()
    older = sorted(tmp_path.glob("one.log.*"), key=lambda path: -int(path.suffix[1:]))
    kept = "".join(path.read_text() for path in [*older, tmp_path / "one.log"])
    assert kept == "".join(lines)


def test_the_pump_copies_until_the_last_writer_is_gone(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    thread = pump(reading, LogFile(tmp_path / "one.log"))
    os.write(writing, b"hello\n" * 1000)
    os.close(writing)
    thread.join(10)
    assert (tmp_path / "one.log").read_bytes() == b"hello\n" * 1000


def test_the_last_lines_of_a_file_that_is_not_there_are_none(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log", 3) == []


def test_the_last_lines_are_the_last(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    path.write_text("".join(f"{number} 人岗\n" for number in range(10_000)), encoding="utf-8")
    assert last_lines(path, 2) == ["9998 人岗", "9999 人岗"]
    assert last_lines(path, 0) == []


def test_a_follower_sees_every_line_once_over_a_turn(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "one.log", limit_bytes=30, kept=3)
    log.write(b"before\n")
    tail = Tail(tmp_path / "one.log")
    seen: list[str] = []
    for number in range(10):
        log.write(f"line {number}\n".encode())
        seen += tail.fresh()
    log.close()
    assert seen == [f"line {number}" for number in range(10)]


def test_a_json_line_is_made_readable_and_any_other_left() -> None:
    line = (
        '{"event": "http.request", "route": "/v1/postings", "status": 201, "trace_id": null,'
        ' "level": "info", "timestamp": "2026-03-01T08:00:00.123456Z", "service": "postings"}'
    )
    assert readable(line) == "08:00:00.123 info    http.request route=/v1/postings status=201"
    for other in ("", "plain", "[1]", '"text"', '{"event": "no time"}', "{"):
        assert readable(other) == other
