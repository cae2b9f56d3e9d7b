"""The index of a shard: the engine in memory, how it is built, and the documents it is told with.

What is written and announced when it changes does not live here.
"""

from services.matcher.index.index import Figures, Index, IndexNotReady
from services.matcher.index.making import ready_posting, ready_seeker
from services.matcher.index.rules import rules_hash

__all__ = ["Figures", "Index", "IndexNotReady", "ready_posting", "ready_seeker", "rules_hash"]
