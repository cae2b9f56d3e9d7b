"""What two texts share: words, grown together into the phrases a reader knows from the posting,
phrases that mean the same, and trades and fields of work.

What it is worth to a score, and how it is told, does not live here.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from services.matcher.domain import wording
from services.matcher.domain.language import trades
from services.matcher.domain.language.glossary import known, shown, symbols
from services.matcher.domain.language.text import bucket_of, pieces, plain
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.vector import ONE

# Enough of the strongest pairs of characters to grow into five phrases.
_TERMS_READ = 24
# Characters that hold words together: a pair with one of them tells a reader nothing.
_GLUE = frozenset("的了和与及或等并且在对为以之其者所于至可能会有不各该将由从把被")


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
    impact_of = _impacts(posting).get
    # Of equal products the lower bucket comes first.
    shared = sorted(
        [
            (-impact * other, bucket)
            for bucket, impact in zip(
                seeker.said.buckets.tolist(), seeker.said.impacts.tolist(), strict=True
            )
            if (other := impact_of(bucket))
        ]
    )
    if not shared:
        return Shared()
    product = -sum([less for less, _ in shared])
    found = Shared(min(product, ONE), max(product, ONE), len(shared))
    # The seeker's words, since that text is the shorter: what is shared stands in both.
    said, whole = wording.text_of_seeker(seeker.doc), wording.text_of_posting(posting.doc)
    words, meant_here, meant_there = _words(said), _meant(whole), _meant(said)
    spoken = trades.labels()
    read: list[Phrase] = []
    for less, bucket in shared:
        if label := spoken.get(bucket):
            found.spoken[label] = -less
        elif bucket in meant_here and bucket in meant_there:
            here, there = meant_here[bucket], meant_there[bucket]
            if len(read) < _TERMS_READ and _same(here, there):
                read.append((here, -less, 1))
            elif not _same(here, there):
                before, n_terms = found.alike.get((here, there), (0, 0))
                found.alike[here, there] = (before - less, n_terms + 1)
        elif bucket in words and len(read) < _TERMS_READ:
            read.append((words[bucket], -less, 1))
    found.phrases = _grown(read, _left(whole))
    return found


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


@lru_cache(maxsize=64)
def _left(text: str) -> str:
    left, _ = shown(plain(text))
    return left


@lru_cache(maxsize=1024)
def _words(text: str) -> dict[int, str]:
    """The word of each bucket of the text that has one worth telling; of two the first."""
    by_bucket: dict[int, str] = {}
    left, _ = shown(plain(text))
    for bucket, word in map(_worded, pieces(left)):
        if word:
            by_bucket.setdefault(bucket, word)
    return by_bucket


@lru_cache(maxsize=1 << 16)
def _worded(piece: str) -> tuple[int, str]:
    """The bucket of a piece, and its word; empty where it tells a reader nothing."""
    word = piece.strip()
    return bucket_of(piece), word if len(word) > 1 and _GLUE.isdisjoint(word) else ""


@lru_cache(maxsize=1024)
def _meant(text: str) -> dict[int, str]:
    """The words of the text behind each term that a known phrase adds; of two the first."""
    by_bucket: dict[int, str] = {}
    read = plain(text)
    for phrase in known(read):
        for term in phrase.entry.adds:
            by_bucket.setdefault(bucket_of(term), read[phrase.begin : phrase.end])
    return by_bucket


@lru_cache(maxsize=1 << 14)
def _same(here: str, there: str) -> bool:
    """Whether both are the same words, but for endings."""
    return symbols(here) == symbols(there)
