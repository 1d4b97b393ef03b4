"""Which network addresses a stranger's URL may lead to. Checked when the connection is made, on every hop.

A check of the URL alone would not do: a name may point anywhere, and to somewhere else a moment later, and an address can be spelt
in many ways (`2130706433`, `0x7f.1`, `0177.0.0.1`, `[::ffff:127.0.0.1]`). What is looked at here is what the system made of it.
"""

from __future__ import annotations

import ipaddress
import socket

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part) for part in text.split())


#: Networks of one's own, for feeds that are allowed to stand in them: private use, loopback, those behind a carrier's NAT.
_PRIVATE = _networks("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 ::1/128 fc00::/7")
#: Where clouds keep the keys of their machines, in whatever network that stands (link-local ones are refused anyhow).
_METADATA = _networks("169.254.169.254/32 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32 fd00:ec2::254/128 fd20:ce::254/128")
#: What `ipaddress` calls global although it wraps, or leads to, an IPv4 address that may be private: NAT64, 6to4 and its relays,
#: Teredo, ISATAP's neighbours; and what stands for no host.
_WRAPPING = _networks(
    "64:ff9b::/96 64:ff9b:1::/48 2002::/16 192.88.99.0/24 2001::/32 ::/96 ::ffff:0:0:0/96 fec0::/10 3fff::/20 5f00::/16"
)  # fmt: skip
#: The only part of IPv6 that is given out to hosts on the internet.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class ForbiddenAddressError(OSError):
    """The address may not be reached. An OSError, so that the connector tries the host's next address."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not private, loopback, link-local, multicast, reserved or wrapped.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1"), is_public("64:ff9b::7f00:1")
    (True, False, False, False)
    """
    ip = _read(address)
    return ip is not None and _is_public(ip)


def is_public_or_private(address: str) -> bool:
    """The same for a feed that may stand in a private network: also private ranges and loopback, but nothing else.

    Link-local and metadata addresses, multicast, 0.0.0.0 and what wraps another address stay forbidden: no feed stands there.

    >>> is_public_or_private("192.168.1.7"), is_public_or_private("169.254.169.254"), is_public_or_private("fd00:ec2::254")
    (True, False, False)
    """
    ip = _read(address)
    if ip is None or _stands_in(ip, _METADATA):
        return False
    return _is_public(ip) or _stands_in(ip, _PRIVATE)


def public_socket(info: AddressInfo) -> socket.socket:
    """A socket for a connection to the address in `info`; for aiohttp's connector.

    Raises:
        ForbiddenAddressError: if the address is not public.
    """
    address = str(info[4][0])
    if not is_public(address):
        raise ForbiddenAddressError(f"{address} is not a public address")
    return _socket(info)


def public_or_private_socket(info: AddressInfo) -> socket.socket:
    """The same for a feed that may stand in a private network.

    Raises:
        ForbiddenAddressError: if the address is neither public nor private.
    """
    address = str(info[4][0])
    if not is_public_or_private(address):
        raise ForbiddenAddressError(f"{address} is neither a public nor a private address")
    return _socket(info)


def _socket(info: AddressInfo) -> socket.socket:
    family, kind, protocol, _, _ = info
    return socket.socket(family, kind, protocol)


def _read(address: str) -> IPAddress | None:
    # The address itself, out of its scope (`fe80::1%eth0`) and out of IPv6 where it is an IPv4 one.
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


def _is_public(ip: IPAddress) -> bool:
    if _stands_in(ip, _METADATA) or _stands_in(ip, _WRAPPING):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local)


def _stands_in(ip: IPAddress, networks: tuple[Network, ...]) -> bool:
    return any(ip in network for network in networks)
