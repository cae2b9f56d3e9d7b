"""Outcomes to test with: people who want certain things of a match, and what they say of it."""

import random
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from contracts import outcomes as contract
from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.values import PPM, PostingId, SeekerId, match_id_of
from services.matcher.domain.model import Weights
from services.matcher.index.making import made_by
from services.matcher.learning.outcomes import NAMES, Example, Kind, Noted, Outcome
from services.matcher.store import outcomes
from tests.matcher.harness import Matcher
from tests.matcher.market import posting_id
from tests.support import NOW

OutcomeEvent = MatchAccepted | MatchDeclined | SeekerInvited | SeekerHired

LOCAL = Weights(
    text=150_000,
    skills=100_000,
    pay=250_000,
    place=400_000,
    experience=20_000,
    occupation=60_000,
    certificate=20_000,
)
"""What people want who look at the way to work and the pay before all."""


def drawn_examples(
    wanted: Weights, n: int, *, seed: int = 1, pairs_of_one: int = 4, noise: float = 0.1
) -> list[Example]:
    """What became of n matches where people look at them by these weights, more or less.

    noise: standard deviation of what they see beside the parts, in units of a score.
    """
    draw, weights = random.Random(seed), asdict(wanted)
    examples = []
    for at in range(n):
        parts = {name: draw.random() for name in NAMES}
        seen = sum(part * weights[name] / PPM for name, part in parts.items())
        liking = seen - 0.5 + draw.gauss(0, noise)
        examples.append(
            Example(
                SeekerId(UUID(int=seed << 64 | at // pairs_of_one)),
                tuple(int(PPM * parts[name]) for name in NAMES),
                0 if liking < 0 else 1 if liking < 0.15 else 2,
            )
        )
    return examples


def outcome_event(
    of: type[OutcomeEvent],
    seeker_id: UUID,
    job_id: UUID,
    *,
    reason: str | None = None,
    minutes: int = 0,
) -> OutcomeEvent:
    """The event, so many minutes after the others."""
    match_id = match_id_of(SeekerId(seeker_id), PostingId(job_id))
    data = contract.Outcome(
        match_id=match_id,
        seeker_id=seeker_id,
        posting_id=job_id,
        employer_id="firm-1",
        reason=reason,
    )
    time = NOW + timedelta(minutes=minutes)
    return of(subject=str(match_id), time=time, version=1, data=data)


async def said_by_people_who_want(matcher: Matcher, wanted: Weights, n: int) -> None:
    """Outcomes as if many had looked at their matches by these weights; the pairs are made up."""
    noted = [
        Noted(
            Outcome(
                UUID(int=at),
                example.seeker_id,
                PostingId(posting_id(at)),
                (Kind.DECLINED, Kind.ACCEPTED, Kind.HIRED)[example.grade],
                None,
                NOW,
            ),
            dict(zip(NAMES, example.parts, strict=True)),
            made_by(matcher.index.model),
        )
        for at, example in enumerate(drawn_examples(wanted, n))
    ]
    async with matcher.db.transaction() as tx:
        assert await outcomes.insert_outcomes(tx, noted) == n
