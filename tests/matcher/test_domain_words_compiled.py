"""Where words stand is found as the plain definition finds it, of every term and of the first."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.domain.language.glossary import known, shown
from services.matcher.domain.language.text import bucket_of, pieces, plain
from services.matcher.domain.language.words_compiled import Places, stands
from tests.matcher.plain_explain import TELLS_NOTHING

# Phrases that mean and hide, alone and within each other; words with grams, signs and glue; what
# NFKC makes longer or shorter, and what is no character.
_WRITTEN = (
    "五险一金", "高级", "经理", "电子表格", "excel", "Excel ", "spread", "sheets", "managers",
    "的", "数据的", "数据分析", "據", "c", " c++ ", "C#", ".NET", "node.js", "ＡＢＣ", "abcd", "bc",
    "ﬁ", "㎡", "\ud800", "\U00020001", "，", "\n", " ", "-", "包吃", "焊工", "welding",
)  # fmt: skip
_TEXTS = st.lists(st.one_of(st.sampled_from(_WRITTEN), st.text(max_size=3)), max_size=25).map(
    "".join
)


def told(text: str, places: Places, wanted: list[int]) -> dict[int, str]:
    found = zip(wanted, places.tolist(), strict=True)
    return {bucket: text[begin:end] for bucket, (begin, end) in found if begin >= 0}


@given(_TEXTS, st.sets(st.integers(0, (1 << 20) - 1), max_size=5), st.randoms())
def test_words_and_meanings_are_the_first_of_each_term_wanted(
    text: str, others: set[int], choice: Random
) -> None:
    read = plain(text)
    left, added = shown(read)
    words: dict[int, str] = {}
    for piece in pieces(left):
        word = piece.strip()
        if len(word) > 1 and TELLS_NOTHING.isdisjoint(word):
            words.setdefault(bucket_of(piece), word)
    meant: dict[int, str] = {}
    for phrase in known(read):
        for term in phrase.entry.adds:
            meant.setdefault(bucket_of(term), read[phrase.begin : phrase.end])
    everything = sorted({*map(bucket_of, [*pieces(left), *added]), *others})
    for wanted in (everything, [each for each in everything if choice.random() < 0.5]):
        found = stands(text, np.array(wanted, np.int32))
        assert (found.text, found.left) == (read, left)
        asked = set(wanted)
        assert told(read, found.words, wanted) == {k: v for k, v in words.items() if k in asked}
        assert told(read, found.meant, wanted) == {k: v for k, v in meant.items() if k in asked}


def test_words_of_rank_are_told_though_they_hide_themselves() -> None:
    wanted = np.array(sorted({bucket_of("rank:高级"), bucket_of("高级"), bucket_of("焊工")}))
    found = stands("高级焊工", wanted.astype(np.int32))
    assert found.left == "\n\n焊工"
    assert told(found.text, found.meant, wanted.tolist()) == {bucket_of("rank:高级"): "高级"}
    assert told(found.text, found.words, wanted.tolist()) == {bucket_of("焊工"): "焊工"}
