"""What an operator can set or watch is written down for operators."""

import re

import pytest

from dev.stack.folder import ROOT

OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
SERVICES = ("certificates", "matcher", "postings", "seekers", "talent")


@pytest.mark.parametrize("service", SERVICES)
def test_each_setting_of_a_service_is_explained(service: str) -> None:
    text = (ROOT / f"services/{service}/settings.py").read_text(encoding="utf-8")
    names = set(re.findall(rf'"({service.upper()}_[A-Z_]+)"', text))
    assert {name for name in names if f"`{name}`" not in OPERATIONS} == set()


def test_each_figure_that_is_explained_exists() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services").rglob("*.py"))
    for name in set(re.findall(r"`(rengang_[a-z_]+)`", OPERATIONS)):
        assert f'"{name}"' in code, name
