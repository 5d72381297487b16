"""The services that are registered with an agent, /v1/agent/service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from consul.api.catalog import (
    AgentServiceConnect,
    AgentServiceConnectProxyConfig,
    AgentWeights,
    Locality,
    ServiceAddress,
    ServicePort,
)
from consul.api.health import StoredCheck
from consul.api.noun import Noun
from consul.api.options import AgentServiceRead, Scope, Untimed, WithDC
from consul.api.params import one_or_absent
from consul.check import given_or_old
from consul.core import answers, bodies
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Number, Text, flag, identifier, segment, text, true_false
from consul.core.values import port as port_number

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.flavour import variants
    from consul.core.request import Call

_SERVICE = Fields(
    kinds={
        "name": identifier,
        "service_id": identifier,
        "address": text,
        "port": port_number,
        "tags": bodies.texts,
        "meta": bodies.text_map,
        "weights": bodies.SERVICE.kinds["weights"],
        "tagged_addresses": bodies.SERVICE.kinds["taggedaddresses"],
        "enable_tag_override": flag,
        "check": bodies.CHECK,
        "extra_checks": bodies.checks,
        "kind": text,
        "socket_path": text,
        "connect": bodies.SERVICE.kinds["connect"],
        "locality": bodies.SERVICE.kinds["locality"],
        "ports": bodies.listed(bodies.mapped(bodies.opaque), "dicts"),
        "proxy": bodies.mapped(bodies.opaque),
        "ai": bodies.mapped(bodies.opaque),
    },
    service_id="ID",
    ai="AI",
    extra_checks="Checks",
)


class AgentService(TypedDict):
    """A service that is registered with an agent."""

    #: Absent from ordinary services.
    Kind: NotRequired[str]
    ID: str
    #: Its name.
    Service: str
    Tags: list[str]
    Meta: dict[str, str]
    Port: int
    Ports: NotRequired[list[ServicePort]]
    #: "" stands for the address of the agent.
    Address: str
    TaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    Weights: AgentWeights
    EnableTagOverride: bool
    SocketPath: NotRequired[str]
    Locality: NotRequired[Locality | None]
    Proxy: NotRequired[AgentServiceConnectProxyConfig]
    Connect: NotRequired[AgentServiceConnect]
    Datacenter: NotRequired[str]
    #: What the next `Service.get` that is to wait for a change takes as *hash*.
    ContentHash: NotRequired[str]


class AgentServiceChecksInfo(TypedDict):
    """How a service is."""

    #: "passing", "warning", "critical" or "maintenance".
    AggregatedStatus: str
    Service: AgentService
    Checks: list[StoredCheck]


if TYPE_CHECKING:
    # What is answered depends on the format.

    def _by_name(
        noun: Any, service_name: Text, format: None = None, **options: Unpack[Scope]
    ) -> Call[builtins.list[AgentServiceChecksInfo]]: ...

    def _by_id(
        noun: Any, service_id: Text, format: None = None, **options: Unpack[Scope]
    ) -> Call[AgentServiceChecksInfo]: ...

    def _word_by_name(
        noun: Any, service_name: Text, format: Literal["text"], **options: Unpack[Scope]
    ) -> Call[str]: ...

    def _word_by_id(
        noun: Any, service_id: Text, format: Literal["text"], **options: Unpack[Scope]
    ) -> Call[str]: ...

    _typed_by_name = variants(_by_name, _word_by_name, _by_name, _word_by_name, _by_name)
    _typed_by_id = variants(_by_id, _word_by_id, _by_id, _word_by_id, _by_id)
else:

    def _typed_by_name(health: Callable[..., Any]) -> Callable[..., Any]:
        return health

    _typed_by_id = _typed_by_name


class Service(Noun[F]):
    """The services that are registered with this agent, /v1/agent/service."""

    @endpoint("PUT /v1/agent/service/register", repeatable=True)
    def register(
        self,
        name: Text,
        service_id: Text | None = None,
        address: Text | None = None,
        port: Number | None = None,
        tags: Iterable[Text] | None = None,
        check: Mapping[str, Any] | None = None,
        token: Text | None = None,
        script: Text | Iterable[Text] | None = None,
        interval: Duration | None = None,
        ttl: Duration | None = None,
        http: Text | None = None,
        timeout: Duration | None = None,
        enable_tag_override: Flag = None,
        *,
        meta: Mapping[str, Text] | None = None,
        weights: Mapping[str, Number] | None = None,
        tagged_addresses: Mapping[str, Mapping[str, Any]] | None = None,
        extra_checks: Iterable[Mapping[str, Any]] | None = None,
        replace_existing_checks: Flag = False,
        kind: Text | None = None,
        proxy: Mapping[str, Any] | None = None,
        connect: Mapping[str, Any] | None = None,
        socket_path: Text | None = None,
        locality: Mapping[str, Text] | None = None,
        ports: Iterable[Mapping[str, Any]] | None = None,
        ai: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        **options: Unpack[Untimed],
    ) -> Call[bool]:
        """Register a service with this agent, or replace it.  Return True.

        *service_id* is *name* by default.  *address* is the address of the agent by default.
        *check* is a dict, made by `consul.Check` or by hand.  *extra_checks* are further ones.
        *weights* has ``Passing`` and ``Warning``.  *tagged_addresses* maps names to dicts with
        ``Address`` and ``Port``.  With *enable_tag_override* (False by default) others may change
        the tags in the catalog.  *replace_existing_checks* removes the checks that are not given.
        *kind* is "connect-proxy", "mesh-gateway" and so on.  *proxy* is what a proxy or gateway
        is for, with ``DestinationServiceName``.  *connect* has ``Native`` or ``SidecarService``.
        *socket_path* takes the place of *address* and *port* (1.10).  *locality* has ``Region``
        and ``Zone`` (1.17).  *ports* is a list of ports with names, in place of *port* (1.22).
        *ai* is what an inference gateway serves (2.1).
        *extra* holds further fields in Consul's spelling.  `consul.definitions` makes it of a
        definition file.
        *script*, *interval*, *ttl*, *http* and *timeout* are deprecated: give *check*.

        Raises ACLPermissionDenied where the token may not write the service, BadRequest for an
        invalid check or a field that this version of Consul does not know.

        ``PUT /v1/agent/service/register``
        """
        more = bodies.SERVICE("extra", extra or {})
        if enable_tag_override is None and not any(
            bodies.plain(spelling) == "enabletagoverride" for spelling in more
        ):
            enable_tag_override = False
        body = _SERVICE.body(
            name=identifier("name", name),
            service_id=service_id,
            address=address,
            port=port,
            tags=tags,
            meta=meta,
            weights=weights,
            tagged_addresses=tagged_addresses,
            enable_tag_override=enable_tag_override,
            check=given_or_old(check, script, interval, ttl, http, timeout),
            extra_checks=extra_checks,
            kind=kind,
            proxy=proxy,
            connect=connect,
            socket_path=socket_path,
            locality=locality,
            ports=ports,
            ai=ai,
        )
        # Servers heed this value only.
        replace = one_or_absent("replace_existing_checks", replace_existing_checks, "true")
        return self._call(
            "register",
            "/v1/agent/service/register",
            answers.done,
            (("replace-existing-checks", replace),),
            options,
            json=_SERVICE.joined(body, "extra", more, {"checks": "check"}) if more else body,
            token=token,
        )

    @endpoint("GET /v1/agent/service/:service_id", since="1.3.0")
    def get(self, service_id: Text, **options: Unpack[AgentServiceRead]) -> Call[AgentService]:
        """Read one service that is registered with this agent.

        Blocking: give the ``ContentHash`` of the last answer as *hash*, and *wait* (seconds, "10s"
        or a timedelta) to wait no longer.

        Raises UnknownService for an unknown service, at once also where the call is to wait.

        ``GET /v1/agent/service/:service_id``
        """
        path = f"/v1/agent/service/{segment('service_id', service_id)}"
        return self._call("get", path, answers.value, (), options)

    @_typed_by_name
    @endpoint("GET /v1/agent/health/service/name/:service_name", since="1.4.1")
    def health_by_name(
        self, service_name: Text, format: str | None = None, **options: Unpack[Scope]
    ) -> Call[Any]:
        """Read how the instances of a service are that are registered with this agent.

        With *format* "text" it is a word, that of the worst instance.

        Raises UnknownService where there is none, ACLPermissionDenied where the token may not read
        the service.

        ``GET /v1/agent/health/service/name/:service_name``
        """
        path = f"/v1/agent/health/service/name/{segment('service_name', service_name)}"
        return self._health("health_by_name", path, format, options)

    @_typed_by_id
    @endpoint("GET /v1/agent/health/service/id/:service_id", since="1.4.1")
    def health_by_id(
        self, service_id: Text, format: str | None = None, **options: Unpack[Scope]
    ) -> Call[Any]:
        """Read how a service is that is registered with this agent.

        With *format* "text" it is a word.

        Raises UnknownService where there is none, ACLPermissionDenied where the token may not read
        it.

        ``GET /v1/agent/health/service/id/:service_id``
        """
        path = f"/v1/agent/health/service/id/{segment('service_id', service_id)}"
        return self._health("health_by_id", path, format, options)

    def _health(
        self, name: str, path: str, format: str | None, options: Mapping[str, Any]
    ) -> Call[Any]:
        if format not in (None, "text"):
            raise ValueError(f"format must be 'text' or None: {format!r}")
        decode = answers.health if format is None else answers.health_word
        return self._call(name, path, decode, (("format", format),), options)

    @endpoint("PUT /v1/agent/service/deregister/:service_id", repeatable=False)
    def deregister(
        self, service_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Remove a service and its checks.  Return True.

        Raises NotFound for an unknown service; Consul before 1.12 returns True or raises
        ServerError.

        ``PUT /v1/agent/service/deregister/:service_id``
        """
        path = f"/v1/agent/service/deregister/{segment('service_id', service_id)}"
        return self._call("deregister", path, answers.done, (), options, token=token)

    @endpoint("PUT /v1/agent/service/maintenance/:service_id", repeatable=True)
    def maintenance(
        self,
        service_id: Text,
        enable: Flag,
        reason: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Start (*enable* is True) or end (False) maintenance of a service.  Return True.

        A critical check marks the service.  *reason* is the text of its notes.

        Raises NotFound or ServerError for an unknown service.

        ``PUT /v1/agent/service/maintenance/:service_id``
        """
        return self._call(
            "maintenance",
            f"/v1/agent/service/maintenance/{segment('service_id', service_id)}",
            answers.done,
            (("enable", true_false("enable", enable)), ("reason", reason)),
            options,
            token=token,
        )
