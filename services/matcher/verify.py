"""Checks a shard against brute force: `python -m services.matcher.verify [--json]`.

Reads RENGANG_DATABASE_URL and MATCHER_SHARD. Computes the live set from the stored documents with
the oracle and compares pairs, scores, sides and reasons with the stored matches; writes nothing.
Exit code 0: equal; 1: not; 2: there is nothing to check, or it cannot be read. At rest it must be
equal; while events arrive too, since both are read in one snapshot.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from contracts.values import PostingId, SeekerId
from services.kit.database import Database, DatabaseUnavailable
from services.kit.settings import load
from services.matcher.announcing import digest_of, state_of
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.engine import LiveMatch, Pair, Standing
from services.matcher.domain.model import Model
from services.matcher.domain.oracle import live_set
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.settings import Shard, VerifySettings
from services.matcher.store import documents, matches
from services.matcher.store import shard as shards
from services.matcher.store.matches import Announced

FIRST = 20
"""How many differences are told."""

_PAGE = 1000
# The oracle holds every pair of a range at once, a few hundred bytes each.
_PAIRS_AT_ONCE = 600_000

Fault = Literal["missing", "surplus", "score", "sides", "reasons"]


class NothingToCheck(Exception):
    """The shard was never computed, or not by the model it names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A pair that is not stored as the oracle has it. stored, expected: None where not live."""

    fault: Fault
    posting_id: str
    seeker_id: str
    stored: Standing | None
    expected: Standing | None


@dataclass(slots=True)
class Report:
    """What was compared. first: of the differences, by posting, then seeker."""

    shard: str
    model: str
    postings: int
    seekers: int
    live_stored: int
    live_expected: int
    differences: int
    by_fault: dict[str, int]
    seconds: float
    first: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether the shard is what it must be."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is stored at one moment; model: under the limits in force."""

    model: Model
    postings: list[Posting]
    seekers: list[tuple[Seeker, tuple[HeldCertificate, ...]]]
    live: dict[Pair, Announced]


async def read(url: str, shard: Shard) -> Snapshot:
    """Read a shard. Raises NothingToCheck, DatabaseUnavailable."""
    db = Database(url, schema=shard.schema, max_size=1)
    await db.open(patience_s=5)
    try:
        async with db.transaction() as tx:
            await shards.freeze(tx)
            if not await shards.exists(tx):
                raise NothingToCheck(f"no shard {shard} in this database")
            computed = await shards.select_computed(tx)
            artefact = await shards.select_active_model(tx)
            if computed is None or artefact is None:
                raise NothingToCheck(f"shard {shard} was never computed")
            model = Model.from_bytes(artefact).limited(**asdict(computed.limits))
            if model.version != computed.model:
                raise NothingToCheck(
                    f"computed with model {computed.model}, stored is {model.version}"
                )
            postings = [
                row.doc async for page in documents.open_postings(tx, _PAGE) for row in page
            ]
            seekers = [
                (row.doc, row.held)
                async for page in documents.looking_seekers(tx, _PAGE)
                for row in page
            ]
            live = {
                (row.seeker_id, row.posting_id): row
                async for page in matches.live_matches(tx, _PAGE)
                for row in page
            }
            return Snapshot(model, postings, seekers, live)
    finally:
        await db.close()


async def verify(url: str, shard: Shard, *, processes: int = 1) -> Report:
    """Compare a shard with the oracle. processes: how many work it out; 1: this one."""
    started = time.perf_counter()
    stored = await read(url, shard)
    expected = await asyncio.to_thread(expected_of, stored, processes)
    differences = sorted(
        compared(stored.live, expected), key=lambda each: (each.posting_id, each.seeker_id)
    )
    return Report(
        shard=str(shard),
        model=stored.model.version,
        postings=len(stored.postings),
        seekers=len(stored.seekers),
        live_stored=len(stored.live),
        live_expected=len(expected),
        differences=len(differences),
        by_fault=dict(Counter(each.fault for each in differences)),
        seconds=round(time.perf_counter() - started, 1),
        first=differences[:FIRST],
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """A live pair as the oracle has it.

    told: digest of all that is to be said, by whether the pair is live for the posting: that is
    known only when the ranges are put together.
    """

    standing: Standing
    told: dict[bool, bytes]


def expected_of(stored: Snapshot, processes: int) -> dict[Pair, Expected]:
    """The oracle's live set of the stored documents."""
    whole = ranges(stored, processes)
    if processes == 1:
        parts = list(map(live_in, whole))
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            parts = list(pool.map(live_in, whole))
    return joined(parts, stored.model.limits.k_p)


def joined(parts: Iterable[dict[Pair, Expected]], k_p: int) -> dict[Pair, Expected]:
    """The live set of all seekers from those of ranges of seekers, each with all postings.

    A seeker's list is the same. A posting's best are among the best of each range: their merge, cut
    to K_p by score, then seeker.
    """
    found = {pair: live for part in parts for pair, live in part.items()}
    lists: defaultdict[PostingId, list[tuple[int, SeekerId]]] = defaultdict(list)
    for (seeker_id, posting_id), live in found.items():
        if live.standing.for_posting:
            lists[posting_id].append((-live.standing.score_ppm, seeker_id))
    best = {
        (seeker_id, posting_id)
        for posting_id, ranked in lists.items()
        for _, seeker_id in sorted(ranked)[:k_p]
    }
    return {
        pair: replace(live, standing=replace(live.standing, for_posting=pair in best))
        for pair, live in found.items()
        if live.standing.for_seeker or pair in best
    }


def compared(stored: dict[Pair, Announced], expected: dict[Pair, Expected]) -> Iterator[Difference]:
    """Each pair that differs, with what is wrong with it."""
    for pair in stored.keys() | expected.keys():
        said, live = stored.get(pair), expected.get(pair)
        fault = _fault(said, live)
        if fault is not None:
            yield Difference(
                fault,
                posting_id=str(pair[1]),
                seeker_id=str(pair[0]),
                stored=said.standing if said else None,
                expected=live.standing if live else None,
            )


def _fault(said: Announced | None, live: Expected | None) -> Fault | None:
    if said is None or said.standing is None:
        return "missing"
    if live is None:
        return "surplus"
    if said.standing.score_ppm != live.standing.score_ppm:
        return "score"
    if said.standing != live.standing:
        return "sides"
    return None if said.digest == live.told[live.standing.for_posting] else "reasons"


@dataclass(frozen=True, slots=True)
class Range:
    """Some seekers and all postings, as they can be sent to another process."""

    artefact: bytes
    postings: Sequence[Posting]
    seekers: Sequence[tuple[Seeker, tuple[HeldCertificate, ...]]]


def ranges(stored: Snapshot, count: int) -> Iterator[Range]:
    """The seekers in at least `count` ranges of a size that fits into memory."""
    fitting = _PAIRS_AT_ONCE // max(1, len(stored.postings))
    fair = -(-len(stored.seekers) // count)
    size = max(1, min(fitting, fair))
    artefact = stored.model.to_bytes()
    for start in range(0, len(stored.seekers), size):
        yield Range(artefact, stored.postings, stored.seekers[start : start + size])


def live_in(part: Range) -> dict[Pair, Expected]:
    """The oracle's answer for a range. Texts are read again: stored vectors are not trusted."""
    model = Model.from_bytes(part.artefact)
    documents_of = {posting.posting_id: posting for posting in part.postings}
    live = live_set(
        model.limits,
        [prepare_posting(model, posting) for posting in part.postings],
        [prepare_seeker(model, seeker, held) for seeker, held in part.seekers],
    )
    return {
        (seeker_id, posting_id): _expected(seeker_id, documents_of[posting_id], match, model)
        for (seeker_id, posting_id), match in live.items()
    }


def _expected(seeker_id: SeekerId, posting: Posting, match: LiveMatch, model: Model) -> Expected:
    said = state_of(seeker_id, posting, match, model.version)
    told = {
        listed: digest_of(said.model_copy(update={"for_posting": listed}))
        for listed in (False, True)
    }
    return Expected(Standing(match.score_ppm, match.for_seeker, match.for_posting), told)


def main() -> int:
    """Command line."""
    command = argparse.ArgumentParser(prog="python -m services.matcher.verify")
    command.description = "Compare the stored live matches of a shard with brute force."
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    command.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="how many work it out"
    )
    chosen = command.parse_args()
    settings = load(VerifySettings)
    try:
        report = asyncio.run(
            verify(
                settings.database_url.get_secret_value(),
                settings.shard,
                processes=max(1, chosen.processes),
            )
        )
    except (NothingToCheck, DatabaseUnavailable) as error:
        sys.stderr.write(f"verify: {error}\n")
        return 2
    sys.stdout.write(json.dumps(asdict(report)) + "\n" if chosen.json else in_words(report))
    return 0 if report.equal else 1


def in_words(report: Report) -> str:
    """The report as text."""
    lines = [
        f"shard {report.shard}, model {report.model}: "
        f"{report.postings:,} postings × {report.seekers:,} seekers in {report.seconds} s",
        f"live: {report.live_stored:,} stored, {report.live_expected:,} expected",
        "equal: pairs, scores, sides and reasons"
        if report.equal
        else f"NOT equal: {report.differences:,} differ "
        f"({', '.join(f'{count:,} {fault}' for fault, count in report.by_fault.items())})",
    ]
    lines += [
        f"  {each.fault}: posting {each.posting_id} seeker {each.seeker_id}: "
        f"stored {_told(each.stored)}, expected {_told(each.expected)}"
        for each in report.first
    ]
    return "\n".join(lines) + "\n"


def _told(standing: Standing | None) -> str:
    if standing is None:
        return "not live"
    sides = [
        side
        for side, listed in (("seeker", standing.for_seeker), ("posting", standing.for_posting))
        if listed
    ]
    return f"{standing.score_ppm} for {' and '.join(sides)}"


if __name__ == "__main__":
    sys.exit(main())
