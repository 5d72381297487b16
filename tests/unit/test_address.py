"""The forms in which people write where an agent is."""

from __future__ import annotations

import pytest

from consul.core import address
from consul.core.address import Address, Given, parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", Given()),
        (" \n", Given()),
        ("h", Given("h")),
        (" h ", Given("h")),
        ("H.Example", Given("h.example")),
        ("10.0.0.1:1", Given("10.0.0.1", 1)),
        ("h:", Given("h")),
        # In Consul's tools a port alone is one of this machine.
        (":1", Given(None, 1)),
        ("http://:8500", Given(None, 8500, "http")),
        ("https://:1/p", Given(None, 1, "https", "/p")),
        ("h:1", Given("h", 1)),
        ("http://h", Given("h", None, "http")),
        ("https://h:65535", Given("h", 65535, "https")),
        ("https://h:1/", Given("h", 1, "https")),
        ("https://h/a/b/", Given("h", None, "https", "/a/b")),
        ("h:1/a:b c/é%20x", Given("h", 1, None, "/a%3Ab%20c/%C3%A9%20x")),
        ("::1", Given("::1")),
        ("[::1]", Given("::1")),
        ("[::1]:1", Given("::1", 1)),
        ("http://::1/p", Given("::1", None, "http", "/p")),
        ("http://[2001:db8::1]:1/p", Given("2001:db8::1", 1, "http", "/p")),
        ("[fe80::1%eth0]:1", Given("fe80::1%eth0", 1)),
        ("bücher.example", Given("bücher.example")),
        ("unix:///run/x.sock", Given("localhost", None, "http", "", "/run/x.sock")),
        ("unix:///a b?c", Given("localhost", None, "http", "", "/a b?c")),
    ],
)
def test_parse(value, expected):
    assert parse("x", value) == expected


BAD = [
    "ftp://h",
    "HTTP://h",
    "://h",
    "http://",
    "http:///path",
    "unix://",
    "unix://run/x",
    "unix:///a\0b",
    ":",
    "http://:",
    ":x",
    "h:x",
    "h:-1",
    "h:0",
    "h:65536",
    "h:\u0663",
    "a:b:c",
    "[::1",
    "x[::1]:1",
    "[h]:1",
    "u@h",
    "h?q",
    "h#f",
    "a b",
    "a\\b",
    "<h>",
]


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_address_is_named(value):
    with pytest.raises(ValueError, match=r"\bthe thing\b"):
        parse("the thing", value)


@pytest.mark.parametrize("value", ["[::1]x", "[::1]x:1", "::1]"])
def test_junk_beside_brackets(value):
    with pytest.raises(ValueError, match=r"\bthe thing\b"):
        parse("the thing", value)


SECRET = "s3cret"


@pytest.mark.parametrize(
    "value",
    [
        f"u:{SECRET}@h",
        f"http://u:{SECRET}@h",
        f"h?token={SECRET}",
        f"h#{SECRET}",
        f"https://{SECRET}@h:8500/p",
        f"http://u:{SECRET}@h:8500",
        f"u:{SECRET}@h:x",
        f"http://u:{SECRET}@[::1]:8500",
        f"http://h:{SECRET}",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_shown(value):
    with pytest.raises(ValueError, match=r"^the thing ") as caught:
        parse("the thing", value)
    shown = [repr(error) for error in (caught.value, caught.value.__cause__)]
    assert SECRET not in "".join(shown)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), ("8500", 8500), (65535, 65535)])
def test_port(value, expected):
    assert address.port("port", value) == expected


@pytest.mark.parametrize(
    "value", [0, -1, 65536, "0", "", "x", "1.5", "http", " 80", "+80", "8_0", "\u0668", "9" * 5000]
)
def test_ports_that_make_no_sense(value):
    with pytest.raises(ValueError, match=r"^the port must be "):
        address.port("the port", value)


@pytest.mark.parametrize("value", [None, True, 1.0, b"1", [1]])
def test_ports_of_another_type(value):
    with pytest.raises(TypeError, match=r"^the port must be a number"):
        address.port("the port", value)


@pytest.mark.parametrize(
    ("place", "uri", "shown"),
    [
        (Address(), "http://127.0.0.1:8500", None),
        (Address("h", 1, "https", "/p"), "https://h:1/p", None),
        (Address("::1", 1), "http://[::1]:1", None),
        (Address("[::1]", 1), "http://[::1]:1", None),
        (Address("localhost", 80, socket="/run/x"), "http://localhost", "unix:///run/x"),
    ],
)
def test_base_uri(place, uri, shown):
    assert place.base_uri == uri
    assert str(place) == (shown or uri)


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"]
)
def test_local(host):
    assert Address(host).local


@pytest.mark.parametrize(
    "host",
    [
        "127.example.com",
        "127.0.0.1.example",
        "localhost.example",
        "128.0.0.1",
        "0.0.0.0",
        "::2",
        "h",
    ],
)
def test_not_local(host):
    assert not Address(host).local


def test_a_socket_is_local_whatever_its_host():
    assert Address("h", socket="/x").local


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://h:1/p/", Address("h", 1, "http", "/p")),
        ("http://h", Address("h", 80, "http")),
        ("https://h", Address("h", 443, "https")),
        ("https://[::1]:1", Address("::1", 1, "https")),
        ("h:1", Address("h", 1, "http")),
    ],
)
def test_the_address_of_a_base_uri(uri, expected):
    assert address.from_uri(uri) == expected


def test_the_address_of_a_sockets_base_uri():
    assert address.from_uri("unix:///run/x").socket == "/run/x"


def test_a_base_uri_that_makes_no_sense():
    with pytest.raises(ValueError, match=r"^base_uri "):
        address.from_uri("ftp://h")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address("h", 1), "h:1"),
        (Address("::1", 1), "[::1]:1"),
        (Address("bücher.example", 80), "xn--bcher-kva.example:80"),
        (Address("localhost", 80, socket="/run/c.sock"), "localhost"),
    ],
)
def test_authority(address, expected):
    assert address.authority == expected
