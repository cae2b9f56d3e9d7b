"""Where the running system is, and tokens to speak to it.

Settings in the environment come first; else the local stack says. What runs is not decided here.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import issuer
from dev.commands import places
from dev.commands.places import refuse
from dev.stack import state
from dev.stack.folder import DataFolder

__all__ = ["Reach", "refuse"]


@dataclass(frozen=True, slots=True)
class Reach:
    """The settings by which the system is reached: RENGANG_KAFKA, RENGANG_POSTINGS_URL, …"""

    settings: Mapping[str, str]

    @classmethod
    def found(cls, data: Path | None = None) -> "Reach":
        """What the local stack wrote down, with the environment's own settings before it."""
        given = {name: value for name, value in os.environ.items() if name.startswith("RENGANG_")}
        folder = DataFolder(data or Path(given.get("RENGANG_DATA", places.DEFAULT)))
        running = state.load(folder) if folder.is_ours and folder.in_use else None
        return cls((running.settings if running else {}) | given)

    @property
    def kafka(self) -> str:
        """host:port[,host:port]"""
        return self._setting("RENGANG_KAFKA")

    def url(self, service: str) -> str:
        """http://host:port of a service, without a slash at the end."""
        return self._setting(f"RENGANG_{service.upper()}_URL").rstrip("/")

    def token(self, role: str, subject: str) -> str:
        """RENGANG_TOKEN where it is set; else one of the local stack's issuer."""
        if "RENGANG_TOKEN" in self.settings:
            return self.settings["RENGANG_TOKEN"]
        return issuer.mint(DataFolder(Path(self._setting("RENGANG_DATA"))), role, subject)

    def _setting(self, name: str) -> str:
        if name not in self.settings:
            refuse(f"no stack runs here; start it with ./rengang up, or set {name}")
        return self.settings[name]
