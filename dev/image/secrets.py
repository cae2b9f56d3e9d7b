"""Makes the secrets of a compose project at its first start: `python -m dev.image.secrets DIR`."""

import secrets
import sys
from pathlib import Path
from urllib.parse import quote

SERVICES = ("postings", "seekers", "certificates", "matcher", "talent")
DATABASE = "postgres:5432"


def make(folder: Path) -> list[str]:
    """Write what is missing and return the names; what is there stays as it is.

    database_password, a database URL for each service, and the key under which the registry keeps
    its digests. The folder is a volume that only those who need it mount.
    """
    made = [
        name
        for name in ("database_password", "certificates_pepper")
        if _write(folder / name, secrets.token_urlsafe(32))
    ]
    password = (folder / "database_password").read_text(encoding="ascii")
    for service in SERVICES:
        url = f"postgresql://rengang:{quote(password)}@{DATABASE}/rengang_{service}"
        if _write(folder / f"{service}_database_url", url):
            made.append(f"{service}_database_url")
    return made


def _write(path: Path, text: str) -> bool:
    if path.exists():
        return False
    # Readable by all: the containers that mount it run as different users.
    path.write_text(text, encoding="ascii")
    path.chmod(0o444)
    return True


if __name__ == "__main__":
    sys.stdout.write(f"secrets made: {len(make(Path(sys.argv[1])))}\n")
