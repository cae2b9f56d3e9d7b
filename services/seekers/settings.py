"""What the service reads from its environment, beside what every service does."""

from pydantic import Field

from services.kit.settings import ServiceSettings


class SeekersSettings(ServiceSettings):
    """Notifications, streams and webhooks of the seekers' door."""

    material_ppm: int = Field(
        50_000,
        ge=1,
        le=1_000_000,
        validation_alias="SEEKERS_MATERIAL_PPM",
        description="How much better a match must be than what was told last to be told again.",
    )
    streams_per_seeker: int = Field(
        5, ge=1, le=100, validation_alias="SEEKERS_STREAMS_PER_SEEKER", description="A process."
    )
    poll_s: float = Field(
        5.0,
        gt=0,
        validation_alias="SEEKERS_POLL_S",
        description="How long a stream may miss an entry whose notification was lost.",
    )
    feed_days: int = Field(
        30,
        ge=1,
        validation_alias="SEEKERS_FEED_DAYS",
        description="How long what was told, and its deliveries, are kept.",
    )
    webhook_allow_private: bool = Field(
        default=False,
        validation_alias="SEEKERS_WEBHOOK_ALLOW_PRIVATE",
        description="Let webhooks be http:// and within our network. For development alone.",
    )
    webhook_timeout_s: float = Field(5.0, gt=0, le=60, validation_alias="SEEKERS_WEBHOOK_TIMEOUT_S")
    webhook_tries: int = Field(
        8, ge=1, le=20, validation_alias="SEEKERS_WEBHOOK_TRIES", description="Then it is dead."
    )
    webhook_backoff_s: float = Field(
        5.0,
        gt=0,
        validation_alias="SEEKERS_WEBHOOK_BACKOFF_S",
        description="Pause after the first failure; four times as long after each further one.",
    )
