"""Reasons in words: every code of the matcher's table in both languages, and what is not known."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.matches import Missing, Reason
from contracts.postings import Pay
from contracts.reasons import (
    CODES,
    Language,
    render,
    render_missing,
    render_pay,
    render_place,
)
from contracts.values import PayUnit
from contracts.vocabulary.counties import places

PROOF = "01980002-0000-7000-8000-000000000001"
Params = dict[str, str | int]

Case = tuple[str, Params, str, str]

NEAR: list[Case] = [
    (
        "fit.place",
        {"county": "530102", "near": near},
        f"工作地点昆明市五华区：{zh}",
        f"Work in Wuhua, Kunming: {en}",
    )
    for near, zh, en in [
        ("home", "就在首选县区", "the county of first choice"),
        ("neighbour", "与首选县区接壤", "borders the county of first choice"),
        ("remote", "可远程工作", "the work can be done remotely"),
        ("prefecture", "与首选县区同属一个州市", "the same prefecture as the first choice"),
        ("accepted", "在可接受的地点之内", "among the places accepted"),
        ("nowhere", "不在可接受的地点之内", "not among the places accepted"),
    ]
]

SHARED: list[Case] = [
    (
        "fit.occupation",
        {"occupation": "6-18-02-04", "levels_shared": shared},
        f"岗位属于“焊工”：{zh}",
        f"The job is 焊工 (6-18-02-04): {en}",
    )
    for shared, zh, en in [
        (0, "资料中没有相近的职业", "no similar occupation is shown"),
        (1, "职业略有关联（同一大类）", "a loosely related occupation (same major group)"),
        (2, "职业相近（同一中类）", "a related occupation (same sub-major group)"),
        (3, "职业很相近（同一小类）", "a closely related occupation (same minor group)"),
        (4, "职业相同", "the same occupation"),
    ]
]

SAID: list[Case] = [
    ("match", {}, "总体匹配", "Overall match"),
    ("text", {}, "工作内容", "The work itself"),
    ("text.term", {"term": "数据分析"}, "都提到“数据分析”", "Both mention “数据分析”"),
    (
        "text.alike",
        {"term": "excel", "other": "电子表格"},
        "“excel”与“电子表格”意思相同",
        "“excel” means the same as “电子表格”",
    ),
    (
        "text.alike",
        {"term": "excel", "other": "excel"},
        "都提到“excel”",
        "Both mention “excel”",
    ),
    ("text.rest", {"terms": 7}, "另有 7 处说法一致", "7 more words in common"),
    ("text.rest", {"terms": 1}, "另有 1 处说法一致", "1 more word in common"),
    ("text.rest", {"terms": 0}, "其余", "The rest"),
    ("text.trades", {}, "职业与领域", "Trade and field"),
    (
        "text.trade",
        {"occupation": "6-18-02-04"},
        "都是焊工",
        "Both are in the trade of 焊工 (6-18-02-04)",
    ),
    (
        "text.field",
        {"field": "welding"},
        "同属焊接与钣金领域",
        "Both are in the field of welding and sheet metal",
    ),
    ("skills", {}, "技能", "Skills"),
    (
        "skills.skill",
        {"skill": "氩弧焊", "required": 1, "evidence": "氩弧焊", "similarity_ppm": 1_000_000},
        "必备技能“氩弧焊”：具备",
        "Required skill “氩弧焊”: shown",
    ),
    (
        "skills.skill",
        {"skill": "氩弧焊", "required": 0, "evidence": "手工氩弧焊", "similarity_ppm": 755_999},
        "加分技能“氩弧焊”：有相近的“手工氩弧焊”（75% 相似）",
        "Preferred skill “氩弧焊”: “手工氩弧焊” comes close (75% alike)",
    ),
    (
        "skills.skill",
        {"skill": "K8s", "required": 1, "evidence": "Kubernetes", "similarity_ppm": 1_000_000},
        "必备技能“K8s”：具备，即“Kubernetes”",
        "Required skill “K8s”: shown as “Kubernetes”",
    ),
    ("fit", {}, "待遇、地点与资历", "Pay, place and background"),
    (
        "fit.pay",
        {"pay_low": 6000, "pay_high": 9000, "meets": "all"},
        "待遇 6000–9000 元/月：达到期望",
        "Pay of CNY 6,000–9,000 a month: meets the expectation",
    ),
    (
        "fit.pay",
        {"pay_low": 6000, "pay_high": 9000, "meets": "partly"},
        "待遇 6000–9000 元/月：只有较高的部分达到期望",
        "Pay of CNY 6,000–9,000 a month: only the upper part meets the expectation",
    ),
    (
        "fit.pay",
        {"pay_low": 3000, "pay_high": 3000, "meets": "below"},
        "待遇 3000 元/月：低于期望",
        "Pay of CNY 3,000 a month: below the expectation",
    ),
    (
        "fit.pay",
        {"pay_low": 3000, "pay_high": 4000, "meets": "any"},
        "待遇 3000–4000 元/月：没有提出期望",
        "Pay of CNY 3,000–4,000 a month: no expectation was stated",
    ),
    *NEAR,
    (
        "fit.experience",
        {"asked_years": 3, "years": 1},
        "要求 3 年工作经验，已有 1 年",
        "3 years of experience asked for, 1 year shown",
    ),
    (
        "fit.experience",
        {"asked_years": 0, "years": 2},
        "不要求工作经验，已有 2 年",
        "No experience asked for, 2 years shown",
    ),
    (
        "fit.experience",
        {"asked_years": 1, "years": 0},
        "要求 1 年工作经验，尚无",
        "1 year of experience asked for, none shown",
    ),
    (
        "fit.experience",
        {"asked_years": 0, "years": 0},
        "不要求工作经验",
        "No experience asked for",
    ),
    *SHARED,
    (
        "fit.certificate",
        {"occupation": "4-10-01-05", "level": 4, "name": "养老护理员（高级工）"},
        "持有已核验的证书“养老护理员（高级工）”，等级为高级工",
        "Holds the verified certificate “养老护理员（高级工）”, level 4 (高级工)",
    ),
    (
        "fit.certificate",
        {"occupation": "4-10-01-05", "level": 0, "name": ""},
        "持有已核验的证书“养老护理员”",
        "Holds the verified certificate “养老护理员”",
    ),
    (
        "fit.certificate",
        {"occupation": "4-10-01-05", "level": 8, "name": "失智照护"},
        "持有已核验的证书“失智照护”，职业为养老护理员，等级为首席技师",
        "Holds the verified certificate “失智照护”, in 养老护理员 (4-10-01-05), level 8 (首席技师)",
    ),
]

MISSED: list[Case] = [
    (
        "missing.skill",
        {"skill": "急救", "required": 1},
        "资料未写明必备技能“急救”",
        "Required skill “急救” is not in the profile",
    ),
    (
        "missing.certificate",
        {"occupation": "6-31-01-03", "level": 3, "required": 0},
        "没有已核验的加分证书：电工，中级工及以上",
        "Preferred certificate is not held or not verified: "
        "电工 (6-31-01-03), level 3 (中级工) or above",
    ),
    (
        "missing.experience",
        {"asked_years": 5, "short_years": 2},
        "要求 5 年工作经验，还差 2 年",
        "5 years of experience asked for, 2 years short",
    ),
]


def a_reason(code: str, params: Params) -> Reason:
    return Reason(code=code, points_ppm=1, params=params)


@pytest.mark.parametrize(("code", "params", "zh", "en"), SAID)
def test_a_reason_reads_in_both_languages(code: str, params: Params, zh: str, en: str) -> None:
    assert render(a_reason(code, params), "zh") == zh
    assert render(a_reason(code, params), "en") == en


@pytest.mark.parametrize(("code", "params", "zh", "en"), MISSED)
def test_what_is_missing_reads_in_both_languages(
    code: str, params: Params, zh: str, en: str
) -> None:
    assert render_missing(Missing(code=code, params=params), "zh") == zh
    assert render_missing(Missing(code=code, params=params), "en") == en


def test_the_certificate_that_proves_a_skill_is_told() -> None:
    params: Params = {"skill": "氩弧焊", "required": 1, "evidence": "氩弧焊"}
    proven = Reason.model_validate(
        {"code": "skills.skill", "points_ppm": 1, "params": params, "certificate_id": PROOF}
    )
    assert render(proven, "zh") == "必备技能“氩弧焊”：具备，有已核验的证书为证"
    assert render(proven, "en").endswith("shown, proven by a verified certificate")


def matcher_table() -> dict[str, set[str]]:
    """The codes and params that the matcher's own table lists."""
    path = Path(__file__).parents[2] / "services/matcher/domain/explain.py"
    table = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    rows = re.findall(r"^\| ([a-z.]+) +\| ([^|]*)\|", table, re.MULTILINE)
    return {
        code: set(re.findall(r"[a-z][a-z_]+(?=,| \(| *$)", re.sub(r"\([^)]*\)", "()", params)))
        for code, params in rows
        if code != "code"
    }


AHEAD: dict[str, set[str]] = {
    "text.alike": {"term", "other"},
    "text.trades": set(),
    "text.trade": {"occupation"},
    "text.field": {"field"},
}
"""What the next matcher says: readers learn the words before anyone speaks them."""


def test_every_code_of_the_matcher_has_words_that_use_its_params() -> None:
    table = AHEAD | matcher_table()
    assert table.keys() == CODES
    told: dict[str, set[str]] = {code: set() for code in table}
    for code, params, _, _ in [*SAID, *MISSED]:
        told[code] |= params.keys()
    assert told == table


@pytest.mark.parametrize(
    ("code", "params", "zh", "en"),
    [
        ("fit.shift", {}, "其他依据（fit.shift）", "Other reason (fit.shift)"),
        (
            "fit.shift",
            {"hours": 8, "county": "530102"},
            "其他依据（fit.shift：hours 8，county 昆明市五华区）",
            "Other reason (fit.shift: hours 8, county Wuhua, Kunming)",
        ),
        (
            "fit.rank",
            {"occupation": "6-18-02-04", "level": 4},
            "其他依据（fit.rank：occupation 焊工，level 高级工）",
            "Other reason (fit.rank: occupation 焊工 (6-18-02-04), level 4 (高级工))",
        ),
        (
            "fit.field",
            {"field": "law"},
            "其他依据（fit.field：field 法律与调解）",
            "Other reason (fit.field: field law and mediation)",
        ),
        (
            "fit.pay",
            {"pay_low": 6000, "pay_high": 9000, "meets": "twice"},
            "其他依据（fit.pay：pay_low 6000，pay_high 9000，meets twice）",
            "Other reason (fit.pay: pay_low 6000, pay_high 9000, meets twice)",
        ),
        (
            "text.term",
            {"term": 7},
            "其他依据（text.term：term 7）",
            "Other reason (text.term: term 7)",
        ),
    ],
)
def test_what_a_newer_matcher_says_is_shown_as_it_is(
    code: str, params: Params, zh: str, en: str
) -> None:
    assert render(a_reason(code, params), "zh") == zh
    assert render(a_reason(code, params), "en") == en


def test_an_unknown_missing_item_is_shown_as_it_is() -> None:
    missing = Missing(code="missing.licence", params={"class": "B2"})
    assert render_missing(missing, "zh") == "其他欠缺（missing.licence：class B2）"
    assert render_missing(missing, "en") == "Also missing (missing.licence: class B2)"


NAMES = sorted({name for _, params, _, _ in [*SAID, *MISSED] for name in params})


@given(
    st.sampled_from(sorted(CODES)) | st.text(max_size=20),
    st.dictionaries(st.sampled_from(NAMES), st.text(max_size=9) | st.integers(), max_size=6),
    st.sampled_from(["zh", "en"]),
)
def test_anything_can_be_put_into_words(code: str, params: Params, lang: Language) -> None:
    assert render(a_reason(code, params), lang)
    assert render_missing(Missing(code=code, params=params), lang)


@pytest.mark.parametrize(
    ("low", "high", "unit", "zh", "en"),
    [
        (6000, 9000, PayUnit.MONTH, "6000–9000 元/月", "CNY 6,000–9,000 a month"),
        (20, 20, PayUnit.HOUR, "20 元/小时", "CNY 20 an hour"),
        (130, 180, PayUnit.DAY, "130–180 元/天", "CNY 130–180 a day"),
        (90_000, 1_200_000, PayUnit.YEAR, "90000–1200000 元/年", "CNY 90,000–1,200,000 a year"),
    ],
)
def test_pay_names_its_unit(low: int, high: int, unit: PayUnit, zh: str, en: str) -> None:
    assert render_pay(Pay(min=low, max=high, unit=unit), "zh") == zh
    assert render_pay(Pay(min=low, max=high, unit=unit), "en") == en


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("530102", "昆明市五华区", "Wuhua, Kunming"),
        ("530100", "昆明市", "Kunming"),
        ("532301", "楚雄彝族自治州楚雄市", "Chuxiong, Chuxiong"),
        ("110101", "110101", "110101"),
        ("", "", ""),
    ],
)
def test_a_place_is_named(code: str, zh: str, en: str) -> None:
    assert render_place(code, "zh") == zh
    assert render_place(code, "en") == en


def test_every_place_has_a_romanised_name() -> None:
    for place in places():
        assert re.fullmatch(r"[A-Za-zü', ]+", render_place(place.code, "en")), place.code
