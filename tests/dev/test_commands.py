"""The command line: what it lists is there, and a refusal says what to do."""

import importlib
import json
import re
from pathlib import Path

import pytest
import typer

from dev.cli import COMMANDS, Command
from dev.commands.doctor import Finding, Verdict, findings, packages
from dev.stack.folder import DataFolder
from dev.stack.plan import Elsewhere
from tests.dev.programs import ROOT, listening, rengang, stack


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_there(command: Command) -> None:
    assert isinstance(importlib.import_module(command.module).app, typer.Typer)


def test_help_lists_every_command_with_an_example() -> None:
    said = rengang().stdout
    assert said == rengang("help").stdout == rengang("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command.name} +{re.escape(command.does)}", said, re.MULTILINE)
        assert command.example in said


def test_a_mistyped_command_is_guessed() -> None:
    done = rengang("stauts")
    assert done.returncode == 2
    assert "Did you mean status?" in done.stderr


@pytest.mark.parametrize("command", ["status", "logs", "seed"])
def test_without_a_stack_each_says_how_to_start_one(command: str, tmp_path: Path) -> None:
    done = rengang(command, "--data", tmp_path / "none")
    assert done.returncode == 1
    assert "./rengang up" in done.stderr
    assert not (tmp_path / "none").exists()


def test_down_without_a_stack_is_no_error(tmp_path: Path) -> None:
    done = rengang("down", "--data", tmp_path / "none")
    assert (done.returncode, done.stdout) == (0, "not running\n")


@pytest.mark.parametrize("options", [["--detach"], [], ["--fresh"], ["--json"]])
def test_up_refuses_a_folder_that_is_not_ours(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    done = rengang("up", *options, "--data", tmp_path)
    assert done.returncode == 1
    assert "holds other things" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


async def test_up_on_a_running_stack_says_so_and_status_shows_it(folder: DataFolder) -> None:
    running = stack(folder, (listening("postings"),))
    running.state.settings |= {
        "RENGANG_POSTINGS_URL": "http://127.0.0.1:1",
        "RENGANG_KAFKA": "127.0.0.1:1",
    }
    await running.start()
    try:
        done = rengang("up", "--data", folder.path)
        assert done.returncode == 0
        assert done.stdout.startswith("already up")
        refused = rengang("up", "--fresh", "--data", folder.path)
        assert (refused.returncode, "./rengang down" in refused.stderr) == (1, True)
        status = rengang("status", "--json", "--data", folder.path)
        assert status.returncode == 0
        (process,) = json.loads(status.stdout)["processes"]
        assert (process["name"], process["health"]) == ("postings", "ready")
        assert process["pid"] == running.process("postings").pid
        logs = rengang("logs", "postings", "--data", folder.path)
        assert logs.stdout == "listening\n"
        unknown = rengang("logs", "posting", "--data", folder.path)
        assert (unknown.returncode, "there are: postings" in unknown.stderr) == (1, True)
    finally:
        await running.stop()
    assert rengang("status", "--data", folder.path).returncode == 1


def test_doctor_finds_this_machine_fit_for_the_tests_it_runs(tmp_path: Path) -> None:
    done = rengang("doctor", "--json", "--data", tmp_path / "data")
    report = json.loads(done.stdout)
    assert (done.returncode, report["sound"]) == (0, True), report
    assert {"python", "packages", "disk", "PostgreSQL", "java", "jars", "ports"} <= {
        check["name"] for check in report["checks"]
    }
    assert not (tmp_path / "data").exists()


def test_doctor_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    done = rengang("doctor", "--data", tmp_path)
    assert done.returncode == 1
    assert re.search(r"^missing +data folder .*\n +choose another: --data DIR$", done.stdout, re.M)


def test_doctor_asks_the_servers_that_settings_name(tmp_path: Path) -> None:
    elsewhere = Elsewhere(
        kafka="127.0.0.1:1", database_server="postgresql://admin:secret@127.0.0.1:1"
    )
    found = {each.name: each for each in findings(DataFolder(tmp_path / "data"), elsewhere)}
    assert found["Kafka"].verdict is found["PostgreSQL"].verdict is Verdict.MISSING
    assert not {"java", "jars", "user"} & found.keys()
    assert "secret" not in str(found)


def test_doctor_names_a_package_that_is_not_as_the_lock_says(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(
        "rich==0.0.1 \\\n    --hash=sha256:00\n"
        "never-heard-of==1.0 ; sys_platform == 'nowhere' \\\n    --hash=sha256:00\n",
        encoding="utf-8",
    )
    found = packages(lock)
    assert isinstance(found, Finding)
    assert (found.verdict, found.said) == (Verdict.MISSING, "not as some.lock says: rich")
    assert packages(ROOT / "requirements.lock").verdict is Verdict.OK
