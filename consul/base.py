"""The client of every flavour, less the I/O.

`Consul` binds the nouns and recipes to a sender.  Without a flavour the sender is the identity:
each method then returns the `consul.request.Call` that describes the request.

Every name that people import from ``consul.base`` is here or is re-exported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from consul import address as addresses
from consul import compat, config, tls
from consul.address import Address
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
from consul.config import Config
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
from consul.request import CONSISTENCY, Attempt, Call, Limits, Request, Response
from consul.retry import Retry, repeating
from consul.steps import Now, Steps
from consul.tls import Cert
from consul.values import seconds

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.config import Options
    from consul.tls import Verify

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
    "Retry",
    "ServerError",
    "TLSError",
    "Timeout",
    "TransactionRolledBack",
]

T = TypeVar("T")

#: logging's, which is not imported here.
DEBUG = 10


_clients: WeakSet[HTTPClient] = WeakSet()


def _forked() -> None:
    for client in list(_clients):
        client.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class HTTPClient:
    """One agent's address and how to send it a `Call`.

    A flavour supplies ``attempt(call)``, which makes one exchange with the server, ``send(call)``,
    which repeats and watches it, ``run(steps)`` and ``close()``.  The verbs are a face for code
    that calls or overrides them, as it did with python-consul.  *host*, *port*, *scheme* and
    *base_uri* may be assigned; the last is what counts.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | str = 8500,
        scheme: str = "http",
        verify: Verify = True,
        cert: Cert = None,
        *,
        config: Config | None = None,
    ) -> None:
        # Not at the top: it imports logging, which takes longer than all the rest.
        from consul import exchange

        self._exchange = exchange
        config = config or Config(retry=Retry())
        number = addresses.port("port", port)
        # Only a text has brackets around an IPv6 address.
        address = Address(host.strip("[]"), number, scheme, config.address.prefix)
        if address[:3] == config.address[:3]:
            address = config.address
        checked = tls.check(verify, cert, config.tls.server_name)
        self.config = config._replace(address=address, tls=checked)
        self.host, self.port, self.scheme = host, number, scheme
        self.verify, self.cert = verify, cert
        self.base_uri = self._base_uri = address.base_uri
        self.closed = False
        self._setup()
        _clients.add(self)

    def _setup(self) -> None:
        """Make what the flavour needs besides; nothing that needs a running loop.

        Raises ValueError for a setting that the flavour cannot heed.
        """

    @property
    def address(self) -> Address:
        """Where the agent is, as *base_uri* says."""
        if self.base_uri != self._base_uri:
            address = addresses.address(self.base_uri)
            self.config, self._base_uri = self.config._replace(address=address), self.base_uri
        return self.config.address

    def ready(self) -> None:
        """Refuse when closed."""
        if self.closed:
            raise RuntimeError(f"{self!r} is closed")

    def forked(self) -> None:
        """In a process just forked off, with no other thread: leave the connections to the parent.

        Two processes on one connection would read each other's answers.
        """

    def send(self, call: Call[Any]) -> Any:
        """Perform *call*; the flavour's form of what its ``read`` makes of the answer."""
        raise NotImplementedError(f"{type(self).__name__} does not define send()")

    def run(self, steps: Steps[Any], send: Callable[[Call[Any]], Any] | None = None) -> Any:
        """Run a recipe, in the flavour's form; *send* performs its calls, else `send` does."""
        raise NotImplementedError(f"{type(self).__name__} does not define run()")

    @property
    def watched(self) -> bool:
        """Whether anybody wants to see each exchange: a hook, or the log."""
        hooks = self.config.on_request or self.config.on_response
        return bool(hooks) or self._exchange.log.isEnabledFor(DEBUG)

    async def watching(self, call: Call[T]) -> T:
        """The steps of *call* when it is `watched`, repeated like any other."""
        began = await Now()
        try:
            return await self._watched(call)
        except ConsulException as error:
            if not self.repeats(call, error):
                raise
            failure = error
        return await self.repeating(call, failure, began)

    def _watched(self, call: Call[T]) -> Steps[T]:
        return self._exchange.watching(call, self.config.on_request, self.config.on_response)

    def repeats(self, call: Call[Any], error: ConsulException) -> bool:
        """Whether *call*, which failed with *error*, is one to be repeated."""
        retry = self.config.retry
        return retry is not None and retry.repeats(call.request, error)

    def repeating(self, call: Call[T], error: ConsulException, began: float) -> Steps[T]:
        """The steps that repeat *call*, made at *began*, which failed with *error*."""
        retry = self.config.retry or Retry()
        attempt = self._watched if self.watched else Attempt
        return repeating(call, retry, error, began, attempt)

    def url(self, request: Request) -> str:
        """The absolute URL of *request*."""
        return self.base_uri + request.target

    def uri(self, path: str, params: Any = None) -> str:
        """The absolute URL of an unquoted *path*; *params* is a dict or a list of pairs."""
        return self.url(compat.request("GET", path, params, None, None, self.config))

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
            Call(compat.request(method, path, params, data, headers, self.config), callback)
        )

    def __repr__(self) -> str:
        # Of a unix socket the URI says nothing.
        where = self.config.address if self.base_uri == self._base_uri else self.base_uri
        return f"<{type(self).__module__}.{type(self).__qualname__} {where}>"


class Client:
    """Settings of a client and the way to its sender.  All but the nouns: see `Consul`.

    *host*: where the agent is: a host name, an IPv4 or IPv6 address, "host:port", a URL with a
    path in front of Consul's or without, or "unix:///path" of a socket; ``CONSUL_HTTP_ADDR``, else
    127.0.0.1.
    *port* (int or str), *scheme* ("http", "https"): 8500 and http; ``CONSUL_HTTP_SSL``.
    *token* (str): ACL token of every call that names none; ``CONSUL_HTTP_TOKEN_FILE``,
    ``CONSUL_HTTP_TOKEN``.  "" for none whatever the environment says.
    *consistency*: "default", "consistent" or "stale", for every read that names none.
    *dc* (str): datacenter of every call that names none; the agent's own when absent.
    *verify*: how to check the server's certificate: True, False, a file or folder of authorities,
    or an ``ssl.SSLContext``; ``CONSUL_HTTP_SSL_VERIFY``, ``CONSUL_CACERT``, ``CONSUL_CAPATH``.
    *cert*: client certificate, a file, (certificate, key) or (certificate, key, password), where
    key may be None; ``CONSUL_CLIENT_CERT``, ``CONSUL_CLIENT_KEY``.

    By keyword only:

    *timeout*: seconds for a call, (connect, read), or None for no limit; a blocking query adds
    the time that the server may hold it.  10 to connect, 60 for the answer (10 beyond the time it
    is held, for a blocking query).
    *retry*: a `consul.Retry`; True for its defaults, False or None for no repeats.
    *server_name* (str): name in the server's certificate when it is not the host's;
    ``CONSUL_TLS_SERVER_NAME``.
    *auth*: "user:password" or a pair, for a proxy in front of Consul that asks for HTTP basic
    authentication; ``CONSUL_HTTP_AUTH``.
    *ns*, *partition* (str): of every call that names none (Enterprise); ``CONSUL_NAMESPACE``,
    ``CONSUL_PARTITION``.
    *headers* (mapping): sent with every request.
    *proxy*: URL of an HTTP proxy.
    *trust_env* (bool): whether ``http_proxy`` and its like and ``~/.netrc`` count; by default for
    agents on other machines only.
    *compress* (bool): whether to ask for gzip; by default from agents on other machines only.
    *max_polls* (int): how many blocking queries may be open at a time; further ones wait.
    *session*: the HTTP library's own client, to be used instead of one of ours, and never closed
    by us; it decides about TLS, proxies and connections.
    *on_request*, *on_response*: called with each `consul.exchange.Exchange`, before and after it.

    Raises ValueError or TypeError naming the argument or variable that makes no sense.
    """

    http: Any
    token: str | None
    dc: str | None
    consistency: str
    ns: str | None
    partition: str | None
    limits: Limits
    headers: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
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
        verify: Verify | None = None,
        cert: Cert = None,
        **options: Unpack[Options],
    ) -> None:
        settings = config.resolve(host, port, token, scheme, verify, cert, options)
        if consistency is not None and consistency not in CONSISTENCY:
            raise ValueError(
                f"consistency must be one of {', '.join(CONSISTENCY)}: {consistency!r}"
            )
        self.config = settings
        self.token = settings.token
        self.dc = dc
        self.consistency = consistency or "default"
        self.scheme = settings.address.scheme
        self.ns, self.partition, self.limits = settings.ns, settings.partition, settings.limits
        self.headers, self.secrets = settings.headers, settings.secrets
        connect = compat.hook(self, Client)
        if connect is None and self.client_class is not None:
            connect = self.http_connect
        self.http = None
        self._send = _describe
        if connect is not None:
            self.http = connect(*settings.address[:3], settings.tls.verify, settings.tls.cert)
            self._send = compat.sender(self.http, HTTPClient)
        self._bind()

    def http_connect(
        self, host: str, port: int, scheme: str, verify: Verify = True, cert: Cert = None
    ) -> Any:
        """Make the HTTP client; a subclass may make its own."""
        if self.client_class is None:
            raise TypeError(f"{type(self).__name__} has no HTTP client of its own")
        return self.client_class(host, port, scheme, verify, cert, config=self.config)

    #: Performs a Call; an attribute, so that it costs no more than a function call.
    _send: Callable[[Call[Any]], Any]

    def _bind(self) -> None:
        """Make the nouns."""

    def run(self, steps: Steps[T]) -> Any:
        """Run a recipe, in the flavour's form."""
        if isinstance(self.http, HTTPClient):
            return self.http.run(steps, self._send)
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
        twin.ns, twin.partition, twin.limits = self.ns, self.partition, self.limits
        twin.headers, twin.secrets, twin.scheme = self.headers, self.secrets, self.scheme
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
