"""The client of every flavour, less the I/O.

`Consul` binds the nouns and recipes to a sender.  Without a flavour the sender is the identity:
each method then returns the `consul.request.Call` that describes the request.

Every name that people import from ``consul.base`` is here or is re-exported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from consul import compat, config
from consul.api.acl import ACL
from consul.api.agent import Agent
from consul.api.catalog import Catalog
from consul.api.coordinate import Coordinate
from consul.api.event import Event
from consul.api.health import Health
from consul.api.kv import KV
from consul.api.operator import Operator
from consul.api.query import Query
from consul.api.session import Session
from consul.api.status import Status
from consul.api.txn import Txn
from consul.callback import CB, Indexed, Meta
from consul.check import Check
from consul.config import UNSET, Cert
from consul.exceptions import (
    ACLDisabled,
    ACLPermissionDenied,
    BadAnswer,
    BadRequest,
    ClientError,
    ConnectionFailed,
    ConsulException,
    NoLeader,
    NotFound,
    RateLimited,
    Redirected,
    ServerError,
    Timeout,
    TLSError,
    TransactionRolledBack,
)
from consul.recipes.leader import wait_for_leader
from consul.request import CONSISTENCY, Call, Limits, Request, Response, seconds
from consul.steps import Steps
from consul.version import __version__

__all__ = [
    "CB",
    "ACLDisabled",
    "ACLPermissionDenied",
    "BadAnswer",
    "BadRequest",
    "Call",
    "Check",
    "Client",
    "ClientError",
    "ConnectionFailed",
    "Consul",
    "ConsulException",
    "HTTPClient",
    "Indexed",
    "Meta",
    "NoLeader",
    "NotFound",
    "Nouns",
    "RateLimited",
    "Redirected",
    "Request",
    "Response",
    "ServerError",
    "TLSError",
    "Timeout",
    "TransactionRolledBack",
]

T = TypeVar("T")


class HTTPClient:
    """One agent's address and how to send it a `Call`.

    A flavour supplies ``send(call)`` and ``close()``.  The verbs are a face for code that calls
    or overrides them, as it did with python-consul.  *host*, *port*, *scheme* and *base_uri* may
    be assigned; the last is what counts.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | str = 8500,
        scheme: str = "http",
        verify: bool | str = True,
        cert: Cert = None,
        *,
        prefix: str = "",
        limits: Limits | None = None,
    ) -> None:
        self.host = host
        self.port = int(port)
        self.scheme = scheme
        self.verify = verify
        self.cert = cert
        self.limits = limits or Limits()
        self.base_uri = config.base_uri(host, self.port, scheme, prefix)
        self._setup()

    def _setup(self) -> None:
        """Make what the flavour needs besides; nothing that needs a running loop."""

    @property
    def tls(self) -> config.TLS:
        """How the server is checked."""
        return config.TLS(self.verify, self.cert)

    def send(self, call: Call[Any]) -> Any:
        """Perform *call*; the flavour's form of what its ``read`` makes of the answer."""
        raise NotImplementedError(f"{type(self).__name__} does not define send()")

    def url(self, request: Request) -> str:
        """The absolute URL of *request*."""
        return self.base_uri + request.target

    def uri(self, path: str, params: Any = None) -> str:
        """The absolute URL of an unquoted *path*; *params* is a dict or a list of pairs."""
        return self.url(compat.request("GET", path, params, None, None, self.limits))

    def get(self, callback: Any, path: str, params: Any = None, headers: Any = None) -> Any:
        """GET; *callback* reads the `Response`."""
        return self._verb("GET", callback, path, params, None, headers)

    def put(
        self, callback: Any, path: str, params: Any = None, data: Any = "", headers: Any = None
    ) -> Any:
        """PUT *data* (str or bytes); *callback* reads the `Response`."""
        return self._verb("PUT", callback, path, params, data, headers)

    def post(
        self, callback: Any, path: str, params: Any = None, data: Any = "", headers: Any = None
    ) -> Any:
        """POST *data* (str or bytes); *callback* reads the `Response`."""
        return self._verb("POST", callback, path, params, data, headers)

    def delete(
        self, callback: Any, path: str, params: Any = None, data: Any = None, headers: Any = None
    ) -> Any:
        """DELETE; *callback* reads the `Response`."""
        return self._verb("DELETE", callback, path, params, data, headers)

    def _verb(
        self, method: str, callback: Any, path: str, params: Any, data: Any, headers: Any
    ) -> Any:
        return self.send(
            Call(compat.request(method, path, params, data, headers, self.limits), callback)
        )

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} {self.base_uri}>"


class Client:
    """Settings of a client and the way to its sender.  All but the nouns: see `Consul`.

    *host*, *port*, *scheme*: where the agent is; ``CONSUL_HTTP_ADDR``, else 127.0.0.1, 8500, http.
    *token*: ACL token of every call that names none; ``CONSUL_HTTP_TOKEN_FILE``,
    ``CONSUL_HTTP_TOKEN``.  "" for none whatever the environment says.
    *consistency*: "default", "consistent" or "stale", for every read that names none.
    *dc*: datacenter of every call that names none; the agent's own when absent.
    *verify*: check the server's certificate: True, False, or a file or folder of authorities;
    ``CONSUL_HTTP_SSL_VERIFY``, ``CONSUL_CACERT``, ``CONSUL_CAPATH``.
    *cert*: client certificate, a file or (certificate, key); ``CONSUL_CLIENT_CERT``,
    ``CONSUL_CLIENT_KEY``.
    *timeout*: seconds for a call, (connect, read), or None for no limit; a blocking query adds
    the time that the server may hold it.

    Raises ValueError or TypeError naming the argument or variable that makes no sense.
    """

    http: Any
    token: str | None
    dc: str | None
    consistency: str
    limits: Limits
    user_agent = f"python-consul/{__version__}"
    #: What the flavour sends with; None describes calls only.
    client_class: type[HTTPClient] | None = None

    def __init__(
        self,
        host: str | None = None,
        port: int | str | None = None,
        token: str | None = None,
        scheme: str | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        verify: bool | str | None = None,
        cert: Cert = None,
        *,
        timeout: Any = UNSET,
    ) -> None:
        settings = config.resolve(host, port, token, scheme, verify, cert, timeout)
        if consistency is not None and consistency not in CONSISTENCY:
            raise ValueError(
                f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}"
            )
        self.config = settings
        self.token = settings.token
        self.dc = dc
        self.consistency = consistency or "default"
        self.limits = settings.limits
        self.scheme = settings.scheme
        connect = compat.hook(self, Client)
        if connect is None and self.client_class is not None:
            connect = self.http_connect
        self.http = None
        self._send = _describe
        if connect is not None:
            self.http = connect(
                settings.host,
                settings.port,
                settings.scheme,
                settings.tls.verify,
                settings.tls.cert,
            )
            self._send = compat.sender(self.http, HTTPClient)
        self._bind()

    def http_connect(
        self, host: str, port: int, scheme: str, verify: bool | str = True, cert: Cert = None
    ) -> Any:
        """Make the HTTP client; a subclass may make its own."""
        if self.client_class is None:
            raise TypeError(f"{type(self).__name__} has no HTTP client of its own")
        prefix, limits = self.config.prefix, self.limits
        return self.client_class(host, port, scheme, verify, cert, prefix=prefix, limits=limits)

    #: Performs a Call; an attribute, so that it costs no more than a function call.
    _send: Callable[[Call[Any]], Any]

    def _bind(self) -> None:
        """Make the nouns."""

    def run(self, steps: Steps[T]) -> Any:
        """Run a recipe; each flavour does it its own way, and here nothing does it."""
        if self.http is not None:
            steps.close()
            raise TypeError(
                f"{type(self).__name__} cannot run a recipe: its adapter is of the old interface, "
                "which has no way to wait"
            )
        return steps

    def __repr__(self) -> str:
        where = self.http if self.http is not None else "(describes calls only)"
        return f"<{type(self).__module__}.{type(self).__qualname__} {where}>"


def _describe(call: Call[Any]) -> Call[Any]:
    return call


class Nouns(Client):
    """The nouns and recipes; what they return is up to the client's flavour."""

    ACL = ACL
    Agent = Agent
    Catalog = Catalog
    Coordinate = Coordinate
    Event = Event
    Health = Health
    KV = KV
    Operator = Operator
    Query = Query
    Session = Session
    Status = Status
    Txn = Txn

    def _bind(self) -> None:
        self.acl = self.ACL(self)
        self.agent = self.Agent(self)
        self.catalog = self.Catalog(self)
        self.coordinate = self.Coordinate(self)
        self.event = self.Event(self)
        self.health = self.Health(self)
        self.kv = self.KV(self)
        self.operator = self.Operator(self)
        self.query = self.Query(self)
        self.session = self.Session(self)
        self.status = self.Status(self)
        self.txn = self.Txn(self)

    @property
    def describe(self) -> Consul:
        """A client with the same settings whose methods return the `Call` instead of making it."""
        twin = Consul.__new__(Consul)
        twin.config = self.config
        twin.token, twin.dc, twin.consistency = self.token, self.dc, self.consistency
        twin.limits, twin.scheme, twin.user_agent = self.limits, self.scheme, self.user_agent
        twin.http, twin._send = None, _describe
        twin._bind()
        return twin

    def wait_for_leader(self, timeout: float | str | None = None) -> Steps[str]:
        """Wait until the cluster has a leader; return its address ("host:port").

        A refused connection and a server's failure count as "not yet".  Raises
        `consul.Timeout` when there is none after *timeout* (seconds or "10s"; None waits for ever).

        ``GET /v1/status/leader``
        """
        limit = None if timeout is None else seconds("timeout", timeout)
        return self.run(wait_for_leader(self.describe, limit))  # type: ignore[no-any-return]


class Consul(Nouns):
    """A client that describes calls; the flavours derive theirs from it and perform them."""
