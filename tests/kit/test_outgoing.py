"""Connections to hosts that somebody else named: all that a name resolves to is looked at."""

from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary.addresses import is_public
from services.kit.outgoing import AddressRefused, CheckedBackend

PUBLIC = "93.184.215.14"


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_in_any_spelling(address: Any) -> None:
    assert is_public(ip_address(f"::ffff:{address}")) == is_public(address)
    assert not is_public(ip_address(int(ip_address("64:ff9b::")) + int(address)))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "fc00::1", "::ffff:10.0.0.1", "2002::1"],
)
async def test_one_address_within_a_network_is_enough_to_refuse_all(address: str) -> None:
    assert is_public(ip_address(PUBLIC))

    async def resolve(host: str, port: int) -> list[str]:
        return [PUBLIC, address]

    with pytest.raises(AddressRefused):
        await CheckedBackend(resolve, allow_private=False).connect_tcp("a.example", 443)


async def test_a_name_without_an_address_is_not_reached() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return []

    with pytest.raises(httpcore.ConnectError):
        await CheckedBackend(resolve, allow_private=False).connect_tcp("a.example", 443)
