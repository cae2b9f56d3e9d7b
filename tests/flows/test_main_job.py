"""From a posting over HTTP to a seeker's screen, and back to the employer, on the whole system."""

from typing import Any
from uuid import UUID

from tests.flows.listening import listening
from tests.flows.people import (
    HONGHE,
    JINPING,
    LYUCHUN,
    PINGBIAN,
    YUANYANG,
    a_certificate,
    a_posting,
    a_profile,
    claim_of,
    someone,
)
from tests.flows.system import System


async def a_seeker(system: System, **work: Any) -> tuple[tuple[str, str], str]:
    who = someone("seeker")
    answer = await system.call(
        "POST", "seekers", "/v1/seekers", who, body=a_profile(**work), status=201
    )
    return who, answer.json()["seeker_id"]


async def post(system: System, who: tuple[str, str], **changes: Any) -> dict[str, Any]:
    answer = await system.call(
        "POST", "postings", "/v1/postings", who, body=a_posting(**changes), status=201
    )
    return {"etag": answer.headers["ETag"], **answer.json()}


def leaves(reason: dict[str, Any]) -> list[dict[str, Any]]:
    if not reason["children"]:
        return [reason]
    return [leaf for child in reason["children"] for leaf in leaves(child)]


async def test_a_posting_reaches_the_seekers_stream_with_its_reasons(system: System) -> None:
    seeker, seeker_id = await a_seeker(system, counties=[PINGBIAN])
    async with listening(system, seeker, seeker_id) as ear:
        posting = await post(system, someone("employer"), county=PINGBIAN)
        heard = await ear.hears(lambda entry: entry["posting_id"] == posting["posting_id"])
    match = heard["match"]
    assert heard["kind"] == "found"
    assert heard["notify"] is True
    assert match["posting"]["title"] == "氩弧焊工"
    assert sum(leaf["points_ppm"] for leaf in leaves(match["reason"])) == match["score_ppm"]
    assert any("氩弧焊" in leaf["text"]["zh"] for leaf in leaves(match["reason"]))
    assert [missing["code"] for missing in match["missing"]]


async def test_a_commuter_hears_of_a_job_in_the_next_county(system: System) -> None:
    seeker, seeker_id = await a_seeker(system, counties=[LYUCHUN], commute=True)
    async with listening(system, seeker, seeker_id) as ear:
        posting = await post(system, someone("employer"), county=JINPING)
        heard = await ear.hears(lambda entry: entry["posting_id"] == posting["posting_id"])
    (place,) = (leaf for leaf in leaves(heard["match"]["reason"]) if leaf["code"] == "fit.place")
    assert place["text"]["zh"].endswith("金平苗族瑶族傣族自治县：与首选县区接壤")
    assert place["text"]["en"] == "Work in Jinping, Honghe: borders the county of first choice"


async def test_a_certificate_makes_its_match_and_its_revocation_ends_it(system: System) -> None:
    seeker, seeker_id = await a_seeker(system, counties=[YUANYANG])
    wanted = {"occupation": "6-18-02-04", "level": 3, "required": True}
    certificate = a_certificate(101)
    await system.register([certificate])
    async with listening(system, seeker, seeker_id) as ear:
        employer = someone("employer")
        open_to_all = await post(system, employer, county=YUANYANG)
        behind_it = await post(system, employer, county=YUANYANG, certificates=[wanted])
        first = await ear.hears(lambda entry: entry["posting_id"] == open_to_all["posting_id"])
        assert not [e for e in ear.heard if e["posting_id"] == behind_it["posting_id"]]

        claim = await system.call(
            "POST", "certificates", "/v1/claims", seeker, body=claim_of(certificate), status=201
        )
        assert claim.json()["status"] == "verified"
        found = await ear.hears(lambda entry: entry["posting_id"] == behind_it["posting_id"])
        better = await ear.hears(
            lambda entry: (
                entry["posting_id"] == open_to_all["posting_id"] and entry["seq"] > first["seq"]
            )
        )
        assert better["match"]["score_ppm"] > first["match"]["score_ppm"]
        proofs = {leaf["certificate_id"] for leaf in leaves(found["match"]["reason"])}
        assert len(proofs - {None}) == 1

        revoked = certificate | {"status": "revoked"}
        await system.register([revoked])
        gone = await ear.hears(lambda entry: entry["kind"] == "withdrawn")
    assert gone["posting_id"] == behind_it["posting_id"]
    assert [entry["seq"] for entry in ear.heard] == list(range(1, len(ear.heard) + 1))


async def test_the_employer_reads_ranked_explained_pseudonymous_candidates(
    system: System,
) -> None:
    employer, other = someone("employer"), someone("employer")
    _, fits = await a_seeker(system, counties=[HONGHE])
    _, fits_less = await a_seeker(system, counties=[HONGHE], skills=["识图"])
    posting = await post(system, employer, county=HONGHE)
    path = f"/v1/postings/{posting['posting_id']}/matches"
    await system.at_rest()
    answer = await system.call("GET", "talent", path, employer, status=200)
    ranked = [item["seeker_id"] for item in answer.json()["items"]]
    assert [one for one in ranked if one in {fits, fits_less}] == [fits, fits_less]
    assert "样例求职者" not in answer.text
    assert "19900000001" not in answer.text
    await system.call("GET", "talent", path, other, status=404)


async def test_a_closed_posting_leaves_the_screen(system: System) -> None:
    seeker, seeker_id = await a_seeker(system, counties=[JINPING])
    async with listening(system, seeker, seeker_id) as ear:
        employer = someone("employer")
        posting = await post(system, employer, county=JINPING)
        await ear.hears(lambda entry: entry["posting_id"] == posting["posting_id"])
        await system.call(
            "POST",
            "postings",
            f"/v1/postings/{posting['posting_id']}/close",
            employer,
            headers={"If-Match": posting["etag"]},
            status=200,
        )
        await ear.hears(
            lambda entry: (
                entry["kind"] == "withdrawn" and entry["posting_id"] == posting["posting_id"]
            )
        )


async def test_whoever_withdraws_is_matched_no_more(system: System) -> None:
    seeker, seeker_id = await a_seeker(system, counties=[LYUCHUN])
    posting = await post(system, someone("employer"), county=LYUCHUN)
    await system.at_rest()
    pair = "SELECT live FROM matches WHERE seeker_id = $1 AND posting_id = $2"
    ids = (UUID(seeker_id), UUID(posting["posting_id"]))
    assert [row["live"] for row in await system.rows("matcher", pair, *ids)] == [True]
    await system.call("DELETE", "seekers", f"/v1/seekers/{seeker_id}", seeker)
    await system.at_rest()
    assert [row["live"] for row in await system.rows("matcher", pair, *ids)] == [False]


async def test_at_rest_the_live_matches_are_the_brute_force_programs(system: System) -> None:
    await system.at_rest()
    report = await system.verified()
    assert report.live_stored > 0
