"""Reasons and missing items in words, Chinese and English, from their code and params.

The employer and the seeker read the same sentence, so it addresses neither. What a code means and
when it is given is the matcher's matter and does not live here; a code or params that are not
known here (a newer matcher may send them) are shown as they are.
"""

from collections.abc import Callable, Mapping
from typing import Literal
from uuid import UUID

from contracts.matches import Missing, Reason
from contracts.postings import Pay
from contracts.values import CERTIFICATE_LEVELS, PPM, PayUnit
from contracts.vocabulary.counties import place_name
from contracts.vocabulary.fields import field_name
from contracts.vocabulary.occupations import occupation_name
from contracts.vocabulary.romanised import romanised

Language = Literal["zh", "en"]
Wording = tuple[str, str]
"""The same said in Chinese and in English."""

_UNITS: dict[PayUnit, Wording] = {
    PayUnit.HOUR: ("元/小时", "an hour"),
    PayUnit.DAY: ("元/天", "a day"),
    PayUnit.MONTH: ("元/月", "a month"),
    PayUnit.YEAR: ("元/年", "a year"),
}


def render(reason: Reason, lang: Language) -> str:
    """One node of the tree in words, without its children and points."""
    return _in(lang, _worded(reason.code, _Said(reason.params, reason.certificate_id), "reason"))


def render_missing(missing: Missing, lang: Language) -> str:
    """What the posting asks for and the profile does not show, in words."""
    return _in(lang, _worded(missing.code, _Said(missing.params), "missing"))


def render_pay(pay: Pay, lang: Language) -> str:
    """`6000–9000 元/月`, `CNY 6,000–9,000 a month`; one figure where both ends are the same."""
    return _in(lang, _pay(pay.min, pay.max, pay.unit))


def render_place(code: str, lang: Language) -> str:
    """`昆明市五华区`, `Wuhua, Kunming`; the code itself where it is no place of the region."""
    return _in(lang, _place(code))


class _Unknown(LookupError):
    """A param is missing or is not what it was when this was written."""


class _Said:
    """The params of a node, read by what is expected of them. Raises _Unknown where they differ."""

    def __init__(self, params: Mapping[str, str | int], proof: UUID | None = None) -> None:
        self.params = params
        self.proven = proof is not None

    def number(self, name: str) -> int:
        match self.params.get(name):
            case int(value):
                return value
        raise _Unknown(name)

    def text(self, name: str) -> str:
        match self.params.get(name):
            case str(value) if value:
                return value
        raise _Unknown(name)

    def one_of(self, name: str, wordings: Mapping[str, Wording]) -> Wording:
        try:
            return wordings[self.text(name)]
        except KeyError:
            raise _Unknown(name) from None


def _in(lang: Language, wording: Wording) -> str:
    return wording[0] if lang == "zh" else wording[1]


def _worded(code: str, said: _Said, kind: Literal["reason", "missing"]) -> Wording:
    words = _WORDS.get(code)
    if words is not None:
        try:
            return words(said)
        except _Unknown:
            pass
    zh, en = {"reason": ("其他依据", "Other reason"), "missing": ("其他欠缺", "Also missing")}[kind]
    told = [_param(name, value) for name, value in said.params.items()]
    zh_params = "，".join(part[0] for part in told)
    en_params = ", ".join(part[1] for part in told)
    return (
        f"{zh}（{code}{'：' if told else ''}{zh_params}）",
        f"{en} ({code}{': ' if told else ''}{en_params})",
    )


def _param(name: str, value: str | int) -> Wording:
    zh, en = str(value), str(value)
    if name == "county":
        zh, en = _place(zh)
    elif name == "occupation":
        zh, en = _occupation(zh)
    elif name == "field":
        zh, en = _field(zh)
    elif name == "level" and value in CERTIFICATE_LEVELS:
        zh = CERTIFICATE_LEVELS[int(value)]
        en = f"{value} ({zh})"
    return f"{name} {zh}", f"{name} {en}"


def _pay(low: int, high: int, unit: PayUnit) -> Wording:
    zh, en = _UNITS[unit]
    if low == high:
        return f"{low} {zh}", f"CNY {low:,} {en}"
    return f"{low}–{high} {zh}", f"CNY {low:,}–{high:,} {en}"


def _place(code: str) -> Wording:
    return place_name(code), romanised(code)


def _occupation(code: str) -> Wording:
    name = occupation_name(code)
    return name, name if name == code else f"{name} ({code})"


def _field(slug: str) -> Wording:
    return field_name(slug, "zh"), field_name(slug, "en")


def _level(level: int) -> Wording:
    label = CERTIFICATE_LEVELS.get(level)
    return (label, f"level {level} ({label})") if label else (f"{level} 级", f"level {level}")


def _years(years: int) -> str:
    return "1 year" if years == 1 else f"{years} years"


def _text_term(said: _Said) -> Wording:
    return _mentioned(said.text("term"))


def _text_alike(said: _Said) -> Wording:
    term, other = said.text("term"), said.text("other")
    if term == other:
        return _mentioned(term)
    return f"“{term}”与“{other}”意思相同", f"“{term}” means the same as “{other}”"


def _mentioned(term: str) -> Wording:
    return f"都提到“{term}”", f"Both mention “{term}”"


def _text_rest(said: _Said) -> Wording:
    terms = said.number("terms")
    if terms <= 0:
        return "其余", "The rest"
    return f"另有 {terms} 处说法一致", f"{terms} more {'word' if terms == 1 else 'words'} in common"


def _text_trade(said: _Said) -> Wording:
    zh, en = _occupation(said.text("occupation"))
    return f"都是{zh}", f"Both are in the trade of {en}"


def _text_field(said: _Said) -> Wording:
    zh, en = _field(said.text("field"))
    return f"同属{zh}领域", f"Both are in the field of {en}"


def _skill(said: _Said) -> Wording:
    skill, evidence = said.text("skill"), said.text("evidence")
    need = _need(said.number("required"))
    if evidence == skill:
        zh, en = "具备", "shown"
    elif said.number("similarity_ppm") < PPM:
        percent = said.number("similarity_ppm") * 100 // PPM
        zh = f"有相近的“{evidence}”（{percent}% 相似）"
        en = f"“{evidence}” comes close ({percent}% alike)"
    else:
        zh, en = f"具备，即“{evidence}”", f"shown as “{evidence}”"
    zh, en = f"{need[0]}技能“{skill}”：{zh}", f"{need[1]} skill “{skill}”: {en}"
    if said.proven:
        return f"{zh}，有已核验的证书为证", f"{en}, proven by a verified certificate"
    return zh, en


def _need(required: int) -> Wording:
    return ("必备", "Required") if required else ("加分", "Preferred")


_MEETS: dict[str, Wording] = {
    "all": ("达到期望", "meets the expectation"),
    "partly": ("只有较高的部分达到期望", "only the upper part meets the expectation"),
    "below": ("低于期望", "below the expectation"),
    "any": ("没有提出期望", "no expectation was stated"),
}


def _fit_pay(said: _Said) -> Wording:
    zh, en = _pay(said.number("pay_low"), said.number("pay_high"), PayUnit.MONTH)
    meets = said.one_of("meets", _MEETS)
    return f"待遇 {zh}：{meets[0]}", f"Pay of {en}: {meets[1]}"


_NEAR: dict[str, Wording] = {
    "home": ("就在首选县区", "the county of first choice"),
    "neighbour": ("与首选县区接壤", "borders the county of first choice"),
    "remote": ("可远程工作", "the work can be done remotely"),
    "prefecture": ("与首选县区同属一个州市", "the same prefecture as the first choice"),
    "accepted": ("在可接受的地点之内", "among the places accepted"),
    "nowhere": ("不在可接受的地点之内", "not among the places accepted"),
}


def _fit_place(said: _Said) -> Wording:
    zh, en = _place(said.text("county"))
    near = said.one_of("near", _NEAR)
    return f"工作地点{zh}：{near[0]}", f"Work in {en}: {near[1]}"


def _fit_experience(said: _Said) -> Wording:
    asked, years = said.number("asked_years"), said.number("years")
    zh, en = "不要求工作经验", "No experience asked for"
    if asked > 0:
        zh, en = f"要求 {asked} 年工作经验", f"{_years(asked)} of experience asked for"
    if years > 0:
        return f"{zh}，已有 {years} 年", f"{en}, {_years(years)} shown"
    return (f"{zh}，尚无", f"{en}, none shown") if asked > 0 else (zh, en)


_SHARED: dict[int, Wording] = {
    0: ("资料中没有相近的职业", "no similar occupation is shown"),
    1: ("职业略有关联（同一大类）", "a loosely related occupation (same major group)"),
    2: ("职业相近（同一中类）", "a related occupation (same sub-major group)"),
    3: ("职业很相近（同一小类）", "a closely related occupation (same minor group)"),
    4: ("职业相同", "the same occupation"),
}


def _fit_occupation(said: _Said) -> Wording:
    zh, en = _occupation(said.text("occupation"))
    shared = _SHARED.get(said.number("levels_shared"))
    if shared is None:
        raise _Unknown("levels_shared")
    return f"岗位属于“{zh}”：{shared[0]}", f"The job is {en}: {shared[1]}"


def _fit_certificate(said: _Said) -> Wording:
    code, level = said.text("occupation"), said.number("level")
    occupation = _occupation(code)
    name = str(said.params.get("name") or occupation[0])
    zh, en = f"持有已核验的证书“{name}”", f"Holds the verified certificate “{name}”"
    if occupation[0] not in name:
        zh, en = f"{zh}，职业为{occupation[0]}", f"{en}, in {occupation[1]}"
    if level:
        label = _level(level)
        zh, en = f"{zh}，等级为{label[0]}", f"{en}, {label[1]}"
    return zh, en


def _missing_skill(said: _Said) -> Wording:
    skill = said.text("skill")
    zh, en = _need(said.number("required"))
    return f"资料未写明{zh}技能“{skill}”", f"{en} skill “{skill}” is not in the profile"


def _missing_certificate(said: _Said) -> Wording:
    occupation, level = _occupation(said.text("occupation")), _level(said.number("level"))
    zh, en = _need(said.number("required"))
    return (
        f"没有已核验的{zh}证书：{occupation[0]}，{level[0]}及以上",
        f"{en} certificate is not held or not verified: {occupation[1]}, {level[1]} or above",
    )


def _missing_experience(said: _Said) -> Wording:
    asked, short = said.number("asked_years"), said.number("short_years")
    return (
        f"要求 {asked} 年工作经验，还差 {short} 年",
        f"{_years(asked)} of experience asked for, {_years(short)} short",
    )


def _title(zh: str, en: str) -> Callable[[_Said], Wording]:
    return lambda _: (zh, en)


_WORDS: dict[str, Callable[[_Said], Wording]] = {
    "match": _title("总体匹配", "Overall match"),
    "text": _title("工作内容", "The work itself"),
    "text.term": _text_term,
    "text.alike": _text_alike,
    "text.rest": _text_rest,
    "text.trades": _title("职业与领域", "Trade and field"),
    "text.trade": _text_trade,
    "text.field": _text_field,
    "skills": _title("技能", "Skills"),
    "skills.skill": _skill,
    "fit": _title("待遇、地点与资历", "Pay, place and background"),
    "fit.pay": _fit_pay,
    "fit.place": _fit_place,
    "fit.experience": _fit_experience,
    "fit.occupation": _fit_occupation,
    "fit.certificate": _fit_certificate,
    "missing.skill": _missing_skill,
    "missing.certificate": _missing_certificate,
    "missing.experience": _missing_experience,
}

CODES = frozenset(_WORDS)
"""The codes that are put into words here."""
