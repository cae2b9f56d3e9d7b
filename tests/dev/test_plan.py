"""The topology: what runs, what waits for what, and what somebody else runs."""

from pathlib import Path

import pytest

from dev.stack import plan
from dev.stack.folder import ROOT, DataFolder
from dev.stack.plan import SERVICES, Elsewhere, Plan
from dev.stack.program import Program


@pytest.fixture(autouse=True)
def _own_claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENGANG_CACHE", str(tmp_path))


def stage_of(drawn: Plan) -> dict[str, int]:
    return {part.name: number for number, stage in enumerate(drawn.stages) for part in stage}


def program(drawn: Plan, name: str) -> Program:
    (found,) = [part for stage in drawn.stages for part in stage if part.name == name]
    assert isinstance(found, Program)
    return found


def test_each_part_waits_for_what_it_needs(folder: DataFolder) -> None:
    stage = stage_of(plan.make(folder, Elsewhere()))
    for earlier, later in (
        ("jars", "kafka"),
        ("postgres", "databases"),
        *(("databases", service) for service in SERVICES),
        *(("issuer", service) for service in SERVICES),
        *((service, "sample") for service in SERVICES),
    ):
        assert stage[earlier] < stage[later], (earlier, later)


def test_every_service_of_the_house_is_in_the_plan() -> None:
    there = {path.parent.name for path in (ROOT / "services").glob("*/main.py")}
    assert there == set(SERVICES)


def test_servers_elsewhere_are_used_and_not_started(folder: DataFolder) -> None:
    elsewhere = Elsewhere(kafka="k1:9092,k2:9092", database_server="postgresql://a:b@db:5432")
    drawn = plan.make(folder, elsewhere)
    assert not {"postgres", "kafka", "jars"} & stage_of(drawn).keys()
    told = program(drawn, "matcher").environment
    assert told["RENGANG_KAFKA"] == drawn.settings["RENGANG_KAFKA"] == "k1:9092,k2:9092"
    assert told["RENGANG_DATABASE_URL"] == "postgresql://a:b@db:5432/rengang_matcher"


def test_a_service_is_told_by_the_plan_and_not_by_stray_settings(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENGANG_PORT", "1")
    monkeypatch.setenv("RENGANG_DATABASE_URL_FILE", "/run/secrets/other")
    monkeypatch.setenv("RENGANG_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("MATCHER_K_S", "7")
    drawn = plan.make(folder, Elsewhere())
    told = program(drawn, "matcher").environment
    assert f"http://127.0.0.1:{told['RENGANG_PORT']}" == drawn.settings["RENGANG_MATCHER_URL"]
    assert "RENGANG_DATABASE_URL_FILE" not in told
    assert (told["RENGANG_LOG_LEVEL"], told["MATCHER_K_S"]) == ("DEBUG", "7")


def test_compiled_code_is_kept_outside_the_checkout(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("RENGANG_CACHE", str(tmp_path))
    told = program(plan.make(folder, Elsewhere()), "matcher").environment
    assert told["NUMBA_CACHE_DIR"] == str(tmp_path / "compiled")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    told = program(plan.make(folder, Elsewhere()), "matcher").environment
    assert told["NUMBA_CACHE_DIR"] == "/elsewhere"


@pytest.mark.parametrize("beside_the_source", [True, False])
def test_modules_are_compiled_once_also_where_they_are_not_to_stand_beside_the_source(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, beside_the_source: bool
) -> None:
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.setenv("RENGANG_CACHE", str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", not beside_the_source)
    told = program(plan.make(folder, Elsewhere()), "talent").environment
    kept_in = None if beside_the_source else str(tmp_path / "modules")
    assert (told.get("PYTHONPYCACHEPREFIX"), told["PYTHONDONTWRITEBYTECODE"]) == (kept_in, "")


def test_no_secret_is_among_what_the_stack_says_of_itself(folder: DataFolder) -> None:
    drawn = plan.make(folder, Elsewhere())
    assert folder.secret("postgres") not in str(drawn)


def test_every_program_has_a_port_of_its_own(folder: DataFolder) -> None:
    drawn = plan.make(folder, Elsewhere())
    used = [part.port for stage in drawn.stages for part in stage if isinstance(part, Program)]
    assert len(used) == len(set(used)) == len(SERVICES) + 3
