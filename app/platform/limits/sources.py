"""Client addresses: decides which X-Forwarded-For hops to trust, and fingerprints the result."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import structlog

from app.platform.vault.fingerprints import Fingerprints

log = structlog.get_logger(__name__)
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Whoever has one IPv6 address usually has its whole /64.
IPV6_PREFIX = 64


class SourceResolver:
    """Finds the client's address and returns a keyed fingerprint of it, never the address."""

    def __init__(self, fingerprints: Fingerprints, trusted: Sequence[Network]) -> None:
        """Trust the headers of proxies in the networks `trusted`, and of nobody else."""
        self._fingerprints = fingerprints
        self._trusted = trusted
        self._warned = False

    def fingerprint(self, peer: str | None, forwarded: Sequence[str]) -> bytes:
        """The fingerprint of the client; `forwarded` are the X-Forwarded-For lines as received."""
        if forwarded and not self._trusted and not self._warned:
            self._warned = True
            # Once: anybody can send the header, but who runs a proxy must learn that all customers share one limit.
            log.warning("proxy_not_trusted", header="X-Forwarded-For", setting="PATRON_TRUSTED_PROXIES")
        return self._fingerprints.compute("source", source_network(self.client_address(peer, forwarded)))

    def client_address(self, peer: str | None, forwarded: Sequence[str]) -> Address | None:
        """The client's address: the rightmost hop that is not a trusted proxy; None behind a local socket.

        A hop counts only while all hops to its right are trusted. A value that is not an address ends the search at the
        proxy that passed it on, so a client cannot choose the address it is counted under.
        """
        address = _parsed(peer or "")
        for hop in _hops(forwarded):
            if address is None or not self._trusts(address):
                break
            next_hop = _parsed(hop)
            if next_hop is None:
                break
            address = next_hop
        return address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def source_network(address: Address | None) -> str:
    """What counts as one source: an IPv4 address, or an IPv6 network of 64 bits."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "")


def _hops(lines: Sequence[str]) -> Iterable[str]:
    return (hop.strip() for hop in reversed(",".join(lines).split(",")) if hop.strip())


def _parsed(text: str) -> Address | None:
    """Parse an address as proxies write it: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
