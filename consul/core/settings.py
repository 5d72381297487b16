"""The settings of a client: arguments first, then the environment, then defaults.

Consul's own tools decide each setting like this, with two differences.  An explicit argument always
wins over the environment.  A value that cannot be understood is an error that names it, never a
silent fallback: a mistyped ``CONSUL_HTTP_SSL_VERIFY`` must not switch verification off.

To add a setting, add a line to `Options` and one to `Settings`, and read it in `resolve`.  Nothing
outside of this module handles settings one by one.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar

from consul.core import address as addresses
from consul.core import proxy as proxies
from consul.core import tls as tlses
from consul.core.address import Address
from consul.core.limits import Limits
from consul.core.request import SHORTEST_SECRET
from consul.core.retry import Retry
from consul.core.tls import TLS, Cert
from consul.core.values import (
    FALSE,
    TRUE,
    at_least_one,
    check_consistency,
    header,
    text,
    with_headers,
)
from consul.version import __version__

if TYPE_CHECKING:
    from consul.core.hooks import Hook
    from consul.core.limits import Timeout
    from consul.core.tls import Verify

#: Idle connections that a client keeps.  Connections in use have no limit here; an agent accepts
#: 200 per address, idle ones included.
MAX_IDLE_CONNECTIONS = 64


class Options(TypedDict, total=False):
    """The keyword-only arguments of a client, described in `consul.base.Consul`."""

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
    workers: int | None
    loop: object
    session: Any
    on_request: Hook | Sequence[Hook] | None
    on_response: Hook | Sequence[Hook] | None


class Settings(NamedTuple):
    """All settings of a client; an assignment to the client replaces the whole object."""

    address: Address = Address()
    token: str | None = None
    consistency: str = "default"
    dc: str | None = None
    tls: TLS = TLS()
    limits: Limits = Limits()
    ns: str | None = None
    partition: str | None = None
    #: Headers of every request.
    headers: tuple[tuple[str, str], ...] = ()
    #: Parts of the headers and of the proxy's URL that must never be shown.
    secrets: tuple[str, ...] = ()
    proxy: str | None = None
    retry: Retry | None = None
    #: How many blocking queries may be open at a time; None for any number.
    max_polls: int | None = None
    #: How many threads run plain calls (`consul.threads`).
    workers: int = 16
    #: A client of the HTTP library, given by the user.
    session: Any = None
    on_request: tuple[Hook, ...] = ()
    on_response: tuple[Hook, ...] = ()

    def with_address(
        self, host: str, port: int | str, scheme: str, verify: Verify, cert: Cert
    ) -> Settings:
        """These settings with python-consul's five arguments of an HTTP client in their place."""
        number = addresses.port("port", port)
        # A host given as text may have the brackets of an IPv6 address.
        address = Address(host.strip("[]"), number, scheme, self.address.prefix)
        if address[:3] == self.address[:3]:
            # A unix socket is not among the five.
            address = self.address
        tls = tlses.check(verify, cert, self.tls.server_name)
        return self._replace(address=address, tls=tls)

    def __repr__(self) -> str:
        return f"<Settings of a client of {self.address}>"


#: Settings that a session given by the user decides itself.
_DECIDED_BY_SESSION = ("verify", "cert", "server_name", "proxy", "trust_env", "max_polls")


def resolve(
    host: str | None = None,
    port: int | str | None = None,
    token: str | None = None,
    scheme: str | None = None,
    consistency: str | None = None,
    dc: str | None = None,
    verify: Verify | None = None,
    cert: Cert = None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
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
        for name in _DECIDED_BY_SESSION:
            if given.get(name) is not None:
                raise ValueError(f"{name} cannot be given beside session, which decides it")
    address = _address(host, port, scheme, environ)
    token = _token(environ) if token is None else token
    if token:
        token = header("token", token)
    # An empty text means no authentication, whatever the environment says.
    auth = None if get("auth") == "" else _auth(get("auth"), environ)
    proxy = get("proxy")
    if proxy is not None:
        proxy = proxies.check(proxy)
    trust_env = _optional_bool("trust_env", get("trust_env"))
    if session is None and proxies.environment_counts(address, trust_env):
        proxy = proxy or proxies.from_environment(address, environ)
        if auth is None and get("auth") is None:
            auth = proxies.from_netrc(address, environ)
    headers, secrets = _headers(address, auth, get("headers"), get("compress"))
    return Settings(
        address=address,
        token=token or None,
        consistency=check_consistency("default" if consistency is None else consistency),
        dc=dc,
        # With a session the environment says nothing about TLS either.
        tls=TLS() if session is not None else _tls(environ, verify, cert, get("server_name")),
        limits=Limits.of(options["timeout"]) if "timeout" in options else Limits(),
        ns=_name("ns", get("ns"), environ, "CONSUL_NAMESPACE"),
        partition=_name("partition", get("partition"), environ, "CONSUL_PARTITION"),
        headers=headers,
        secrets=tuple(
            secret for secret in secrets + proxies.secrets(proxy) if len(secret) >= SHORTEST_SECRET
        ),
        proxy=proxy,
        retry=_retry(options.get("retry", True)),
        max_polls=_at_least_one("max_polls", get("max_polls"), None),
        workers=_at_least_one("workers", get("workers"), Settings().workers),
        session=session,
        on_request=_hook("on_request", get("on_request")),
        on_response=_hook("on_response", get("on_response")),
    )


N = TypeVar("N")


def _at_least_one(name: str, value: object, default: N) -> int | N:
    return default if value is None else at_least_one(name, value)


def _address(
    host: str | None, port: int | str | None, scheme: str | None, environ: Mapping[str, str]
) -> Address:
    """A host names another agent, so that the variable does not count; port and scheme alone
    change that part of the variable's value."""
    if scheme is not None and scheme not in ("http", "https"):
        raise ValueError(f"scheme must be 'http' or 'https': {scheme!r}")
    number = None if port is None else addresses.port("port", port)
    if host is None:
        found = addresses.parse("CONSUL_HTTP_ADDR", environ.get("CONSUL_HTTP_ADDR", ""))
        asked = scheme
    else:
        host = text("host", host)
        if not host.strip():
            raise ValueError(f"host must be a host name, address or URL: {host!r}")
        found = addresses.parse("host", host)
        for name, value, inside in (
            ("port", number, found.port),
            ("scheme", scheme, found.scheme),
        ):
            if value is not None and inside is not None and value != inside:
                raise ValueError(f"{name} is {value!r}, but host says {inside!r}: {host!r}")
        asked = scheme or found.scheme
    if found.socket is not None:
        if scheme == "https":
            raise ValueError("scheme must not be 'https' for a unix socket")
        if number is not None:
            raise ValueError("port has no meaning for a unix socket")
        return Address("localhost", 80, "http", "", found.socket)
    if asked is None:
        asked = found.scheme or "http"
        if env_bool(environ, "CONSUL_HTTP_SSL", False):
            asked = "https"
    number = found.port if number is None else number
    return Address(
        found.host or "127.0.0.1", 8500 if number is None else number, asked, found.prefix
    )


def env_bool(environ: Mapping[str, str], name: str, default: bool) -> bool:
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
    compress = _optional_bool("compress", compress)
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
    return with_headers(tuple(headers.items()), more or {}), secrets


def _tls(environ: Mapping[str, str], verify: Any, cert: Cert, server_name: str | None) -> TLS:
    if verify is None:
        verify = True
        if not env_bool(environ, "CONSUL_HTTP_SSL_VERIFY", True):
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


def _optional_bool(name: str, value: object) -> bool | None:
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


def _hook(name: str, value: Any) -> tuple[Hook, ...]:
    if value is None:
        return ()
    hooks = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    for hook in hooks:
        if not callable(hook):
            raise TypeError(f"{name} must be callable, or a list of callables, not {hook!r}")
    return hooks
