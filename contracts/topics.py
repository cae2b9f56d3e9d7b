"""The topics of the bus: their names, keys, partitions and how long they keep."""

from dataclasses import dataclass

PARTITIONS = 24
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is provisioned; never auto-created.

    key: what a record's key names. compacted: the last event of a key is kept for ever, so it must
    carry the whole state of that key. retention_ms: how long a record is kept where not compacted.
    """

    name: str
    key: str
    compacted: bool = False
    partitions: int = PARTITIONS
    retention_ms: int = 30 * _DAY_MS

    @property
    def dead(self) -> "Topic":
        """Where a record goes that no retry can help, with its reason."""
        return Topic(f"{self.name}.dead", self.key, partitions=1, retention_ms=90 * _DAY_MS)

    @property
    def replay(self) -> "Topic":
        """Where a parked record comes back, for the one group that parked it.

        Not the topic itself: an old version put behind a newer one would be what compaction keeps.
        """
        return Topic(f"{self.name}.replay", self.key, partitions=1)

    def config(self) -> dict[str, str]:
        """Topic settings in Kafka's own names."""
        if self.compacted:
            return {"cleanup.policy": "compact"}
        settings = {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        if self.name.endswith((".dead", ".replay")):
            # Whatever fitted into a topic must fit here with its reason.
            settings["max.message.bytes"] = "4194304"
        return settings


POSTINGS = Topic("rengang.postings", key="posting id", compacted=True)
SEEKERS = Topic("rengang.seekers", key="seeker id", compacted=True)
CERTIFICATES = Topic("rengang.certificates", key="seeker id", compacted=True)
MATCHES = Topic("rengang.matches", key="seeker id")
OUTCOMES = Topic("rengang.outcomes", key="seeker id")
# One key, so that every reader hears the choices in one order, and the last of them for ever.
MODELS = Topic("rengang.models", key="the word model", compacted=True)
VERIFICATIONS = Topic("rengang.verifications", key="receipt number")

TOPICS = (POSTINGS, SEEKERS, CERTIFICATES, MATCHES, OUTCOMES, MODELS, VERIFICATIONS)


def provisioned() -> tuple[Topic, ...]:
    """Every topic there is, with the dead and the replay side of each."""
    return tuple(side for topic in TOPICS for side in (topic, topic.dead, topic.replay))
