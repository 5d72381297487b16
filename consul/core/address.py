"""Where an agent listens: the forms in which people write it, and what follows from it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from consul.core.values import bracketed
from consul.core.values import port as port_or_none

#: Anything in 127.0.0.0/8, as a literal; a name like 127.example.com is not a loopback address.
_LOOPBACK = re.compile(r"127(\.\d+){3}")


class Address(NamedTuple):
    """One agent's address; with *socket* set it is a unix socket's, and the host is for show."""

    host: str = "127.0.0.1"
    port: int = 8500
    scheme: str = "http"
    #: Path in front of every request's, without a final slash.
    prefix: str = ""
    #: Path of a unix socket.
    socket: str | None = None

    @property
    def base_uri(self) -> str:
        """``scheme://host:port/prefix``, an IPv6 address in brackets."""
        if self.socket is not None:
            return f"http://localhost{self.prefix}"
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}{self.prefix}"

    @property
    def authority(self) -> str:
        """What the ``Host`` header of a request says."""
        if self.socket is not None:
            return "localhost"
        host = self.host if self.host.isascii() else self.host.encode("idna").decode("ascii")
        return f"{bracketed(host)}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether what goes there does not leave this machine."""
        host = self.host.strip("[]").lower()
        return (
            self.socket is not None
            or host in ("localhost", "::1")
            or _LOOPBACK.fullmatch(host) is not None
        )

    def __str__(self) -> str:
        return self.base_uri if self.socket is None else f"unix://{self.socket}"


class Given(NamedTuple):
    """What a text says of an address; None for what it does not say."""

    host: str | None = None
    port: int | None = None
    scheme: str | None = None
    prefix: str = ""
    socket: str | None = None


def parse(name: str, value: str) -> Given:
    """Host, host:port, a URL with a path or without, or ``unix:///path``; *name* is for errors.

    A port without a host, as in ``:8500``, is one of this machine, as in Consul's own tools.
    """
    value = value.strip()
    if not value:
        return Given()
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "", value
    elif scheme == "unix":
        if not rest.startswith("/") or "\0" in rest:
            raise ValueError(f"{name} must name a socket by its full path, like unix:///run/x.sock")
        return Given("localhost", None, "http", "", rest)
    elif scheme not in ("http", "https"):
        raise ValueError(f"{name} has a scheme that is not supported: {scheme!r}")
    place, slash, path = rest.partition("/")
    if place.count(":") > 1 and not any(mark in place for mark in "[]@"):
        place = f"[{place}]"
    found = _HOST_PORT.fullmatch(place) or _PORT.fullmatch(place)
    if found is None or "?" in path or "#" in path:
        # Not shown: before an @ there may be a password.
        raise ValueError(f"{name} must be host, host:port or a URL without user or query")
    literal, host, number = found.groups()
    if literal:
        from ipaddress import IPv6Address

        try:
            IPv6Address(literal)
        except ValueError as error:
            raise ValueError(f"{name} has a bad IPv6 address: {error}") from error
    return Given(
        (literal or host or "").lower() or None,
        port(f"the port in {name}", number) if number else None,
        scheme or None,
        quote((slash + path).rstrip("/"), safe="/%"),
    )


#: An IPv6 address, or a name as resolvers take them (non-ASCII ones too), and a port.
_HOST_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^\x00-\x20\x7f<>\"`{}|\\^/?#@:\[\]]+))(?::([0-9]*))?")
#: A port alone, in the third group as well.
_PORT = re.compile(r"()():([0-9]+)")


def port(name: str, value: object) -> int:
    """*value* as the port of an agent."""
    try:
        number = port_or_none(name, value)
    except TypeError:
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    except ValueError:
        number = 0
    if not number:
        raise ValueError(f"{name} must be a number from 1 to 65535: {value!r}")
    return number


def from_uri(uri: str) -> Address:
    """The address that an absolute *uri* names."""
    parts = parse("base_uri", uri)
    scheme = parts.scheme or "http"
    default = 443 if scheme == "https" else 80
    return Address(
        parts.host or "127.0.0.1", parts.port or default, scheme, parts.prefix, parts.socket
    )
