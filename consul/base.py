"""The client of every flavour, less the I/O.

`Consul` binds the nouns and recipes to a sender.  Without a flavour the sender is the identity:
each method then returns the `consul.request.Call` that describes the request.

Every name that people import from ``consul.base`` is here or is re-exported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from consul.api.noun import Loaded, Noun, lazy
from consul.callback import CB
from consul.check import Check
from consul.core import compat
from consul.core import settings as settings_
from consul.core.answers import Indexed, Meta, with_meta
from consul.core.client import HTTPClient
from consul.core.flavour import Described, Flavour, recipe
from consul.core.peers import warn_of_peers
from consul.core.request import Call, Request, Response
from consul.core.retry import Retry
from consul.core.settings import Settings
from consul.core.steps import Steps
from consul.core.tls import Cert
from consul.core.values import time_limit
from consul.exceptions import (
    ACLDisabled,
    ACLPermissionDenied,
    BadAnswer,
    BadRequest,
    ClientError,
    Closed,
    ConnectionFailed,
    ConsulException,
    InvalidSession,
    LockConflict,
    LockLost,
    LockNotAcquired,
    NoInstance,
    NoLeader,
    NotFound,
    NotReady,
    RateLimited,
    Redirected,
    ServerError,
    Timeout,
    TLSError,
    TransactionRolledBack,
    UnknownACL,
    UnknownCheck,
    UnknownQuery,
    UnknownService,
    Unsupported,
)
from consul.recipes.leader import wait_for_leader
from consul.recipes.names import Recipes
from consul.recipes.ping import Ping, ping

if TYPE_CHECKING:
    from typing import Unpack

    from typing_extensions import TypeVar as TypeVarWithDefault

    from consul.api.acl import ACL as _ACL
    from consul.api.agent import Agent as _Agent
    from consul.api.catalog import Catalog as _Catalog
    from consul.api.config import Config as _Config
    from consul.api.connect import Connect as _Connect
    from consul.api.coordinate import Coordinate as _Coordinate
    from consul.api.discovery_chain import DiscoveryChain as _DiscoveryChain
    from consul.api.event import Event as _Event
    from consul.api.exported_services import ExportedServices as _ExportedServices
    from consul.api.health import Health as _Health
    from consul.api.imported_services import ImportedServices as _ImportedServices
    from consul.api.kv import KV as _KV
    from consul.api.namespace import Namespace as _Namespace
    from consul.api.operator import Operator as _Operator
    from consul.api.partition import Partition as _Partition
    from consul.api.peering import Peering as _Peering
    from consul.api.query import Query as _Query
    from consul.api.session import Session as _Session
    from consul.api.snapshot import Snapshot as _Snapshot
    from consul.api.status import Status as _Status
    from consul.api.txn import Txn as _Txn
    from consul.core.limits import Limits
    from consul.core.settings import Options
    from consul.core.tls import Verify

    # A client without a flavour describes calls.
    F = TypeVarWithDefault("F", bound=Flavour, default=Described)
else:
    F = TypeVar("F")

__all__ = [
    "CB",
    "ACLDisabled",
    "ACLPermissionDenied",
    "BadAnswer",
    "BadRequest",
    "Call",
    "Check",
    "ClientError",
    "Closed",
    "ConnectionFailed",
    "Consul",
    "ConsulException",
    "HTTPClient",
    "Indexed",
    "InvalidSession",
    "LockConflict",
    "LockLost",
    "LockNotAcquired",
    "Meta",
    "NoInstance",
    "NoLeader",
    "NotFound",
    "NotReady",
    "RateLimited",
    "Redirected",
    "Request",
    "Response",
    "Retry",
    "ServerError",
    "Settings",
    "TLSError",
    "Timeout",
    "TransactionRolledBack",
    "UnknownACL",
    "UnknownCheck",
    "UnknownQuery",
    "UnknownService",
    "Unsupported",
]

T = TypeVar("T")


def _setting(name: str) -> Any:
    """The setting *name* as an attribute of the client."""

    def get(client: Consul) -> Any:
        return getattr(client.settings, name)

    def set(client: Consul, value: Any) -> None:
        client.settings = client.settings._replace(**{name: value})

    return property(get, set)


class Consul(Recipes[F], Generic[F]):
    """A client that describes calls.  Each flavour derives from it a client that performs them.

    *host*: where the agent is: a host name, an IPv4 or IPv6 address, "host:port", a URL with a
    path in front of Consul's or without, or "unix:///path" of a socket; ``CONSUL_HTTP_ADDR``, else
    127.0.0.1.
    *port* (int or str), *scheme* ("http", "https"): 8500 and http; ``CONSUL_HTTP_SSL``.
    *token* (str): ACL token of every call that has none of its own; ``CONSUL_HTTP_TOKEN_FILE``,
    ``CONSUL_HTTP_TOKEN``.  Pass "" for no token, even if the environment has one.
    *consistency*: "default", "consistent" or "stale", for every read that does not say otherwise.
    *dc* (str): datacenter of every call that does not say otherwise; by default the agent's own.
    *verify*: how to check the server's certificate: True, False, a file or folder of authorities,
    or an ``ssl.SSLContext``; ``CONSUL_HTTP_SSL_VERIFY``, ``CONSUL_CACERT``, ``CONSUL_CAPATH``.
    *cert*: client certificate, a file, (certificate, key) or (certificate, key, password), where
    key may be None; ``CONSUL_CLIENT_CERT``, ``CONSUL_CLIENT_KEY``.

    By keyword only:

    *timeout*: seconds for a call, (connect, read), or None for no limit.  A blocking query adds
    the time that the server may hold it.  The default is 10 s to connect and 60 s for the answer,
    or 10 s beyond the time that a blocking query is held.
    *retry*: a `consul.Retry`; True for its defaults, False or None for no repeats.
    *server_name* (str): name in the server's certificate when it is not the host's;
    ``CONSUL_TLS_SERVER_NAME``.
    *auth*: "user:password" or a pair, for a proxy in front of Consul that asks for HTTP basic
    authentication; ``CONSUL_HTTP_AUTH``.
    *ns*, *partition* (str): namespace and admin partition of every call that does not say
    otherwise (Enterprise); ``CONSUL_NAMESPACE``, ``CONSUL_PARTITION``.
    *headers* (mapping): sent with every request.
    *proxy*: URL of an HTTP proxy.
    *trust_env* (bool): whether to read ``http_proxy``, similar variables and ``~/.netrc``; by
    default for agents on other machines only.
    *compress* (bool): whether to ask for gzip; by default from agents on other machines only.
    *max_polls* (int): how many blocking queries may be open at a time; further ones wait.
    *workers* (int, default 16): how many plain calls run at a time, in `consul.threads`.
    *loop*: accepted by `consul.aio` for python-consul's sake, and ignored.
    *session*: the HTTP library's own client, used instead of one of ours and never closed by us.
    It decides about TLS, proxies and connections.
    *on_request*, *on_response*: called with each `consul.exchange.Exchange`, before and after it.

    Raises ValueError or TypeError that names the wrong argument or variable.
    """

    if TYPE_CHECKING:
        ACL: TypeAlias = _ACL
        Agent: TypeAlias = _Agent
        Catalog: TypeAlias = _Catalog
        Config: TypeAlias = _Config
        Connect: TypeAlias = _Connect
        Coordinate: TypeAlias = _Coordinate
        DiscoveryChain: TypeAlias = _DiscoveryChain
        Event: TypeAlias = _Event
        ExportedServices: TypeAlias = _ExportedServices
        Health: TypeAlias = _Health
        ImportedServices: TypeAlias = _ImportedServices
        KV: TypeAlias = _KV
        Namespace: TypeAlias = _Namespace
        Operator: TypeAlias = _Operator
        Partition: TypeAlias = _Partition
        Peering: TypeAlias = _Peering
        Query: TypeAlias = _Query
        Session: TypeAlias = _Session
        Snapshot: TypeAlias = _Snapshot
        Status: TypeAlias = _Status
        Txn: TypeAlias = _Txn
    else:
        # A class is loaded when it is first touched: there are many, and a program uses few.
        ACL = Loaded("consul.api.acl")
        Agent = Loaded("consul.api.agent")
        Catalog = Loaded("consul.api.catalog")
        Config = Loaded("consul.api.config")
        Connect = Loaded("consul.api.connect")
        Coordinate = Loaded("consul.api.coordinate")
        DiscoveryChain = Loaded("consul.api.discovery_chain")
        Event = Loaded("consul.api.event")
        ExportedServices = Loaded("consul.api.exported_services")
        Health = Loaded("consul.api.health")
        ImportedServices = Loaded("consul.api.imported_services")
        KV = Loaded("consul.api.kv")
        Namespace = Loaded("consul.api.namespace")
        Operator = Loaded("consul.api.operator")
        Partition = Loaded("consul.api.partition")
        Peering = Loaded("consul.api.peering")
        Query = Loaded("consul.api.query")
        Session = Loaded("consul.api.session")
        Snapshot = Loaded("consul.api.snapshot")
        Status = Loaded("consul.api.status")
        Txn = Loaded("consul.api.txn")

    acl: _ACL[F] = lazy("ACL")
    agent: _Agent[F] = lazy("Agent")
    catalog: _Catalog[F] = lazy("Catalog")
    config: _Config[F] = lazy("Config")
    connect: _Connect[F] = lazy("Connect")
    coordinate: _Coordinate[F] = lazy("Coordinate")
    discovery_chain: _DiscoveryChain[F] = lazy("DiscoveryChain")
    event: _Event[F] = lazy("Event")
    exported_services: _ExportedServices[F] = lazy("ExportedServices")
    health: _Health[F] = lazy("Health")
    imported_services: _ImportedServices[F] = lazy("ImportedServices")
    kv: _KV[F] = lazy("KV")
    namespace: _Namespace[F] = lazy("Namespace")
    operator: _Operator[F] = lazy("Operator")
    partition: _Partition[F] = lazy("Partition", setting=True)
    peering: _Peering[F] = lazy("Peering")
    query: _Query[F] = lazy("Query")
    session: _Session[F] = lazy("Session")
    snapshot: _Snapshot[F] = lazy("Snapshot")
    status: _Status[F] = lazy("Status")
    txn: _Txn[F] = lazy("Txn")

    # These may be assigned.
    token: str | None = _setting("token")
    consistency: str = _setting("consistency")
    dc: str | None = _setting("dc")
    ns: str | None = _setting("ns")
    limits: Limits = _setting("limits")
    headers: tuple[tuple[str, str], ...] = _setting("headers")

    #: What sends the calls; None describes them only.
    http: Any = None
    #: All settings; an assignment to one of those above replaces the whole object.
    settings: Settings = Settings()
    #: The class of *http*; None where calls are only described.
    client_class: type[HTTPClient] | None = None
    #: Options that this flavour does not have.
    _foreign_options: tuple[str, ...] = ("workers", "loop")
    #: Performs a Call; an attribute, so that it costs no more than a function call.
    _send: Callable[[Call[Any]], Any]

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
        warn_of_peers()
        for name in self._foreign_options:
            if name in options:
                kind = self.client_class or Consul
                raise TypeError(f"{name} is not an option of {kind.__module__}.Consul")
        self.settings = settings_.resolve(
            host,
            port,
            self._given_token(token),
            scheme,
            consistency,
            dc,
            verify,
            cert,
            options,
        )
        self._connect()

    def _connect(self) -> None:
        """Make what sends the calls."""
        connect = compat.old_connect(self)
        if connect is None and self.client_class is not None:
            self.http = self.client_class(self.settings)
        elif connect is not None:
            self.http = compat.connect_with(connect, self.settings)
        self._send = _describe if self.http is None else compat.performer(self.http, HTTPClient)

    def _given_token(self, token: Any) -> str | None:
        """The token that is meant by the argument *token*."""
        return token  # type: ignore[no-any-return]

    def http_connect(
        self, host: str, port: int | str, scheme: str, verify: Verify = True, cert: Cert = None
    ) -> Any:
        """Make the HTTP client; a subclass may make its own."""
        if self.client_class is None:
            raise TypeError(f"{type(self).__name__} has no HTTP client of its own")
        return self.client_class(self.settings.with_address(host, port, scheme, verify, cert))

    @property
    def scheme(self) -> str:
        """ "http" or "https"."""
        return self.settings.address.scheme

    @property
    def describe(self) -> Consul:
        """A client with the same settings whose methods return the `Call` instead of making it."""
        twin = Consul.__new__(Consul)
        twin.settings, twin._send = self.settings, _describe
        return twin

    def run(self, steps: Steps[T]) -> Any:
        """Run a recipe, in the flavour's form."""
        if isinstance(self.http, HTTPClient):
            return self.http.run(steps, self._send)
        if self.http is not None:
            steps.close()
            raise TypeError(
                f"{type(self).__name__} cannot run a recipe: its adapter is of the old interface, "
                "which cannot wait"
            )
        return steps

    _run = run

    @recipe
    def ping(self, timeout: float | str = 5.0) -> Steps[Ping]:
        """Find out whether the agent answers, the cluster has a leader and the token is known.

        The answer is a `Ping`, true when all of them hold, after *timeout* (seconds or "5s") at the
        latest.  Nothing is raised for what is found.

        ``GET /v1/status/leader``, ``GET /v1/acl/token/self``
        """
        return ping(self.describe, timeout)

    @recipe
    def with_meta(self, call: Call[T]) -> Steps[Indexed[T]]:
        """Perform *call*, which `describe` has made; return ``(index, value)`` with its *meta*.

        Most reads answer that anyway.  Those that python-consul had answer the bare value, such as
        those of prepared queries.  This way their metadata can be read.
        """
        return _performed(with_meta(call))

    @recipe
    def wait_for_leader(self, timeout: float | str | None = None) -> Steps[str]:
        """Wait until the cluster has a leader; return its address ("host:port").

        A refused connection and a server's failure count as "not yet".  Raises
        `consul.Timeout` when there is none after *timeout* (seconds or "10s"; None waits for ever).

        ``GET /v1/status/leader``
        """
        limit = time_limit("timeout", timeout)
        return wait_for_leader(self.describe, limit)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings: the other side opens connections of its own."""
        if self.settings.session is not None:
            raise TypeError(f"{self!r} cannot be pickled: it has a session of its user's")
        if not isinstance(self.settings.tls.verify, (bool, str)):
            raise TypeError(f"{self!r} cannot be pickled: it has an SSLContext")
        return _rebuilt, (type(self), self._present_settings(), self._own_attributes())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A client with the same settings, and connections of its own."""
        return _rebuilt(type(self), self._present_settings(), self._own_attributes())

    def _present_settings(self) -> Settings:
        """The settings, with the address that may have been assigned to the HTTP client."""
        if not isinstance(self.http, HTTPClient):
            return self.settings
        return self.settings._replace(address=self.http.settings.address)

    def _own_attributes(self) -> dict[str, Any]:
        """What a subclass or a user has put into the client."""
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("http", "settings", "_send") and not isinstance(value, Noun)
        }

    def __repr__(self) -> str:
        where = self.http if self.http is not None else "(describes calls only)"
        return f"<{type(self).__module__}.{type(self).__qualname__} {where}>"


def _rebuilt(kind: type[Consul[Any]], settings: Settings, attributes: dict[str, Any]) -> Any:
    client = kind.__new__(kind)
    vars(client).update(attributes)
    client.settings = settings
    client._connect()
    return client


async def _performed(call: Call[T]) -> T:
    return await call


def _describe(call: Call[Any]) -> Call[Any]:
    return call
