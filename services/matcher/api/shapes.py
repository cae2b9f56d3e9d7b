"""Shapes that several answers of this door share.

What only one route says stands with that route.
"""

from pydantic import BaseModel, ConfigDict


class Out(BaseModel):
    """Anything that is answered."""

    model_config = ConfigDict(frozen=True)


class WeightsOut(Out):
    """What a perfect match in each respect adds to the score, in millionths."""

    text: int
    skills: int
    pay: int
    place: int
    experience: int
    occupation: int
    certificate: int
