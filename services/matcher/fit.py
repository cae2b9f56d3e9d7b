"""Fits a model to what is stored: `python -m services.matcher.fit [--json] [--tau-ppm N] …`.

Reads RENGANG_DATABASE_URL: the open postings and the seekers who are looking, of all shards of that
database. Stores the model beside the others in each of them and puts it in force nowhere. Exit
code 0: stored, or there before; 2: there is nothing to fit to, or it cannot be read.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TextIO

import numpy as np

from services.kit.database import DatabaseUnavailable
from services.kit.settings import load
from services.matcher.domain.documents import Posting, Seeker
from services.matcher.domain.language.terms import IDF_UNIT
from services.matcher.domain.model import Model, Weights, fit
from services.matcher.domain.wording import text_of_posting, text_of_seeker
from services.matcher.outside import reading, shard_schemas, store_model
from services.matcher.settings import FitSettings
from services.matcher.store import documents, models
from services.matcher.store import shard as shards

_Page = Sequence[Posting] | Sequence[Seeker]
_Pages = AsyncGenerator[_Page, None]

_PAGE = 1000
_QUIET_S = 10.0
_REDRAWN_S = 0.2


class NothingToFit(Exception):
    """No shard was ever computed, or none holds a document."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read, and the model that it is compared with.

    schemas: of all shards. leading: the one whose postings and model are taken, since all shards
    have the same. n_postings, n_seekers: as they were counted.
    """

    schemas: tuple[str, ...]
    leading: str
    before: Model
    n_postings: int
    n_seekers: int

    @property
    def n_documents(self) -> int:
        """How many texts there are."""
        return self.n_postings + self.n_seekers


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of it.

    known_before: stored under this version already. n_terms: different terms in the documents.
    new_terms: of these, in millionths, that the model in force had not seen. idf_moved_median:
    |Δidf|, natural log, median of the terms that either has seen.
    """

    version: str
    before: str
    known_before: bool
    shards: int
    postings: int
    seekers: int
    n_terms: int
    new_terms_ppm: int
    idf_moved_median: float
    n_bytes: int
    limits: dict[str, int]
    weights: dict[str, int]
    seconds: float


def fit_stored(
    url: str,
    *,
    limits: Mapping[str, int],
    weights: Mapping[str, int],
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> Fitted:
    """Fit a model to all that is stored in this database and store it there.

    limits, weights: in place of those of the model in force, by name. progress: is told how many
    documents were read, and of how many. Blocks; not to be called where an event loop runs.
    Raises NothingToFit, DatabaseUnavailable; ValueError where limits or weights are impossible.
    """
    started = time.perf_counter()
    with asyncio.Runner() as runner:
        plan = runner.run(_planned(url))
        chosen_limits = replace(plan.before.limits, **limits)
        chosen_weights = replace(plan.before.weights, **weights)
        read = _Read(_documents(url, plan))
        try:
            model = fit(
                read.texts(runner),
                chosen_weights,
                chosen_limits,
                progress=lambda done: progress(done, plan.n_documents),
            )
        finally:
            runner.run(read.close())
        if not read.postings + read.seekers:
            raise NothingToFit("no posting is open and no seeker is looking")
        artefact = model.to_bytes()
        n_documents = read.postings + read.seekers
        stored = runner.run(store_model(url, model.version, artefact, n_documents))
    new_ppm, moved = compared(plan.before, model)
    return Fitted(
        version=model.version,
        before=plan.before.version,
        known_before=not stored,
        shards=len(plan.schemas),
        postings=read.postings,
        seekers=read.seekers,
        n_terms=int(np.count_nonzero(model.idf != model.unseen)),
        new_terms_ppm=new_ppm,
        idf_moved_median=moved,
        n_bytes=len(artefact),
        limits=asdict(model.limits),
        weights=asdict(model.weights),
        seconds=round(time.perf_counter() - started, 1),
    )


def compared(before: Model, now: Model) -> tuple[int, float]:
    """Millionths of the terms seen now that were not seen before, and the median of |Δidf|.

    The median is over the terms that either has seen, in units of the natural log.
    """
    seen_before, seen_now = before.idf != before.unseen, now.idf != now.unseen
    n_now = int(np.count_nonzero(seen_now))
    n_new = int(np.count_nonzero(seen_now & ~seen_before))
    either = seen_before | seen_now
    moved = np.abs(now.idf[either].astype(np.int32) - before.idf[either].astype(np.int32))
    median = float(np.median(moved)) / IDF_UNIT if len(moved) else 0.0
    return (1_000_000 * n_new // n_now if n_now else 0), round(median, 3)


class _Read:
    """The stored texts as `fit` wants them, and how many there were of each kind."""

    def __init__(self, pages: _Pages) -> None:
        self.postings = 0
        self.seekers = 0
        self._pages = pages

    def texts(self, runner: asyncio.Runner) -> Iterator[str]:
        """Each document's text; the loop runs while a page is fetched, and stands still else."""
        while page := runner.run(self._next()):
            for doc in page:
                match doc:
                    case Posting():
                        self.postings += 1
                        yield text_of_posting(doc)
                    case Seeker():
                        self.seekers += 1
                        yield text_of_seeker(doc)

    async def close(self) -> None:
        """Let the database go."""
        await self._pages.aclose()

    async def _next(self) -> _Page | None:
        # Not an empty tuple: as the default of anext it ends in a SystemError (CPython 3.11).
        return await anext(self._pages, None)


async def _planned(url: str) -> Plan:
    schemas = await shard_schemas(url)
    leading: tuple[str, Model] | None = None
    n_postings = n_seekers = 0
    for schema in schemas:
        async with reading(url, schema) as tx:
            artefact = await shards.select_active_model(tx)
            postings, seekers = await models.count_corpus(tx)
            if leading is None and artefact and await shards.select_computed(tx) is not None:
                leading, n_postings = (schema, Model.from_bytes(artefact)), postings
            n_seekers += seekers
    if leading is None:
        raise NothingToFit("no shard was ever computed in this database; start the matcher first")
    return Plan(tuple(schemas), *leading, n_postings, n_seekers)


async def _documents(url: str, plan: Plan) -> _Pages:
    """All documents a page at a time, no page empty. Each shard as it is at one moment."""
    for schema in plan.schemas:
        async with reading(url, schema) as tx:
            if schema == plan.leading:
                async for postings in documents.open_postings(tx, _PAGE):
                    yield [row.doc for row in postings]
            async for seekers in documents.looking_seekers(tx, _PAGE):
                yield [row.doc for row in seekers]


class Progress:
    """Says how far it is: in one line on a terminal, else in a line now and then.

    clock: seconds, monotonic.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._redraws = out.isatty()
        self._began = self._said = clock()
        self._drawn = False

    def __call__(self, done: int, whole: int) -> None:
        """done of whole documents are read; a new document may make it more than the whole."""
        now = self._clock()
        if now - self._said < (_REDRAWN_S if self._redraws else _QUIET_S) and done < whole:
            return
        self._said = now
        share = 100 * done // max(done, whole, 1)
        rate = done / max(now - self._began, 1e-3)
        line = f"fit: {done:,} of {whole:,} documents ({share} %), {rate:,.0f} a second"
        self._out.write(f"\r{line}\x1b[K" if self._redraws else f"{line}\n")
        self._out.flush()
        self._drawn = self._redraws

    def end(self) -> None:
        """Leave the line as it is and go on below it."""
        if self._drawn:
            self._out.write("\n")
            self._drawn = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    chosen = _command().parse_args(arguments)
    given = {name: getattr(chosen, name) for name in ("tau_ppm", "k_s", "k_p")}
    settings = load(FitSettings)
    progress = Progress(sys.stderr)
    try:
        fitted = fit_stored(
            settings.database_url.get_secret_value(),
            limits={name: value for name, value in given.items() if value is not None},
            weights=dict(chosen.weight),
            progress=progress,
        )
    except (NothingToFit, DatabaseUnavailable, ValueError) as error:
        progress.end()
        sys.stderr.write(f"fit: {error}\n")
        return 2
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write("fit: stopped; nothing was stored\n")
        return 130
    progress.end()
    sys.stdout.write(json.dumps(asdict(fitted)) + "\n" if chosen.json else in_words(fitted))
    return 0


def _command() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(prog="python -m services.matcher.fit")
    command.description = (
        "Fit a model to all open postings and looking seekers, and store it. What is not given is "
        "taken over from the model in force."
    )
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.add_argument("--tau-ppm", type=int, help="least score that is live, in millionths")
    command.add_argument("--k-s", type=int, help="how many postings a seeker sees")
    command.add_argument("--k-p", type=int, help="how many seekers a posting sees")
    command.add_argument(
        "--weight",
        type=_weight,
        action="append",
        default=[],
        metavar="NAME=PPM",
        help=f"one of {', '.join(each.name for each in fields(Weights))}, in millionths; together "
        "they must stay a million",
    )
    return command


def _weight(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if name not in {each.name for each in fields(Weights)} or not value.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no weight, such as skills=300000")
    return name, int(value)


def in_words(fitted: Fitted) -> str:
    """The result as text."""
    limits = ", ".join(f"{name} {value:,}" for name, value in fitted.limits.items())
    where = f"in {fitted.shards} shard{'' if fitted.shards == 1 else 's'}"
    lines = [
        f"model {fitted.version}: {fitted.postings:,} postings and {fitted.seekers:,} seekers, "
        f"{fitted.n_terms:,} different terms, {fitted.n_bytes:,} bytes, in {fitted.seconds} s",
        f"against {fitted.before}, in force: {fitted.new_terms_ppm / 10_000:.1f} % of the terms "
        f"are new to it; a term's IDF moved by {fitted.idf_moved_median:.3f} (median)",
        f"limits: {limits}",
        f"it was stored before, {where}; nothing is new"
        if fitted.known_before
        else f"stored {where}; put it in force: ./rengang model use {fitted.version}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
