"""Everything a receipt is told with, in Chinese and English: for its page and for the terminal.

What a receipt says stands in domain.receipts.
"""

from dataclasses import dataclass
from datetime import date, datetime

from contracts.values import CERTIFICATE_LEVELS
from contracts.vocabulary.occupations import is_occupation, occupation_name
from services.certificates.domain.receipts import CertificateFacts, Receipt
from services.certificates.domain.registry import CHINA, NOT_RECOGNISED, REVIEW_OVERDUE
from services.certificates.domain.verdicts import GAVE_UP, Verdict
from services.kit.wordings import Language


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """tone: good, bad, or open; it is never told by colour alone. mark: a sign before the words."""

    tone: str
    mark: str
    zh: str
    en: str
    zh_means: str
    en_means: str

    def said(self, language: Language) -> str:
        """The verdict in a word or two."""
        return self.zh if language == "zh" else self.en

    def means(self, language: Language) -> str:
        """What that means, in a sentence."""
        return self.zh_means if language == "zh" else self.en_means


_VERDICTS = {
    "valid": VerdictWords(
        "good",
        "✓",
        "有效",
        "Valid",
        "登记库中有此证书，持证人一致，在有效期内。",
        "The registry has this certificate; it is the holder's and in force.",
    ),
    "expired": VerdictWords(
        "bad", "✕", "已过期", "Expired", "证书已过有效期。", "The certificate has expired."
    ),
    "revoked": VerdictWords(
        "bad",
        "✕",
        "已撤销",
        "Revoked",
        "证书已被发证机构撤销。",
        "The issuer has revoked the certificate.",
    ),
    "suspended": VerdictWords(
        "bad",
        "!",
        "已暂停",
        "Suspended",
        "证书目前暂停，恢复后重新生效。",
        "The certificate is suspended; it counts again once that is lifted.",
    ),
    "holder-mismatch": VerdictWords(
        "bad",
        "✕",
        "持证人不符",
        "Holder does not match",
        "所填姓名、身份证号与此编号的登记不符。请核对所填内容。",
        "Name or identity number are not those registered under this number. Check what was "
        "entered.",
    ),
    "not-found": VerdictWords(
        "open",
        "?",
        "未查到",
        "Not found",
        "登记库中没有此编号。这不说明证书是假的：请核对编号，也可向发证机构查询。",
        "The registry does not have this number. That does not make it a forgery: check the "
        "number, or ask the issuer.",
    ),
    "issuer-unknown": VerdictWords(
        "open",
        "?",
        "发证机构未登记",
        "Issuer unknown",
        "此发证机构未在本系统登记，无法核验；这不说明证书是假的。",
        "This issuer is not registered here, so nothing can be said of the certificate; that does "
        "not make it a forgery.",
    ),
    "pending": VerdictWords(
        "open",
        "…",
        "待答复",
        "Pending",
        "所属城市尚未答复。答复后，此页自动显示新的回执。",
        "The city that would know has not answered yet. Once it has, this page shows the new "
        "receipt.",
    ),
}


_REASONS: dict[str, tuple[str, str]] = {
    REVIEW_OVERDUE: (
        "证书逾期未复审，复审后重新生效。",
        "The certificate's periodic review is overdue; it counts again once reviewed.",
    ),
    NOT_RECOGNISED: (
        "另一城市确认此证书有效，但本市的互认表不认可其等级。",
        "Another city confirms the certificate, but its level is not recognised here.",
    ),
    GAVE_UP: (
        "所属城市一直没有答复，系统已不再询问。请过些时候重新核验。",
        "The city that would know never answered and is not asked any more. Verify again later.",
    ),
}


def verdict_words(verdict: str) -> VerdictWords:
    """The words of a verdict; of one that is not known, its code."""
    plain = ("请以代码为准。", "Only its code is known here.")
    return _VERDICTS.get(verdict) or VerdictWords("open", "?", verdict, verdict, *plain)


def explained(receipt: Receipt, language: Language) -> str:
    """What the verdict means, with its reason and the issuer's delay where that is known."""
    english = language == "en"
    sentences = [verdict_words(receipt.verdict).means(language)]
    if receipt.reason in _REASONS:
        sentences = [_REASONS[receipt.reason][english]]
    if receipt.upload_lag_days:
        sentences.append(
            f"The issuer may upload new certificates up to {receipt.upload_lag_days} day(s) late."
            if english
            else f"该发证机构上传新证书最多可能延迟 {receipt.upload_lag_days} 天。"
        )
    return (" " if english else "").join(sentences)


def answered_by(receipt: Receipt, language: Language) -> str:
    """Who answered, and how old the answer was where it was kept from before.

    Of a pending one nobody has: who has to, where it is one city.
    """
    by = receipt.answered_by
    age_s = int((receipt.issued_at - by.at).total_seconds())
    english = language == "en"
    if receipt.verdict == Verdict.PENDING:
        if by.city == receipt.issuer:
            return "nobody yet" if english else "尚无"
        return f"nobody yet; {by.city} has to" if english else f"尚无；应由 {by.city} 答复"
    said = by.city
    if by.city != receipt.issuer:
        said += f" (asked by {receipt.issuer})" if english else f"（由 {receipt.issuer} 转询）"
    if age_s >= 60:
        at = moment(by.at, language)
        said += (
            f", {at}: {_age(age_s, language)} before this receipt"
            if english
            else f"，{at}（早于本回执{_age(age_s, language)}）"
        )
    if not by.is_signed:
        said += "; that city does not sign its answers" if english else "；该城市的答复未经签名"
    return said


def _age(seconds: int, language: Language) -> str:
    for unit_s, zh, en in ((86400, "天", "day(s)"), (3600, "小时", "hour(s)"), (60, "分钟", "min")):
        if seconds >= unit_s:
            amount = seconds // unit_s
            return f" {amount} {zh}" if language == "zh" else f"{amount} {en}"
    return f" {seconds} 秒" if language == "zh" else f"{seconds} s"


def moment(at: datetime, language: Language) -> str:
    """A time by China's clock, to the second."""
    text = at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}（北京时间）" if language == "zh" else f"{text} (UTC+8)"


_KINDS: dict[str, tuple[str, str]] = {
    "skill-level": ("职业技能等级证书", "Skill level certificate"),
    "qualification": ("职业资格证书", "Vocational qualification"),
    "special-operation": ("特种作业操作证", "Special operation licence"),
    "title": ("职称证书", "Professional title"),
}


def certificate_rows(facts: CertificateFacts, language: Language) -> list[tuple[str, str]]:
    """What is said of the certificate, as label and value."""
    english = language == "en"
    rows = [("Certificate" if english else "证书名称", facts.name)]
    if facts.kind is not None:
        kind = _KINDS.get(facts.kind, (facts.kind, facts.kind))
        rows.append(("Kind" if english else "证书类型", kind[english]))
    rows.append(("Occupation" if english else "职业", _occupation(facts.occupation)))
    if level := _level(facts):
        rows.append(("Level" if english else "等级", level))
    rows.append(("Issuer" if english else "发证机构", facts.issuer))
    rows.append(("Issued on" if english else "发证日期", facts.issued_on.isoformat()))
    rows.append(("Valid until" if english else "有效期至", _until(facts.valid_until, language)))
    if facts.review_due is not None:
        rows.append(("Review due" if english else "应复审日期", facts.review_due.isoformat()))
    return rows


def _occupation(code: str) -> str:
    return f"{occupation_name(code)}（{code}）" if is_occupation(code) else code


def _level(facts: CertificateFacts) -> str:
    name = "" if facts.level is None else CERTIFICATE_LEVELS.get(facts.level, str(facts.level))
    label = facts.level_label or ""
    if name and label and label != name:
        return f"{name}（{label}）"
    return name or label


def _until(day: date | None, language: Language) -> str:
    if day is None:
        return "no end date" if language == "en" else "未注明（长期）"
    return day.isoformat()
