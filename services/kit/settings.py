"""Configuration from the environment: the fields every service has, secrets from files, load().

Fields of one service live in that service's own settings module.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, Field, SecretStr, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

Port = Annotated[int, Field(ge=1, le=65535)]
PostgresUrl = Annotated[SecretStr, Field(min_length=1)]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]
KafkaAddresses = Annotated[
    str, StringConstraints(pattern=r"^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$")
]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ServiceSettings(BaseSettings):
    """What every service reads: `RENGANG_<FIELD>`, or `RENGANG_<FIELD>_FILE` holding the value.

    A service adds its own fields in a subclass; a field with another prefix names it by
    `validation_alias="MATCHER_SHARD"`, and has its `MATCHER_SHARD_FILE` too.
    """

    model_config = SettingsConfigDict(
        env_prefix="RENGANG_", extra="ignore", frozen=True, populate_by_name=True
    )

    host: str = "127.0.0.1"
    port: Port
    database_url: PostgresUrl
    kafka: KafkaAddresses
    jwks_url: HttpUrl
    issuer: Annotated[str, StringConstraints(min_length=1)]
    audience: Annotated[str, StringConstraints(min_length=1)] = "rengang"
    log_level: LogLevel = "INFO"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # No .env: what a process runs with must be visible in its environment alone.
        return init_settings, env_settings, FileNamedInEnvironment(settings_cls)


class FileNamedInEnvironment(EnvSettingsSource):
    """Reads `<NAME>_FILE`: the value of NAME is that file's text, without its last line end.

    Source: the convention of the official container images (docker-library, `*_FILE`).
    """

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found: dict[str, str | None] = {}
        for name in variables_of(self.settings_cls):
            path = os.environ.get(f"{name}_FILE")
            if not path:
                continue
            if os.environ.get(name):
                raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
            try:
                text = Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                raise SettingsError(f"{name}_FILE names {path}: {reason}") from error
            found[name if self.case_sensitive else name.lower()] = text.rstrip("\r\n")
        return found


def variables_of(settings_class: type[BaseSettings]) -> list[str]:
    """The environment variables a settings class reads, in the order of its fields."""
    prefix = settings_class.model_config.get("env_prefix") or ""
    return [variable_of(prefix, name, field) for name, field in settings_class.model_fields.items()]


def variable_of(prefix: str, name: str, field: FieldInfo) -> str:
    """The environment variable of one field: its alias as it stands, or prefix and name."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else f"{prefix}{name}".upper()


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings, or say in one line on stderr what is wrong and exit with code 2."""
    try:
        return settings_class()
    except ValidationError as error:
        complaint = "; ".join(_complaints(settings_class, error))
    except SettingsError as error:
        complaint = str(error)
    sys.stderr.write(f"settings: {complaint}\n")
    raise SystemExit(2)


def _complaints(settings_class: type[BaseSettings], error: ValidationError) -> list[str]:
    prefix = settings_class.model_config.get("env_prefix") or ""
    fields = settings_class.model_fields
    said = []
    # Never the input: a mistyped database URL would put its password into the log.
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        where = str(fault["loc"][0]) if fault["loc"] else ""
        name = variable_of(prefix, where, fields[where]) if where in fields else where
        said.append(f"{name or 'settings'} {_in_words(fault['type'], fault['msg'])}")
    return said


def _in_words(kind: str, message: str) -> str:
    if kind == "missing":
        return "is not set"
    words: dict[str, Any] = {"value_error": message.removeprefix("Value error, ")}
    return f"is wrong: {words.get(kind, message[:1].lower() + message[1:])}"
