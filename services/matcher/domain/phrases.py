"""The words two texts share, grown together into the phrases a reader knows from the posting.

What a shared word is worth to a score, and how it is told, does not live here.
"""

from functools import lru_cache
from typing import NamedTuple

from services.matcher.domain.language.text import bucket_of, plain, terms
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker

# Enough of the strongest pairs of characters to grow into five phrases.
_TERMS_READ = 16
# Characters that hold words together: a pair with one of them tells a reader nothing.
_GLUE = frozenset("的了和与及或等并且在对为以之其者所于至可能会有不各该将由从把被")


Phrase = tuple[str, int, int]
"""Words as they stand in the posting; the product of impacts, summed over so many terms."""


class Shared(NamedTuple):
    """What two texts share. cosine: in units of vector.ONE; phrases: in no order that matters."""

    cosine: int
    terms: int
    phrases: list[Phrase]


def shared_phrases(posting: PreparedPosting, seeker: PreparedSeeker) -> Shared:
    """The terms both texts hold, and the strongest of those that have words, grown together."""
    impact_of = _impacts(posting).get
    # Of equal products the lower bucket comes first.
    shared = sorted(
        [
            (-impact * other, bucket)
            for bucket, impact in zip(
                seeker.terms.buckets.tolist(), seeker.terms.impacts.tolist(), strict=True
            )
            if (other := impact_of(bucket))
        ]
    )
    if not shared:
        return Shared(0, 0, [])
    # The seeker's words, since that text is the shorter: what is shared stands in both.
    words = _words("\n".join((*seeker.doc.titles, seeker.doc.text)))
    read: list[Phrase] = []
    for less, bucket in shared:
        if bucket in words:
            read.append((words[bucket], -less, 1))
            if len(read) == _TERMS_READ:
                break
    text = _plain(f"{posting.doc.title}\n{posting.doc.text}")
    return Shared(-sum([less for less, _ in shared]), len(shared), _grown(read, text))


def _grown(read: list[Phrase], text: str) -> list[Phrase]:
    """Let shared terms grow together as they stand in the posting, strongest first.

    Pairs of characters are no words: 数据, 据分 and 分析 become 数据分析 where the text has it so.
    What grew is tried again on all others.
    """
    phrases: list[Phrase] = []
    for term in read:
        words, product, n_terms = term
        at = 0
        while at < len(phrases):
            other, its_product, its_terms = phrases[at]
            # Whichever holds or follows the other, its first character stands in both.
            if (words[0] in other or other[0] in words) and (whole := _joined(other, words, text)):
                del phrases[at]
                words, product, n_terms = whole, product + its_product, n_terms + its_terms
                at = 0
            else:
                at += 1
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


# A posting is told to many seekers at once, a seeker of many postings: one side stays the same.
@lru_cache(maxsize=64)
def _impacts(posting: PreparedPosting) -> dict[int, int]:
    return dict(zip(posting.terms.buckets.tolist(), posting.terms.impacts.tolist(), strict=True))


_plain = lru_cache(maxsize=64)(plain)


@lru_cache(maxsize=1024)
def _words(text: str) -> dict[int, str]:
    """The word of each bucket of the text that has one worth telling; of two the first."""
    by_bucket: dict[int, str] = {}
    for bucket, word in map(_worded, terms(text)):
        if word:
            by_bucket.setdefault(bucket, word)
    return by_bucket


@lru_cache(maxsize=1 << 16)
def _worded(term: str) -> tuple[int, str]:
    """The bucket of a term, and its word; empty where it tells a reader nothing."""
    word = term.strip()
    return bucket_of(term), word if len(word) > 1 and _GLUE.isdisjoint(word) else ""
