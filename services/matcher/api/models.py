"""The models that are stored, and choosing the one to match by.

Fitting one reads the whole corpus and is a process of its own, `services.matcher.fit`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path

from services.kit.database import Database
from services.kit.problems import Problem
from services.matcher import choosing
from services.matcher.api.shapes import Out, WeightsOut
from services.matcher.choosing import Listed, State

_Version = Annotated[
    str, Path(pattern="^[0-9a-f]{16}$", description="模型版本。The model's version, 16 hex digits.")
]


class LimitsOut(Out):
    """Which pairs are live by the model itself; settings of the service may say otherwise."""

    tau_ppm: int
    k_s: int
    k_p: int


class ProgressOut(Out):
    """How many seekers' matches the model has taken over, of how many who are looking."""

    done: int
    seekers: int


class StoredModelOut(Out):
    """A stored model.

    documents: texts it was fitted to, null where that is not known. n_terms: different terms in
    them. choice: number of the last choice that named it. progress: null unless matches are being
    taken over from the model before.
    """

    version: str
    state: State
    active: bool
    stored_at: datetime
    documents: int | None
    n_terms: int
    n_bytes: int
    limits: LimitsOut
    weights: WeightsOut
    choice: int | None
    progress: ProgressOut | None

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """The model as it is listed."""
        stored, content = listed.stored, listed.content
        return cls(
            version=stored.version,
            state=listed.state,
            active=stored.active,
            stored_at=stored.stored_at,
            documents=stored.documents,
            n_terms=content.n_terms,
            n_bytes=len(stored.artefact),
            limits=LimitsOut.model_validate(content.limits, from_attributes=True),
            weights=WeightsOut.model_validate(content.weights, from_attributes=True),
            choice=stored.choice,
            progress=listed.progress
            and ProgressOut.model_validate(listed.progress, from_attributes=True),
        )


class StoredModelsOut(Out):
    """All models of this shard, the newest first."""

    items: tuple[StoredModelOut, ...]


class ChoiceOut(Out):
    """What became of the choice. announced: whether this call made it, and not one before."""

    version: str
    state: State
    choice: int | None
    announced: bool


def routes(db: Database, clock: Callable[[], datetime]) -> APIRouter:
    """GET /models and POST /models/{version}/choice."""
    router = APIRouter(prefix="/models")

    @router.get("", summary="已保存的模型 The models that are stored")
    async def list_models() -> StoredModelsOut:
        """Each with its limits and where it stands: stored, chosen, preparing or in force."""
        listed = await choosing.list_models(db)
        return StoredModelsOut(items=tuple(map(StoredModelOut.of, listed)))

    @router.post(
        "/{version}/choice",
        status_code=202,
        summary="选用模型 Have all shards match by this model",
    )
    async def choose(version: _Version) -> ChoiceOut:
        """Every shard prepares it in the background; the old matches stay until then.

        Choosing again what is being prepared changes nothing. Choosing the model that is in force
        takes back one that is being prepared, and has everything matched anew: that mends matches
        which something damaged.
        """
        chosen = await choosing.choose_model(db, version, clock())
        if chosen is None:
            raise Problem(
                404,
                "model_unknown",
                zh=f"没有保存版本为 {version} 的模型。./rengang model list 列出已有的；"
                "./rengang model fit 从现有数据生成一个。",
                en=f"No model {version} is stored. ./rengang model list shows those there are; "
                "./rengang model fit makes one of what is stored.",
            )
        return ChoiceOut.model_validate(chosen, from_attributes=True)

    return router
