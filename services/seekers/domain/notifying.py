"""When a seeker is told of a match, and what. Deciding only: feeds and webhooks are elsewhere.

A seeker sees a match while it is live for the seeker's side. From there each event of the matcher
makes one of these, or nothing:

    not seen → seen    found      notifies the first time, later only if materially better
    seen → seen        improved   materially better than what was told last: notifies
                       changed    score, reasons or posting differ: does not notify
    seen → not seen    withdrawn  does not notify
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

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


Content = Mapping[str, Any]
"""What of a match is shown besides its score: posting, reason, missing, as JSON values."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match as it was last heard of. notified_ppm: the score told last; None: never told."""

    match_id: MatchId
    seeker_id: SeekerId
    posting_id: PostingId
    version: int
    standing: Standing
    score_ppm: int | None
    content: Content | None
    notified_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is new for the seeker. notify: whether it deserves interrupting the seeker."""

    kind: Kind
    notify: bool
    match: Match


def heard(
    known: Match | None, update: Match, *, looking: bool, material_ppm: int
) -> tuple[Match, News | None] | None:
    """What an event makes of what is known; None where it is old.

    update: the match as the event has it, its notified_ppm unset. looking: whether the seeker is
    on the market; who is not is shown matches, but not interrupted. material_ppm: how much better
    a match must be than what was told last to be told again.
    """
    if known is not None and known.version >= update.version:
        return None
    told = None if known is None else known.notified_ppm
    after = replace(update, notified_ppm=told)
    kind = _kind(known, after)
    if kind is None:
        return after, None
    notify = kind is not Kind.WITHDRAWN and looking and _is_worth_telling(after, material_ppm)
    if notify:
        after = replace(after, notified_ppm=after.score_ppm)
        if kind is Kind.CHANGED:
            kind = Kind.FOUND if told is None else Kind.IMPROVED
    return after, News(kind, notify, after)


def told_now(match: Match) -> tuple[Match, News]:
    """A match that was found while its seeker was away, told as the seeker is back."""
    after = replace(match, notified_ppm=match.score_ppm)
    return after, News(Kind.FOUND, notify=True, match=after)


def _kind(known: Match | None, after: Match) -> Kind | None:
    was_seen = known is not None and known.standing is Standing.SEEN
    is_seen = after.standing is Standing.SEEN
    match was_seen, is_seen:
        case False, True:
            return Kind.FOUND
        case True, False:
            return Kind.WITHDRAWN
        case True, True if known is not None and _shown(known) != _shown(after):
            return Kind.CHANGED
        case _:
            return None


def _is_worth_telling(match: Match, material_ppm: int) -> bool:
    if match.notified_ppm is None or match.score_ppm is None:
        return match.score_ppm is not None
    return match.score_ppm >= match.notified_ppm + material_ppm


def _shown(match: Match) -> tuple[int | None, Content | None]:
    return match.score_ppm, match.content
