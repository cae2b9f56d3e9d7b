"""What became of checking a receipt, as lines of text for a terminal.

Words that the receipt's page uses too stand in receipt_words.
"""

from collections.abc import Iterator

from services.certificates.api import receipt_words
from services.certificates.domain.proving import Outcome
from services.certificates.domain.receipt_numbers import in_groups
from services.certificates.domain.receipts import BadSignature, Malformed, Receipt, UnknownKey
from services.kit.wordings import Language


def in_words(outcome: Outcome, language: Language) -> Iterator[str]:
    """What became of a receipt, line by line."""
    zh = language == "zh"
    match outcome.checked:
        case UnknownKey(kid):
            yield (
                f"? 无法判断：签名密钥 {kid} 不在所用公钥中，可能已作废，或属于另一城市。"
                "请用 --keys 给出签发城市现在公布的公钥。"
                if zh
                else f"? cannot tell: key {kid} is none of those at hand: withdrawn, or another "
                "city's; give those that the city which signed it publishes now with --keys"
            )
        case BadSignature(kid):
            yield (
                f"✕ 不可信：签名不符（密钥 {kid}），内容被改动过或并非此密钥所签。"
                if zh
                else f"✕ not genuine: the signature does not fit (key {kid})"
            )
        case Malformed(why):
            yield f"✕ 不是回执：{why}" if zh else f"✕ not a receipt: {why}"
        case Receipt() as receipt:
            yield from _told(receipt, outcome, language)


def _told(receipt: Receipt, outcome: Outcome, language: Language) -> Iterator[str]:
    zh = language == "zh"
    words = receipt_words.verdict_words(receipt.verdict)
    yield "✓ 签名正确，回执未被改动" if zh else "✓ genuine: the signature fits"
    rows = [
        ("回执编号" if zh else "number", in_groups(receipt.number)),
        (
            "结果" if zh else "verdict",
            f"{words.said(language)}（{receipt.verdict}）"
            if zh
            else f"{words.said(language)} ({receipt.verdict})",
        ),
        ("", receipt_words.explained(receipt, language)),
        (
            "核验时间" if zh else "verified at",
            receipt_words.moment(receipt.issued_at, language),
        ),
        ("答复方" if zh else "answered by", receipt_words.answered_by(receipt, language)),
        ("签名方" if zh else "signed by", receipt.issuer),
    ]
    if receipt.audience is not None:
        rows.append(("只对此城市有效" if zh else "meant for", receipt.audience))
    if receipt.certificate is not None:
        rows += receipt_words.certificate_rows(receipt.certificate, language)
    rows.append(("所问内容" if zh else "asked", _asked_in_words(outcome.asked, zh=zh)))
    rows.append(("此后变化" if zh else "since then", _since(outcome, language)))
    for label, value in rows:
        yield f"  {label}{' ' * max(1, 14 - _width(label))}{value}"


def _width(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def _asked_in_words(asked: bool | None, *, zh: bool) -> str:
    if asked is None:
        return "未核对（--ask 或 --asked）" if zh else "not looked at (--ask or --asked)"
    if asked:
        return "✓ 与所填一致" if zh else "✓ is what was said"
    return "✕ 与所填不一致" if zh else "✕ is not what was said"


def _since(outcome: Outcome, language: Language) -> str:
    zh = language == "zh"
    read = outcome.looked_at
    if read is None:
        return "未查名单（--status）" if zh else "no status list looked at (--status)"
    at = receipt_words.moment(read.valid_from, language)
    if outcome.lapsed is not None:
        word = {"revocation": ("已撤销", "revoked"), "suspension": ("已暂停", "suspended")}
        said = word[outcome.lapsed][0 if zh else 1]
        return f"✕ {said}（{at} 的名单）" if zh else f"✕ {said} (list of {at})"
    what = {"revocation": ("未撤销", "not revoked"), "suspension": ("未暂停", "not suspended")}
    said = what[read.purpose.value][0 if zh else 1]
    if outcome.stale:
        return (
            f"? {at} 时{said}；名单已过期，请取新的"
            if zh
            else f"? {said} at {at}; the list is out of date, get a new one"
        )
    return f"✓ {said}（{at} 的名单）" if zh else f"✓ {said} (list of {at})"
