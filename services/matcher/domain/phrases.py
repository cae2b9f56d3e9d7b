"""What two texts share: words, grown together into the phrases a reader knows from the posting,
phrases that mean the same, and trades and fields of work.

What it is worth to a score, and how it is told, does not live here.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from services.matcher.domain import wording
from services.matcher.domain.language import trades
from services.matcher.domain.language.glossary import symbols
from services.matcher.domain.language.words_compiled import stands
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.vector import ONE, shared_terms

# Enough of the strongest pairs of characters to grow into five phrases.
_TERMS_READ = 24


Phrase = tuple[str, int, int]
"""Words as they stand in the posting; the product of impacts, summed over so many terms."""


@dataclass(slots=True)
class Shared:
    """What two texts share, the parts in no order that matters.

    cosine: in units of vector.ONE, at most one of them. whole: what the products of all terms are
    parts of. terms: how many. phrases: words of both. alike: by words of the posting and the words
    of the profile that mean the same, the product and so many terms. spoken: by the term of an
    occupation or a field, the product.
    """

    cosine: int = 0
    whole: int = ONE
    terms: int = 0
    phrases: list[Phrase] = field(default_factory=list)
    alike: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)


def shared_phrases(posting: PreparedPosting, seeker: PreparedSeeker) -> Shared:
    """The terms both texts hold, and the strongest of those that have words, grown together."""
    buckets, products, order = shared_terms(posting.terms, seeker.said)
    if not len(buckets):
        return Shared()
    worth = products.tolist()
    product = sum(worth)
    found = Shared(min(product, ONE), max(product, ONE), len(buckets))
    # The seeker's words, since that text is the shorter: what is shared stands in both.
    said, whole = stands(wording.text_of_seeker(seeker.doc), buckets), _asked(posting)
    text, words, meant = said.text, said.words.tolist(), said.meant.tolist()
    spoken, numbers = trades.labels(), buckets.tolist()
    read: list[Phrase] = []
    for at in order.tolist():
        bucket, product = numbers[at], worth[at]
        begin, end = meant[at]
        if label := spoken.get(bucket):
            found.spoken[label] = product
        elif begin >= 0 and bucket in whole.meant:
            here, there = whole.meant[bucket], text[begin:end]
            if not _same(here, there):
                before, n_terms = found.alike.get((here, there), (0, 0))
                found.alike[here, there] = (before + product, n_terms + 1)
            elif len(read) < _TERMS_READ:
                read.append((here, product, 1))
        elif len(read) < _TERMS_READ and words[at][0] >= 0:
            begin, end = words[at]
            read.append((text[begin:end], product, 1))
    found.phrases = _grown(read, whole.left)
    return found


def _grown(read: list[Phrase], text: str) -> list[Phrase]:
    """Let shared terms grow together as they stand in the posting, strongest first.

    Pairs of characters are no words: 数据, 据分 and 分析 become 数据分析 where the text has it so.
    What grew is tried again on all others.
    """
    phrases: list[Phrase] = []
    for term in read:
        words, product, n_terms = term
        grows = True
        while grows:
            grows = False
            for at, (other, its_product, its_terms) in enumerate(phrases):
                # Whichever holds or follows the other, its first character stands in both.
                meets = words[0] in other or other[0] in words
                if meets and (whole := _joined(other, words, text)):
                    del phrases[at]
                    words, product, n_terms = whole, product + its_product, n_terms + its_terms
                    grows = True
                    break
        phrases.append((words, product, n_terms))
    return phrases


# The seekers of one posting share much the same words with it.
@lru_cache(maxsize=1 << 14)
def _joined(left: str, right: str, text: str) -> str | None:
    if right in left:
        return left
    if left in right:
        return right
    return _overlapped(left, right, text) or _overlapped(right, left, text)


def _overlapped(first: str, second: str, text: str) -> str | None:
    if second[0] not in first:
        return None
    for shared in range(min(len(first), len(second)) - 1, 0, -1):
        if first.endswith(second[:shared]):
            whole = first + second[shared:]
            return whole if whole in text else None
    return None


class _Asked(NamedTuple):
    """A posting's text without what is hidden, and the words behind what its phrases mean."""

    left: str
    meant: dict[int, str]


# A posting is told to many seekers at once, a seeker of many postings: one side stays the same.
@lru_cache(maxsize=64)
def _asked(posting: PreparedPosting) -> _Asked:
    text, left, _, meant = stands(wording.text_of_posting(posting.doc), posting.terms.buckets)
    places = zip(posting.terms.buckets.tolist(), meant.tolist(), strict=True)
    return _Asked(left, {bucket: text[begin:end] for bucket, (begin, end) in places if begin >= 0})


@lru_cache(maxsize=1 << 14)
def _same(here: str, there: str) -> bool:
    """Whether both are the same words, but for endings."""
    return symbols(here) == symbols(there)
