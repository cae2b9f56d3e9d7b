"""What the lexicon hides of a text, and that no trade and no meaning goes with it.

That the hidden is of no weight to a score is tested in `test_domain_blind`.
"""

from collections.abc import Iterator

import pytest

from services.matcher.domain import wording
from services.matcher.domain.base_model import base_model
from services.matcher.domain.language import lexicon
from services.matcher.domain.language.glossary import (
    BREAK,
    CONCEPT,
    Entry,
    glossary,
    is_unsaid,
    known,
    shown,
    symbols,
)
from services.matcher.domain.language.text import plain

MODEL = base_model()
UNSAID = frozenset(map(symbols, lexicon.unsaid()))

# Crafts of a people: blind to the people, 漆器 and 刺绣 are left.
_OF_A_PEOPLE = {"彝族漆器匠人", "彝族刺绣师"}
# They have a meaning, and in an advert or a profile they are welfare, or somebody's own health.
_MEANT_BUT_UNSAID = {
    "工资",
    "岗前培训",
    "flexible hours",
    "身体素质好",
    "physically fit",
    "disability",
    "disabled",
}


def names() -> Iterator[str]:
    for trade in lexicon.trades():
        yield from trade.names


def losses(text: str) -> list[str]:
    """What a text loses as unsaid; not its words of rank, which add a term of their own."""
    read = plain(text)
    return [
        read[found.begin : found.end]
        for found in known(read)
        if found.entry.hides and not found.entry.adds
    ]


def test_no_name_of_an_occupation_loses_a_letter_but_crafts_of_a_people() -> None:
    assert {name for name in names() if losses(name)} == _OF_A_PEOPLE


def test_no_name_of_an_occupation_is_unsaid() -> None:
    assert [name for name in names() if is_unsaid(name)] == []


def test_every_phrase_with_a_meaning_keeps_it() -> None:
    torn = {
        phrase
        for concept in lexicon.concepts()
        for phrase in concept.phrases
        if symbols(phrase) in UNSAID and CONCEPT + concept.name not in adds(phrase)
    }
    assert torn == _MEANT_BUT_UNSAID


def adds(phrase: str) -> tuple[str, ...]:
    return glossary().get(symbols(phrase), Entry()).adds


@pytest.mark.parametrize("phrase", list(lexicon.said()))
def test_what_is_said_stays_and_would_be_torn_without_it(phrase: str) -> None:
    assert losses(phrase) == []
    key = symbols(phrase)
    parts = {key[begin:end] for end in range(len(key) + 1) for begin in range(end)}
    assert UNSAID & parts


def test_no_unsaid_phrase_stands_twice() -> None:
    phrases = [symbols(phrase) for phrase in lexicon.unsaid()]
    assert len(phrases) == len(UNSAID)


@pytest.mark.parametrize(
    "text",
    [
        "限男性，18-45岁",
        "年龄20至45周岁（含）以下，男女不限",
        "女士优先，形象气质佳，身高160以上",
        "身高1.65米以上，五官端正",
        "已婚已育者优先",
        "彝族、白族优先考虑",
        "本地户口优先，农村户籍亦可",
        "昆明户口；户籍在曲靖；籍贯：玉溪",
        "90后，1990年5月出生",
        "年满十八周岁",
        "身体健康，无色盲色弱，无传染病",
        "男/女 35岁 汉族 未婚",
        "信佛教，无宗教信仰亦可",
        "Male or female, aged 18-45 only",
        "35 years old, married with two children",
        "Age: 30; gender: F; Muslim",
        "Kunming hukou preferred, in good health",
        "Yi ethnicity, born in 1990, single",
    ],
)
def test_nothing_is_left_of_a_condition_on_the_person(text: str) -> None:
    assert is_unsaid(text)


def test_who_shows_what_is_unsaid_shows_no_words() -> None:
    hidden = [phrase for phrase in lexicon.unsaid() if is_unsaid(phrase)]
    assert hidden
    assert {
        phrase for phrase in hidden if len(wording.shown(MODEL, plain(phrase)).buckets)
    } == set()


@pytest.mark.parametrize(
    "text",
    [
        "男装 女鞋 女包 男科 妇产科 妇女儿童",
        "民族舞 民族乐器 民族药材",
        "残疾人服务 残障社工 盲人按摩",
        "离婚律师 婚姻登记 孕期营养 怀孕母猪",
        "户籍管理 户籍窗口",
        "水族造景 水族馆",
        "宗教事务 妇联 团委",
        "健康管理 健康证 无犯罪记录 无纹身",
        "体重管理 体检报告",
        "全体健身 有限公司 书籍",
        "mental health nurse",
        "single phase motor",
        "healthy ageing, old age care",
        "gender studies, women's health",
        "divorce lawyer, religious education",
    ],
)
def test_what_only_looks_like_a_trait_is_left(text: str) -> None:
    left, _ = shown(plain(text))
    assert left == plain(text)
    assert BREAK not in left


@pytest.mark.parametrize("text", ["1688", "8051", "工号 2020", "12 人"])
def test_a_mere_number_means_nothing(text: str) -> None:
    _, added = shown(plain(text))
    assert not [term for term in added if term.startswith(CONCEPT)]
