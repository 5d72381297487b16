"""Where the agent is and how to reach it: arguments, then the environment, then defaults.

Each field is decided on its own, as Consul's own tools do it, with two differences: an explicit
argument always wins, and a value that cannot be understood is an error that names it rather than
a silent fallback, because a mistyped ``CONSUL_HTTP_SSL_VERIFY`` must not switch verification off.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from consul import address as addresses
from consul import proxy as proxies
from consul import tls as tlses
from consul.address import Address
from consul.request import Limits
from consul.retry import Retry
from consul.tls import TLS, Cert
from consul.values import count, header, merged
from consul.version import __version__

if TYPE_CHECKING:
    from consul.exchange import Hook
    from consul.request import Timeout
    from consul.tls import Verify

TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))

#: Idle connections that a client keeps; there is no limit to those in use.  An agent's own is 200.
KEPT = 64


class Options(TypedDict, total=False):
    """The keywords that every client takes besides those with a position; see `Client`."""

    timeout: Timeout
    retry: Retry | bool | None
    server_name: str | None
    auth: str | tuple[str, str] | None
    ns: str | None
    partition: str | None
    headers: Mapping[str, str] | None
    proxy: str | None
    trust_env: bool | None
    compress: bool | None
    max_polls: int | None
    session: Any
    on_request: Hook | Sequence[Hook] | None
    on_response: Hook | Sequence[Hook] | None


class Config(NamedTuple):
    """Everything that is fixed when a client is made."""

    address: Address = Address()
    token: str | None = None
    tls: TLS = TLS()
    limits: Limits = Limits()
    ns: str | None = None
    partition: str | None = None
    #: Headers of every request, and what of them and of the proxy must not be shown.
    headers: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    proxy: str | None = None
    retry: Retry | None = None
    #: How many blocking queries may be open at a time; None for any number.
    max_polls: int | None = None
    #: The HTTP library's own client, brought by the user.
    session: Any = None
    on_request: tuple[Hook, ...] = ()
    on_response: tuple[Hook, ...] = ()

    def __repr__(self) -> str:
        return f"<Config of {self.address}>"


#: What a session that is passed in decides itself.
_SESSIONS = ("verify", "cert", "server_name", "proxy", "trust_env", "max_polls")


def resolve(
    host: str | None = None,
    port: int | str | None = None,
    token: str | None = None,
    scheme: str | None = None,
    verify: Verify | None = None,
    cert: Cert = None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The settings of a client; *options* are those of `Options`.

    Raises ValueError or TypeError naming the argument or variable that is wrong.
    """
    environ = os.environ if environ is None else environ
    options = options or {}
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword argument {', '.join(sorted(unknown))}")
    get = options.get
    session = get("session")
    if session is not None:
        given = {**options, "verify": verify, "cert": cert}
        for name in _SESSIONS:
            if given.get(name) is not None:
                raise ValueError(f"{name} cannot be given beside session, which decides it")
    address = _address(host, port, scheme, environ)
    token = _token(environ) if token is None else token
    if token:
        header("token", token)
    # An empty one is none, whatever the environment says.
    auth = None if get("auth") == "" else _auth(get("auth"), environ)
    proxy = get("proxy")
    if proxy is not None:
        proxy = proxies.check(proxy)
    trust_env = _truth("trust_env", get("trust_env"))
    if session is None and proxies.heeded(address, trust_env):
        proxy = proxy or proxies.from_environment(address, environ)
        if auth is None and get("auth") is None:
            auth = proxies.from_netrc(address, environ)
    headers, secrets = _headers(address, auth, get("headers"), get("compress"))
    return Config(
        address,
        token or None,
        # With a session the environment's settings do not count either.
        TLS() if session is not None else _tls(environ, verify, cert, get("server_name")),
        Limits.of(options["timeout"]) if "timeout" in options else Limits(),
        _name("ns", get("ns"), environ, "CONSUL_NAMESPACE"),
        _name("partition", get("partition"), environ, "CONSUL_PARTITION"),
        headers,
        secrets + proxies.secrets(proxy),
        proxy,
        _retry(options.get("retry", True)),
        None if get("max_polls") is None else count("max_polls", get("max_polls")),
        session,
        _hook("on_request", get("on_request")),
        _hook("on_response", get("on_response")),
    )


def _address(
    host: str | None, port: int | str | None, scheme: str | None, environ: Mapping[str, str]
) -> Address:
    found = addresses.parse("CONSUL_HTTP_ADDR", environ.get("CONSUL_HTTP_ADDR", ""))
    if scheme is not None and scheme not in ("http", "https"):
        raise ValueError(f"scheme must be 'http' or 'https': {scheme!r}")
    number = None if port is None else addresses.port("port", port)
    asked = scheme
    if host is not None:
        if not isinstance(host, str):
            raise TypeError(f"host must be str, not {host!r}")
        if not host.strip():
            raise ValueError(f"host must be a host name, address or URL: {host!r}")
        given = addresses.parse("host", host)
        for name, value, inside in (
            ("port", number, given.port),
            ("scheme", scheme, given.scheme),
        ):
            if value is not None and inside is not None and value != inside:
                raise ValueError(f"{name} is {value!r}, but host says {inside!r}: {host!r}")
        asked = asked or given.scheme
        # The port of another host says nothing about this one.
        found = given._replace(scheme=given.scheme or found.scheme)
    if found.socket is not None:
        if scheme == "https":
            raise ValueError("scheme must not be 'https' for a unix socket")
        if number is not None:
            raise ValueError("port has no meaning for a unix socket")
        return Address("localhost", 80, "http", "", found.socket)
    if asked is None:
        asked = found.scheme or "http"
        if boolean(environ, "CONSUL_HTTP_SSL", False):
            asked = "https"
    number = found.port if number is None else number
    return Address(
        found.host or "127.0.0.1", 8500 if number is None else number, asked, found.prefix
    )


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


def _auth(auth: object, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password for HTTP basic authentication."""
    name = "auth"
    if auth is None:
        name, auth = "CONSUL_HTTP_AUTH", environ.get("CONSUL_HTTP_AUTH") or None
    if auth is None:
        return None
    if isinstance(auth, str):
        user, _, password = auth.partition(":")
    elif isinstance(auth, (tuple, list)) and len(auth) == 2:
        user, password = auth
    else:
        raise TypeError("auth must be 'user:password' or (user, password)")
    if not (isinstance(user, str) and isinstance(password, str)):
        raise TypeError("auth must be 'user:password' or (user, password)")
    if ":" in user or not f"{user}{password}".isprintable():
        raise ValueError(f"{name} has characters that HTTP's basic authentication cannot carry")
    return user, password


def _headers(
    address: Address,
    auth: tuple[str, str] | None,
    more: Mapping[str, str] | None,
    compress: object,
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """What every request carries, and the secrets in it."""
    compress = _truth("compress", compress)
    if compress is None:
        # On this machine it costs more than it saves.
        compress = not address.local
    headers = {
        "User-Agent": f"python-consul/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip" if compress else "identity",
    }
    secrets: tuple[str, ...] = ()
    if auth is not None:
        encoded = b64encode(":".join(auth).encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"
        secrets = (encoded, auth[1])
    if more is not None and not isinstance(more, Mapping):
        raise TypeError(f"headers must be a mapping, not {type(more).__name__}")
    return merged(tuple(headers.items()), more or {}), secrets


def _tls(environ: Mapping[str, str], verify: Any, cert: Cert, server_name: str | None) -> TLS:
    if verify is None:
        verify = True
        if not boolean(environ, "CONSUL_HTTP_SSL_VERIFY", True):
            verify = False
        else:
            verify = environ.get("CONSUL_CACERT") or environ.get("CONSUL_CAPATH") or True
    if cert is None and isinstance(verify, (bool, str)):
        certificate, key = environ.get("CONSUL_CLIENT_CERT"), environ.get("CONSUL_CLIENT_KEY")
        if bool(certificate) != bool(key):
            raise ValueError("CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together")
        if certificate and key:
            cert = (certificate, key)
    if server_name is None:
        server_name = environ.get("CONSUL_TLS_SERVER_NAME") or None
        if server_name is not None:
            # Go's client cuts a port off.
            server_name = addresses.parse("CONSUL_TLS_SERVER_NAME", server_name).host
    return tlses.check(verify, cert, server_name)


def _name(name: str, value: object, environ: Mapping[str, str], variable: str) -> str | None:
    if value is None:
        return environ.get(variable) or None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {value!r}")
    return value or None


def _truth(name: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} must be True, False or None, not {value!r}")
    return value


def _retry(value: object) -> Retry | None:
    if value is None or value is False:
        return None
    if value is True:
        return Retry()
    if not isinstance(value, Retry):
        raise TypeError(f"retry must be a consul.Retry, True, False or None, not {value!r}")
    return value


def _hook(name: str, value: object) -> tuple[Hook, ...]:
    if value is None:
        return ()
    hooks = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    for hook in hooks:
        if not callable(hook):
            raise TypeError(f"{name} must be callable, or a list of callables, not {hook!r}")
    return hooks
