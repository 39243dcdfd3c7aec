"""Client addresses: which X-Forwarded-For hops are trusted."""

from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from app.platform.limits.sources import SourceResolver, source_network
from app.platform.vault.fingerprints import Fingerprints

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]
SOURCES = SourceResolver(Fingerprints(bytes(32)), PROXIES)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("10.0.0.1", ["", " , "], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:ffff::1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("2001:db8:ffff::1", ["2001:db8::7"], "2001:db8::7"),
        ("fe80::1%eth0", [], "fe80::1%eth0"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_trusted_proxy(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert str(SOURCES.client_address(peer, forwarded)) == address


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_a_peer_without_an_address_is_one_source_and_its_word_is_not_taken(peer: str | None) -> None:
    assert SOURCES.client_address(peer, ["198.51.100.1"]) is None


def test_the_addresses_of_one_ipv6_network_are_one_source() -> None:
    first, same, other = (
        SOURCES.fingerprint(one, []) for one in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")
    )

    assert first == same != other


def test_the_fingerprint_of_a_source_does_not_contain_the_address() -> None:
    assert source_network(SOURCES.client_address("192.0.2.1", [])) == "192.0.2.1"
    assert b"192.0.2.1" not in SOURCES.fingerprint("192.0.2.1", [])


def test_a_proxy_that_nobody_declared_is_warned_of_once() -> None:
    undeclared = SourceResolver(Fingerprints(bytes(32)), ())

    with capture_logs() as logged:
        undeclared.fingerprint("10.0.0.1", [])
        assert logged == []
        for _ in range(2):
            undeclared.fingerprint("10.0.0.1", ["192.0.2.7"])
        SOURCES.fingerprint("10.0.0.1", ["192.0.2.7"])

    assert [(line["event"], line["setting"]) for line in logged] == [("proxy_not_trusted", "PATRON_TRUSTED_PROXIES")]
    assert "192.0.2.7" not in str(logged)
