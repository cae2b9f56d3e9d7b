"""Which addresses are of the public internet, as IANA's special-purpose registries say."""

from ipaddress import IPv4Address, IPv6Address, ip_network

# Addresses of IPv6 that carry one of IPv4 inside, which is where the packet ends up.
_CARRIERS = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is of the public internet."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in carrier for carrier in _CARRIERS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
