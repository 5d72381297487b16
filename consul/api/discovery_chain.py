"""How requests to a service of the mesh are routed, /v1/discovery-chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.catalog import EnvoyExtension, MeshGatewayConfig, TransparentProxyConfig
from consul.api.config import ServiceResolverSubset
from consul.api.noun import Noun
from consul.api.options import Blocking, Consistency, Refreshed, RefreshedRead, WithDC
from consul.api.params import text_or_absent
from consul.core import answers
from consul.core.bodies import Struct
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class DiscoveryGraphNode(TypedDict):
    """A step on the way of a request."""

    #: "router", "splitter" or "resolver".
    Type: str
    Name: str
    Routes: NotRequired[list[dict[str, Any]]]
    Splits: NotRequired[list[dict[str, Any]]]
    Resolver: NotRequired[dict[str, Any]]
    LoadBalancer: NotRequired[dict[str, Any]]


class DiscoveryTarget(TypedDict):
    """Where a request may end."""

    ID: str
    Service: str
    ServiceSubset: NotRequired[str]
    Namespace: NotRequired[str]
    Partition: NotRequired[str]
    Datacenter: NotRequired[str]
    Peer: NotRequired[str]
    MeshGateway: NotRequired[MeshGatewayConfig]
    TransparentProxy: NotRequired[TransparentProxyConfig]
    Subset: NotRequired[ServiceResolverSubset]
    #: Text like "5s".
    ConnectTimeout: NotRequired[str]
    External: NotRequired[bool]
    SNI: NotRequired[str]
    Name: NotRequired[str]
    Locality: NotRequired[dict[str, str] | None]


class CompiledDiscoveryChain(TypedDict):
    """What the config entries of a service come to."""

    ServiceName: str
    Namespace: str
    Datacenter: str
    #: Tells a chain with overrides from one without.
    CustomizationHash: NotRequired[str]
    #: Whether there is no config entry about it (newer versions).
    Default: NotRequired[bool]
    Protocol: str
    StartNode: str
    Nodes: dict[str, DiscoveryGraphNode]
    Targets: dict[str, DiscoveryTarget]
    Partition: NotRequired[str]
    ServiceMeta: NotRequired[dict[str, str] | None]
    EnvoyExtensions: NotRequired[list[EnvoyExtension] | None]
    AutoVirtualIPs: NotRequired[list[str] | None]
    ManualVirtualIPs: NotRequired[list[str] | None]


class DiscoveryChainResponse(TypedDict):
    """The answer that has the chain."""

    Chain: CompiledDiscoveryChain


class DiscoveryChainRead(WithDC, Consistency, Blocking, Refreshed, total=False):
    """Keywords of ``discovery_chain.get``."""


class DiscoveryChainFields(TypedDict, total=False):
    """What may be set in place of the config entries."""

    override_connect_timeout: Duration | None
    override_protocol: Text | None
    #: With ``Mode``: "none", "local" or "remote".
    override_mesh_gateway: Mapping[str, Any] | None


class DiscoveryChainCompile(DiscoveryChainFields, RefreshedRead, total=False):
    """Keywords of ``discovery_chain.compile``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


_OVERRIDES = Fields(DiscoveryChainFields, kinds={"override_mesh_gateway": Struct(mode=text)})


class DiscoveryChain(Noun[F]):
    """How requests to a service of the mesh are routed, /v1/discovery-chain (1.6)."""

    @endpoint("GET /v1/discovery-chain/:service", since="1.6.0")
    def get(
        self,
        service: Text,
        compile_dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[DiscoveryChainRead],
    ) -> Call[Indexed[DiscoveryChainResponse]]:
        """Read how requests to a service are routed: (index, answer).  An unknown one has a chain.

        *compile_dc* is the datacenter from whose view it is made; by default *dc*.

        Raises ACLPermissionDenied where *token* may not read the service.

        ``GET /v1/discovery-chain/:service``
        """
        path = f"/v1/discovery-chain/{segment('service', service)}"
        params = (("compile-dc", text_or_absent("compile_dc", compile_dc)),)
        return self._read("get", path, answers.indexed, params, options, token=token)

    @endpoint("POST /v1/discovery-chain/:service", repeatable=True, since="1.6.0")
    def compile(
        self,
        service: Text,
        compile_dc: Text | None = None,
        **options: Unpack[DiscoveryChainCompile],
    ) -> Call[Indexed[DiscoveryChainResponse]]:
        """Read how requests to a service would be routed with other settings: (index, answer).

        Raises ACLPermissionDenied where the token may not read the service.

        ``POST /v1/discovery-chain/:service``
        """
        path = f"/v1/discovery-chain/{segment('service', service)}"
        params = (("compile-dc", text_or_absent("compile_dc", compile_dc)),)
        body, rest = _OVERRIDES.split(options)
        return self._read("compile", path, answers.indexed, params, rest, json=body)
