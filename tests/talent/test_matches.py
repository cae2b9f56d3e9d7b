"""A posting's matches: whose they are, in which order, how many, and in which words."""

from typing import Any
from uuid import uuid4

import pytest

from contracts.values import PostingId
from tests.talent.conftest import K_P, TalentDoor
from tests.talent.samples import (
    EMPLOYER,
    OTHER_POSTING,
    POSTING,
    PROOF,
    a_match,
    a_posting,
    a_seeker_id,
)

URL = f"/v1/postings/{POSTING}/matches"


async def test_a_match_is_explained_and_names_nobody(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1))
    assert await door.matches() == {
        "items": [
            {
                "match_id": a_match(1).subject,
                "seeker_id": str(a_seeker_id(1)),
                "score_ppm": 600_000,
                "reason": {
                    "code": "match",
                    "text": "Overall match",
                    "points_ppm": 600_000,
                    "certificate_id": None,
                    "children": [
                        {
                            "code": "skills",
                            "text": "Skills",
                            "points_ppm": 600_000,
                            "certificate_id": None,
                            "children": [
                                {
                                    "code": "skills.skill",
                                    "text": "Required skill “焊接”: shown, "
                                    "proven by a verified certificate",
                                    "points_ppm": 600_000,
                                    "certificate_id": str(PROOF),
                                    "children": [],
                                }
                            ],
                        }
                    ],
                },
                "missing": [
                    {
                        "code": "missing.skill",
                        "text": "Preferred skill “登高作业” is not in the profile",
                    }
                ],
                "model": "sample-1",
                "changed_at": "2026-03-01T08:00:00Z",
            }
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("zh-CN,en;q=0.5", "zh", "总体匹配"),
        ("fr", "zh", "总体匹配"),
        ("en-GB", "en", "Overall match"),
    ],
)
async def test_reasons_come_in_the_caller_s_language(
    door: TalentDoor, asked: str, language: str, words: str
) -> None:
    await door.hear(a_posting(), a_match(1))
    answer = await door.caller(EMPLOYER, "employer", asked).get(URL)
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.json()["items"][0]["reason"]["text"] == words


async def test_shards_lists_are_merged_and_cut_to_the_best(door: TalentDoor) -> None:
    """Each shard sends its own best K_p; only the best K_p of all are the posting's."""
    scores = {n: 400_000 + (n * 7919 % 13) * 10_000 for n in range(3 * K_P)}
    await door.hear(a_posting(), *(a_match(n, score) for n, score in scores.items()))
    best = sorted(scores, key=lambda n: (-scores[n], a_seeker_id(n)))[:K_P]
    assert await door.seekers() == [str(a_seeker_id(n)) for n in best]


async def test_equal_scores_stand_in_order_of_id(door: TalentDoor) -> None:
    await door.hear(a_posting(), *(a_match(n) for n in range(12)))
    assert await door.seekers() == sorted(str(a_seeker_id(n)) for n in range(12))[:K_P]


async def test_pages_follow_one_another_to_the_end(door: TalentDoor) -> None:
    await door.hear(a_posting(), *(a_match(n, 500_000 + n % 2) for n in range(12)))
    whole = await door.seekers()
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for size in (2, 2, 1):
        page = await door.matches(**query)
        assert len(page["items"]) == size
        found += [match["seeker_id"] for match in page["items"]]
        query["cursor"] = page["next"]
    assert (found, query["cursor"]) == (whole, None)


async def test_a_page_goes_on_after_its_last_place_though_that_one_is_gone(
    door: TalentDoor,
) -> None:
    await door.hear(a_posting(), *(a_match(n, 500_000 - n) for n in range(4)))
    first = await door.matches(limit=2)
    await door.hear(a_match(1, 100, version=2, for_posting=False))
    rest = await door.matches(cursor=first["next"])
    assert [match["seeker_id"] for match in rest["items"]] == [
        str(a_seeker_id(2)),
        str(a_seeker_id(3)),
    ]


async def test_the_next_page_is_linked_and_its_cursor_fits_no_other_list(
    door: TalentDoor,
) -> None:
    await door.hear(a_posting(), a_posting(OTHER_POSTING), *(a_match(n) for n in range(3)))
    employer = door.caller(EMPLOYER, "employer")
    answer = await employer.get(URL, params={"limit": 2})
    cursor = answer.json()["next"]
    assert answer.headers["Link"] == f'<{URL}?limit=2&cursor={cursor}>; rel="next"'
    for path, text in (
        (f"/v1/postings/{OTHER_POSTING}/matches", cursor),
        (URL, cursor[:-1]),
        (URL, "%00"),
        (URL, "好"),
    ):
        refused = await employer.get(path, params={"cursor": text})
        assert refused.status_code == 400
        assert refused.json()["type"] == "urn:rengang:problem:cursor_invalid"


async def test_a_posting_without_matches_has_an_empty_list(door: TalentDoor) -> None:
    await door.hear(a_posting())
    assert await door.matches() == {"items": [], "next": None}


async def test_an_operator_sees_every_posting_s(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1))
    answer = await door.caller("op-1", "operator").get(URL)
    assert len(answer.json()["items"]) == 1


async def test_a_foreign_posting_is_as_unknown_as_one_that_is_not_there(door: TalentDoor) -> None:
    await door.hear(a_posting(), a_match(1), a_match(1, posting_id=OTHER_POSTING))
    rival = door.caller("emp-rival", "employer")
    told = []
    for posting_id in (POSTING, OTHER_POSTING, PostingId(uuid4())):
        answer = await rival.get(f"/v1/postings/{posting_id}/matches")
        problem = answer.json()
        told.append((answer.status_code, problem["type"], problem["detail"]))
    assert told == [told[0]] * 3
    assert told[0][0] == 404


@pytest.mark.parametrize("role", ["seeker", "partner", "planner"])
async def test_only_employers_and_operators_may_look(door: TalentDoor, role: str) -> None:
    assert (await door.caller(EMPLOYER, role).get(URL)).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/postings/not-an-id/matches", 422),
        (f"{URL}?limit=0", 422),
        (f"{URL}?limit=201", 422),
        (f"{URL}?limit=two", 422),
        (f"{URL}?cursor={'x' * 3000}", 422),
        (f"{URL}?cursor=%ff", 400),
        (f"{URL}?cursor=a%00", 400),
    ],
)
async def test_a_senseless_question_is_refused(door: TalentDoor, path: str, status: int) -> None:
    answer = await door.caller(EMPLOYER, "employer").get(path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
