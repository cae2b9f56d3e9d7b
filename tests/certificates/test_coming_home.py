"""An issuer that was first known by another city's answers registers here: its own word counts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.certificates.domain.recognition import Standing
from services.certificates.store import mirrors
from services.kit.database import Database
from tests.certificates.conftest import CLAIMS, CertificatesDoor
from tests.certificates.plain_city import (
    PLAIN_NUMBER,
    PlainCity,
    a_plain_certificate,
    a_plain_city,
)
from tests.certificates.samples import LI_NA, WANG_WEI, WELDER, Person, a_line, a_statement
from tests.certificates.signing import Signer

YX = "YX-7"


@pytest.fixture
async def yuxi(door: CertificatesDoor) -> AsyncIterator[PlainCity]:
    """A partner that vouches for Li Na's certificate; her claim rests on its answer."""
    async with a_plain_city() as city:
        city.known[PLAIN_NUMBER] = a_plain_certificate()
        operator = door.caller("op-1", "operator")
        answer = await operator.put("/v1/cities/yuxi", json=city.entry())
        assert answer.status_code == 201, answer.text
        await door.claim(a_statement(number=PLAIN_NUMBER))
        await door.partners.retrying.run_once()
        assert await claimed(door) == ("verified", None)
        yield city


@pytest.fixture
async def issuer(door: CertificatesDoor, yuxi: PlainCity) -> Signer:
    """The issuer of that certificate, registered here since."""
    signer = Signer(door, code=YX)
    assert (await signer.register()).status_code == 201
    return signer


def its_line(person: Person = LI_NA, **changes: Any) -> dict[str, Any]:
    said = {
        "number": PLAIN_NUMBER,
        "issuer": YX,
        "occupation": WELDER,
        "name": "焊工",
        "level": "高级工",
    }
    return a_line(person, **{**said, **changes})


async def claimed(door: CertificatesDoor, person: Person = LI_NA) -> tuple[str, str | None]:
    (claim,) = (await door.seeker(person).get(CLAIMS)).json()["items"]
    return claim["status"], claim["reason"]


async def look(door: CertificatesDoor, person: Person = LI_NA) -> tuple[str, str]:
    question = {**a_statement(person, number=PLAIN_NUMBER, issuer=YX), "purpose": "inspection"}
    answer = await door.caller("desk-1", "partner").post("/v1/verifications", json=question)
    told = answer.json()
    return told["verdict"], told["answered_by"]


async def test_its_import_takes_over_the_entry_and_claims_go_on(
    issuer: Signer, door: CertificatesDoor, db: Database, yuxi: PlainCity
) -> None:
    report = await issuer.import_(its_line())
    assert [line["status"] for line in report["lines"]] == ["revised"]
    async with db.transaction() as tx:
        (row,) = await tx.fetch("SELECT origin, status_list, import_id FROM registry")
        assert await tx.fetchval("SELECT count(*) FROM mirrors") == 0
    assert (row["origin"], row["status_list"], str(row["import_id"])) == (
        None,
        0,
        report["import_id"],
    )
    assert await claimed(door) == ("verified", None)
    # Its kind, of which the other city said nothing, is news; the claim never fell.
    assert await door.told() == [
        ("CertificateClaimed", 1, 0),
        ("CertificateVerified", 2, 1),
        ("CertificateVerified", 3, 1),
    ]
    # From here on we answer ourselves, whatever the other city says.
    asked = len(yuxi.asked)
    yuxi.known[PLAIN_NUMBER]["state"] = 2
    door.clock.pass_(hours=1)
    assert await look(door) == ("valid", "kunming")
    assert len(yuxi.asked) == asked


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"status": "revoked"}, ("lapsed", "revoked")),
        ({"status": "suspended"}, ("lapsed", "suspended")),
        ({"valid_until": "2026-02-01"}, ("lapsed", "expired")),
    ],
)
async def test_what_it_says_otherwise_counts_at_once(
    issuer: Signer, door: CertificatesDoor, changes: dict[str, Any], claim: tuple[str, str]
) -> None:
    await issuer.import_(its_line(**changes))
    assert await claimed(door) == claim
    assert (await door.told())[-1] == ("CertificateLapsed", 3, 0)
    assert await look(door) == (claim[1], "kunming")


async def test_another_holder_takes_it_from_the_one_who_had_it(
    issuer: Signer, door: CertificatesDoor
) -> None:
    await issuer.import_(its_line(WANG_WEI))
    assert (await claimed(door))[0] == "lapsed"
    assert await look(door) == ("holder-mismatch", "kunming")
    assert (await door.claim(a_statement(WANG_WEI, number=PLAIN_NUMBER), WANG_WEI))[
        "status"
    ] == "verified"


async def test_until_it_speaks_of_it_the_claim_stays_and_the_city_is_asked_no_more(
    issuer: Signer, door: CertificatesDoor, yuxi: PlainCity
) -> None:
    asked = len(yuxi.asked)
    await issuer.import_(its_line(WANG_WEI, number="2353040123499999"))
    door.clock.pass_(hours=1)
    assert await claimed(door) == ("verified", None)
    assert await look(door) == ("not-found", "kunming")
    assert len(yuxi.asked) == asked


async def test_the_citys_level_counts_no_more(
    issuer: Signer, door: CertificatesDoor, db: Database
) -> None:
    """A change of the recognition table that was worked out before comes too late."""
    async with db.transaction() as tx:
        (entry_id,) = await mirrors.select_foreign(tx)
    await issuer.import_(its_line(level="三级"))
    async with db.transaction() as tx:
        await mirrors.update_standings(tx, {entry_id: Standing(1, recognised=False)}, door.clock())
        (row,) = await tx.fetch("SELECT level, recognised FROM registry")
    assert tuple(row) == (4, True)
