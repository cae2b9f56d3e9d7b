"""Compiled text is the plain definition of it, bit for bit, and is compiled once."""

import math
import os
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary.occupations import occupations
from dev.sample import generate
from services.matcher.domain import compiled as compiled_source
from services.matcher.domain.base_model import base_model
from services.matcher.domain.language import glossary, phrases_compiled, text_compiled
from services.matcher.domain.language.code_points import (
    KIND_DOT,
    KIND_HAN,
    KIND_JOIN,
    KIND_SIGN,
    KIND_SMALL,
    KIND_WORD,
    code_points,
    kinds,
    plain_table,
)
from services.matcher.domain.language.glossary import rank_buckets, stem, terms
from services.matcher.domain.language.phrases_compiled import phrase_table
from services.matcher.domain.language.terms import IDF_UNIT, RANK_SHARE, weighed, weighed_terms
from services.matcher.domain.language.text import BUCKETS, bucket_of, plain
from services.matcher.domain.model import fit
from services.matcher.domain.vector import TermVector
from tests.support import NOW

ROOT = Path(__file__).parents[2]

# What is written in postings, and what Unicode has of traps: marks that join or move, letters that
# join without being marks, forms longer than one, small forms that depend on neighbours.
WRITTEN = """
焊工 数据分析 \U00020001 \U0003fffe \uf900 C++ c# .NET node.js Node.js.x a.b.c 1.Java 3.8 x.1 R&D
_ a_b . .. .a + # +# c#.net ＡＳＰ．ＮＥＴ ｃ＋＋ ，。 （） … —— ① ⑩ ㎡ ℃ № ㈱ ﬁ ½ ² \u212a \u212b
Σ ΑΣ ΣΑ ς İ ß ẞ ŉ ǆ é e\u0301 \u0301 \u0323\u0307 a\u0308\u0304 \u302a か\u3099 ｶﾞ \uff9e
\u1100\u1161\u11a8 \uac00\u11a8 ﾡￂ \u09c7\u09be \U00016d67\U00016d67 \U00011131\U00011127
😀 ❤\ufe0f 👨\u200d👩 🏽 \u2126 \u0385 ٣ Ⅷ \u200b \x00
"""
PIECES = WRITTEN.split()

texts = st.one_of(
    st.text(),
    st.lists(
        st.one_of(
            st.sampled_from([*PIECES, *" \n\u3000\u00a0\x1f\x85\u2028"]), st.text(max_size=3)
        ),
        max_size=40,
    ).map("".join),
)


# Phrases that hide, that add, that begin others, with and without endings, and what parts them.
PHRASES = [
    "五险", "一金", "五险一金", "包吃", "35", "岁", "男", "女装", "高级", "经理", "管理", "数据",
    "分析", "excel", "javas", "cript", "Team", "teams", "working", "works", "senior", "head", "of",
    "manager's", "spread", "sheets", "k", "8", "s", "c++", "-", "/", "_", ",", "。", "|",
]  # fmt: skip
phrased = st.lists(
    st.one_of(st.sampled_from([*PHRASES, " ", "\n"]), st.text(max_size=2)), max_size=30
).map("".join)


def is_same(ours: TermVector, theirs: TermVector) -> bool:
    pairs = ((ours.buckets, theirs.buckets), (ours.impacts, theirs.impacts))
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@given(texts)
def test_code_points_are_those_of_the_plain_text(text: str) -> None:
    assert "".join(map(chr, code_points(text))) == plain(text)


def test_each_code_point_of_the_table_has_its_plain_form() -> None:
    first, longer = plain_table()
    assert np.count_nonzero(first >= 0) > 30_000
    assert len(longer) > 300
    for code in np.flatnonzero(first >= 0).tolist():
        assert "".join(map(chr, code_points(chr(code)))) == plain(chr(code)), hex(code)


def test_no_plain_form_of_the_table_joins_or_moves_before_what_stands_before_it() -> None:
    first, longer = plain_table()
    forms = {*first[(first >= 0) & (first < sys.maxunicode + 1)].tolist(), *longer.ravel().tolist()}
    forms.discard(-1)
    joins = {code for code in range(0x1100, 0x1200) if code > 0x115F}  # vowels and finals
    for code in range(sys.maxunicode + 1):
        if unicodedata.combining(chr(code)):
            joins.add(code)
        made_of = unicodedata.decomposition(chr(code))
        if made_of and not made_of.startswith("<"):
            joins.update(int(part, 16) for part in made_of.split()[1:])
    assert len(joins) > 900
    assert forms.isdisjoint(joins)
    assert ord("ς") not in forms


def test_each_code_point_is_of_the_kind_that_the_definition_gives_it() -> None:
    for code, kind in enumerate(kinds().tolist()):
        char = chr(code)
        han = any(
            a <= char <= b for a, b in ("㐀䶿", "一鿿", "\uf900\ufaff", "\U00020000\U0003ffff")
        )
        if han:
            wanted = KIND_HAN
        elif "a" <= char <= "z":
            wanted = KIND_SMALL
        elif char.isalnum():
            wanted = KIND_WORD
        else:
            joins = (char.isspace() and char != "\n") or char in "-_/·"
            wanted = {".": KIND_DOT, "+": KIND_SIGN, "#": KIND_SIGN}.get(char, KIND_JOIN * joins)
        assert kind == wanted, hex(code)


@given(st.one_of(texts, phrased))
def test_terms_are_found_where_the_definition_finds_them(text: str) -> None:
    found = text_compiled.sorted_terms(code_points(text), kinds(), phrase_table())
    assert found.tolist() == sorted(map(bucket_of, terms(text)))


@given(st.text(st.sampled_from("abcinogesrtmy1"), min_size=1, max_size=12))
def test_endings_are_taken_off_as_defined(word: str) -> None:
    codes, endings = code_points(word), phrase_table().endings
    symbol = phrases_compiled._symbol(codes, 0, len(codes), endings)
    assert int(symbol) == phrases_compiled._hashed(stem(word))


@pytest.mark.parametrize("phrase", glossary.phrases_by_symbols()[::97])
def test_a_known_phrase_is_found_by_itself(
    phrase: tuple[tuple[str, ...], glossary.Entry],
) -> None:
    symbols, entry = phrase
    codes = code_points(" ".join(symbols))
    added = phrases_compiled.read_phrases(codes, kinds(), phrase_table())
    if glossary.symbols(" ".join(symbols)) == symbols:  # an ending may end in an ending
        assert sorted(added.tolist()) == sorted(map(bucket_of, entry.adds))


@given(st.lists(texts, max_size=3), st.one_of(texts, phrased))
def test_a_vector_is_the_definitions(corpus: list[str], text: str) -> None:
    for model in (base_model(), fit(corpus)):
        assert is_same(model.vector_of(text), weighed(model.rareness, terms(text)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "焊" * 20_000,  # one term more often than any table of usual size has
        "ab " * 9_000 + "焊工，" * 3_000,
        "".join(map(chr, range(0x4E00, 0x9FFF))),
        "".join(f"word{number} " for number in range(5_000)),
        "a" * 50_000,
    ],
    ids=["empty", "one character", "few words", "all characters", "many words", "one word"],
)
def test_a_long_vector_is_the_definitions(text: str) -> None:
    rareness = base_model().rareness
    assert is_same(weighed_terms(rareness, text), weighed(rareness, terms(text)))


def test_the_sample_market_is_weighed_as_defined() -> None:
    model = base_model()
    said = [f"{line['title']}\n{line['text']}" for line in generate.postings(200, seed=3, now=NOW)]
    said += ["\n".join(line["work"]["titles"]) for line in generate.seekers(200, seed=3)]
    for text in said:
        assert is_same(model.vector_of(text), weighed(model.rareness, terms(text)))


@given(st.lists(texts, max_size=6))
def test_idf_is_of_the_documents_that_have_a_term(corpus: list[str]) -> None:
    df = Counter(bucket for text in corpus for bucket in {bucket_of(t) for t in terms(text)})
    wanted = np.zeros(BUCKETS, np.int64)
    wanted[list(df)] = list(df.values())
    idf = IDF_UNIT * (1 + np.log((1 + len(corpus)) / (1 + wanted)))
    ours, ranks = fit(corpus).idf, [*rank_buckets()]
    assert np.array_equal(ours[ranks], np.rint(idf[ranks]) // RANK_SHARE)
    idf[ranks] = ours[ranks]
    assert np.abs(ours - idf).max() <= 0.5 + 1e-9


def test_a_fit_says_how_far_it_is() -> None:
    told: list[int] = []
    fit(("焊工" for _ in range(1_234)), progress=told.append)
    assert told == [500, 1_000, 1_234]
    told.clear()
    fit(["焊工"] * 1_000, progress=told.append)
    assert told == [500, 1_000]


def test_terms_are_spread_over_all_buckets() -> None:
    parts = sorted({term for _, name in occupations() for term in terms(name)})
    together = {f"{left}{right}" for left in parts[:60] for right in parts}
    found = np.array(sorted({bucket_of(term) for term in together}))
    assert len(together) > 100_000
    expected = BUCKETS * -math.expm1(-len(together) / BUCKETS)
    assert len(found) == pytest.approx(expected, rel=0.005)
    in_each_part = np.bincount(found // (BUCKETS // 64), minlength=64)
    assert in_each_part.min() > 0.9 * in_each_part.mean()


KERNEL = """
from services.matcher.domain.compiled import compiled

@compiled
def add(left, right):
    return left + right

assert add(1, 2) == 3
print(sum(add.stats.cache_hits.values()), sum(add.stats.cache_misses.values()))
"""


def started(module: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, str(module)],
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_the_second_start_compiles_nothing(tmp_path: Path) -> None:
    module = tmp_path / "kernel.py"
    module.write_text(KERNEL, encoding="utf-8")
    cache_folder = str(tmp_path / "cache")
    assert started(module, NUMBA_CACHE_DIR=cache_folder).stdout == "0 1\n"
    assert started(module, NUMBA_CACHE_DIR=cache_folder).stdout == "1 0\n"


def test_where_nothing_can_be_kept_it_is_compiled_anew(tmp_path: Path) -> None:
    # A copy of it, beside which no folder can be made either.
    shutil.copy(compiled_source.__file__, tmp_path / "compiled_here.py")
    module = tmp_path / "kernel.py"
    kernel = KERNEL.replace(compiled_source.__name__, "compiled_here")
    assert kernel != KERNEL
    module.write_text(kernel, encoding="utf-8")
    (tmp_path / "__pycache__").write_text("a file, so that no folder can be made here")
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), "/dev/null")
    ended = started(module, **nowhere)
    assert ended.stdout.startswith("0 ")
    assert "compiled anew at each start" in ended.stderr


def test_the_matcher_starts_without_scikit_learn() -> None:
    script = "import sys, services.matcher.main; print('sklearn' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "False\n"
