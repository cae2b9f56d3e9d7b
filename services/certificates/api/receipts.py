"""A receipt as a page that prints, and as the file that is checked.

Both are public by the receipt's number, which nobody can guess; they say nothing of any person.
"""

import asyncio
import base64
import hashlib
from contextlib import suppress
from functools import lru_cache
from typing import Any

import segno
from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.certificates.actions.keeping_keys import Signer
from services.certificates.actions.showing import latest_receipt
from services.certificates.api import receipt_words
from services.certificates.api.keys import JWKS_PATH
from services.certificates.api.receipt_schema import SCHEMA
from services.certificates.api.views import language
from services.certificates.domain.receipt_numbers import (
    ReceiptNumberUnreadable,
    in_groups,
    read_receipt_number,
)
from services.certificates.domain.receipts import (
    BadSignature,
    Malformed,
    Receipt,
    UnknownKey,
    check,
    unproven,
)
from services.certificates.store.receipts import SignedReceipt
from services.kit.database import Database
from services.kit.problems import not_found
from services.kit.wordings import Language

PAGE_PATH = "/r/{receipt_no}"
FILE_PATH = "/r/{receipt_no}/jws"
SCHEMA_PATH = "/v1/receipts/schema"
PUBLIC = frozenset({PAGE_PATH, FILE_PATH, SCHEMA_PATH})

_DRAWN_AT_ONCE = 2


def routes(db: Database, signer: Signer, public_url: str) -> APIRouter:
    """The routes of receipts."""
    router = APIRouter(tags=["receipts"])
    pages = _Pages(signer, public_url)

    @router.get(
        PAGE_PATH,
        summary="回执页 · the page of a receipt",
        response_class=Response,
        responses={200: {"content": {"text/html": {}}, "description": "It prints on A4."}},
    )
    async def page(request: Request, receipt_no: str, lang: str | None = None) -> Response:
        """What was answered and how that is proven; of a pending one, the newest there is."""
        tongue: Language = "zh" if lang == "zh" else "en" if lang == "en" else language(request)
        found = await _found(db, receipt_no)
        if found is None:
            return pages.missing(tongue)
        return await pages.page(found, read_receipt_number(receipt_no), tongue)

    @router.get(
        FILE_PATH,
        summary="回执文件 · a receipt as it was signed",
        response_class=Response,
        responses={200: {"content": {"application/jose": {}}, "description": "A compact JWS."}},
    )
    async def file(receipt_no: str) -> Response:
        """For `./rengang receipt check` and other programs."""
        found = await _found(db, receipt_no)
        if found is None:
            raise not_found()
        headers = {
            **_PRIVATE,
            "Content-Disposition": f'attachment; filename="{found.number}.jws"',
        }
        return Response(f"{found.jws}\n", 200, headers, "application/jose")

    @router.get(SCHEMA_PATH, summary="回执的 JSON Schema · what a receipt says")
    async def schema() -> Response:
        """The claims of a receipt (JSON Schema 2020-12)."""
        return JSONResponse(SCHEMA, media_type="application/schema+json")

    return router


async def _found(db: Database, receipt_no: str) -> SignedReceipt | None:
    with suppress(ReceiptNumberUnreadable):
        return await latest_receipt(db, read_receipt_number(receipt_no))
    return None


_PRIVATE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class _Pages:
    """Draws the pages. Nothing of them comes from another address, and no script runs."""

    def __init__(self, signer: Signer, public_url: str) -> None:
        self._signer = signer
        self._keys_url = public_url + JWKS_PATH
        made = Environment(
            loader=PackageLoader("services.certificates.api"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        assert made.loader is not None  # noqa: S101 (for the type checker)
        css = made.loader.get_source(made, "receipt.css")[0]
        made.globals["css"] = Markup(css)  # noqa: S704 (our own file)
        style = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
        self._csp = (
            f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        self._receipt = made.get_template("receipt.html")
        self._missing = made.get_template("missing.html")
        self._drawing = asyncio.Semaphore(_DRAWN_AT_ONCE)

    def missing(self, language: Language) -> Response:
        """404 as a page: whoever typed a number from paper reads it in a browser."""
        return self._answer(self._missing.render(t=_PAGE[language]), 404, language)

    async def page(self, found: SignedReceipt, asked_for: str, language: Language) -> Response:
        """The page of a receipt. asked_for: its number, or that of one whose place it took."""
        receipt, fault = self._read(found.jws, language)
        if receipt is None:
            return self._answer(self._missing.render(t=_PAGE[language]), 404, language)
        async with self._drawing:
            # Off the loop: a code of this size takes tens of milliseconds.
            qr = await asyncio.to_thread(qr_code, found.jws, _PAGE[language]["qr_alt"])
        words = receipt_words.verdict_words(receipt.verdict)
        html = self._receipt.render(
            t=_PAGE[language],
            number=in_groups(receipt.number),
            plain_number=receipt.number,
            replaces=in_groups(read_receipt_number(asked_for))
            if asked_for != receipt.number
            else None,
            not_proven=fault,
            words=words,
            verdict=words.said(language),
            explanation=receipt_words.explained(receipt, language),
            rows=_rows(receipt, language),
            certificate=receipt.certificate
            and receipt_words.certificate_rows(receipt.certificate, language),
            status=[(entry.url, entry.index) for entry in receipt.status],
            keys_url=self._keys_url,
            qr=Markup(qr),  # noqa: S704 (segno escapes what it is given)
            jws=found.jws,
        )
        return self._answer(html, 200, language)

    def _read(self, jws: str, language: Language) -> tuple[Receipt | None, str | None]:
        """The receipt, and what is to be said where its signature cannot be checked."""
        match check(jws, self._signer.public):
            case Receipt() as receipt:
                return receipt, None
            case UnknownKey():
                said = _PAGE[language]["key_gone"]
            case BadSignature():
                said = _PAGE[language]["signature_bad"]
            case Malformed():
                return None, None
        receipt_or_fault = unproven(jws)
        return (receipt_or_fault, said) if isinstance(receipt_or_fault, Receipt) else (None, None)

    def _answer(self, html: str, status: int, language: Language) -> Response:
        headers = {
            **_PRIVATE,
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Content-Security-Policy": self._csp,
        }
        return Response(html, status, headers, "text/html; charset=utf-8")


def _rows(receipt: Receipt, language: Language) -> list[tuple[str, str, str]]:
    t = _PAGE[language]
    rows = [
        (t["number"], in_groups(receipt.number), "number"),
        (t["issued_at"], receipt_words.moment(receipt.issued_at, language), ""),
        (t["answered_by"], receipt_words.answered_by(receipt, language), ""),
        (t["signed_by"], receipt.issuer, ""),
        (t["asked"], f"SHA-256 {receipt.asked}", "code"),
    ]
    if receipt.audience is not None:
        rows.append((t["meant_for"], receipt.audience, ""))
    return rows


@lru_cache(maxsize=256)
def qr_code(text: str, title: str) -> str:
    """A QR code of the text as SVG for use in a page. title: what is read out in its place.

    Source: ISO/IEC 18004; byte mode, as large and as correctable as the text allows.
    """
    code = segno.make_qr(text, error="L", mode="byte", encoding="iso-8859-1")
    svg = code.svg_inline(title=title, border=4, omitsize=True, svgclass=None, lineclass=None)
    return svg.replace("<svg ", '<svg role="img" ', 1)


_PAGE: dict[Language, dict[str, Any]] = {
    "zh": {
        "lang": "zh-CN",
        "other": "en",
        "other_lang": "en",
        "other_name": "English",
        "skip": "跳到正文",
        "brand": "人岗速配 · 职业证书核验",
        "title": "证书核验回执",
        "replaces": "此前的回执“待答复”已由本回执取代，原回执编号：",
        "key_gone": "签名密钥已停止公布，本回执目前无法证明。请重新核验。",
        "signature_bad": "签名不符，本回执不可信。请重新核验。",
        "not_proven": "无法证明",
        "was_said": "回执上写的是：",
        "receipt": "回执",
        "number": "回执编号",
        "issued_at": "核验时间",
        "answered_by": "答复方",
        "signed_by": "签名方",
        "asked": "所问内容的摘要",
        "meant_for": "只对此城市有效",
        "certificate": "证书",
        "proof": "如何证明",
        "qr": "二维码内即本回执全文，可离线核验",
        "qr_alt": "二维码：本回执的签名全文（JWS），与页末文字相同",
        "step_keep": "保存回执全文（扫码、复制页末文字，或下载）。",
        "download": "下载回执文件",
        "step_check": "离线核验签名：",
        "step_keys": "核验所用公钥：",
        "step_status": "此后是否撤销或暂停，查名单中的位置：",
        "place": "位置",
        "jws": "签名全文（JWS）",
        "moment": "回执只说明核验当时的结果，不含持证人的任何信息，也不含所问的"
        "编号、姓名和身份证号；提问者凭随答复得到的盐值可以证明问的是哪本证书、哪位持证人。",
        "missing": "没有此回执",
        "missing_means": "没有这个编号的回执。请核对：编号有 26 个字符，不区分大小写，"
        "字母 I、L 与数字 1 相同，字母 O 与数字 0 相同。",
    },
    "en": {
        "lang": "en",
        "other": "zh",
        "other_lang": "zh-CN",
        "other_name": "中文",
        "skip": "Skip to the content",
        "brand": "人岗速配 rengang · certificate verification",
        "title": "Certificate verification receipt",
        "replaces": "This receipt has taken the place of one that was pending, number",
        "key_gone": "The key that signed this receipt is published no longer, so it proves nothing "
        "now. Verify the certificate again.",
        "signature_bad": "The signature does not fit; do not rely on this receipt. Verify the "
        "certificate again.",
        "not_proven": "Not proven",
        "was_said": "The receipt says:",
        "receipt": "Receipt",
        "number": "Receipt number",
        "issued_at": "Verified at",
        "answered_by": "Answered by",
        "signed_by": "Signed by",
        "asked": "Hash of what was asked",
        "meant_for": "Meant for the city",
        "certificate": "Certificate",
        "proof": "How it is proven",
        "qr": "The code holds the whole receipt; it can be checked offline",
        "qr_alt": "QR code of the signed receipt (JWS), the same text as at the end of the page",
        "step_keep": "Keep the receipt: scan the code, copy the text at the end, or download it.",
        "download": "Download the receipt",
        "step_check": "Check the signature offline:",
        "step_keys": "Keys to check with:",
        "step_status": "Whether it was revoked or suspended since, by its place in these lists:",
        "place": "place",
        "jws": "The signed text (JWS)",
        "moment": "A receipt tells what was so when it was asked, and nothing of the holder. "
        "Number, name and identity number asked for are not in it; with the salt that came along "
        "the asker can prove which certificate and which holder were asked for.",
        "missing": "There is no such receipt",
        "missing_means": "No receipt has this number. Check it: 26 characters, case makes no "
        "difference, I and L are read as 1, O as 0.",
    },
}
