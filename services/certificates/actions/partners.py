"""All that has to do with other cities, put together: who asks, who asks again, who watches.

What each does stands in its own module. Nothing connects before it is used.
"""

import random as chances
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.certificates.actions.adapters import CityKeys, Random, Signs, adapters
from services.certificates.actions.answering import Doorkeeper, forget_assertions
from services.certificates.actions.asking import Limits, OtherCities
from services.certificates.actions.calling import Calls
from services.certificates.actions.mirroring import apply_recognitions
from services.certificates.actions.retrying import Patience, Retrying, Vault
from services.certificates.actions.settling import ResolvesReceipt, Settling
from services.certificates.actions.watching import Watching
from services.certificates.domain.digests import Pepper
from services.kit.database import Database
from services.kit.outgoing import Resolver
from services.kit.periodic import run_every

_APPLY_EVERY_S = 300.0
_FORGET_EVERY_S = 300.0

_RESOLVING = 8
"""Threads that ask for addresses of cities at once."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How other cities are reached. timeout_s: for an answer, where a city has none of its own.

    allow_private: also at addresses that are not public. lists_every_s: how often their status
    lists are read.
    """

    city_id: str
    allow_private: bool = False
    timeout_s: float = 2.0
    lists_every_s: float = 60.0
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Partners:
    """What the doors and the background need of it."""

    ways: Ways
    others: OtherCities
    retrying: Retrying
    watching: Watching
    doorkeeper: Doorkeeper
    jobs: dict[str, Callable[[], Awaitable[None]]]
    aclose: Callable[[], Awaitable[None]]


def make_partners(
    db: Database,
    pepper: Pepper,
    signer: Signs,
    ways: Ways,
    *,
    resolve: ResolvesReceipt,
    clock: Callable[[], datetime],
    new_id: Callable[[], UUID],
    random: Random,
) -> Partners:
    """random: as many bytes as asked for, which nobody can guess."""
    resolver = Resolver(_RESOLVING)
    calls = Calls(allow_private=ways.allow_private, timeout_s=ways.timeout_s, resolve=resolver)
    keys = CityKeys(calls)
    others = OtherCities(
        db,
        pepper,
        adapters(calls, keys, signer, city_id=ways.city_id, random=random),
        chance=chances.random,
        clock=clock,
        limits=ways.limits,
    )
    retrying = Retrying(
        db,
        Vault(pepper, random),
        others,
        Settling(db, resolve, clock=clock),
        clock=clock,
        chance=chances.random,
        new_id=new_id,
        patience=ways.patience,
        # A city's keys may have to be read before its answer can be checked.
        lost_after=timedelta(seconds=4 * ways.timeout_s + 2),
    )
    others.on_back = retrying.city_is_back
    watching = Watching(db, calls, keys, clock)

    async def apply() -> None:
        await apply_recognitions(db, clock())

    async def forget() -> None:
        await forget_assertions(db, clock())

    async def aclose() -> None:
        await calls.aclose()
        resolver.close()

    return Partners(
        ways,
        others,
        retrying,
        watching,
        Doorkeeper(db, keys, city_id=ways.city_id),
        jobs={
            "asking_again": retrying.run,
            "city_lists": partial(run_every, ways.lists_every_s, watching.read_all, "city_lists"),
            "recognitions": partial(run_every, _APPLY_EVERY_S, apply, "recognitions"),
            "assertions": partial(run_every, _FORGET_EVERY_S, forget, "assertions"),
        },
        aclose=aclose,
    )
