"""Configuration of the talent service, from the environment.

What every service reads stands in kit.settings.
"""

from pydantic import Field

from services.kit.settings import ServiceSettings


class TalentSettings(ServiceSettings):
    """TALENT_K_P: how many of a posting's best are shown; must equal the matcher's MATCHER_K_P."""

    k_p: int = Field(default=30, ge=1, le=1000, validation_alias="TALENT_K_P")
