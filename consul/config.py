"""Where the agent is and how to reach it: arguments, then the environment, then defaults.

Each field is decided on its own, as Consul's own tools do it, with two differences: an explicit
argument always wins, and a value that cannot be understood is an error that names it rather than
a silent fallback, because a mistyped ``CONSUL_HTTP_SSL_VERIFY`` must not switch verification off.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from consul.request import Limits, bracketed, header

if TYPE_CHECKING:
    import ssl

Cert = str | tuple[str, str] | None

TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))

#: The default of arguments for which None has a meaning.
UNSET: Any = object()


class TLS(NamedTuple):
    """How a client checks the server and shows itself, as plain values."""

    #: True for the system's authorities, a CA file or folder, False for no check at all.
    verify: bool | str = True
    #: File with certificate and key, or (certificate, key).
    cert: Cert = None

    def context(self) -> ssl.SSLContext:
        """An ``ssl.SSLContext`` of these settings."""
        import ssl

        if self.verify is True:
            context = ssl.create_default_context()
        elif self.verify is False:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif os.path.isdir(self.verify):
            context = ssl.create_default_context(capath=self.verify)
        else:
            context = ssl.create_default_context(cafile=self.verify)
        if isinstance(self.cert, str):
            context.load_cert_chain(self.cert)
        elif self.cert is not None:
            context.load_cert_chain(*self.cert)
        return context


class Config(NamedTuple):
    """Everything that is fixed when a client is made."""

    host: str
    port: int
    scheme: str
    prefix: str
    token: str | None
    tls: TLS
    limits: Limits


def base_uri(host: str, port: int, scheme: str, prefix: str = "") -> str:
    """``scheme://host:port/prefix``, an IPv6 address in brackets."""
    return f"{scheme}://{bracketed(host)}:{port}{prefix}"


def resolve(
    host: str | None = None,
    port: int | str | None = None,
    token: str | None = None,
    scheme: str | None = None,
    verify: bool | str | None = None,
    cert: Cert = None,
    timeout: Any = UNSET,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The settings of a client; raises ValueError or TypeError naming what is wrong."""
    environ = os.environ if environ is None else environ
    address = _address(environ.get("CONSUL_HTTP_ADDR", ""))
    prefix = ""
    if host is None:
        host, prefix = address.host or "127.0.0.1", address.prefix
    elif not isinstance(host, str):
        raise TypeError(f"host must be str, not {host!r}")
    elif not host or "/" in host:
        raise ValueError(f"host must be a host name or address: {host!r}")
    else:
        # The port of another host says nothing about this one.
        address = address._replace(port=None)
    if scheme is None:
        scheme = address.scheme or "http"
        if boolean(environ, "CONSUL_HTTP_SSL", False):
            scheme = "https"
    elif scheme not in ("http", "https"):
        raise ValueError(f"scheme must be 'http' or 'https': {scheme!r}")
    number = address.port if port is None else _port("port", port)
    if token is None:
        token = _token(environ)
    elif token:
        header("token", token)
    return Config(
        host,
        8500 if number is None else number,
        scheme,
        prefix,
        token or None,
        _tls(environ, verify, cert),
        Limits() if timeout is UNSET else Limits.of(timeout),
    )


class _Address(NamedTuple):
    host: str | None
    port: int | None
    scheme: str | None
    prefix: str


def _address(value: str) -> _Address:
    """The parts of CONSUL_HTTP_ADDR: host, host:port or a URL, with a path prefix or not."""
    value = value.strip()
    if not value:
        return _Address(None, None, None, "")
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "", value
    elif scheme not in ("http", "https"):
        raise ValueError(f"CONSUL_HTTP_ADDR has a scheme that is not supported: {scheme!r}")
    place, slash, path = rest.partition("/")
    if place.count(":") > 1 and not place.startswith("["):
        place = f"[{place}]"
    try:
        parts = urlsplit(f"//{place}{slash}{path}")
        host, port = parts.hostname, parts.port
        if host and ":" in host:
            # Python checks the brackets' content only since 3.11.4.
            IPv6Address(host)
    except ValueError as error:
        raise ValueError(f"CONSUL_HTTP_ADDR has a bad host or port: {error}") from error
    if port is not None:
        port = _port("the port in CONSUL_HTTP_ADDR", port)
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("CONSUL_HTTP_ADDR must be host, host:port or a URL without user or query")
    return _Address(host, port, scheme or None, quote(parts.path.rstrip("/"), safe="/%"))


def _port(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = int(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a number: {value!r}") from error
    if not 0 < number < 65536:
        raise ValueError(f"{name} must be from 1 to 65535: {value!r}")
    return number


def boolean(environ: Mapping[str, str], name: str, default: bool) -> bool:
    """The truth value of a variable as Go reads it; an empty one counts as absent."""
    value = environ.get(name, "")
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ValueError(f"{name} must be true or false (1, t, true, 0, f, false): {value!r}")


def _token(environ: Mapping[str, str]) -> str | None:
    path = environ.get("CONSUL_HTTP_TOKEN_FILE")
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                token = file.read().strip()
        except OSError as error:
            raise ValueError(f"CONSUL_HTTP_TOKEN_FILE cannot be read: {error}") from error
        except UnicodeDecodeError:
            # Not chained: that error has the content.
            raise ValueError("CONSUL_HTTP_TOKEN_FILE is not a text in UTF-8") from None
        if token:
            return header("the token in CONSUL_HTTP_TOKEN_FILE", token)
    token = environ.get("CONSUL_HTTP_TOKEN", "").strip()
    return header("CONSUL_HTTP_TOKEN", token) if token else None


def _tls(environ: Mapping[str, str], verify: bool | str | None, cert: Cert) -> TLS:
    if verify is None:
        verify = True
        if not boolean(environ, "CONSUL_HTTP_SSL_VERIFY", True):
            verify = False
        else:
            verify = environ.get("CONSUL_CACERT") or environ.get("CONSUL_CAPATH") or True
    elif not isinstance(verify, (bool, str)):
        raise TypeError(f"verify must be True, False or a path, not {verify!r}")
    elif verify == "":
        raise ValueError("verify must not be empty; say True or False, or name a CA file or folder")
    if cert is None:
        certificate, key = environ.get("CONSUL_CLIENT_CERT"), environ.get("CONSUL_CLIENT_KEY")
        if bool(certificate) != bool(key):
            raise ValueError("CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together")
        if certificate and key:
            cert = (certificate, key)
    elif isinstance(cert, (tuple, list)):
        if len(cert) != 2:
            raise ValueError("cert must be a path or (certificate, key)")
        cert = (cert[0], cert[1])
    elif not isinstance(cert, str):
        raise TypeError(f"cert must be a path or (certificate, key), not {type(cert).__name__}")
    return TLS(verify, cert)
