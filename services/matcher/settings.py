"""What the matcher reads from the environment, and which part of the market it keeps.

The limits of the live set and their defaults belong to the model.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from aiokafka.partitioner import murmur2
from pydantic import BeforeValidator, Field
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from contracts.topics import MODELS, PARTITIONS, POSTINGS, Topic
from contracts.values import PPM, SeekerId
from services.kit.settings import PostgresUrl, ServiceSettings

_SHARD = re.compile(r"(\d{1,3})/(\d{1,3})")
_MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `index` of `count`: all postings, and the seekers of every count-th partition."""

    index: int
    count: int

    def __post_init__(self) -> None:
        """Raises ValueError where there is no such shard."""
        if not 0 <= self.index < self.count <= PARTITIONS:
            raise ValueError(f"no shard {self}: must be i/n with 0 ≤ i < n ≤ {PARTITIONS}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def schema(self) -> str:
        """Where in the database it keeps its tables."""
        return f"shard_{self.index}_of_{self.count}"

    @property
    def group(self) -> str:
        """The consumer group that remembers how far it has read."""
        return f"rengang.matcher.{self.index}-of-{self.count}"

    def partitions(self, topic: Topic) -> range:
        """The partitions it reads: fixed, so that no rebalance moves a seeker."""
        if topic in (POSTINGS, MODELS):
            return range(topic.partitions)
        return range(self.index, topic.partitions, self.count)

    def owns(self, seeker_id: SeekerId) -> bool:
        """Whether the seeker's events lie in its partitions.

        As Kafka's producers place them (murmur2 of the key); `seekers` and `certificates` have as
        many partitions, and the same key.
        """
        place: int = (murmur2(str(seeker_id).encode()) & 0x7FFFFFFF) % PARTITIONS
        return place % self.count == self.index


def shard_of(text: Any) -> Any:
    """`i/n` as a Shard. Raises ValueError where it is none; passes other types on."""
    if not isinstance(text, str):
        return text
    parts = _SHARD.fullmatch(text.strip())
    if parts is None:
        raise ValueError("must be i/n, such as 0/1")
    return Shard(int(parts[1]), int(parts[2]))


ShardSetting = Annotated[
    Shard, NoDecode, BeforeValidator(shard_of), Field(validation_alias="MATCHER_SHARD")
]


class MatcherSettings(ServiceSettings):
    """The service. k_s, k_p, tau_ppm: in place of the stored model's own limits."""

    shard: ShardSetting = Shard(0, 1)
    k_s: Annotated[int | None, Field(ge=0, le=_MOST_LISTED)] = Field(
        default=None, validation_alias="MATCHER_K_S"
    )
    k_p: Annotated[int | None, Field(ge=0, le=_MOST_LISTED)] = Field(
        default=None, validation_alias="MATCHER_K_P"
    )
    tau_ppm: Annotated[int | None, Field(ge=0, le=PPM)] = Field(
        default=None, validation_alias="MATCHER_TAU_PPM"
    )

    @property
    def limits(self) -> dict[str, int]:
        """The limits that are set, by their names in the model."""
        given = {"k_s": self.k_s, "k_p": self.k_p, "tau_ppm": self.tau_ppm}
        return {name: value for name, value in given.items() if value is not None}


class FitSettings(BaseSettings):
    """What a model is fitted from: all shards of one database, so no shard is named."""

    model_config = SettingsConfigDict(
        env_prefix="RENGANG_", extra="ignore", frozen=True, populate_by_name=True
    )

    database_url: PostgresUrl

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As every service reads them: also `<NAME>_FILE`, and no .env."""
        return ServiceSettings.settings_customise_sources(settings_cls, *sources, **named)


class VerifySettings(FitSettings):
    """The check from outside: no more than where the data is."""

    shard: ShardSetting = Shard(0, 1)
