"""What people would pick instead, each as scores of all queries and documents; higher is better.

Each sees a document as one text. How well they rank is `running`'s to find out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import bm25s
import numpy as np
import rjieba
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.process import cdist
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from bench.quality.datasets import Document

Floats = NDArray[np.float64]
Tokens = Callable[[str], list[str]]

_WORD = re.compile(r"\w+")
_DIMENSIONS = 200


@dataclass(frozen=True)
class Texts:
    """A task as texts. chinese: its language, by which words and n-grams are cut."""

    queries: Sequence[str]
    docs: Sequence[str]
    chinese: bool

    @classmethod
    def of(cls, queries: Sequence[Document], docs: Sequence[Document]) -> "Texts":
        """Title, skills and text of each, in one."""
        chinese = queries[0].get("lang") == "zh"
        return cls([_text(each) for each in queries], [_text(each) for each in docs], chinese)

    def words(self, text: str) -> list[str]:
        """As jieba cuts Chinese, and a regular expression other languages; in lower case."""
        text = text.lower()
        cut = rjieba.cut(text) if self.chinese else _WORD.findall(text)
        return [word for word in cut if not word.isspace()]

    @cached_property
    def characters(self) -> Tokens:
        """n-grams of characters: 1 … 3 of Chinese, else 2 … 4 within words."""
        kind = {"analyzer": "char", "ngram_range": (1, 3)}
        within_words = {"analyzer": "char_wb", "ngram_range": (2, 4)}
        made: Tokens = TfidfVectorizer(**(kind if self.chinese else within_words)).build_analyzer()
        return made


def baselines(texts: Texts) -> Iterator[tuple[str, Floats]]:
    """The name of each and its scores, float64 (n_queries, n_docs), one after the other."""
    yield "TfidfVectorizer() as it comes", _tfidf(texts, TfidfVectorizer())
    of_words = _tfidf(texts, _weighing(texts.words))
    yield "TF-IDF of words", of_words
    of_characters = _tfidf(texts, _weighing(texts.characters))
    yield "TF-IDF of characters", of_characters
    bm25 = _bm25(texts, texts.words)
    yield "BM25 of words", bm25
    yield "BM25 of characters", _bm25(texts, texts.characters)
    alike = _token_set_ratio(texts)
    yield "token_set_ratio of words", alike
    together = (of_words, of_characters, bm25, alike)
    yield "sum of four: TF-IDF, BM25, ratio", sum(map(_standardised, together), np.zeros(()))
    yield f"LSA, {_DIMENSIONS} of characters", _lsa(texts)


def _text(document: Document) -> str:
    parts = (document.get("title"), " ".join(document.get("skills") or ()), document.get("text"))
    return " ".join(part for part in parts if part)


def _weighing(tokens: Tokens) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=tokens, sublinear_tf=True)


def _tfidf(texts: Texts, vectorizer: TfidfVectorizer) -> Floats:
    docs = vectorizer.fit_transform(texts.docs)
    scores: Floats = (vectorizer.transform(texts.queries) @ docs.T).toarray()
    return scores


def _bm25(texts: Texts, tokens: Tokens) -> Floats:
    index = bm25s.BM25()
    index.index([tokens(doc) for doc in texts.docs], show_progress=False)
    return np.array([index.get_scores(tokens(query)) for query in texts.queries], np.float64)


def _token_set_ratio(texts: Texts) -> Floats:
    queries, docs = (
        [" ".join(texts.words(each)) for each in side] for side in (texts.queries, texts.docs)
    )
    return cdist(queries, docs, scorer=fuzz.token_set_ratio, dtype=np.float64)


def _lsa(texts: Texts) -> Floats:
    """Cosines in the space of the first singular vectors of TF-IDF."""
    vectorizer = _weighing(texts.characters)
    weighed = vectorizer.fit_transform(texts.docs)
    # No more dimensions than there are documents or terms.
    reducer = TruncatedSVD(min(_DIMENSIONS, *(n - 1 for n in weighed.shape)), random_state=0)
    docs = normalize(reducer.fit_transform(weighed))
    queries = normalize(reducer.transform(vectorizer.transform(texts.queries)))
    scores: Floats = queries @ docs.T
    return scores


def _standardised(scores: Floats) -> Floats:
    """Each query's scores with mean 0 and deviation 1, where they differ at all."""
    spread = scores.std(axis=1, keepdims=True)
    centred: Floats = scores - scores.mean(axis=1, keepdims=True)
    return centred / np.where(spread > 0, spread, 1)
