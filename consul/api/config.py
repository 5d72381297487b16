"""Config entries, /v1/config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

from consul.api.catalog import (
    EnvoyExtension,
    ExposeConfig,
    MeshGatewayConfig,
    TransparentProxyConfig,
)
from consul.api.connect.intentions import IntentionPermission
from consul.api.noun import Noun
from consul.api.options import Blocking, Common, Consistency, Filtered
from consul.core import answers
from consul.core.bodies import mapped, opaque
from consul.core.flavour import F, endpoint, shortcut
from consul.core.values import Number, Text, number, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ConfigEntryCommon(TypedDict):
    """What all config entries have."""

    #: Absent from "mesh".
    Name: NotRequired[str]
    Meta: NotRequired[dict[str, str] | None]
    #: Changes with the content (newer versions only); it may be above 2**63.
    Hash: NotRequired[int]
    CreateIndex: int
    ModifyIndex: int


class ServiceDefaults(ConfigEntryCommon):
    """Defaults of all instances of a service."""

    Kind: Literal["service-defaults"]
    Protocol: NotRequired[str]
    Mode: NotRequired[str]
    MutualTLSMode: NotRequired[str]
    BalanceInboundConnections: NotRequired[str]
    MeshGateway: NotRequired[MeshGatewayConfig]
    Expose: NotRequired[ExposeConfig]
    ExternalSNI: NotRequired[str]
    TransparentProxy: NotRequired[TransparentProxyConfig]
    #: Limits, checks and overrides of the services that it calls.
    UpstreamConfig: NotRequired[dict[str, Any]]
    Destination: NotRequired[dict[str, Any]]
    MaxInboundConnections: NotRequired[int]
    LocalConnectTimeoutMs: NotRequired[int]
    LocalRequestTimeoutMs: NotRequired[int]
    EnvoyExtensions: NotRequired[list[EnvoyExtension]]
    RateLimits: NotRequired[dict[str, Any]]


class ProxyDefaults(ConfigEntryCommon):
    """Defaults of all proxies."""

    Kind: Literal["proxy-defaults"]
    #: For the proxy; Consul does not look at it.
    Config: NotRequired[dict[str, Any] | None]
    Mode: NotRequired[str]
    MutualTLSMode: NotRequired[str]
    MeshGateway: NotRequired[MeshGatewayConfig]
    Expose: NotRequired[ExposeConfig]
    TransparentProxy: NotRequired[TransparentProxyConfig]
    AccessLogs: NotRequired[dict[str, Any]]
    EnvoyExtensions: NotRequired[list[EnvoyExtension]]
    FailoverPolicy: NotRequired[dict[str, Any]]
    PrioritizeByLocality: NotRequired[dict[str, Any]]


class ServiceRouter(ConfigEntryCommon):
    """Which service answers which request."""

    Kind: Literal["service-router"]
    #: Each with ``Match`` and ``Destination``.
    Routes: NotRequired[list[dict[str, Any]] | None]


class ServiceSplit(TypedDict, total=False):
    """The share of one service."""

    Weight: float
    Service: str
    ServiceSubset: str
    RequestHeaders: dict[str, Any]
    ResponseHeaders: dict[str, Any]


class ServiceSplitter(ConfigEntryCommon):
    """How requests are split among services."""

    Kind: Literal["service-splitter"]
    Splits: NotRequired[list[ServiceSplit] | None]


class ServiceResolverSubset(TypedDict, total=False):
    """A part of the instances of a service."""

    Filter: str
    OnlyPassing: bool


class ServiceResolver(ConfigEntryCommon):
    """Which instances a service has."""

    Kind: Literal["service-resolver"]
    DefaultSubset: NotRequired[str]
    Subsets: NotRequired[dict[str, ServiceResolverSubset] | None]
    Redirect: NotRequired[dict[str, Any] | None]
    #: By the subset, "*" for all.
    Failover: NotRequired[dict[str, dict[str, Any]] | None]
    ConnectTimeout: NotRequired[str | int]
    RequestTimeout: NotRequired[str | int]
    LoadBalancer: NotRequired[dict[str, Any] | None]
    PrioritizeByLocality: NotRequired[dict[str, Any]]


class IngressGateway(ConfigEntryCommon):
    """What is let into the mesh."""

    Kind: Literal["ingress-gateway"]
    TLS: NotRequired[dict[str, Any]]
    Defaults: NotRequired[dict[str, Any]]
    #: Each with ``Port``, ``Protocol`` and ``Services``.
    Listeners: NotRequired[list[dict[str, Any]] | None]


class LinkedService(TypedDict, total=False):
    """A service outside of the mesh."""

    Name: str
    Namespace: str
    CAFile: str
    CertFile: str
    KeyFile: str
    SNI: str
    DisableAutoHostRewrite: bool


class TerminatingGateway(ConfigEntryCommon):
    """What is let out of the mesh."""

    Kind: Literal["terminating-gateway"]
    Services: NotRequired[list[LinkedService] | None]


class SourceIntention(TypedDict, total=False):
    """Whether one service may talk to another one."""

    Name: str
    Action: str
    Permissions: list[IntentionPermission]
    Precedence: int
    Type: str
    Description: str
    Namespace: str
    Partition: str
    Peer: str
    SamenessGroup: str
    LegacyID: str
    LegacyMeta: dict[str, str] | None
    LegacyCreateTime: str
    LegacyUpdateTime: str


class ServiceIntentions(ConfigEntryCommon):
    """Who may talk to a service (1.9)."""

    Kind: Literal["service-intentions"]
    Sources: list[SourceIntention]
    JWT: NotRequired[dict[str, Any] | None]


class Mesh(ConfigEntryCommon):
    """The whole mesh (1.10)."""

    Kind: Literal["mesh"]
    TransparentProxy: NotRequired[dict[str, Any]]
    AllowEnablingPermissiveMutualTLS: NotRequired[bool]
    TLS: NotRequired[dict[str, Any] | None]
    HTTP: NotRequired[dict[str, Any] | None]
    Peering: NotRequired[dict[str, Any] | None]
    ValidateClusters: NotRequired[bool]


class ServiceConsumer(TypedDict, total=False):
    """Who may use a service."""

    Peer: str
    Partition: str
    SamenessGroup: str


class ExportedService(TypedDict, total=False):
    """A service that others may use."""

    Name: str
    Namespace: str
    Consumers: list[ServiceConsumer] | None


class ExportedServicesConfig(ConfigEntryCommon):
    """The services that peers and partitions may use (1.11)."""

    Kind: Literal["exported-services"]
    Services: NotRequired[list[ExportedService] | None]


class GatewayEntry(ConfigEntryCommon):
    """An API gateway, its routes and certificates (1.15), and inference gateways (2.1)."""

    Kind: Literal[
        "api-gateway",
        "bound-api-gateway",
        "http-route",
        "tcp-route",
        "inline-certificate",
        "file-system-certificate",
        "inference-gateway",
    ]
    #: What Consul makes of it.
    Status: NotRequired[dict[str, Any]]
    Listeners: NotRequired[list[dict[str, Any]] | None]
    Services: NotRequired[list[dict[str, Any]] | None]
    Parents: NotRequired[list[dict[str, Any]] | None]
    Rules: NotRequired[list[dict[str, Any]] | None]
    Hostnames: NotRequired[list[str] | None]
    Certificate: NotRequired[str]
    PrivateKey: NotRequired[str]


class JWTProvider(ConfigEntryCommon):
    """Who signs the tokens of requests (1.16)."""

    Kind: Literal["jwt-provider"]
    #: How the keys are found.
    JSONWebKeySet: NotRequired[dict[str, Any] | None]
    Issuer: NotRequired[str]
    Audiences: NotRequired[list[str] | None]
    Locations: NotRequired[list[dict[str, Any]] | None]
    Forwarding: NotRequired[dict[str, Any] | None]
    ClockSkewSeconds: NotRequired[int]
    CacheConfig: NotRequired[dict[str, Any] | None]


class OtherConfigEntry(ConfigEntryCommon):
    """An entry of a kind that Consul Enterprise or a newer version has."""

    Kind: Literal["sameness-group", "control-plane-request-limit", "rate-limit"]


#: A config entry; its ``Kind`` says which one.
ConfigEntry: TypeAlias = (
    ServiceDefaults
    | ProxyDefaults
    | ServiceRouter
    | ServiceSplitter
    | ServiceResolver
    | IngressGateway
    | TerminatingGateway
    | ServiceIntentions
    | Mesh
    | ExportedServicesConfig
    | GatewayEntry
    | JWTProvider
    | OtherConfigEntry
)


class ConfigRead(Common, Consistency, Blocking, total=False):
    """Keywords of ``config.get``."""


class ConfigList(ConfigRead, Filtered, total=False):
    """Keywords of ``config.list``."""


def _without_null(path: str, value: Any) -> None:
    """Refuse a null in the ``Config`` of proxy-defaults, of which Consul 1.8 dies for good."""
    if value is None:
        raise ValueError(
            f"{path} must not be None: Consul 1.8 cannot be started any more after a null in "
            "the Config of proxy-defaults"
        )
    if isinstance(value, Mapping):
        for name, item in value.items():
            _without_null(f"{path}[{name!r}]", item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _without_null(f"{path}[{place}]", item)


def _body(data: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = mapped(opaque)("data", data)
    plain = {name.lower(): name for name in body}
    if not body.get(plain.get("kind", "")):
        raise ValueError("data has no 'Kind'")
    config = plain.get("config")
    if body[plain["kind"]] == "proxy-defaults" and config is not None and body[config] is not None:
        _without_null(f"data[{config!r}]", body[config])
    return body


class Config(Noun[F]):
    """Config entries, /v1/config (1.5): what is configured for the whole mesh."""

    @endpoint("PUT /v1/config", repeatable=True, conditions=("cas",), since="1.5.0")
    def put(
        self,
        data: Mapping[str, Any],
        dc: Text | None = None,
        token: Text | None = None,
        cas: Number | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Set a config entry: True, or False when it was not set.

        *data* is the entry in Consul's spelling, with ``Kind``, ``Name`` and the fields of the
        kind.  With *cas* it is set only where its ``ModifyIndex`` is this number, 0 only where
        there is none; Consul since 1.9 answers False as well where nothing would change.

        Raises BadRequest for an unknown kind or field, ServerError for an entry that does not fit
        to others, ACLPermissionDenied where *token* may not write it.

        ``PUT /v1/config``
        """
        params = (("cas", None if cas is None else number("cas", cas)),)
        path, body = "/v1/config", _body(data)
        return self._call(
            "put", path, answers.bool_answer, params, options, token=token, dc=dc, json=body
        )

    @shortcut
    def set(
        self,
        kind: Text,
        name: Text,
        config_entry: Mapping[str, Any],
        token: Text | None = None,
        dc: Text | None = None,
        cas: Number | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Set the config entry of this kind and name: `put` with the two as arguments.

        ``PUT /v1/config``
        """
        data = {**config_entry, "Kind": text("kind", kind), "Name": text("name", name)}
        return self._described.put(  # type: ignore[no-any-return]
            data, dc, token, cas, **options
        )

    @endpoint("GET /v1/config/:kind/:name", since="1.5.0")
    def get(
        self,
        kind: Text,
        name: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[ConfigRead],
    ) -> Call[Indexed[ConfigEntry | None]]:
        """Read a config entry: (index, entry), or (index, None) when it does not exist.

        Raises ServerError for an unknown kind, ACLPermissionDenied where *token* may not read it.

        ``GET /v1/config/:kind/:name``
        """
        path = f"/v1/config/{segment('kind', kind)}/{segment('name', name)}"
        return self._read("get", path, answers.indexed_or_none, (), options, token=token, dc=dc)

    @endpoint("GET /v1/config/:kind", since="1.5.0", ignores={"filter": "1.16.0"})
    def list(
        self,
        kind: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[ConfigList],
    ) -> Call[Indexed[builtins.list[ConfigEntry]]]:
        """List the config entries of a kind: (index, entries).

        Those that *token* may not read are left out.  *filter* needs Consul 1.16.

        Raises ServerError for an unknown kind.

        ``GET /v1/config/:kind``
        """
        path = f"/v1/config/{segment('kind', kind)}"
        return self._read("list", path, answers.indexed, (), options, token=token, dc=dc)

    @endpoint(
        "DELETE /v1/config/:kind/:name",
        repeatable=True,
        conditions=("cas",),
        since="1.5.0",
        ignores={"cas": "1.11.0"},
    )
    def delete(
        self,
        kind: Text,
        name: Text,
        token: Text | None = None,
        dc: Text | None = None,
        cas: Number | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Delete a config entry: True, also when it does not exist.

        With *cas* only where its ``ModifyIndex`` is this number; False otherwise.  Consul before
        1.11 would delete it whatever *cas* is, so Unsupported is raised there.

        Raises ServerError for an entry that others need, BadRequest for an unknown kind,
        ACLPermissionDenied where *token* may not write it.

        ``DELETE /v1/config/:kind/:name``
        """
        params = (("cas", None if cas is None else number("cas", cas)),)
        path = f"/v1/config/{segment('kind', kind)}/{segment('name', name)}"
        return self._call("delete", path, answers.done_or_bool, params, options, token=token, dc=dc)
