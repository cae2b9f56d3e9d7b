"""Configuration of the certificates service, from the environment.

What every service reads stands in kit.settings.
"""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from services.kit.settings import HttpUrl, ServiceSettings

SHORTEST_PEPPER = 32


class CertificatesSettings(ServiceSettings):
    """CERTIFICATES_PEPPER (or CERTIFICATES_PEPPER_FILE): the secret that keys all digests.

    At least 32 characters, made at random once and kept as long as the database: without it
    nothing in there can be found again.

    CERTIFICATES_CITY_ID: who signs the receipts, as other cities know this deployment.
    CERTIFICATES_PUBLIC_URL: where others reach it; stands in receipts and status lists, so that
    it must not change. Without it the address that the process listens on.
    CERTIFICATES_UNSIGNED_IMPORTS: whether operators may import what no issuer signed; for trials.
    CERTIFICATES_KEY_DAYS: how long a key signs before the next one takes over.
    CERTIFICATES_REPORT_DAYS: for how long what became of each line of an import is kept.

    CERTIFICATES_CITIES_PRIVATE: other cities may be at addresses that are not public, as in a
    network between the cities. CERTIFICATES_CITY_TIMEOUT_S: for an answer of one.
    CERTIFICATES_CITY_FRESH_S: for how long an answer is given again.
    CERTIFICATES_CITY_LISTS_INTERVAL_S: how often their status lists are read.
    CERTIFICATES_CITY_RETRY_S: the first pause before a silent city is asked again.
    CERTIFICATES_CITY_GIVE_UP_HOURS: for how long it is.

    CERTIFICATES_MISSES_PER_NUMBER: after so many misses in 24 h an asker gets no answer about that
    number. CERTIFICATES_MISSES_PER_HOUR (…_EMPLOYER, …_SEEKER, …_PARTNER, …_CITY): after so many
    in an hour, about none.
    """

    pepper: Annotated[SecretStr, Field(min_length=SHORTEST_PEPPER)] = Field(
        validation_alias="CERTIFICATES_PEPPER"
    )
    unsigned_imports: bool = Field(default=False, validation_alias="CERTIFICATES_UNSIGNED_IMPORTS")
    expiry_interval_s: float = Field(
        default=30.0, gt=0, le=3600, validation_alias="CERTIFICATES_EXPIRY_INTERVAL_S"
    )
    city_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = Field(
        default="local", validation_alias="CERTIFICATES_CITY_ID"
    )
    own_url: HttpUrl | None = Field(default=None, validation_alias="CERTIFICATES_PUBLIC_URL")
    key_days: float = Field(default=90.0, gt=0, le=3650, validation_alias="CERTIFICATES_KEY_DAYS")

    report_days: float = Field(
        default=90.0, gt=0, le=3650, validation_alias="CERTIFICATES_REPORT_DAYS"
    )

    cities_private: bool = Field(default=False, validation_alias="CERTIFICATES_CITIES_PRIVATE")
    city_timeout_s: float = Field(
        default=2.0, gt=0, le=30, validation_alias="CERTIFICATES_CITY_TIMEOUT_S"
    )
    city_fresh_s: float = Field(
        default=600.0, ge=0, le=86_400, validation_alias="CERTIFICATES_CITY_FRESH_S"
    )
    city_lists_interval_s: float = Field(
        default=60.0, gt=0, le=3600, validation_alias="CERTIFICATES_CITY_LISTS_INTERVAL_S"
    )
    city_retry_s: float = Field(
        default=2.0, gt=0, le=3600, validation_alias="CERTIFICATES_CITY_RETRY_S"
    )
    city_give_up_hours: float = Field(
        default=72.0, gt=0, le=8760, validation_alias="CERTIFICATES_CITY_GIVE_UP_HOURS"
    )

    misses_per_number: int = Field(
        default=5, ge=1, le=10_000, validation_alias="CERTIFICATES_MISSES_PER_NUMBER"
    )
    misses_per_hour: int = Field(
        default=50, ge=1, le=10_000_000, validation_alias="CERTIFICATES_MISSES_PER_HOUR"
    )
    misses_per_hour_employer: int = Field(
        default=20, ge=1, le=10_000_000, validation_alias="CERTIFICATES_MISSES_PER_HOUR_EMPLOYER"
    )
    misses_per_hour_seeker: int = Field(
        default=20, ge=1, le=10_000_000, validation_alias="CERTIFICATES_MISSES_PER_HOUR_SEEKER"
    )
    misses_per_hour_partner: int = Field(
        default=1_000, ge=1, le=10_000_000, validation_alias="CERTIFICATES_MISSES_PER_HOUR_PARTNER"
    )
    misses_per_hour_city: int = Field(
        default=5_000, ge=1, le=10_000_000, validation_alias="CERTIFICATES_MISSES_PER_HOUR_CITY"
    )

    @property
    def public_url(self) -> str:
        """http(s)://host[:port] without a slash at the end."""
        return (self.own_url or f"http://{self.host}:{self.port}").rstrip("/")
