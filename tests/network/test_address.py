"""Which addresses may be reached."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.network.address import (
    DENIED,
    Refused,
    check,
    in_ascii,
    objection,
    parse_allowed,
    parse_target,
)

FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.171", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("::ffff:0:169.254.169.254", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::808:808"),
    *("100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("ff02::1", "ff0e::1", "2606:4700::1%lo", "168.63.129.16", "::ffff:168.63.129.16"),
    *("2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1", "4000::1", "64:ff9a::1", "1::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.0.1"),
    *("172.32.0.1", "192.0.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    *("2002:808:808::1", "2606:4700::5efe:8.8.8.8", "168.63.129.17", "3ffe:ffff::1"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert objection(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_reached(address: str) -> None:
    assert objection(address) is None


@given(st.sampled_from(DENIED), st.data())
def test_every_address_of_a_denied_range_is_refused(
    network: IPv4Network | IPv6Network, data: st.DataObject
) -> None:
    low, high = int(network.network_address), int(network.broadcast_address)
    kind = IPv4Address if network.version == 4 else IPv6Address
    address = kind(data.draw(st.integers(low, high)))

    assert objection(str(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_disguise(plain: IPv4Address) -> None:
    number = int(plain)
    disguises = [
        IPv6Address((0xFFFF << 32) | number),  # mapped
        IPv6Address((0x64FF9B << 96) | number),  # NAT64
        IPv6Address((0x2002 << 112) | (number << 80)),  # 6to4
        IPv6Address((0x2606_4700 << 96) | (0x5EFE << 32) | number),  # ISATAP
    ]

    verdicts = {bool(objection(str(address))) for address in (plain, *disguises)}

    assert len(verdicts) == 1


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_refused(
    address: IPv4Address | IPv6Address,
) -> None:
    if ip_address(address).is_private and not str(address).startswith("2002:"):
        assert objection(str(address))


@given(st.text())
def test_no_text_breaks_the_rules(text: str) -> None:
    objection(text)
    try:
        target = parse_target(text)
    except Refused:
        return
    assert target.url.scheme in {"http", "https"}
    assert target.host


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "//example.org/", "ftp://example.org/", "file:///etc/passwd"),
        *("javascript:alert(1)", "data:text/html,hi", "http://", "http:///path"),
        *("http://user@example.org/", "http://user:word@example.org/", "http://a@b@c/"),
        *(
            "http://[::1",
            "http://exa mple.org/",
            "http://%5b/",
            "http://-/",
            "http://example.org:99999/",
        ),
        "http://example.org/" + "a" * 5000,
    ],
)
def test_an_address_of_another_sort_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        parse_target(url)


@given(st.text("hHtTpsS:/\\\\@#?%[].-_012789abfxX0。１１ß\t\n ;&=", max_size=30))
def test_other_parsers_read_the_same_host_and_port(text: str) -> None:
    for url in (f"http://{text}", f"https://{text}/", text):
        try:
            target = parse_target(url)
        except Refused:
            continue
        for spelled in (url.strip(), str(target.url)):
            parts = urlsplit(spelled)
            usual = 443 if parts.scheme == "https" else 80
            assert in_ascii(parts.hostname or "") == target.host
            assert (parts.port or usual) == target.port
            assert parts.username is None


def test_a_host_has_one_spelling() -> None:
    spellings = {
        "http://Example.ORG./": "example.org",
        "http://[0:0::1]/": "::1",
        "http://straße.test/": "xn--strae-oqa.test",
        "http://a。test/": "a.test",
        "http://127。0。0。1/": "127.0.0.1",
    }

    assert {url: parse_target(url).host for url in spellings} == spellings


def test_allowed_places_are_spelled_as_hosts_are() -> None:
    allowed = parse_allowed(["Straße.test:80", "[0::1]:90", "nas.local.:8080"])

    assert allowed == {("xn--strae-oqa.test", 80), ("::1", 90), ("nas.local", 8080)}


@pytest.mark.parametrize("port", ["0", "00", "65536", "99999999999"])
def test_a_port_that_there_is_not_is_refused(port: str) -> None:
    with pytest.raises(Refused):
        parse_target(f"http://example.org:{port}/")


def test_a_port_that_is_not_the_webs_is_refused() -> None:
    for url in ("http://example.org:22/", "https://example.org:8443/"):
        with pytest.raises(Refused, match="port"):
            check(parse_target(url), ["93.184.216.34"], frozenset())
    check(parse_target("http://example.org:443/"), ["93.184.216.34"], frozenset())


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    target = parse_target("http://example.org/")

    with pytest.raises(Refused, match=r"10\.0\.0\.8"):
        check(target, ["93.184.216.34", "10.0.0.8"], frozenset())


def test_an_allowed_pair_opens_that_host_and_port_and_no_other() -> None:
    allowed = parse_allowed(["127.0.0.1:9000", "[::1]:9000", "NAS.local:8080"])

    check(parse_target("http://127.0.0.1:9000/"), ["127.0.0.1"], allowed)
    check(parse_target("http://[::1]:9000/"), ["::1"], allowed)
    check(parse_target("http://localhost:9000/"), ["::1", "127.0.0.1"], allowed)
    check(parse_target("http://nas.local:8080/"), ["192.168.1.4"], allowed)
    for url, address in (
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://127.0.0.1:9001/", "127.0.0.1"),
        ("http://127.0.0.2:9000/", "127.0.0.2"),
        ("http://nas.local/", "192.168.1.4"),
    ):
        with pytest.raises(Refused):
            check(parse_target(url), [address], allowed)


@pytest.mark.parametrize("entry", ["", "localhost", ":80", "host:", "host:0", "host:99999", "a:b"])
def test_an_allowed_entry_must_be_host_and_port(entry: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_allowed([entry])
