"""`./rengang model`: against the matcher's own door and database, and without any."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.stack import plan
from dev.stack.folder import DataFolder
from dev.stack.program import StackFailed
from dev.stack.state import PartState, StackState
from services.matcher import api
from services.matcher.domain.base_model import base_model
from services.matcher.domain.model import Weights
from tests.dev.programs import ROOT_ENVIRONMENT
from tests.kit.door import an_app, served
from tests.matcher.harness import Matcher, running
from tests.matcher.market import sample_market
from tests.matcher.outcomes import LOCAL, said_by_people_who_want
from tests.support import NOW, published_issuer


@dataclass
class Line:
    """The command line, told where a matcher is."""

    matcher: Matcher
    settings: dict[str, str]

    async def run(self, *arguments: str) -> tuple[int | None, str, str]:
        return await model(*arguments, **self.settings)


async def model(*arguments: str, **settings: str) -> tuple[int | None, str, str]:
    """`./rengang model …` with these settings: exit code, output, complaints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "dev", "model", *arguments),
        env=ROOT_ENVIRONMENT | {"COLUMNS": "160"} | settings,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def line(empty_database: str) -> AsyncIterator[Line]:
    async with running(empty_database) as matcher, published_issuer() as (issuer, jwks_url):
        router = api.routes(matcher.index, shard="0/1", clock=lambda: NOW)
        async with served(an_app(router, jwks_url=jwks_url, service="matcher")) as url:
            yield Line(
                matcher,
                {
                    "RENGANG_MATCHER_URL": url,
                    "RENGANG_TOKEN": issuer.token(sub="operator-1", role="operator"),
                    "RENGANG_DATABASE_URL": empty_database,
                },
            )


async def test_a_model_is_fitted_listed_and_chosen(line: Line) -> None:
    await line.matcher.take(*sample_market(10, 10))
    code, told, complaint = await line.run("fit", "--json", "--tau", "250000", "--k-p", "7")
    assert code == 0, complaint
    made = json.loads(told)
    assert made["limits"] == {"tau_ppm": 250_000, "k_s": 20, "k_p": 7}
    version = made["version"]
    code, told, _ = await line.run("list")
    assert code == 0
    mine, first = [row for row in told.splitlines() if row.startswith("│")]
    assert [cell.strip() for cell in mine.split("│")[1:3]] == [version, ""]
    assert ("0.25" in mine, "in force" in first, base_model().version in first) == (True,) * 3
    code, told, _ = await line.run("use", version)
    assert (code, told) == (0, f"chosen: {version}; how far it is:  ./rengang model list\n")
    code, told, _ = await line.run("use", version)
    assert (code, told.startswith(f"{version} was chosen before")) == (0, True)
    code, told, _ = await line.run("list", "--json")
    assert [json.loads(row)["state"] for row in told.splitlines()] == ["chosen", "in_force"]


async def test_the_one_in_force_can_be_chosen_anew(line: Line) -> None:
    code, told, _ = await line.run("use", base_model().version)
    assert code == 0
    assert told.startswith(f"chosen: {base_model().version};")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("0" * 16, "./rengang model fit makes one"),
        ("latest", "422 version: "),
        ("../../livez", "404 "),
    ],
)
async def test_a_model_that_is_not_there_is_refused_in_one_line(
    line: Line, version: str, why: str
) -> None:
    code, told, complaint = await line.run("use", version)
    assert (code, told, complaint.count("\n")) == (1, "", 1)
    assert why in complaint


async def test_an_empty_corpus_is_refused_in_one_line(line: Line) -> None:
    code, told, complaint = await line.run("fit")
    assert (code, told) == (2, "")
    assert complaint == "fit: no posting is open and no seeker is looking\n"


async def test_weights_are_learned_from_outcomes_and_chosen(line: Line) -> None:
    code, told, complaint = await line.run("learn")
    assert (code, told) == (2, "")
    assert complaint == "learn: no outcome of a match was heard yet\n"
    await line.matcher.take(*sample_market(10, 10))
    await said_by_people_who_want(line.matcher, LOCAL, 2000)
    code, told, _ = await line.run("learn", "--dry-run")
    assert (code, told.splitlines()[-1].startswith("it would be model")) == (0, True)
    code, told, _ = await line.run("learn", "--json")
    version = json.loads(told)["version"]
    assert (code, json.loads(told)["verdict"]) == (0, "better")
    code, told, _ = await line.run("use", version)
    assert (code, told.startswith(f"chosen: {version};")) == (0, True)


async def test_weights_that_are_no_better_are_refused_with_the_reason(line: Line) -> None:
    await said_by_people_who_want(line.matcher, Weights(), 100)
    code, told, _ = await line.run("learn")
    assert code == 1
    assert "\ntoo few: to learn from there are " in told


@pytest.mark.parametrize("command", [["fit"], ["learn"], ["list"], ["use", "0" * 16]])
async def test_without_a_stack_each_says_how_to_start_one(
    command: list[str], tmp_path: Path
) -> None:
    code, told, complaint = await model(*command, RENGANG_DATA=str(tmp_path / "none"))
    assert (code, told, complaint.count("\n")) == (1, "", 1)
    assert "./rengang up" in complaint


async def test_a_matcher_that_is_away_is_said_in_one_line() -> None:
    settings = {"RENGANG_MATCHER_URL": "http://127.0.0.1:9", "RENGANG_TOKEN": "t"}
    code, told, complaint = await model("list", **settings)
    assert (code, told, complaint.count("\n")) == (1, "", 1)
    assert "does not answer" in complaint


def test_what_works_beside_a_service_is_told_its_database(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    state = StackState(parts=[PartState("postgres", "program", address="127.0.0.1:18732")])
    told = plan.beside("matcher", folder, state)
    url = f"postgresql://rengang:{folder.secret('postgres')}@127.0.0.1:18732/rengang_matcher"
    assert told["RENGANG_DATABASE_URL"] == url
    assert told["NUMBA_CACHE_DIR"] == "/elsewhere"


def test_a_server_elsewhere_must_be_named(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RENGANG_DATABASE_SERVER", raising=False)
    with pytest.raises(StackFailed, match="set RENGANG_DATABASE_SERVER"):
        plan.beside("matcher", folder, StackState())
    monkeypatch.setenv("RENGANG_DATABASE_SERVER", "postgresql://a:b@db:5432")
    told = plan.beside("matcher", folder, StackState())
    assert told["RENGANG_DATABASE_URL"] == "postgresql://a:b@db:5432/rengang_matcher"
