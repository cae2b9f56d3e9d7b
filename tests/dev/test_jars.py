"""Kafka's jars: only what the lock names is ever run."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.stack import jars
from dev.stack.jars import Jar, JarsUnavailable
from dev.stack.kafka import VERSION


def a_jar(content: bytes, artifact: str = "kafka-clients") -> Jar:
    return Jar("org.example", artifact, "1.0", hashlib.sha256(content).hexdigest())


class Repository:
    """Brings what it was given, and remembers what it was asked for."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)
        self.asked: list[Jar] = []

    def __call__(self, jar: Jar, folder: Path) -> Path:
        self.asked.append(jar)
        path = folder / "org" / jar.file
        path.parent.mkdir()
        path.write_bytes(self.contents.pop(0) if len(self.contents) > 1 else self.contents[0])
        return path


def test_the_lock_names_every_jar_once_and_kafka_in_the_version_we_state() -> None:
    locked = jars.locked()
    assert len(locked) == len({jar.artifact for jar in locked}) > 40
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in locked)
    ours = {jar.version for jar in locked if jar.group == "org.apache.kafka"}
    assert ours == {VERSION}


def test_a_jar_is_fetched_once(tmp_path: Path) -> None:
    repository = Repository(b"jar")
    jar = a_jar(b"jar")
    assert jars.ensure(tmp_path, [jar], fetch=repository) == [tmp_path / jar.file]
    jars.ensure(tmp_path, [jar], fetch=repository)
    assert repository.asked == [jar]
    assert [path.name for path in tmp_path.iterdir()] == [jar.file]


def test_a_corrupted_jar_is_fetched_again(tmp_path: Path) -> None:
    jar = a_jar(b"jar")
    (tmp_path / jar.file).write_bytes(b"ja")
    jars.ensure(tmp_path, [jar], fetch=Repository(b"jar"))
    assert (tmp_path / jar.file).read_bytes() == b"jar"


def test_a_jar_that_arrives_broken_is_asked_for_again(tmp_path: Path) -> None:
    repository = Repository(b"half a j", b"jar")
    jars.ensure(tmp_path, [a_jar(b"jar")], fetch=repository)
    assert len(repository.asked) == 2


def test_a_jar_that_is_not_the_lock_s_is_never_put_in_the_cache(tmp_path: Path) -> None:
    with pytest.raises(JarsUnavailable, match=r"org\.example:kafka-clients:1\.0 .* sha256"):
        jars.ensure(tmp_path, [a_jar(b"jar")], fetch=Repository(b"something else"))
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_up_to_all(tmp_path: Path) -> None:
    wanted = [a_jar(b"jar", name) for name in ("a", "b", "c")]
    jars.ensure(tmp_path, wanted[:1], fetch=Repository(b"jar"))
    seen: list[tuple[int, int]] = []
    jars.ensure(
        tmp_path,
        wanted,
        fetch=Repository(b"jar"),
        progress=lambda there, all_: seen.append((there, all_)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_two_starts_at_once_both_get_whole_jars(tmp_path: Path) -> None:
    wanted = [a_jar(b"jar", f"part-{number}") for number in range(20)]

    def start(_number: int) -> list[Path]:
        return jars.ensure(tmp_path, wanted, fetch=Repository(b"jar"))

    with ThreadPoolExecutor(4) as pool:
        for class_path in pool.map(start, range(4)):
            assert [path.name for path in class_path] == [jar.file for jar in wanted]
    assert jars.sound(tmp_path, wanted) == wanted


def test_the_cache_folder_follows_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RENGANG_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jars.folder() == tmp_path / "rengang" / "jars"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert jars.cache_folder() == Path.home() / ".cache" / "rengang"
    monkeypatch.setenv("RENGANG_CACHE", str(tmp_path / "mine"))
    assert jars.folder() == tmp_path / "mine" / "jars"
