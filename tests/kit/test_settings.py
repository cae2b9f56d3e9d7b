"""Settings from the environment and from files, and what is said when they are wrong."""

from pathlib import Path

import pytest
from pydantic import Field

from services.kit.settings import ServiceSettings, load, variables_of

PASSWORD = "correct-horse"
GOOD = {
    "RENGANG_PORT": "8101",
    "RENGANG_DATABASE_URL": f"postgresql://reng:{PASSWORD}@127.0.0.1:5432/rengang_sample",
    "RENGANG_KAFKA": "127.0.0.1:9092",
    "RENGANG_JWKS_URL": "http://127.0.0.1:8100/jwks",
    "RENGANG_ISSUER": "https://issuer.example",
}


class SampleSettings(ServiceSettings):
    shard: int = Field(default=0, ge=0, validation_alias="SAMPLE_SHARD")
    key: str = Field(default="", validation_alias="SAMPLE_KEY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in variables_of(SampleSettings):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        load(SampleSettings)
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert PASSWORD not in err
    return err


def test_the_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SAMPLE_SHARD", "3")
    settings = load(SampleSettings)
    assert settings.host == "127.0.0.1"
    assert settings.port == 8101
    assert settings.database_url.get_secret_value().endswith("/rengang_sample")
    assert settings.audience == "rengang"
    assert settings.log_level == "INFO"
    assert settings.shard == 3
    assert PASSWORD not in repr(settings)


@pytest.mark.parametrize("name", ["RENGANG_DATABASE_URL", "SAMPLE_KEY"])
def test_a_file_holds_the_value(environment: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://from-a-file\n", encoding="utf-8")
    environment.delenv(name, raising=False)
    environment.setenv(f"{name}_FILE", str(file))
    settings = load(SampleSettings)
    found = {"RENGANG_DATABASE_URL": settings.database_url.get_secret_value()}
    assert found.get(name, settings.key) == "postgresql://from-a-file"


def test_every_missing_value_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in GOOD:
        environment.delenv(name)
    said = complaint(capsys)
    for name in GOOD:
        assert f"{name} is not set" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RENGANG_PORT", "http"),
        ("RENGANG_PORT", "0"),
        ("RENGANG_PORT", "65536"),
        ("RENGANG_DATABASE_URL", ""),
        ("RENGANG_KAFKA", "localhost"),
        ("RENGANG_KAFKA", "a:1,,b:2"),
        ("RENGANG_JWKS_URL", "ftp://x"),
        ("RENGANG_ISSUER", ""),
        ("RENGANG_LOG_LEVEL", "LOUD"),
        ("SAMPLE_SHARD", "-1"),
    ],
)
def test_a_wrong_value_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert f"{name} is wrong: " in complaint(capsys)


def test_a_secret_is_never_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("RENGANG_KAFKA", f"{PASSWORD} in the wrong place")
    complaint(capsys)


def test_a_file_that_is_not_there_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("RENGANG_DATABASE_URL")
    environment.setenv("RENGANG_DATABASE_URL_FILE", str(tmp_path / "none"))
    assert "RENGANG_DATABASE_URL_FILE names" in complaint(capsys)
    (tmp_path / "none").write_bytes(b"\xff")
    assert "not UTF-8" in complaint(capsys)


def test_a_value_is_said_once(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("RENGANG_DATABASE_URL_FILE", str(tmp_path / "x"))
    assert "both set" in complaint(capsys)
