"""Events of models: which of the stored ones the region is matched by."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from contracts.envelope import Event, Wire
from contracts.topics import MODELS, Topic

KEY = "model"
"""Of every choice: they follow each other, whichever model they name."""


class ChosenModel(Wire):
    """The model to match by. The artefact does not travel: it lies in each shard's database.

    version: 16 hex digits, of all in it that can change a score. fitted_at: when it was stored.
    documents: texts it was fitted to, where that is known.
    """

    version: str = Field(min_length=1)
    fitted_at: AwareDatetime
    documents: int | None = Field(default=None, ge=1)


class ModelChosen(Event):
    """An operator chose a model: every shard is to be matched anew by it.

    subject: the model's version. version: the number of the choice, over all models, so that of
    two choices the later one counts.
    """

    topic: ClassVar[Topic] = MODELS
    source_of: ClassVar[str] = "/rengang/matcher"
    source: str = source_of
    type: Literal["ModelChosen"] = "ModelChosen"
    data: ChosenModel

    @property
    def key(self) -> str:
        return KEY
