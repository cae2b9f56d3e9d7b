"""The operators' door: the model in force, and why a pair stands as it does."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.kit.auth import Authenticator, KeySet, assert_every_route_is_guarded
from services.kit.http import make_app
from services.matcher import api
from services.matcher.index import Index
from services.matcher.main import asyncapi_document
from tests.kit.door import AUDIENCE, ISSUER, Issuer, knocking, no_lifespan
from tests.matcher.harness import TIGHT, Matcher
from tests.matcher.market import (
    certificate,
    closed,
    posting_id,
    posting_state,
    profiled,
    published,
    seeker_id,
    seeker_state,
    verified,
    withdrawn,
)
from tests.support import NOW, published_issuer

WELDER = "6-18-02-04"
JOB = posting_state(
    1,
    {
        "title": "电焊工",
        "text": "负责氩弧焊，能看图纸。",
        "occupation": WELDER,
        "county": "530102",
        "pay": {"min": 6000, "max": 9000, "unit": "month"},
        "skills": [{"name": "氩弧焊"}, {"name": "气割"}],
        "certificates": [{"occupation": WELDER, "level": 3}],
        "valid_until": "2026-06-30T23:59:59+08:00",
    },
)
PERSON = seeker_state(
    1,
    {
        "titles": ["焊工"],
        "text": "会氩弧焊。",
        "occupations": [WELDER],
        "skills": ["氩弧焊"],
        "counties": ["530100"],
    },
)
PAIR = {"posting_id": str(posting_id(1)), "seeker_id": str(seeker_id(1))}


def an_app(index: Index, jwks_url: str) -> FastAPI:
    return make_app(
        title="匹配",
        service="matcher",
        description="A sample.",
        authenticator=Authenticator(KeySet(jwks_url), ISSUER, AUDIENCE),
        readiness=[],
        lifespan=no_lifespan,
        routers=[api.routes(index, shard="0/1", clock=lambda: NOW)],
        asyncapi=asyncapi_document,
    )


@pytest.fixture
async def issuer() -> AsyncIterator[tuple[Issuer, str]]:
    async with published_issuer() as published_at:
        yield published_at


@pytest.fixture
async def operator(
    matcher: Matcher, issuer: tuple[Issuer, str]
) -> AsyncIterator[httpx.AsyncClient]:
    signer, jwks_url = issuer
    token = signer.token(sub="operator-1", role="operator")
    async with knocking(an_app(matcher.index, jwks_url)) as door:
        door.headers["Authorization"] = f"Bearer {token}"
        yield door


async def explained(operator: httpx.AsyncClient) -> dict[str, Any]:
    answer = await operator.get("/v1/explain", params=PAIR)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def leaves(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [leaf for child in node["children"] for leaf in leaves(child)] or [node]


async def test_the_model_is_told_with_its_limits_and_what_the_shard_holds(
    matcher: Matcher, operator: httpx.AsyncClient
) -> None:
    await matcher.take(published(JOB), profiled(PERSON))
    await matcher.take(verified(seeker_id(1), 1, certificate(1, WELDER, 4)))
    told = (await operator.get("/v1/model")).json()
    assert {name: told[name] for name in TIGHT} == TIGHT
    assert told["version"] == matcher.index.model.version
    assert sum(told["weights"].values()) == 1_000_000
    assert told["counts"] == {
        "open_postings": 1,
        "looking_seekers": 1,
        "folders": 1,
        "live_matches": 1,
    }
    assert (told["shard"], told["engine"]["builds"], told["engine"]["batches"]) == ("0/1", 1, 2)


async def test_a_live_pair_is_explained_as_it_was_announced(
    matcher: Matcher, operator: httpx.AsyncClient
) -> None:
    await matcher.take(verified(seeker_id(1), 1, certificate(1, WELDER, 4)))
    await matcher.take(published(JOB), profiled(PERSON))
    told = await explained(operator)
    (found,) = await matcher.announced()
    assert (told["eligible"], told["broken_rules"]) == (True, [])
    assert told["standing"] == {
        "score_ppm": told["score_ppm"],
        "for_seeker": True,
        "for_posting": True,
    }
    assert told["match_id"] == found.subject
    assert sum(leaf["points_ppm"] for leaf in leaves(told["reason"])) == told["score_ppm"]
    assert all(leaf["zh"] and leaf["en"] for leaf in leaves(told["reason"]))
    assert [item["params"]["skill"] for item in told["missing"]] == ["气割"]


async def test_a_pair_that_may_not_meet_is_explained_with_the_rules_it_breaks(
    matcher: Matcher, operator: httpx.AsyncClient
) -> None:
    elsewhere = PERSON.model_copy(update={"counties": ("530402",)})
    await matcher.take(published(JOB), profiled(elsewhere))
    told = await explained(operator)
    assert told["standing"] is None
    assert [broken["rule"] for broken in told["broken_rules"]] == ["place", "certificate"]
    assert all(broken["zh"] and broken["en"] for broken in told["broken_rules"])
    assert told["score_ppm"] > 0


async def test_what_is_over_is_explained_by_its_being_over(
    matcher: Matcher, operator: httpx.AsyncClient
) -> None:
    await matcher.take(published(JOB), profiled(PERSON))
    await matcher.take(closed(JOB, 2), withdrawn(seeker_id(1), 2))
    broken = [rule["rule"] for rule in (await explained(operator))["broken_rules"]]
    assert broken[:2] == ["posting_open", "seeker_looking"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_pair_never_heard_of_is_not_found(
    operator: httpx.AsyncClient, language: str
) -> None:
    answer = await operator.get("/v1/explain", params=PAIR, headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:rengang:problem:pair_unknown"
    assert ("分片" in answer.json()["detail"]) == (language == "zh")


@pytest.mark.parametrize("query", ["", "?posting_id=1&seeker_id=2", f"?posting_id={posting_id(1)}"])
async def test_a_question_that_names_no_pair_is_refused(
    operator: httpx.AsyncClient, query: str
) -> None:
    answer = await operator.get(f"/v1/explain{query}")
    assert answer.status_code == 422
    assert all(error["where"] == "query" for error in answer.json()["errors"])


async def test_while_the_index_is_built_the_door_says_so(
    matcher: Matcher, issuer: tuple[Issuer, str]
) -> None:
    signer, jwks_url = issuer
    token = signer.token(sub="operator-1", role="operator")
    index = Index(matcher.db, {})
    index.enter("building the index")
    async with knocking(an_app(index, jwks_url)) as door:
        door.headers["Authorization"] = f"Bearer {token}"
        for path in ("/v1/model", f"/v1/explain?{httpx.QueryParams(PAIR)}"):
            answer = await door.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:rengang:problem:index_not_ready"
            assert answer.headers["Retry-After"]
    index.close()


async def test_only_operators_are_let_in(matcher: Matcher, issuer: tuple[Issuer, str]) -> None:
    signer, jwks_url = issuer
    app = an_app(matcher.index, jwks_url)
    assert_every_route_is_guarded(app)
    async with knocking(app) as door:
        for role in ("employer", "seeker", "partner", "planner"):
            door.headers["Authorization"] = f"Bearer {signer.token(sub='someone', role=role)}"
            assert (await door.get("/v1/model")).status_code == 403
            assert (await door.get("/v1/explain", params=PAIR)).status_code == 403


def test_the_events_read_and_announced_are_documented() -> None:
    document = asyncapi_document()
    assert {
        "rengang.postings",
        "rengang.seekers",
        "rengang.certificates",
        "rengang.matches",
    } <= set(
        document["channels"]  # type: ignore[call-overload]
    )
