"""Whether the secret is the one that the database was filled under.

The digests made with it stand in domain.digests.
"""

import hmac

from services.certificates.domain.digests import Pepper
from services.certificates.store import registry
from services.kit.database import Database


class PepperChanged(Exception):
    """Under another secret nothing in the database could be found any more."""


async def seal(db: Database, pepper: Pepper) -> None:
    """Tie an empty database to the secret, or check that it is tied to this one.

    Raises PepperChanged.
    """
    async with db.transaction() as tx:
        await registry.insert_seal(tx, pepper.seal())
        if not hmac.compare_digest(await registry.select_seal(tx), pepper.seal()):
            raise PepperChanged("CERTIFICATES_PEPPER is not the secret this database was filled by")
