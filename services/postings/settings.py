"""What the service reads from its environment, beside what every service does."""

from pydantic import Field

from services.kit.settings import ServiceSettings


class PostingsSettings(ServiceSettings):
    """How often postings are looked through for those whose time is over, and how many at once."""

    expiry_interval_s: float = Field(10.0, gt=0, validation_alias="POSTINGS_EXPIRY_INTERVAL_S")
    expiry_batch: int = Field(500, ge=1, le=10_000, validation_alias="POSTINGS_EXPIRY_BATCH")
