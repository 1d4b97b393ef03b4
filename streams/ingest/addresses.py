"""Which network addresses a stranger's URL may lead to: public ones only. Checked when the connection is made, on every hop.

A check of the URL alone would not do: a name may point anywhere, and to somewhere else a moment later.
"""

from __future__ import annotations

import ipaddress
import socket

#: What `ipaddress` calls global although it wraps or stands for an IPv4 address that may be private.
_WRAPPING = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10", "::ffff:0:0:0/96")
)
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class ForbiddenAddressError(OSError):
    """The address is not public. An OSError, so that the connector tries the host's next address."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not private, loopback, link-local, multicast, reserved or wrapped.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1"), is_public("64:ff9b::7f00:1")
    (True, False, False, False)
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _WRAPPING):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local)


def public_socket(info: AddressInfo) -> socket.socket:
    """A socket for a connection to the address in `info`; for aiohttp's connector.

    Raises:
        ForbiddenAddressError: if the address is not public.
    """
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise ForbiddenAddressError(f"{address[0]} is not a public address")
    return socket.socket(family, kind, protocol)
