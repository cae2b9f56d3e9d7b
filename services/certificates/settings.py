"""Configuration of the certificates service, from the environment.

What every service reads stands in kit.settings.
"""

from typing import Annotated

from pydantic import Field, SecretStr

from services.kit.settings import ServiceSettings

SHORTEST_PEPPER = 32


class CertificatesSettings(ServiceSettings):
    """CERTIFICATES_PEPPER (or CERTIFICATES_PEPPER_FILE): the secret that keys all digests.

    At least 32 characters, made at random once and kept as long as the database: without it
    nothing in there can be found again.
    """

    pepper: Annotated[SecretStr, Field(min_length=SHORTEST_PEPPER)] = Field(
        validation_alias="CERTIFICATES_PEPPER"
    )
    expiry_interval_s: float = Field(
        default=30.0, gt=0, le=3600, validation_alias="CERTIFICATES_EXPIRY_INTERVAL_S"
    )
