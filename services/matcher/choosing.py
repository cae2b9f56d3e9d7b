"""Choosing a model: which are stored, and the event that has every shard match by another.

How a shard gets from one model to another, and how models are fitted, do not live here.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from contracts.models import ChosenModel, ModelChosen
from services.kit import outbox
from services.kit.database import Database
from services.matcher.domain.model import Limits, Model, Weights
from services.matcher.store import models
from services.matcher.store.models import Progress, StoredModel


class State(StrEnum):
    """Where a model stands at this shard.

    chosen: its event is on the way here. preparing: an index is built with it. in_force: pairs are
    scored by it; while there is progress to tell, some matches are still as the last one had them.
    """

    STORED = "stored"
    CHOSEN = "chosen"
    PREPARING = "preparing"
    IN_FORCE = "in_force"


@dataclass(frozen=True, slots=True)
class Content:
    """What an artefact holds. n_terms: that the corpus had, by their hashes."""

    limits: Limits
    weights: Weights
    n_terms: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A stored model and what is becoming of it. progress: of the matches that it takes over."""

    stored: StoredModel
    content: Content
    state: State
    progress: Progress | None


async def list_models(db: Database) -> list[Listed]:
    """Every model of this shard, the newest first."""
    async with db.transaction() as tx:
        stored = await models.select_models(tx)
        progress = await models.select_progress(tx)
    last = max((model.choice or 0 for model in stored), default=0)
    contents = await asyncio.to_thread(lambda: [content_of(model.artefact) for model in stored])
    return [
        Listed(model, content, state_of(model, last), progress if model.active else None)
        for model, content in zip(stored, contents, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What choosing a model came to. announced: whether an event was written for it."""

    version: str
    state: State
    choice: int | None
    announced: bool


async def choose_model(db: Database, version: str, now: datetime) -> Chosen | None:
    """Have all shards of the region match by this model; None where it is not stored.

    Announced once: not where it is what was chosen last and is not in force yet. The model in force
    may be chosen again: that takes back another one that is being prepared, and has everything
    matched anew.
    """
    async with db.transaction() as tx:
        await models.lock_choices(tx)
        model = await models.select_model(tx, version)
        if model is None:
            return None
        schemas = await models.select_shard_schemas(tx)
        last = await models.select_last_choice(tx, schemas)
        if model.choice == last and last and (model.wanted or not model.active):
            return Chosen(version, state_of(model, last), model.choice, announced=False)
        for schema in schemas:
            await models.upsert_choice(tx, schema, model, last + 1)
        chosen = ChosenModel(version=version, fitted_at=model.stored_at, documents=model.documents)
        await outbox.add(tx, ModelChosen(subject=version, time=now, version=last + 1, data=chosen))
        return Chosen(version, State.CHOSEN, last + 1, announced=True)


def state_of(model: StoredModel, last: int) -> State:
    """Where the model stands. last: the number of the last choice, 0 before the first."""
    if model.active:
        return State.IN_FORCE
    if model.wanted:
        return State.PREPARING
    return State.CHOSEN if model.choice is not None and model.choice == last else State.STORED


def content_of(artefact: bytes) -> Content:
    """What the artefact holds. Raises ValueError where it is none."""
    model = Model.from_bytes(artefact)
    return Content(model.limits, model.weights, int(np.count_nonzero(model.idf != model.unseen)))
