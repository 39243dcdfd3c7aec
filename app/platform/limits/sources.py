"""Where a request comes from: the one place that decides whose word to take for a network address."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from app.platform.vault.fingerprints import Fingerprints

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Who has one IPv6 address has the whole network around it.
IPV6_PREFIX = 64


class SourceResolver:
    """Finds the client's address and gives a keyed fingerprint of it, never the address."""

    def __init__(self, fingerprints: Fingerprints, trusted: Sequence[Network]) -> None:
        """Take the word of proxies in the networks `trusted`, and of nobody else."""
        self._fingerprints = fingerprints
        self._trusted = trusted

    def fingerprint(self, peer: str | None, forwarded: Sequence[str]) -> bytes:
        """The fingerprint of the client; `forwarded` are the X-Forwarded-For lines as they came."""
        return self._fingerprints.compute("source", source_network(self.client_address(peer, forwarded)))

    def client_address(self, peer: str | None, forwarded: Sequence[str]) -> Address | None:
        """The address of the client: the rightmost hop that is no trusted proxy; None behind a local socket.

        A hop is believed only while everybody to its right is trusted. What is no address ends the search at the
        proxy that passed it on: a client cannot choose where it is counted.
        """
        found = _parsed(peer or "")
        for hop in _hops(forwarded):
            if found is None or not self._trusts(found):
                break
            next_hop = _parsed(hop)
            if next_hop is None:
                break
            found = next_hop
        return found

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def source_network(address: Address | None) -> str:
    """What is counted as one source: an IPv4 address, an IPv6 network of 64 bits."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "")


def _hops(lines: Sequence[str]) -> Iterable[str]:
    return (hop.strip() for hop in reversed(",".join(lines).split(",")) if hop.strip())


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`."""
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
