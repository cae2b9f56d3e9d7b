"""The model: weights, IDF, versions, and texts as integers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from contracts.vocabulary.occupations import occupations
from services.matcher.domain.base_model import base_model
from services.matcher.domain.language.glossary import terms
from services.matcher.domain.language.terms import weighed
from services.matcher.domain.language.text import bucket_of
from services.matcher.domain.model import Limits, Model, Weights, fit
from services.matcher.domain.vector import SCALE, TermVector, dot

WHOLE = SCALE * SCALE
"""The dot product of a text with itself, were nothing rounded down."""

CORPUS = [
    "焊工 工作内容 负责焊接",
    "厨师 工作内容 负责炒菜",
    "welder, welding steel",
    "welder 焊工",
]
TEXTS = ["负责焊接和炒菜", "welding welding steel 焊工", "工作内容", "没有见过的词 unheard-of"]


@pytest.mark.parametrize("left", TEXTS)
@pytest.mark.parametrize("right", CORPUS)
def test_the_integer_cosine_is_scikit_learns(left: str, right: str) -> None:
    # Vocabulary and IDF of both texts, or scikit-learn would leave out what it has not seen.
    corpus = [*CORPUS, left, right]
    theirs = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit(corpus).transform([left, right])
    model = fit(corpus)
    product = dot(weighed(model.rareness, terms(left)), weighed(model.rareness, terms(right)))
    ours = product / WHOLE
    assert ours == pytest.approx(float((theirs[[0]] @ theirs[[1]].T).toarray()[0, 0]), abs=2e-3)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.text(max_size=200))
def test_no_text_is_longer_than_one(corpus: list[str], text: str) -> None:
    vector = weighed(fit(corpus).rareness, terms(text))
    assert dot(vector, vector) <= WHOLE
    assert (np.diff(vector.buckets) > 0).all()
    assert ((vector.impacts > 0) & (vector.impacts <= SCALE)).all()


def test_a_text_is_as_good_as_one_with_itself() -> None:
    for _, name in occupations():
        vector = weighed(base_model().rareness, terms(name))
        assert 0.998 * WHOLE < dot(vector, vector) <= WHOLE, name


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_order_of_a_text_pair_is_nothing(left: str, right: str) -> None:
    a, b = (weighed(base_model().rareness, terms(text)) for text in (left, right))
    assert dot(a, b) == dot(b, a) <= WHOLE


def test_bytes_that_are_no_vector_are_refused() -> None:
    with pytest.raises(ValueError, match="not a term vector"):
        TermVector.from_bytes(b"123456")


def test_the_same_corpus_gives_the_same_model() -> None:
    assert fit(CORPUS).version == fit(reversed(CORPUS)).version == fit(iter(CORPUS)).version


def test_whatever_can_change_a_score_changes_the_version() -> None:
    model = fit(CORPUS)
    shifted = replace(Weights(), text=490_000, skills=310_000)
    others = [fit(CORPUS[:-1]), model.weighted(shifted), model.limited(k_s=5), model.limited(k_p=5)]
    others.append(model.limited(tau_ppm=1))
    assert len({model.version, *(other.version for other in others)}) == 6
    assert model.limited().version == model.version


def test_a_model_survives_its_bytes() -> None:
    model = fit(CORPUS).limited(k_s=7, tau_ppm=123)
    read = Model.from_bytes(model.to_bytes())
    assert (read.version, read.weights, read.limits) == (model.version, model.weights, model.limits)
    assert (read.idf == model.idf).all()
    assert not read.idf.flags.writeable


@pytest.mark.parametrize("stored", [b"", b"rengang-model-1\ndamaged", b"another format"])
def test_bytes_that_are_no_model_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="model"):
        Model.from_bytes(stored)


def test_a_word_nobody_has_seen_weighs_most() -> None:
    model = base_model()
    unheard = model.idf[bucket_of("qubit")]
    assert unheard == model.unseen == model.idf.max()


def test_the_base_model_knows_how_postings_are_worded() -> None:
    model = base_model()
    for phrase in ("职责", "负责", "任职", "经验", "team"):
        for trade in ("焊工", "会计", "java", "厨师"):
            assert model.idf[bucket_of(phrase)] < model.idf[bucket_of(trade)], (phrase, trade)


def test_the_base_model_is_small_and_at_hand() -> None:
    assert base_model() is base_model()
    assert len(base_model().to_bytes()) < 200_000


def test_weights_are_one_together() -> None:
    with pytest.raises(ValueError, match="add up"):
        Weights(text=1)
    with pytest.raises(ValueError, match="weights"):
        replace(Weights(), text=800_001, skills=-1)


@pytest.mark.parametrize("limits", [{"tau_ppm": -1}, {"tau_ppm": 1_000_001}, {"k_s": -1}])
def test_limits_out_of_range_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="limits"):
        Limits(**limits)
