"""The page of a receipt: what it says, to whom, in which language, and what it never says."""

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import orjson
import pytest

from services.certificates.actions.keeping_keys import turn_keys
from services.certificates.api.receipt_words import verdict_words
from services.certificates.api.receipts import qr_code
from services.certificates.domain.keys import from_base64url, read_jwks
from services.certificates.domain.receipt_numbers import ReceiptNo, in_groups, receipt_number
from services.certificates.domain.receipts import (
    TYPE,
    AnsweredBy,
    Asked,
    CertificateFacts,
    Receipt,
    StatusEntry,
    check,
)
from services.certificates.domain.statuslist import StatusList, decode
from services.certificates.domain.verdicts import GAVE_UP, Verdict
from services.kit.database import Database
from tests.certificates.conftest import PUBLIC_URL, CertificatesDoor
from tests.certificates.samples import LI_NA, NUMBER, a_line, a_statement
from tests.support import NOW

LISTS = f"{PUBLIC_URL}/v1/status-lists"
ASKED = Asked(b"salt for sixteen", NUMBER, LI_NA.name, LI_NA.identity)
FACTS = CertificateFacts(
    kind="skill-level",
    occupation="6-31-01-03",
    level=4,
    level_label="三级",
    name="电工<b>",
    issuer="S000053000123",
    issued_on=date(2023, 6, 30),
    valid_until=None,
)


def a_receipt(verdict: str = "valid", **changes: Any) -> Receipt:
    receipt = Receipt(
        issuer="kunming",
        number=receipt_number(secrets.token_bytes(16)),
        issued_at=NOW,
        verdict=verdict,
        reason=None,
        asked=ASKED.hash,
        answered_by=AnsweredBy("kunming", NOW),
    )
    if verdict == "valid":
        receipt = replace(
            receipt,
            certificate=FACTS,
            status=(
                StatusEntry("revocation", f"{LISTS}/revocation/0", 77),
                StatusEntry("suspension", f"{LISTS}/suspension/0", 77),
            ),
        )
    return replace(receipt, **changes)


async def kept(
    door: CertificatesDoor, receipt: Receipt, *, by: ReceiptNo | None = None, jws: str = ""
) -> str:
    """The signed receipt, stored as a verification would. by: what took its place."""
    jws = jws or door.signer.sign(orjson.dumps(receipt.payload()), TYPE)
    async with door.db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO verifications (receipt_no, requester, role, purpose, verdict, verified_at,
                jws, superseded_by)
            VALUES ($1, 'qujing-desk-3', 'partner', 'employment', $2, $3, $4, $5)
            """,
            receipt.number,
            receipt.verdict,
            receipt.issued_at,
            jws,
            by,
        )
    return jws


async def page(
    door: CertificatesDoor, number: str, language: str = "en", status: int = 200
) -> httpx.Response:
    answer = await door.anybody(language).get(f"/r/{number}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer


class Read(HTMLParser):
    """A page taken apart: its elements, and its text without styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._within: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "path"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self._within.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._within:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(filter(None, self.words))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


async def test_it_says_what_was_answered(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    jws = await kept(door, receipt)
    answer = await page(door, receipt.number)
    text = Read(answer.text).text
    for said in (
        "Valid",
        "it is the holder's and in force",
        in_groups(receipt.number),
        "2026-03-01 16:00:00 (UTC+8)",
        "kunming",
        "高级工（三级）",
        "电工<b>",
        "2023-06-30",
        "no end date",
        "S000053000123",
        f"{LISTS}/revocation/0",
        "place 77",
        jws,
        f"{PUBLIC_URL}/.well-known/jwks.json",
    ):
        assert said in text
    assert "<b>" not in answer.text.replace("&lt;b&gt;", "")


async def test_it_says_nothing_of_any_person(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    for language in ("zh", "en"):
        html = (await page(door, receipt.number, language)).text
        for secret in (NUMBER, LI_NA.name, LI_NA.identity, "qujing-desk-3", "employment"):
            assert secret not in html


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_every_verdict_has_words_of_its_own(door: CertificatesDoor, verdict: Verdict) -> None:
    receipt = a_receipt(verdict.value)
    await kept(door, receipt)
    words = verdict_words(verdict)
    for language, said in (("zh", words.zh), ("en", words.en)):
        text = Read((await page(door, receipt.number, language)).text).text
        assert said in text.split("\n")
    assert verdict.value not in (words.zh, words.zh_means)


async def test_where_nothing_was_found_the_issuers_delay_is_told(door: CertificatesDoor) -> None:
    receipt = a_receipt("not-found", upload_lag_days=30)
    await kept(door, receipt)
    assert "up to 30 day(s) late" in (await page(door, receipt.number)).text
    assert "最多可能延迟 30 天" in (await page(door, receipt.number, "zh")).text


async def test_an_answer_that_was_kept_tells_its_age(door: CertificatesDoor) -> None:
    by = AnsweredBy("qujing", NOW - timedelta(minutes=12), is_signed=False)
    receipt = a_receipt(answered_by=by)
    await kept(door, receipt)
    text = Read((await page(door, receipt.number)).text).text
    assert (
        "qujing (asked by kunming), 2026-03-01 15:48:00 (UTC+8): 12 min before this receipt; "
        "that city does not sign its answers" in text
    )
    assert "早于本回执 12 分钟" in (await page(door, receipt.number, "zh")).text


async def test_a_pending_one_says_who_has_to_answer_and_not_that_they_did(
    door: CertificatesDoor,
) -> None:
    for by, said, zh in (
        ("qujing", "Answered by\nnobody yet; qujing has to\n", "答复方\n尚无；应由 qujing 答复\n"),
        ("kunming", "Answered by\nnobody yet\n", "答复方\n尚无\n"),
    ):
        receipt = a_receipt("pending", answered_by=AnsweredBy(by, NOW - timedelta(minutes=9)))
        await kept(door, receipt)
        assert said in Read((await page(door, receipt.number)).text).text
        assert zh in Read((await page(door, receipt.number, "zh")).text).text


async def test_a_review_that_is_overdue_is_told(door: CertificatesDoor) -> None:
    receipt = a_receipt("suspended", reason="review-overdue")
    await kept(door, receipt)
    assert "periodic review is overdue" in (await page(door, receipt.number)).text


async def test_one_that_a_city_asked_for_says_whom_it_is_meant_for(door: CertificatesDoor) -> None:
    receipt = a_receipt(audience="yuxi", nonce="n-1")
    await kept(door, receipt)
    assert "Meant for the city\nyuxi" in Read((await page(door, receipt.number)).text).text


async def test_one_that_nobody_will_answer_promises_nothing(door: CertificatesDoor) -> None:
    receipt = a_receipt("pending", reason=GAVE_UP)
    await kept(door, receipt)
    text = (await page(door, receipt.number)).text
    assert "is not asked any more" in text
    assert "this page shows the new" not in text


async def test_an_answer_can_be_shown_printed_and_proven(door: CertificatesDoor) -> None:
    await door.import_(a_line())
    question = {**a_statement(), "purpose": "employment"}
    answer = await door.caller("qujing-desk-3", "partner").post("/v1/verifications", json=question)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    anybody = door.anybody()
    keys = read_jwks((await anybody.get("/.well-known/jwks.json")).content)
    receipt = check(told["receipt"], keys)
    assert isinstance(receipt, Receipt)
    assert (receipt.verdict, receipt.number) == ("valid", told["receipt_no"])
    assert receipt.says_of(replace(ASKED, salt=from_base64url(told["salt"])))
    assert not receipt.says_of(ASKED)
    text = Read((await page(door, told["receipt_no"])).text).text
    assert told["receipt"] in text
    file = await anybody.get(f"/r/{told['receipt_no']}/jws")
    assert file.text == f"{told['receipt']}\n"
    assert len(receipt.status) == 2
    for entry in receipt.status:
        listed = decode((await anybody.get(entry.url.removeprefix(PUBLIC_URL))).text, keys)
        assert isinstance(listed, StatusList)
        assert not listed.bits[entry.index]
    await door.import_(a_line(status="revoked"))
    (revocation,) = [entry for entry in receipt.status if entry.purpose == "revocation"]
    listed = decode((await anybody.get(revocation.url.removeprefix(PUBLIC_URL))).text, keys)
    assert isinstance(listed, StatusList)
    assert list(listed.bits.places()) == [revocation.index]


async def test_its_language_is_the_callers_or_the_links(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    anybody = door.anybody("zh-CN,en;q=0.5")
    zh = await anybody.get(f"/r/{receipt.number}")
    en = await anybody.get(f"/r/{receipt.number}?lang=en")
    assert (zh.headers["content-language"], en.headers["content-language"]) == ("zh", "en")
    assert zh.headers["vary"] == "Accept-Language"
    for answer, lang, other in ((zh, "zh-CN", "?lang=en"), (en, "en", "?lang=zh")):
        read = Read(answer.text)
        assert next(read.all("html"))["lang"] == lang
        assert other in [link["href"] for link in read.all("a")]


async def test_nothing_runs_or_is_fetched_and_nobody_keeps_it(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    answer = await page(door, receipt.number)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["referrer-policy"] == "no-referrer"
    read = Read(answer.text)
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in read.elements}
    assert not [name for _, held in read.elements for name in held if name.startswith("on")]
    assert not [held for _, held in read.elements if "style" in held]
    assert {"name": "robots", "content": "noindex, nofollow"} in list(read.all("meta"))
    (css,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy


async def test_it_can_be_used_without_eyes_or_mouse(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    read = Read((await page(door, receipt.number)).text)
    tags = [tag for tag, _ in read.elements]
    assert [tag for tag in tags if re.fullmatch(r"h\d", tag)] == ["h1", *["h2"] * 4]
    assert (tags.count("main"), tags.count("header"), tags.count("footer")) == (1, 1, 1)
    first_link = next(read.all("a"))
    assert first_link["href"] == "#main"
    (code,) = read.all("svg")
    assert code["role"] == "img"
    assert "QR code of the signed receipt (JWS)" in read.text
    assert next(read.all("pre"))["tabindex"] == "0"
    assert "title" in tags
    assert all(link["href"] for link in read.all("a"))


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        colour = colour.lstrip("#")
        colour = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


async def test_its_colours_have_contrast_enough(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    html = (await page(door, receipt.number)).text
    named = dict(re.findall(r"--(\w+): (#\w+)", html))
    pairs = re.findall(r"\{ color: (#\w+); background: (#\w+); \}", html)
    assert len(pairs) == 3
    pairs += [(named[ink], ground) for ink in ("ink", "soft", "link") for ground in
              ("#fff", named["tint"])]  # fmt: skip
    assert min(contrast(*pair) for pair in pairs) >= 4.5


async def test_a_pending_one_says_so_and_later_shows_the_newest(door: CertificatesDoor) -> None:
    pending, final = a_receipt("pending"), a_receipt("valid")
    await kept(door, pending)
    assert "Pending" in Read((await page(door, pending.number)).text).text
    final = replace(final, supersedes=pending.number)
    jws = await kept(door, final)
    async with door.db.transaction() as tx:
        await tx.execute(
            "UPDATE verifications SET superseded_by = $2 WHERE receipt_no = $1",
            pending.number,
            final.number,
        )
    text = Read((await page(door, pending.number)).text).text
    assert "taken the place of" in text
    assert in_groups(pending.number) in text
    assert in_groups(final.number) in text
    assert jws in text
    assert "taken the place of" not in (await page(door, final.number)).text
    file = await door.anybody().get(f"/r/{pending.number}/jws")
    assert file.text == f"{jws}\n"


async def test_the_number_is_read_however_it_is_typed(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    await page(door, in_groups(receipt.number).lower())


@pytest.mark.parametrize("number", ["0" * 26, "x", "7" * 26, "%27", "0" * 500])
async def test_an_unknown_number_is_answered_with_a_page(
    refusing: CertificatesDoor, number: str
) -> None:
    answer = await page(refusing, number, "zh", status=404)
    assert "没有此回执" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    file = await refusing.anybody().get(f"/r/{number}/jws")
    assert file.status_code == 404
    assert file.headers["content-type"] == "application/problem+json"


async def test_the_file_is_what_was_signed(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    jws = await kept(door, receipt)
    answer = await door.anybody().get(f"/r/{receipt.number}/jws")
    assert answer.text == f"{jws}\n"
    assert answer.headers["content-type"] == "application/jose"
    assert answer.headers["content-disposition"] == (f'attachment; filename="{receipt.number}.jws"')


async def test_a_receipt_whose_key_was_withdrawn_says_that_it_proves_nothing(
    door: CertificatesDoor,
) -> None:
    receipt = a_receipt()
    await kept(door, receipt)
    assert "proves nothing" not in (await page(door, receipt.number)).text
    await turn_keys(door.db, door.signer, secrets.token_bytes, NOW, compromised=True)
    shown = (await page(door, receipt.number)).text
    assert "it proves nothing now" in shown
    # Nobody should take it for good at a glance.
    assert [
        each["class"] for each in Read(shown).all("p") if "verdict" in str(each.get("class"))
    ] == ["verdict open"]
    assert "Not proven\nThe receipt says: Valid" in Read(shown).text


async def test_a_receipt_that_was_changed_in_the_database_says_so(
    door: CertificatesDoor, db: Database
) -> None:
    receipt = a_receipt("revoked")
    jws = door.signer.sign(orjson.dumps(receipt.payload()), TYPE)
    head, _, tail = jws.split(".")
    better = replace(receipt, verdict="valid").payload()
    body = base64.urlsafe_b64encode(orjson.dumps(better)).rstrip(b"=").decode()
    await kept(door, receipt, jws=f"{head}.{body}.{tail}")
    assert "The signature does not fit" in (await page(door, receipt.number)).text


async def test_the_schema_is_public_and_names_every_claim(door: CertificatesDoor) -> None:
    answer = await door.anybody().get("/v1/receipts/schema")
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    full = a_receipt(
        reason="x", upload_lag_days=1, audience="a", nonce="n",
        supersedes=receipt_number(bytes(16)),
        certificate=replace(FACTS, valid_until=date(2029, 1, 1), review_due=date(2027, 1, 1)),
        answered_by=AnsweredBy("qujing", NOW, is_signed=False),
    ).payload()  # fmt: skip
    assert set(full) == set(schema["properties"])
    assert schema["properties"]["verdict"]["enum"] == list(Verdict)
    for name in ("asked", "answered_by", "certificate"):
        described = schema["properties"][name]
        assert set(full[name]) == set(described["properties"])
        assert set(described["required"]) <= set(full[name])
    listed = schema["properties"]["credentialStatus"]["items"]
    assert set(full["credentialStatus"][0]) == set(listed["required"])
    least = a_receipt("pending").payload()
    assert set(schema["required"]) == set(least)


async def test_the_code_is_drawn_once_and_off_the_loop(door: CertificatesDoor) -> None:
    receipt = a_receipt()
    jws = await kept(door, receipt)
    before = qr_code.cache_info().misses
    await asyncio.gather(*(page(door, receipt.number) for _ in range(6)))
    # Two draw at once at most; none of the others draws again.
    assert 1 <= qr_code.cache_info().misses - before <= 2
    assert qr_code(jws, "x").startswith('<svg role="img" ')
