"""The lexicon of names and fields: each occupation once, each field known, each name plain."""

import re
from collections import Counter
from importlib.resources import files
from typing import NamedTuple

import pytest

from contracts.vocabulary.fields import field_name, fields, is_field
from contracts.vocabulary.occupations import occupation_name, occupations

Words = tuple[str, ...]
PLAIN = re.compile(r"[^\s()\[\]{}<>（）【】/\\]+( [^\s()\[\]{}<>（）【】/\\]+)*")


class Line(NamedTuple):
    """What stands of one occupation."""

    code: str
    fields: Words
    zh: Words
    en: Words


def lines_of(text: str) -> list[Line]:
    rows = [row.split("\t") for row in text.splitlines()]
    return [
        Line(code, tuple(slugs.split(" ")), tuple(zh.split("|")), tuple(en.split("|")))
        for code, slugs, zh, en in rows
    ]


FILES = {
    file.name: lines_of(file.read_text(encoding="utf-8"))
    for file in (files("services.matcher.domain.language") / "lexicon/names").iterdir()
}
LINES = [line for lines in FILES.values() for line in lines]
EACH = pytest.mark.parametrize("name", sorted(FILES))


def test_every_occupation_has_exactly_one_line() -> None:
    assert sorted(line.code for line in LINES) == [code for code, _ in occupations()]


@EACH
def test_a_file_is_in_order_of_code(name: str) -> None:
    codes = [line.code for line in FILES[name]]
    assert codes == sorted(codes)


def test_every_field_that_is_used_has_a_name_and_every_name_is_used() -> None:
    assert {slug for line in LINES for slug in line.fields} == set(fields())


@EACH
def test_an_occupation_is_of_one_to_three_fields_and_of_none_twice(name: str) -> None:
    for line in FILES[name]:
        assert 1 <= len(line.fields) <= 3, line.code
        assert len(set(line.fields)) == len(line.fields), line.code


@EACH
def test_names_are_plain_text_and_differ(name: str) -> None:
    for line in FILES[name]:
        for names in (line.zh, line.en):
            assert [told for told, times in Counter(names).items() if times > 1] == [], line.code
            for told in names:
                assert re.fullmatch(r"[^\s\[\](){}<>（）【】/\\|]+( [^\s\[\](){}/\\|]+)*", told), (
                    told
                )
                assert len(told) <= 40, told


@EACH
def test_no_chinese_name_repeats_the_official_one(name: str) -> None:
    for line in FILES[name]:
        assert occupation_name(line.code) not in line.zh, line.code


@EACH
def test_english_names_are_in_lower_case_and_latin_letters(name: str) -> None:
    for line in FILES[name]:
        for told in line.en:
            assert re.fullmatch(r"[a-z0-9.][a-z0-9 '&.,+#-]*", told), (line.code, told)


def test_fields_are_in_order_and_named_once_in_each_language() -> None:
    assert list(fields()) == sorted(set(fields()))
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", slug) for slug in fields())
    for lang in ("zh", "en"):
        names = [field_name(slug, lang) for slug in fields()]
        assert [told for told, times in Counter(names).items() if times > 1] == []


def test_a_field_s_name_fits_into_a_sentence() -> None:
    for slug in fields():
        assert re.fullmatch("[一-鿿]+(、[一-鿿]+)*", field_name(slug, "zh")), slug
        assert not field_name(slug, "zh").endswith("领域")
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ,-]*[A-Za-z0-9]", field_name(slug, "en")), slug


def test_an_unknown_field_is_its_own_name() -> None:
    assert not is_field("alchemy")
    assert field_name("alchemy", "zh") == field_name("alchemy", "en") == "alchemy"
    assert is_field("welding")
    assert field_name("welding", "zh") == "焊接与钣金"
    assert field_name("welding", "en") == "welding and sheet metal"
