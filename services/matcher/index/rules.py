"""A name for the rules: all code and tables that can change a score or what is said of it.

What the rules are lives in `domain` and in `contracts.vocabulary`.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

_LIBRARIES = ("numba", "numpy", "opencc", "rapidfuzz")
_READ_BY_RULES = (
    ("services.matcher", ("domain", "announcing.py")),
    ("contracts", ("vocabulary", "values.py", "matches.py", "postings.py")),
)
_MADE_BESIDE = "__pycache__"


@cache
def rules_hash() -> str:
    """SHA-256 of all that scores and tells beside the model: our code and tables, the libraries.

    Where it changed, what is stored may no longer be what these rules lead to.
    """
    found = sha256()
    for library in _LIBRARIES:
        found.update(f"{library} {version(library)}\n".encode())
    found.update(f"unicode {unicodedata.unidata_version}\n".encode())
    for package, names in _READ_BY_RULES:
        for name in names:
            for path, content in _sources(files(package) / name, f"{package}/{name}"):
                found.update(f"{path} {sha256(content).hexdigest()}\n".encode())
    return found.hexdigest()


def _sources(entry: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    if entry.is_dir():
        for inner in sorted(entry.iterdir(), key=lambda each: each.name):
            if inner.name != _MADE_BESIDE:
                yield from _sources(inner, f"{path}/{inner.name}")
    else:
        yield path, entry.read_bytes().replace(b"\r\n", b"\n")
