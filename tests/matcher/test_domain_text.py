"""Words, pieces of words, spellings and titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary.occupations import is_occupation, occupation_name
from services.matcher.domain.language import synonyms
from services.matcher.domain.language.glossary import terms
from services.matcher.domain.language.synonyms import canonical_skill, occupation_of_title
from services.matcher.domain.language.text import BUCKETS, bucket_of, normal_skill, pieces, plain
from services.matcher.domain.scoring import similarity_ppm


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C++/C#、.NET和Node.js", ["c++", "c#", ".net", "node.js"]),
        ("精通ＡＳＰ．ＮＥＴ及ｃ＋＋", ["asp.net", "c++"]),
        ("1.Java基础 2.Python3.8", ["1", "java", "2", "python3", "8"]),
        ("End of a sentence.Next one.", ["sentence.next", "one"]),
        ("5+ years, R&D", ["5+", "years", "r", "d"]),
    ],
)
def test_a_latin_word_keeps_what_makes_it_another_word(text: str, words: list[str]) -> None:
    assert [word for word in words if word not in pieces(plain(text))] == []


def test_a_word_is_whole_before_it_is_pieces() -> None:
    assert pieces("java") == ["java", " jav", "java", "ava "]
    assert pieces("c#") == ["c#"]


def test_chinese_is_characters_and_their_pairs() -> None:
    assert pieces("数据分析") == ["数", "据", "分", "析", "数据", "据分", "分析"]


def test_scripts_that_touch_are_parted() -> None:
    assert set(pieces("会java开发")) >= {"会", "java", "开发"}
    assert "会j" not in pieces("会java开发")


@given(st.text())
def test_any_text_has_terms_of_plain_letters(text: str) -> None:
    for term in terms(text):
        assert term.strip()
        assert 0 <= bucket_of(term) < BUCKETS


@pytest.mark.parametrize(
    ("term", "fnv_1a"),
    [
        ("", 0xCBF29CE484222325),
        ("a", 0xAF63DC4C8601EC8C),
        ("foobar", 0x85944171F73967E8),
    ],
)
def test_a_term_is_counted_by_its_published_hash(term: str, fnv_1a: int) -> None:
    # Values of the FNV reference; of letters below 128 a code point is a byte.
    mixed = (fnv_1a ^ fnv_1a >> 33) * 0xFF51AFD7ED558CCD % 2**64
    mixed = (mixed ^ mixed >> 33) * 0xC4CEB9FE1A85EC53 % 2**64
    assert bucket_of(term) == (mixed ^ mixed >> 33) & 0xFFFFF


@pytest.mark.parametrize(
    ("written", "compared"),
    [(" Spring  Boot。", "spring boot"), (".NET", ".net"), ("《C++》", "c++")],
)
def test_a_skill_is_compared_without_its_dress(written: str, compared: str) -> None:
    assert normal_skill(written) == compared


def test_spellings_of_one_skill_are_one() -> None:
    assert canonical_skill("K8S") == canonical_skill("Kubernetes")
    assert canonical_skill("PPT制作") == canonical_skill("PowerPoint")
    assert canonical_skill("绣花") == "绣花"


def test_no_two_groups_of_skills_come_near_each_other() -> None:
    groups = synonyms.SKILLS.strip().splitlines()
    firsts = sorted({canonical_skill(group.split("|")[0]) for group in groups})
    assert len(firsts) > 60
    near = [(a, b) for a in firsts for b in firsts if a < b and similarity_ppm(a, b)]
    assert near == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("高级焊工（昆明）", "焊工"),
        ("Java 开发工程师", "计算机程序设计员"),
        ("急招保洁阿姨", "保洁员"),
        ("客房服务员", "客房服务员"),
        ("汽车工程师", "汽车工程技术人员"),
        ("Senior Forklift Driver", "起重装卸机械操作工"),
        ("電焊工", "焊工"),
    ],
)
def test_an_everyday_title_names_its_occupation(title: str, name: str) -> None:
    assert occupation_name(occupation_of_title(title) or "") == name


@pytest.mark.parametrize("title", ["普工", "出纳", "文员", "leadguard", "", "（）"])
def test_an_ambiguous_title_names_none(title: str) -> None:
    assert occupation_of_title(title) is None


def test_every_title_is_of_an_occupation_that_exists() -> None:
    assert [code for code in synonyms.TITLES if not is_occupation(code)] == []
