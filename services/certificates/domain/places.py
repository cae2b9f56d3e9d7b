"""The order in which places in our status lists are given out: by chance, for whoever looks on.

How a list is packed and signed stands in statuslist.
"""

from collections import OrderedDict
from struct import unpack

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from services.certificates.domain.digests import Pepper
from services.certificates.domain.statuslist import PLACES

_KEPT_LISTS = 4


class PlaceOrder:
    """Place n of all, from 0, is in list n // PLACES, at a place that only the secret tells.

    Certificates that came in one after the other thus do not stand together: from a list nobody
    reads which were issued or revoked in one go.
    """

    def __init__(self, pepper: Pepper) -> None:
        self._key = pepper.key_for("order of status list places")
        self._orders: OrderedDict[int, list[int]] = OrderedDict()

    def places(self, first: int, count: int) -> list[tuple[int, int]]:
        """(list, index) of places first … first + count - 1; no two are alike."""
        return [
            (n // PLACES, self._order(n // PLACES)[n % PLACES]) for n in range(first, first + count)
        ]

    def _order(self, status_list: int) -> list[int]:
        order = self._orders.get(status_list)
        if order is None:
            order = self._orders[status_list] = self._drawn(status_list)
            while len(self._orders) > _KEPT_LISTS:
                self._orders.popitem(last=False)
        return order

    def _drawn(self, status_list: int) -> list[int]:
        """Every place once, sorted by a stream that nobody can tell from chance (AES-CTR)."""
        nonce = status_list.to_bytes(8, "big") + bytes(8)
        stream = Cipher(AES256(self._key), CTR(nonce)).encryptor()
        drawn = unpack(f">{PLACES}Q", stream.update(bytes(PLACES * 8)))
        return sorted(range(PLACES), key=drawn.__getitem__)
