"""Publishing a posting: what is kept, what is announced, what is refused."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.postings import PostingPublished, PostingState
from contracts.values import PostingStatus
from tests.postings.conftest import Door, waiting_backends
from tests.postings.samples import EMPLOYER, a_body, a_posting_id
from tests.support import NOW

URL = "/v1/postings"


async def test_a_published_posting_is_there_with_its_address_and_version(
    employer: httpx.AsyncClient,
) -> None:
    answer = await employer.post(URL, json=a_body(reference="HG-1"))
    assert answer.status_code == 201, answer.text
    posting = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"{URL}/{posting['posting_id']}"
    assert UUID(posting["posting_id"]).version == 7
    read = await employer.get(answer.headers["Location"])
    assert read.json() == posting
    assert read.headers["ETag"] == '"1"'
    assert posting == {
        **a_body(),
        "posting_id": posting["posting_id"],
        "employer_id": EMPLOYER,
        "reference": "HG-1",
        "version": 1,
        "status": "open",
        "closed_reason": None,
        "published_at": "2026-03-01T08:00:00Z",
        "changed_at": "2026-03-01T08:00:00Z",
        "remote": False,
        "employment": "full_time",
        "valid_until": "2026-03-31T08:00:00Z",
    }


async def test_its_publication_is_announced_with_the_whole_posting(
    door: Door, employer: httpx.AsyncClient
) -> None:
    posting = (await employer.post(URL, json=a_body())).json()
    (event,) = await door.announced()
    assert isinstance(event, PostingPublished)
    assert (event.subject, event.version, event.time) == (posting["posting_id"], 1, NOW)
    assert event.data == PostingState(
        posting_id=UUID(posting["posting_id"]),
        employer_id=EMPLOYER,
        status=PostingStatus.OPEN,
        **a_body(),
    )


async def test_only_what_is_mandatory_need_be_said(employer: httpx.AsyncClient) -> None:
    least = {name: a_body()[name] for name in ("title", "county", "pay", "valid_until")}
    answer = await employer.post(URL, json=least)
    assert answer.status_code == 201
    posting = answer.json()
    assert (posting["headcount"], posting["skills"], posting["text"]) == (1, [], "")
    assert (posting["occupation"], posting["education"], posting["reference"]) == (None,) * 3


async def test_blanks_around_texts_are_dropped_and_line_ends_made_one(
    employer: httpx.AsyncClient,
) -> None:
    body = a_body(title="  焊工　", text="甲\r\n乙\r丙\n", skills=[{"name": " 电焊 "}])
    posting = (await employer.post(URL, json=body)).json()
    assert (posting["title"], posting["text"]) == ("焊工", "甲\n乙\n丙")
    assert posting["skills"] == [{"name": "电焊", "required": True}]


async def test_contacts_in_the_text_are_kept_but_not_announced(
    door: Door, employer: httpx.AsyncClient
) -> None:
    text = "联系张经理 13800138000"
    posting = (await employer.post(URL, json=a_body(text=text))).json()
    assert posting["text"] == text
    (event,) = await door.announced()
    assert isinstance(event, PostingPublished)
    assert event.data.text == "联系张经理 ***"


# --------------------------------------------------------------------- repeated


async def test_repeating_with_the_same_key_repeats_the_answer_not_the_posting(
    door: Door, employer: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = await employer.post(URL, json=a_body(), headers=headers)
    again = await employer.post(URL, json=a_body(), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert await door.told() == [("PostingPublished", 1)]


async def test_the_same_key_at_the_same_time_publishes_once(
    door: Door, employer: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    async with door.db.transaction() as tx:
        # Holds up the first, so that the others come while it is under way.
        await tx.execute("LOCK TABLE postings IN EXCLUSIVE MODE")
        publishing = [
            asyncio.create_task(employer.post(URL, json=a_body(), headers=headers))
            for _ in range(8)
        ]
        await waiting_backends(tx)
    answers = await asyncio.gather(*publishing)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert await door.count() == 1
    assert await door.told() == [("PostingPublished", 1)]


async def test_a_key_used_for_something_else_is_refused(
    door: Door, employer: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    await employer.post(URL, json=a_body(), headers=headers)
    answer = await employer.post(URL, json=a_body(title="钳工"), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:rengang:problem:idempotency_key_reused"
    assert await door.count() == 1


async def test_two_employers_may_use_the_same_key(
    door: Door, employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    for client in (employer, rival):
        assert (await client.post(URL, json=a_body(), headers=headers)).status_code == 201
    assert await door.count() == 2


# -------------------------------------------------------------------- references


async def test_a_taken_reference_is_refused_and_names_the_posting(
    door: Door, employer: httpx.AsyncClient
) -> None:
    first = (await employer.post(URL, json=a_body(reference="HG-1"))).json()
    answer = await employer.post(URL, json=a_body(title="钳工", reference="HG-1"))
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:rengang:problem:reference_taken"
    assert problem["posting_id"] == first["posting_id"]
    assert first["posting_id"] in problem["detail"]
    assert await door.told() == [("PostingPublished", 1)]


async def test_a_reference_is_the_employers_own(
    employer: httpx.AsyncClient, rival: httpx.AsyncClient
) -> None:
    for client in (employer, rival):
        assert (await client.post(URL, json=a_body(reference="HG-1"))).status_code == 201


async def test_of_many_with_one_reference_at_once_one_gets_it(
    door: Door, employer: httpx.AsyncClient
) -> None:
    async with door.db.transaction() as tx:
        await tx.execute("LOCK TABLE postings IN EXCLUSIVE MODE")
        publishing = [
            asyncio.create_task(employer.post(URL, json=a_body(headcount=n, reference="HG-1")))
            for n in range(1, 9)
        ]
        await waiting_backends(tx, 8)
    answers = await asyncio.gather(*publishing)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert await door.told() == [("PostingPublished", 1)]


# --------------------------------------------------------------------- bad input

HUGE = 10_000_000


@pytest.mark.parametrize(
    ("changes", "pointer", "word"),
    [
        ({"county": "999999"}, "/county", "999999"),
        ({"county": "530100"}, "/county", "prefecture"),
        ({"county": ...}, "/county", "missing"),
        ({"county": 530102}, "/county", "text"),
        ({"pay": {"min": -1, "max": 9000, "unit": "month"}}, "/pay/min", "above 0"),
        ({"pay": {"min": 9000, "max": 6000, "unit": "month"}}, "/pay/max", "below"),
        ({"pay": {"min": 1, "max": HUGE, "unit": "month"}}, "/pay/max", "exceed"),
        ({"pay": {"min": 1, "max": 2, "unit": "week"}}, "/pay/unit", "hour"),
        ({"pay": {"min": "6000", "max": 9000, "unit": "month"}}, "/pay/min", "whole number"),
        ({"pay": {"min": 6000.5, "max": 9000, "unit": "month"}}, "/pay/min", "whole number"),
        ({"pay": {"min": True, "max": 9000, "unit": "month"}}, "/pay/min", "whole number"),
        ({"pay": {"min": 6000, "unit": "month"}}, "/pay/max", "missing"),
        ({"pay": "面议"}, "/pay", "object"),
        ({"pay": ...}, "/pay", "missing"),
        ({"valid_until": "2025-12-31T00:00:00Z"}, "/valid_until", "past"),
        ({"valid_until": "2028-01-01T00:00:00Z"}, "/valid_until", "year"),
        ({"valid_until": "2026-06-30T00:00:00"}, "/valid_until", "zone"),
        ({"valid_until": "2026-06-30"}, "/valid_until", "time"),
        ({"valid_until": 1782864000}, "/valid_until", "time"),
        ({"valid_until": "1782864000"}, "/valid_until", "time"),
        ({"valid_until": "9999-12-31T23:59:59-14:00"}, "/valid_until", "range"),
        ({"valid_until": None}, "/valid_until", "time"),
        ({"salary": 9000}, "/salary", "no such field"),
        ({"posting_id": str(a_posting_id())}, "/posting_id", "no such field"),
        ({"occupation": "6-18-02-99"}, "/occupation", "6-18-02-99"),
        ({"occupation": "6-18-02"}, "/occupation", "class"),
        (
            {"certificates": [{"occupation": "0-00-00-00", "level": 3}]},
            "/certificates/0/occupation",
            "no code",
        ),
        (
            {"certificates": [{"occupation": "6-18-02-04", "level": 9}]},
            "/certificates/0/level",
            "8",
        ),
        (
            {"certificates": [{"occupation": "6-18-02-04", "level": 0}]},
            "/certificates/0/level",
            "1",
        ),
        (
            {"certificates": [{"occupation": "6-18-02-04", "level": 3}] * 11},
            "/certificates",
            "at most 10",
        ),
        ({"skills": [{"name": "电焊"}, {"name": "电焊"}]}, "/skills/1/name", "same skill"),
        ({"skills": [{"name": "PLC"}, {"name": "ｐｌｃ"}]}, "/skills/1/name", "same skill"),
        ({"skills": [{"name": f"技能{n}"} for n in range(51)]}, "/skills", "at most 50"),
        ({"skills": [{"name": " "}]}, "/skills/0/name", "at least 1"),
        ({"skills": [{"name": "\u200b"}]}, "/skills/0/name", "seen"),
        ({"skills": ["电焊"]}, "/skills/0", "object"),
        ({"skills": {"name": "电焊"}}, "/skills", "array"),
        ({"title": ""}, "/title", "at least 1"),
        ({"title": "焊" * 201}, "/title", "at most 200"),
        ({"title": "焊\n工"}, "/title", "one line"),
        ({"title": "焊\u0007工"}, "/title", "control character"),
        ({"title": "焊\u202e工"}, "/title", "control character"),
        ({"text": "焊" * 10_001}, "/text", "at most 10000"),
        ({"text": "a\u001bb"}, "/text", "U+001B"),
        ({"headcount": 0}, "/headcount", "at least 1"),
        ({"headcount": 10_001}, "/headcount", "at most 10000"),
        ({"headcount": 10**30}, "", "too large"),
        ({"employment": "slave"}, "/employment", "full_time"),
        ({"education": 8}, "/education", "at most 7"),
        ({"education": "大专"}, "/education", "whole number"),
        ({"experience_years": -1}, "/experience_years", "at least 0"),
        ({"experience_years": 61}, "/experience_years", "at most 60"),
        ({"remote": "no"}, "/remote", "true or false"),
        ({"reference": "编" * 101}, "/reference", "at most 100"),
        ({"reference": ""}, "/reference", "at least 1"),
    ],
)
async def test_bad_content_is_named_at_its_place_and_nothing_is_stored(
    door: Door, employer: httpx.AsyncClient, changes: dict[str, Any], pointer: str, word: str
) -> None:
    answer = await employer.post(URL, json=a_body(**changes))
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    errors = problem.get("errors") or [{"pointer": "", "detail": problem["detail"]}]
    assert [error["pointer"] for error in errors] == [pointer]
    assert word in errors[0]["detail"]
    assert await door.count() == 0
    assert await door.announced() == []


GOOD = json.dumps(a_body(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (GOOD[:-20], 400, "cut off"),
        (b"", 422, "no body"),
        (b"null", 422, "object"),
        (b"[]", 422, "object"),
        (b'"a"', 422, "object"),
        (GOOD.replace("焊工".encode(), "焊工".encode()[:4]), 400, "UTF-8"),
        (GOOD.replace("焊工".encode(), "焊工".encode("gb18030")), 400, "UTF-8"),
        (GOOD.replace("焊工".encode(), b"a\x00b"), 400, "NUL"),
        (GOOD.replace("焊工".encode(), rb"a\u0000b"), 400, "NUL"),
        (GOOD.replace("焊工".encode(), rb"\ud83d"), 400, "half a character"),
        (GOOD.replace(b'"headcount": 3', b'"headcount": NaN'), 400, "NaN"),
        (GOOD.replace(b'"headcount": 3', b'"headcount": 3, "headcount": 4'), 400, "more than once"),
        (b"[" * 100_000, 400, "deep"),
        (b'{"text": "' + b"a" * HUGE + b'"}', 413, "1 MiB"),
    ],
)
async def test_what_is_no_good_json_is_refused_clearly_and_nothing_is_stored(
    door: Door, employer: httpx.AsyncClient, content: bytes, status: int, word: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await employer.post(URL, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert word in answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await door.count() == 0


async def test_faults_are_told_in_chinese_unless_english_is_asked_for(
    employer: httpx.AsyncClient,
) -> None:
    body = a_body(county="1", pay={"min": 2, "max": 1, "unit": "day"})
    answer = await employer.post(URL, json=body, headers={"Accept-Language": "zh-CN"})
    assert [error["detail"] for error in answer.json()["errors"]] == [
        "本区域没有代码为 1 的县区；请用 GB/T 2260 的六位代码，例如 530102。",
        "最高待遇 1 低于最低待遇 2。",
    ]


# ----------------------------------------------------------------------- callers


@pytest.mark.parametrize("role", ["seeker", "partner", "planner", "operator"])
async def test_only_employers_publish(door: Door, role: str) -> None:
    answer = await door.caller("somebody", role).post(URL, json=a_body())
    assert answer.status_code == 403
    assert await door.count() == 0


async def test_nobody_publishes_without_a_token(door: Door, employer: httpx.AsyncClient) -> None:
    del employer.headers["Authorization"]
    assert (await employer.post(URL, json=a_body())).status_code == 401
    assert await door.count() == 0


# ------------------------------------------------------------------------ crashes


async def test_what_dies_between_posting_and_event_neither_is_nor_was_announced(
    door: Door, employer: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k-1"}
    async with door.db.transaction() as tx:
        await tx.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
        publishing = asyncio.create_task(employer.post(URL, json=a_body(), headers=headers))
        (backend,) = await waiting_backends(tx)
        await tx.execute("SELECT pg_terminate_backend($1)", backend)
        answer = await publishing
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert await door.count() == 0
    assert await door.announced() == []

    again = await employer.post(URL, json=a_body(), headers=headers)
    assert again.status_code == 201
    assert await door.told() == [("PostingPublished", 1)]


async def test_time_is_read_once_for_each_posting(door: Door, employer: httpx.AsyncClient) -> None:
    door.clock.now = NOW + timedelta(microseconds=123_456)
    posting = (await employer.post(URL, json=a_body())).json()
    (event,) = await door.announced()
    assert posting["published_at"] == posting["changed_at"] == "2026-03-01T08:00:00.123456Z"
    assert event.time == door.clock.now
