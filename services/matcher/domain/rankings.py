"""Every pair that may be live, ranked from both sides, and what changed in the two top lists.

Which pairs may be live, and how they score, does not live here.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from services.matcher.domain.engine import Standing
from services.matcher.domain.model import Limits

_Entry = tuple[int, int]


class _Side:
    """The lists of one side. lists: by owner, all (-score, other), ascending: best first, then id.

    tops: by owner, the k best as last settled. shown_by: by document of this side, the others whose
    top list shows it. moved: owners whose list changed since. revised: documents replaced since.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.lists: dict[int, list[_Entry]] = {}
        self.tops: dict[int, dict[int, int]] = {}
        self.shown_by: dict[int, set[int]] = {}
        self.moved: set[int] = set()
        self.revised: set[int] = set()

    def remove(self, owner: int, entry: _Entry) -> None:
        entries = self.lists[owner]
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self.lists[owner]
        self.moved.add(owner)

    def insert(self, owner: int, entry: _Entry) -> None:
        insort(self.lists.setdefault(owner, []), entry)
        self.moved.add(owner)


class Rankings:
    """Pairs of a seeker and a posting, both by number, that are eligible and reach τ.

    Whole lists are kept, not only their tops: when one of the best leaves, the next is known.
    """

    def __init__(self, limits: Limits) -> None:
        self._seekers = _Side(limits.k_s)
        self._postings = _Side(limits.k_p)

    def rank_seeker(self, seeker: int, found: Iterable[tuple[int, int]]) -> None:
        """Replace all pairs of the seeker. found: (posting, score)."""
        _replace(self._seekers, self._postings, seeker, found)

    def rank_posting(self, posting: int, found: Iterable[tuple[int, int]]) -> None:
        """Replace all pairs of the posting. found: (seeker, score)."""
        _replace(self._postings, self._seekers, posting, found)

    def settle(self) -> set[tuple[int, int]]:
        """Bring the top lists up to date.

        Returns (posting, seeker) of each pair that entered, left, changed its score or is live with
        a document that was replaced, since the last call.
        """
        touched = {(p, s) for s, p in _moves(self._seekers, self._postings)}
        touched.update(_moves(self._postings, self._seekers))
        touched.update((p, s) for s, p in _revisions(self._seekers))
        touched.update(_revisions(self._postings))
        return touched

    def standing(self, posting: int, seeker: int) -> Standing | None:
        """How the pair is live as last settled; None if it is not."""
        seen = self._seekers.tops.get(seeker, {}).get(posting)
        shown = self._postings.tops.get(posting, {}).get(seeker)
        score = shown if seen is None else seen
        return None if score is None else Standing(score, seen is not None, shown is not None)

    def live(self) -> Iterator[tuple[int, int]]:
        """(posting, seeker) of all pairs live as last settled, each once."""
        for seeker, top in self._seekers.tops.items():
            for posting in top:
                yield posting, seeker
        for posting, top in self._postings.tops.items():
            for seeker in top:
                if posting not in self._seekers.tops.get(seeker, {}):
                    yield posting, seeker


def _replace(own: _Side, other: _Side, key: int, found: Iterable[tuple[int, int]]) -> None:
    old = own.lists.pop(key, [])
    new = sorted((-score, partner) for partner, score in found)
    gone, come = set(old), set(new)
    for negative, partner in gone - come:
        other.remove(partner, (negative, key))
    for negative, partner in come - gone:
        other.insert(partner, (negative, key))
    if new:
        own.lists[key] = new
    own.moved.add(key)
    own.revised.add(key)


def _moves(own: _Side, other: _Side) -> Iterator[tuple[int, int]]:
    """(owner, partner) where a top list of this side differs from the last; then it is the last."""
    for owner in own.moved:
        before = own.tops.get(owner, {})
        after = {partner: -negative for negative, partner in own.lists.get(owner, [])[: own.k]}
        if before == after:
            continue
        for partner in before.keys() | after.keys():
            if before.get(partner) != after.get(partner):
                yield owner, partner
        _show(other, owner, before.keys() - after.keys(), after.keys() - before.keys())
        if after:
            own.tops[owner] = after
        else:
            del own.tops[owner]
    own.moved.clear()


def _show(other: _Side, owner: int, hidden: set[int], shown: set[int]) -> None:
    for partner in hidden:
        other.shown_by[partner].discard(owner)
        if not other.shown_by[partner]:
            del other.shown_by[partner]
    for partner in shown:
        other.shown_by.setdefault(partner, set()).add(owner)


def _revisions(own: _Side) -> Iterator[tuple[int, int]]:
    """(document, partner) of the live pairs of each replaced document: its reasons may be new."""
    for key in own.revised:
        for partner in own.tops.get(key, {}).keys() | own.shown_by.get(key, set()):
            yield key, partner
    own.revised.clear()
