"""When a seeker is told of a match, and what. Deciding only: feeds and webhooks are elsewhere.

A seeker sees a match while it is live for the seeker's side. From there each event of the matcher
makes one of these, or nothing:

    not seen → seen    found      notifies the first time, later only if materially better
    seen → seen        improved   materially better than what was told last: notifies
                       changed    score, reasons or posting differ: does not notify
    seen → not seen    withdrawn  does not notify
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.values import MatchId, PostingId, SeekerId


class Standing(StrEnum):
    """Where a match stands for its seeker. Gone is kept: an older event must find it newer."""

    SEEN = "seen"
    """Live, among the seeker's best."""
    UNSEEN = "unseen"
    """Live for the posting's side alone."""
    GONE = "gone"


class Kind(StrEnum):
    """What a feed entry tells."""

    FOUND = "found"
    IMPROVED = "improved"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


Content = bytes
"""What of a match is shown besides its score: the event that told of it, as it came."""

Alike = Callable[[Content, Content], bool]
"""Whether two contents show the same."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match as it was last heard of.

    content: of one that is seen; None where it was not asked for. notified_ppm: the score told
    last; None: never told. told_seq: of the feed entry whose content is the match's; None where
    that entry is no longer kept, and where the match is not seen.
    """

    match_id: MatchId
    seeker_id: SeekerId
    posting_id: PostingId
    version: int
    standing: Standing
    score_ppm: int | None
    content: Content | None
    notified_ppm: int | None = None
    told_seq: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is new for the seeker. notify: whether it deserves interrupting the seeker."""

    kind: Kind
    notify: bool
    match: Match


def heard(
    known: Match | None,
    update: Match,
    *,
    seq: int,
    looking: bool,
    material_ppm: int,
    alike: Alike,
) -> tuple[Match, News | None] | None:
    """What an event makes of what is known; None where it is old.

    known: with its content where `hangs_on_content` says so. update: the match as the event has
    it, nothing yet told of it. seq: of the entry that tells it, if any does. looking: whether the
    seeker is on the market; who is not is shown matches, but not interrupted. material_ppm: how
    much better a match must be than what was told last to be told again.
    """
    if known is not None and known.version >= update.version:
        return None
    told_ppm = None if known is None else known.notified_ppm
    kind = _kind(known, update, alike)
    if kind is None:
        if known is None:
            return update, None
        return replace(update, notified_ppm=told_ppm, told_seq=known.told_seq), None
    if kind is Kind.WITHDRAWN:
        after = replace(update, notified_ppm=told_ppm)
        return after, News(kind, notify=False, match=after)
    notify = looking and _is_worth_telling(update.score_ppm, told_ppm, material_ppm)
    if notify and kind is Kind.CHANGED:
        kind = Kind.FOUND if told_ppm is None else Kind.IMPROVED
    after = replace(update, notified_ppm=update.score_ppm if notify else told_ppm, told_seq=seq)
    return after, News(kind, notify, after)


def told_now(match: Match, seq: int) -> tuple[Match, News]:
    """A match that was found while its seeker was away, told as the seeker is back."""
    after = replace(match, notified_ppm=match.score_ppm, told_seq=seq)
    return after, News(Kind.FOUND, notify=True, match=after)


def hangs_on_content(known: Match | None, update: Match) -> bool:
    """Whether only their contents can say if the update is news."""
    return (
        known is not None
        and known.standing is update.standing is Standing.SEEN
        and known.score_ppm == update.score_ppm
    )


def _kind(known: Match | None, update: Match, alike: Alike) -> Kind | None:
    was_seen = known is not None and known.standing is Standing.SEEN
    is_seen = update.standing is Standing.SEEN
    match was_seen, is_seen:
        case False, True:
            return Kind.FOUND
        case True, False:
            return Kind.WITHDRAWN
        case True, True if known is not None and not _shows_the_same(known, update, alike):
            return Kind.CHANGED
        case _:
            return None


def _shows_the_same(known: Match, update: Match, alike: Alike) -> bool:
    if known.score_ppm != update.score_ppm:
        return False
    if known.content is None or update.content is None:
        raise ValueError(f"the match {update.match_id} is compared without its content")
    return alike(known.content, update.content)


def _is_worth_telling(score_ppm: int | None, told_ppm: int | None, material_ppm: int) -> bool:
    if score_ppm is None:
        return False
    return told_ppm is None or score_ppm >= told_ppm + material_ppm
