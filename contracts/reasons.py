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


def _level(level: int) -> Wording:
    label = CERTIFICATE_LEVELS.get(level)
    return (label, f"level {level} ({label})") if label else (f"{level} 级", f"level {level}")


def _years(years: int) -> str:
    return "1 year" if years == 1 else f"{years} years"


def _text_term(said: _Said) -> Wording:
    term = said.text("term")
    return f"都提到“{term}”", f"Both mention “{term}”"


def _text_rest(said: _Said) -> Wording:
    terms = said.number("terms")
    if terms <= 0:
        return "其余用词", "Other words"
    return f"另有 {terms} 处用词相同", f"{terms} more shared {'word' if terms == 1 else 'words'}"


def _skill(said: _Said) -> Wording:
    skill, evidence = said.text("skill"), said.text("evidence")
    zh, en = _need(said.number("required"))
    zh, en = f"{zh}技能“{skill}”：", f"{en} skill “{skill}”: "
    if evidence == skill:
        zh, en = f"{zh}具备", f"{en}shown"
    else:
        zh, en = f"{zh}以“{evidence}”相符", f"{en}met by “{evidence}”"
        percent = said.number("similarity_ppm") * 100 // PPM
        if percent < 100:
            zh, en = f"{zh}（相似度 {percent}%）", f"{en} ({percent}% alike)"
    if said.proven:
        return f"{zh}，有已核验的证书为证", f"{en}, proven by a verified certificate"
    return zh, en


def _need(required: int) -> Wording:
    return ("必备", "Required") if required else ("加分", "Welcome")


_MEETS: dict[str, Wording] = {
    "all": ("达到期望", "meets the expectation"),
    "partly": ("部分达到期望", "meets the expectation in part"),
    "below": ("低于期望", "is below the expectation"),
    "any": ("期望不限", "no expectation was set"),
}


def _fit_pay(said: _Said) -> Wording:
    zh, en = _pay(said.number("pay_low"), said.number("pay_high"), PayUnit.MONTH)
    meets = said.one_of("meets", _MEETS)
    return f"待遇 {zh}：{meets[0]}", f"Pay of {en}: {meets[1]}"


_NEAR: dict[str, Wording] = {
    "home": ("就在首选县区", "the county of first choice"),
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
    if asked <= 0:
        return f"不要求工作年限，已有 {years} 年", f"No experience asked for, {_years(years)} shown"
    return (
        f"要求 {asked} 年工作经验，已有 {years} 年",
        f"{_years(asked)} of experience asked for, {_years(years)} shown",
    )


_SHARED: dict[int, Wording] = {
    0: ("职业不同", "another occupation"),
    1: ("属同一大类", "of the same major group"),
    2: ("属同一中类", "of the same sub-major group"),
    3: ("属同一小类", "of the same minor group"),
    4: ("职业相同", "the same occupation"),
}


def _fit_occupation(said: _Said) -> Wording:
    zh, en = _occupation(said.text("occupation"))
    shared = _SHARED.get(said.number("levels_shared"))
    if shared is None:
        raise _Unknown("levels_shared")
    return f"岗位职业为“{zh}”：{shared[0]}", f"Occupation {en}: {shared[1]}"


def _fit_certificate(said: _Said) -> Wording:
    code, level = said.text("occupation"), said.number("level")
    occupation = _occupation(code)
    name = said.params.get("name") or occupation[0]
    zh, en = f"持有已核验的“{name}”证书", f"Holds a verified certificate “{name}”"
    if name != occupation[0]:
        zh, en = f"{zh}（{occupation[0]}）", f"{en} in {occupation[1]}"
    if level:
        label = _level(level)
        zh, en = f"{zh}，等级{label[0]}", f"{en}, {label[1]}"
    return zh, en


def _missing_skill(said: _Said) -> Wording:
    skill = said.text("skill")
    zh, en = _need(said.number("required"))
    return f"未体现{zh}技能“{skill}”", f"{en} skill “{skill}” is not shown"


def _missing_certificate(said: _Said) -> Wording:
    occupation, level = _occupation(said.text("occupation")), _level(said.number("level"))
    zh, en = _need(said.number("required"))
    return (
        f"没有{zh}证书：“{occupation[0]}”，{level[0]}及以上",
        f"{en} certificate is not held: {occupation[1]}, {level[1]} or above",
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
    "text": _title("岗位与经历的文字相近", "Posting and profile read alike"),
    "text.term": _text_term,
    "text.rest": _text_rest,
    "skills": _title("技能相符", "Skills"),
    "skills.skill": _skill,
    "fit": _title("条件相符", "Conditions"),
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
