"""
Which addresses links may reach, and what a host that is written as a number means.

Address ranges: IANA's special-purpose registries, as `ipaddress.is_global` has them, and what older versions of it let
through. Ways to write an IPv4 address: inet_aton(3), which resolvers follow, libraries in part.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA gives out as public; site-local addresses lie elsewhere
_NEVER = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # IANA's own, where one cloud keeps its metadata; global before Python 3.11.10
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's machine agent, at a public address
)


@dataclass(frozen=True)
class AddressPolicy:
    """
    Which addresses links may reach: public ones, and those excepted by host name or network.

    A host name in `allowed` excepts whatever that name resolves to.
    """

    allowed: Sequence[str] = ()
    _networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        networks = []
        for entry in self.allowed:
            with contextlib.suppress(ValueError):
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        object.__setattr__(self, "_networks", tuple(networks))

    def allows(self, host: str, address: str) -> bool:
        """Return whether a connection to `address`, which is what `host` resolved to, may be made."""
        if host.lower().rstrip(".") in {entry.lower() for entry in self.allowed}:
            return True
        found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        if any(found in network for network in self._networks if network.version == found.version):
            return True
        if any(found in network for network in _NEVER if network.version == found.version):
            return False
        if found.version == 6 and found not in _UNICAST:
            return False
        return found.is_global and not found.is_multicast and not found.is_reserved


def literal_address(host: str) -> Address | None:
    """
    Return the address that `host` is a spelling of, None where it is a name.

    Every spelling that a resolver may take for an address counts: octal, hexadecimal and shortened numbers, other digits than
    ours, percent signs, a final dot, brackets and zones.
    """
    plain = unicodedata.normalize("NFKC", unquote(host)).strip().strip("[]").rstrip(".").partition("%")[0]
    for dot in "\u3002\uff0e\uff61":  # what IDNA takes for a dot; RFC 3490, 3.1
        plain = plain.replace(dot, ".")
    digits = "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in plain)
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(digits)
    # inet_aton would take what stands behind a blank for nothing.
    if digits.isascii() and digits and not digits.count(" "):
        with contextlib.suppress(OSError):
            return ipaddress.IPv4Address(socket.inet_aton(digits))
    return None


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64), which is where the connection would end."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
