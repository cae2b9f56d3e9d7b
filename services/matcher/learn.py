"""Learns weights from outcomes: `python -m services.matcher.learn [--json] [--dry-run]`.

Reads RENGANG_DATABASE_URL: what became of matches, of all shards of that database. Compares the new
weights with those of the model in force on outcomes that were held back, and only where they are
better stores a model with them, in each shard; puts it in force nowhere. Exit code 0: better; 1:
not, or too few to tell; 2: there is nothing to learn from, or it cannot be read.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from services.kit.database import DatabaseUnavailable
from services.kit.settings import load
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.index.making import made_by
from services.matcher.learning.comparing import Comparison, Measured, Sides, Verdict
from services.matcher.learning.lesson import lesson
from services.matcher.learning.outcomes import NAMES, Kind, Noted, examples_of, teaches
from services.matcher.learning.threshold import Threshold, carried_over
from services.matcher.outside import reading, shard_schemas, store_model
from services.matcher.settings import FitSettings
from services.matcher.store import documents, models, outcomes
from services.matcher.store import shard as shards
from services.matcher.store.documents import PostingRow, SeekerRow

_PAGE = 10_000
# Of each kind: all their pairs are looked at, and the eligible ones scored twice.
_SAMPLED = 200

Say = Callable[[str], None]


class NothingToLearn(Exception):
    """No shard was ever computed, or nobody has said anything of a match yet."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What there is to learn from, in so many shards.

    before: the model in force; documents: that it was fitted to; by: what it makes is marked so.
    jobs, people: a sample of those who are in the market.
    """

    shards: int
    before: Model
    documents: int | None
    by: str
    noted: list[Noted]
    jobs: list[PostingRow]
    people: list[SeekerRow]


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of it.

    version: of the model with the new weights; None where they are not better. stored: in the
    shards; known_before: already. outcomes: how many of each kind. silent: of these, that say
    nothing of the fit, or not of all that a score is made of today. foreign: noted under another
    model or other rules. threshold: of the new model. comparison: None where there were too few.
    """

    version: str | None
    before: str
    stored: bool
    known_before: bool
    shards: int
    outcomes: dict[str, int]
    silent: int
    foreign: int
    trained: Sides
    held_back: Sides
    weights_before: dict[str, int]
    weights_after: dict[str, int]
    threshold: Threshold | None
    comparison: Comparison | None
    verdict: Verdict
    why: str
    seconds: float


def learn_stored(url: str, *, dry_run: bool = False, say: Say = lambda line: None) -> Learned:
    """Learn weights from the outcomes in this database, and store a model of them if it is better.

    dry_run: store nothing. say: is told what is being done. Blocks; not to be called where an event
    loop runs. Raises NothingToLearn, DatabaseUnavailable.
    """
    started = time.perf_counter()
    heard = asyncio.run(_heard(url))
    examples = examples_of(heard.noted)
    say(f"{len(heard.noted):,} outcomes read; learning from {len(examples):,} pairs")
    taught = lesson(examples, heard.before.weights)
    model, threshold, new = None, None, False
    if taught.verdict is Verdict.BETTER:
        say("the weights are better; carrying τ over to them")
        model, threshold = _with_threshold(heard, heard.before.weighted(taught.weights))
        if not dry_run:
            stored = store_model(url, model.version, model.to_bytes(), heard.documents)
            new = asyncio.run(stored)
    kinds = Counter(each.outcome.kind for each in heard.noted)
    return Learned(
        version=model.version if model else None,
        before=heard.before.version,
        stored=model is not None and not dry_run,
        known_before=model is not None and not dry_run and not new,
        shards=heard.shards,
        outcomes={kind.value: kinds[kind] for kind in Kind},
        silent=sum(not teaches(each) for each in heard.noted),
        foreign=sum(each.by != heard.by for each in heard.noted),
        trained=taught.trained,
        held_back=taught.held_back,
        weights_before=asdict(heard.before.weights),
        weights_after=asdict(taught.weights),
        threshold=threshold,
        comparison=taught.comparison,
        verdict=taught.verdict,
        why=taught.why,
        seconds=round(time.perf_counter() - started, 1),
    )


async def _heard(url: str) -> Heard:
    """All outcomes, and of the first shard that was computed the model and the sample."""
    schemas = await shard_schemas(url)
    leading: tuple[Model, int | None, str] | None = None
    noted: list[Noted] = []
    jobs: list[PostingRow] = []
    people: list[SeekerRow] = []
    for schema in schemas:
        async with reading(url, schema) as tx:
            if not await outcomes.exist(tx):
                continue
            async for page in outcomes.all_outcomes(tx, _PAGE):
                noted += page
            computed = await shards.select_computed(tx)
            active = next((each for each in await models.select_models(tx) if each.active), None)
            if leading is None and active is not None and computed is not None:
                model = Model.from_bytes(active.artefact)
                by = made_by(model.limited(**asdict(computed.limits)))
                leading = model, active.documents, by
                jobs = await documents.sample_of_postings(tx, _SAMPLED)
                people = await documents.sample_of_seekers(tx, _SAMPLED)
    if leading is None:
        raise NothingToLearn("no shard was ever computed in this database; start the matcher first")
    if not noted:
        raise NothingToLearn("no outcome of a match was heard yet")
    return Heard(len(schemas), *leading, noted, jobs, people)


def _with_threshold(heard: Heard, model: Model) -> tuple[Model, Threshold]:
    """The model with a τ by which as much of the sample is live as by the model in force."""
    before, after = (_scores(heard, each) for each in (heard.before, model))
    threshold = carried_over(heard.before.limits.tau_ppm, before, after)
    return model.limited(tau_ppm=threshold.after_ppm), threshold


def _scores(heard: Heard, model: Model) -> list[int]:
    """Of all eligible pairs of the sample, in one order whatever the model."""
    jobs = [prepare_posting(model, row.doc) for row in heard.jobs]
    people = [prepare_seeker(model, row.doc, row.held) for row in heard.people]
    return [
        score(job, person).score_ppm
        for job in jobs
        for person in people
        if not broken_rules(job, person)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    command = argparse.ArgumentParser(prog="python -m services.matcher.learn")
    command.description = (
        "Learn the weights of a score from what became of matches, and store a model with them if "
        "it is better than the one in force on outcomes that were held back."
    )
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    command.add_argument("--dry-run", action="store_true", help="store nothing")
    chosen = command.parse_args(arguments)
    settings = load(FitSettings)
    try:
        learned = learn_stored(
            settings.database_url.get_secret_value(),
            dry_run=chosen.dry_run,
            say=lambda line: print(f"learn: {line}", file=sys.stderr, flush=True),  # noqa: T201
        )
    except (NothingToLearn, DatabaseUnavailable) as error:
        sys.stderr.write(f"learn: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("learn: stopped; nothing was stored\n")
        return 130
    sys.stdout.write(json.dumps(asdict(learned)) + "\n" if chosen.json else in_words(learned))
    return 0 if learned.verdict is Verdict.BETTER else 1


def in_words(learned: Learned) -> str:
    """The report as text."""
    told = ", ".join(f"{count:,} {kind}" for kind, count in learned.outcomes.items())
    lines = [
        f"outcomes: {told}; {learned.silent:,} of them say nothing of the fit, "
        f"{learned.foreign:,} were noted under another model or other rules",
        f"learned from: {_sides(learned.trained)}",
        f"held back:    {_sides(learned.held_back)}",
        "",
        *_weights(learned),
        "",
        *_comparison(learned),
        f"{learned.verdict.replace('_', ' ')}: {learned.why}",
        _what_now(learned),
    ]
    return "\n".join(lines) + "\n"


def _sides(sides: Sides) -> str:
    return (
        f"{sides.good:,} pairs that turned out well, {sides.declined:,} that were declined, "
        f"of {sides.seekers:,} seekers"
    )


def _weights(learned: Learned) -> list[str]:
    """A line a weight, in hundredths."""
    lines = [f"{'weight':<12}{'before':>9}{'after':>9}{'change':>9}"]
    for name in NAMES:
        before, after = learned.weights_before[name], learned.weights_after[name]
        lines.append(
            f"{name:<12}{_percent(before):>9}{_percent(after):>9}{_percent(after - before, '+'):>9}"
        )
    if (moved := learned.threshold) is not None:
        change = _percent(moved.after_ppm - moved.before_ppm, "+")
        lines += [
            f"{'τ':<12}{_percent(moved.before_ppm):>9}{_percent(moved.after_ppm):>9}{change:>9}",
            f"of {moved.pairs:,} eligible pairs {moved.live:,} reach it, as before; the old τ "
            f"{moved.live_unmoved:,} would reach",
        ]
    return lines


def _percent(ppm: int, sign: str = "") -> str:
    return f"{ppm / 10_000:{sign}.1f} %"


def _comparison(learned: Learned) -> list[str]:
    if learned.comparison is None:
        return []
    measures = ("AUC", learned.comparison.auc), ("log loss", learned.comparison.log_loss)
    return [
        f"{'held back':<12}{'before':<26}{'after':<26}{'gain, and where 99 of 100 draws lie'}",
        *(_measure(name, measured) for name, measured in measures),
        "",
    ]


def _measure(name: str, measured: Measured) -> str:
    before, after, gain = (
        f"{each.value:{sign}.4f} ({each.low:{sign}.4f} … {each.high:{sign}.4f})"
        for each, sign in ((measured.before, ""), (measured.after, ""), (measured.gain, "+"))
    )
    return f"{name:<12}{before:<26}{after:<26}{gain}"


def _what_now(learned: Learned) -> str:
    if learned.version is None:
        return f"nothing was stored; {learned.before} stays in force"
    if not learned.stored:
        return f"it would be model {learned.version}; nothing was stored"
    was = "was stored before" if learned.known_before else "is stored"
    where = f"in {learned.shards} shard{'' if learned.shards == 1 else 's'}"
    return (
        f"model {learned.version} {was} {where}; put it in force: "
        f"./rengang model use {learned.version}"
    )


if __name__ == "__main__":
    sys.exit(main())
