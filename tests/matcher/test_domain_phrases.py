"""Explanations are what the plain definition gives, and phrases stand in the posting."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from services.matcher.domain.base_model import base_model
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.explain import explain
from services.matcher.domain.language.text import plain
from services.matcher.domain.phrases import shared_phrases
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.vector import ONE, dot
from services.matcher.handlers import arrivals_of
from tests.matcher.documents import a_posting, a_seeker, certificates_held, postings, seekers
from tests.matcher.market import sample_market
from tests.matcher.plain_explain import plain_explain, shared_terms

MODEL = base_model()

# Few characters, so that words overlap, hold each other and repeat in every way.
_SYLLABLES = (
    "数据",
    "据分",
    "分析",
    "析",
    "数",
    "的",
    "abc",
    "abcd ",
    "bcda",
    "\n",
    "，",
    " c++ ",
    "ＡＢ",
    " excel ",
    "电子表格",
    " managers ",
    "manager ",
    "五险一金",
)
_TEXTS = st.lists(st.sampled_from(_SYLLABLES), max_size=14).map("".join)


def test_every_pair_of_the_sample_market_is_explained_as_defined() -> None:
    arrivals = arrivals_of(list(sample_market(25, 60)))
    held = {folder.seeker_id: folder.held for folder in arrivals.folders}
    jobs = [prepare_posting(MODEL, doc) for doc in arrivals.postings]
    people = [prepare_seeker(MODEL, doc, held.get(doc.seeker_id, ())) for doc in arrivals.seekers]
    assert len(jobs) * len(people) == 1500
    for job, person in product(jobs, people):
        assert explain(job, person) == plain_explain(job, person)


@given(postings(1), seekers(1), certificates_held)
def test_any_pair_is_explained_as_defined(
    posting: Posting, seeker: Seeker, held: tuple[HeldCertificate, ...]
) -> None:
    job, person = prepare_posting(MODEL, posting), prepare_seeker(MODEL, seeker, held)
    assert explain(job, person) == plain_explain(job, person)


@given(_TEXTS, _TEXTS, _TEXTS, _TEXTS)
def test_words_that_hold_and_overlap_each_other_grow_as_defined(
    title: str, text: str, seeker_title: str, seeker_text: str
) -> None:
    job = prepare_posting(MODEL, a_posting(title=title, text=text))
    person = prepare_seeker(MODEL, a_seeker(titles=(seeker_title,), text=seeker_text))
    assert explain(job, person) == plain_explain(job, person)
    shared = shared_phrases(job, person)
    assert dot(job.terms, person.said) == shared_terms(job.terms, person.said)[1].sum()
    assert shared.cosine == min(dot(job.terms, person.said), ONE)
    assert shared.terms == len(shared_terms(job.terms, person.said)[0])
    whole = plain("\n".join((title, text, *(skill.name for skill in job.doc.skills))))
    assert all(words in whole for words, _, _ in shared.phrases)
