"""Who is measured beside ours, and in which runs.

What each does lives in its module of `bench.contenders`; only those asked for are imported.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

from bench.contenders.contender import Contender

Peer = Callable[[], Contender]

_TANTIVY = ("bench.contenders.tantivy_text", "Tantivy")
_SCAN = ("bench.contenders.scan", "Scan")
_EXHAUSTIVE = ("bench.contenders.exhaustive", "Exhaustive")
_BM25S = ("bench.contenders.bm25s_text", "Bm25s")

QUICK = (_TANTIVY, _SCAN)
ON_THE_WAY = (_TANTIVY, _EXHAUSTIVE, _BM25S, _SCAN)
"""At the smaller sizes: without those that take many seconds for an answer."""

ALL = (
    *ON_THE_WAY,
    ("bench.contenders.scan", "Refitting"),
    ("bench.contenders.postgres_text", "PostgresText"),
)


def found(wanted: Sequence[tuple[str, str]]) -> tuple[list[Peer], list[str]]:
    """The peers that are installed, and the packages that are missing for others."""
    peers: list[Peer] = []
    missing: list[str] = []
    for module, name in wanted:
        try:
            peers.append(getattr(import_module(module), name))
        except ModuleNotFoundError as error:
            missing.append(error.name or module)
    return peers, missing
