"""The catalog of nodes and services, /v1/catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import (
    CatalogRead,
    CatalogServiceRead,
    CatalogServicesRead,
    Common,
    DatacentersRead,
    NodeServicesRead,
    QueryListRead,
)
from consul.api.params import selecting, tags
from consul.core import answers, bodies
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, flag, identifier, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call

#: What may be there has any name, also one that cannot be registered here.
_REMOVAL = Fields(dc="Datacenter", kinds={"dc": text})


class Locality(TypedDict, total=False):
    """Where something runs (1.17)."""

    Region: str
    Zone: str


class Node(TypedDict):
    """A node of the catalog."""

    #: "" where it was registered without one.
    ID: str
    #: Its name.
    Node: str
    Address: str
    Datacenter: str
    TaggedAddresses: dict[str, str] | None
    Meta: dict[str, str] | None
    Locality: NotRequired[Locality | None]
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class ServiceAddress(TypedDict):
    """One of the tagged addresses of a service."""

    Address: str
    Port: int


class ServicePort(TypedDict):
    """One of the ports of a service (1.22)."""

    Name: str
    Port: int
    Default: NotRequired[bool]


class AgentWeights(TypedDict):
    """How often DNS answers with an instance, by its state."""

    Passing: int
    Warning: int


class MeshGatewayConfig(TypedDict, total=False):
    """How traffic to other datacenters goes."""

    #: "none", "local" or "remote".
    Mode: str


class ExposePath(TypedDict, total=False):
    """A path that can be reached without the mesh."""

    Path: str
    LocalPathPort: int
    ListenerPort: int
    Protocol: str
    ParsedFromCheck: bool


class ExposeConfig(TypedDict, total=False):
    """What can be reached without the mesh."""

    Checks: bool
    Paths: list[ExposePath] | None


class TransparentProxyConfig(TypedDict, total=False):
    """How a transparent proxy listens (1.10)."""

    OutboundListenerPort: int
    DialedDirectly: bool


class AccessLogsConfig(TypedDict, total=False):
    """What a proxy logs (1.15)."""

    Enabled: bool
    DisableListenerLogs: bool
    #: "file", "stderr" or "stdout".
    Type: str
    Path: str
    JSONFormat: str
    TextFormat: str


class EnvoyExtension(TypedDict, total=False):
    """An extension of Envoy (1.15)."""

    Name: str
    Required: bool
    #: Its keys depend on the extension.
    Arguments: dict[str, Any]
    ConsulVersion: str
    EnvoyVersion: str


class Upstream(TypedDict):
    """A service that a proxy makes reachable for its own service."""

    #: "service" or "prepared_query".
    DestinationType: NotRequired[str]
    DestinationName: str
    DestinationNamespace: NotRequired[str]
    DestinationPartition: NotRequired[str]
    DestinationPeer: NotRequired[str]
    Datacenter: NotRequired[str]
    LocalBindAddress: NotRequired[str]
    LocalBindPort: NotRequired[int]
    LocalBindSocketPath: NotRequired[str]
    LocalBindSocketMode: NotRequired[str]
    #: For the proxy; Consul does not look at it.
    Config: NotRequired[dict[str, Any] | None]
    MeshGateway: NotRequired[MeshGatewayConfig]
    #: Whether it comes from config entries.
    CentrallyConfigured: NotRequired[bool]


class AgentServiceConnectProxyConfig(TypedDict, total=False):
    """What a proxy or gateway does; a service that is none has little of it."""

    #: The service that the proxy stands for.
    DestinationServiceName: str
    DestinationServiceID: str
    LocalServiceAddress: str
    LocalServicePort: int
    LocalServiceSocketPath: str
    #: "", "direct" or "transparent".
    Mode: str
    MutualTLSMode: str
    TransparentProxy: TransparentProxyConfig
    #: For the proxy; Consul does not look at it.
    Config: dict[str, Any] | None
    Upstreams: list[Upstream] | None
    MeshGateway: MeshGatewayConfig
    Expose: ExposeConfig
    AccessLogs: AccessLogsConfig
    EnvoyExtensions: list[EnvoyExtension]


class PeeringServiceMeta(TypedDict, total=False):
    """How a service of a peer is reached."""

    SNI: list[str]
    SpiffeID: list[str]
    Protocol: str


class AgentServiceConnect(TypedDict, total=False):
    """What a service has to do with the mesh."""

    #: Whether it speaks to the mesh without a proxy.
    Native: bool
    PeerMeta: PeeringServiceMeta


class _NodeService(TypedDict):
    #: Absent from ordinary services.
    Kind: NotRequired[str]
    ID: str
    #: Its name.
    Service: str
    #: "" stands for the address of the node.
    Address: str
    TaggedAddresses: NotRequired[dict[str, ServiceAddress] | None]
    Meta: dict[str, str] | None
    #: Newer servers leave out port 0.
    Port: NotRequired[int]
    Ports: NotRequired[list[ServicePort] | None]
    SocketPath: NotRequired[str]
    Weights: AgentWeights
    EnableTagOverride: bool
    Locality: NotRequired[Locality | None]
    Proxy: AgentServiceConnectProxyConfig
    Connect: AgentServiceConnect
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class NodeService(_NodeService):
    """A service of a node."""

    Tags: list[str]


class StoredService(_NodeService):
    """The same as queries and transactions answer it."""

    #: None where it has none.
    Tags: list[str] | None


class CatalogNode(TypedDict):
    """A node with its services, by their ids."""

    Node: Node
    Services: dict[str, NodeService]


class CatalogNodeServiceList(TypedDict):
    """A node with a list of its services; both are None for an unknown node."""

    Node: Node | None
    Services: list[NodeService] | None


class CatalogService(TypedDict):
    """An instance of a service, with its node."""

    #: That of the node.
    ID: str
    Node: str
    Address: str
    Datacenter: str
    TaggedAddresses: dict[str, str] | None
    NodeMeta: dict[str, str] | None
    #: "" for ordinary services.
    ServiceKind: str
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str]
    #: "" stands for the address of the node.
    ServiceAddress: str
    ServiceTaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    ServiceWeights: AgentWeights
    ServiceMeta: dict[str, str]
    ServicePort: int
    ServicePorts: NotRequired[list[ServicePort] | None]
    ServiceSocketPath: NotRequired[str]
    ServiceEnableTagOverride: bool
    ServiceProxy: AgentServiceConnectProxyConfig
    ServiceConnect: AgentServiceConnect
    ServiceLocality: NotRequired[Locality | None]
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class CompoundServiceName(TypedDict):
    """The name of a service."""

    Name: str
    Namespace: NotRequired[str]
    Partition: NotRequired[str]


class GatewayService(TypedDict):
    """A service behind a gateway."""

    Gateway: CompoundServiceName
    Service: CompoundServiceName
    #: "ingress-gateway", "terminating-gateway" or "api-gateway".
    GatewayKind: str
    #: Those of an ingress gateway.
    Port: NotRequired[int]
    Protocol: NotRequired[str]
    Hosts: NotRequired[list[str]]
    #: Those of a terminating gateway: paths of files, and the name to ask for.
    CAFile: NotRequired[str]
    CertFile: NotRequired[str]
    KeyFile: NotRequired[str]
    SNI: NotRequired[str]
    AutoHostRewrite: NotRequired[bool]
    #: Whether it is there because of a "*".
    FromWildcard: NotRequired[bool]
    #: "service", or "destination" for what has no instances.
    ServiceKind: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class _Registration(TypedDict, total=False):
    node: Text
    address: Text | None
    service: Mapping[str, Any] | None
    check: Mapping[str, Any] | None
    dc: Text | None
    node_meta: Mapping[str, Text] | None
    skip_node_update: Flag
    tagged_addresses: Mapping[str, Text] | None
    node_id: Text | None
    checks: Iterable[Mapping[str, Any]] | None
    locality: Mapping[str, Any] | None


class CatalogRegistrationWrite(Common, total=False):
    """``catalog.register``: what may be given besides what has a position."""

    #: UUID of the node.
    node_id: Text | None
    #: Further checks, dicts like *check*.
    checks: Iterable[Mapping[str, Any]] | None
    #: Where the node is: ``Region`` and ``Zone`` (1.17).
    locality: Mapping[str, Any] | None
    #: Further fields in Consul's spelling, for newer servers.
    extra: Mapping[str, Any] | None


_REGISTRATION = Fields(
    _Registration,
    kinds={
        "node": identifier,
        "service": bodies.CATALOG_SERVICE,
        "check": bodies.CATALOG_CHECK,
        "checks": bodies.listed(bodies.CATALOG_CHECK, "checks"),
        "locality": bodies.LOCALITY,
    },
    node_id="ID",
    dc="Datacenter",
)


def _some(name: str, value: Text) -> str:
    result = text(name, value)
    if not result:
        # Consul would take it for absent and remove the whole node.
        raise ValueError(f"{name} must not be empty")
    return result


class Catalog(Noun[F]):
    """The catalog of nodes and services, /v1/catalog.

    An agent overwrites what is registered here for its own node.  Register services with
    ``agent.service`` instead.
    """

    @endpoint("PUT /v1/catalog/register", repeatable=True)
    def register(
        self,
        node: Text,
        address: Text | None,
        service: Mapping[str, Any] | None = None,
        check: Mapping[str, Any] | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, Text] | None = None,
        skip_node_update: Flag = None,
        tagged_addresses: Mapping[str, Text] | None = None,
        **options: Unpack[CatalogRegistrationWrite],
    ) -> Call[bool]:
        """Register a node, and a service or checks of it.  Return True.

        *address* is the address of the node.  With *skip_node_update* a node that exists stays as
        it is, and *address* may be None.  *node_meta* is the metadata of the node, and *node_id*
        its UUID.  *tagged_addresses* maps "lan" or "wan" to addresses.  *locality* is a dict with
        ``Region`` and ``Zone`` (1.17).
        *service* is a dict with ``Service`` (its name) and perhaps ``ID``, ``Tags``, ``Address``,
        ``Port``, ``Meta``; a proxy or gateway has ``Kind`` and ``Proxy``.  *check* is one with
        ``Name``, ``CheckID``, ``Status``, ``ServiceID``, ``Notes``, ``Definition``, and *checks* is
        a list of such.  *extra* holds further fields in Consul's spelling.

        Raises ACLPermissionDenied where the token may not write it, BadRequest for a field that
        this version of Consul does not know, ServerError for an id or a name that another node
        has.

        ``PUT /v1/catalog/register``
        """
        if address is None and not flag("skip_node_update", skip_node_update):
            raise ValueError("address must be given, unless skip_node_update is True")
        given = {
            "node": node,
            "address": address,
            # Consul ignores the datacenter of the query here.
            "dc": dc or self._client.settings.dc,
            "node_meta": node_meta,
            "skip_node_update": skip_node_update,
            "tagged_addresses": tagged_addresses,
            "service": service,
            "check": check,
            **options,
        }
        path = "/v1/catalog/register"
        return self._write(
            "register", path, answers.bool_answer, _REGISTRATION, given, dc=dc, token=token
        )

    @endpoint("PUT /v1/catalog/deregister", repeatable=True)
    def deregister(
        self,
        node: Text,
        service_id: Text | None = None,
        check_id: Text | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Remove a node with all its services and checks, or only one of those.  Return True.

        Also returns True when it does not exist.  *service_id* and *check_id* exclude each other.

        Raises ACLPermissionDenied where the token may not write it.

        ``PUT /v1/catalog/deregister``
        """
        if service_id is not None and check_id is not None:
            raise ValueError("service_id and check_id exclude each other")
        body = _REMOVAL.body(
            node=_some("node", node),
            service_id=None if service_id is None else _some("service_id", service_id),
            check_id=None if check_id is None else _some("check_id", check_id),
            # Consul ignores the datacenter of the query here.
            dc=dc or self._client.settings.dc,
        )
        return self._call(
            "deregister",
            "/v1/catalog/deregister",
            answers.bool_answer,
            (),
            options,
            json=body,
            dc=dc,
            token=token,
        )

    @endpoint("GET /v1/catalog/datacenters")
    def datacenters(self, **options: Unpack[DatacentersRead]) -> Call[list[str]]:
        """List the names of all known datacenters, the nearest first.

        ``GET /v1/catalog/datacenters``
        """
        return self._call("datacenters", "/v1/catalog/datacenters", answers.value, (), options)

    @endpoint("GET /v1/catalog/nodes")
    def nodes(
        self,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[CatalogRead],
    ) -> Call[Indexed[list[Node]]]:
        """List all nodes: (index, nodes).

        *near* names a node to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/nodes``
        """
        return self._read(
            "nodes",
            "/v1/catalog/nodes",
            answers.indexed,
            selecting(filter, node_meta),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/catalog/services", ignores={"filter": "1.14.0"})
    def services(
        self,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[CatalogServicesRead],
    ) -> Call[Indexed[dict[str, list[str]]]]:
        """List the names of all services, each with all its tags: (index, dict).

        *filter* needs Consul 1.14; older versions ignore it.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/services``
        """
        return self._read(
            "services",
            "/v1/catalog/services",
            answers.indexed,
            selecting(filter, node_meta),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    @endpoint("GET /v1/catalog/node/:node")
    def node(
        self,
        node: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        filter: Text | None = None,
        **options: Unpack[CatalogRead],
    ) -> Call[Indexed[CatalogNode | None]]:
        """Read a node and its services: (index, node), or (index, None) for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/node/:node``
        """
        return self._read(
            "node",
            f"/v1/catalog/node/{segment('node', node)}",
            answers.indexed,
            selecting(filter),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    @endpoint("GET /v1/catalog/service/:service", ignores={"peer": "1.13.0"})
    def service(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        tag: Text | Iterable[Text] | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[CatalogServiceRead],
    ) -> Call[Indexed[list[CatalogService]]]:
        """List the instances of a service: (index, instances), [] for an unknown service.

        *tag* keeps the instances with this tag, or with all of several tags.  *near* names a node
        to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/service/:service``
        """
        return self._read(
            "service",
            f"/v1/catalog/service/{segment('service', service)}",
            answers.indexed,
            (*tags(tag), *selecting(filter, node_meta)),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/catalog/connect/:service", ignores={"peer": "1.13.0"})
    def connect(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        tag: Text | Iterable[Text] | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[CatalogServiceRead],
    ) -> Call[Indexed[list[CatalogService]]]:
        """List what the mesh reaches a service by: (index, instances), [] for an unknown service.

        Those are its proxies, which have ``ServiceProxy`` and a name of their own, and those of its
        own instances that speak to the mesh without one.
        *near* names a node to sort by round trip time from.  Use *filter* instead of
        *tag*, which servers ignore.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/connect/:service``
        """
        return self._read(
            "connect",
            f"/v1/catalog/connect/{segment('service', service)}",
            answers.indexed,
            (*tags(tag), *selecting(filter, node_meta)),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/catalog/node-services/:node", since="1.7.0")
    def node_services(
        self, node: Text, **options: Unpack[NodeServicesRead]
    ) -> Call[Indexed[CatalogNodeServiceList]]:
        """Read a node and a list of its services: (index, node).

        For an unknown node, or where the token may not read it, both are None.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/node-services/:node``
        """
        path = f"/v1/catalog/node-services/{segment('node', node)}"
        return self._read("node_services", path, answers.indexed, (), options)

    @endpoint("GET /v1/catalog/gateway-services/:gateway", since="1.8.0")
    def gateway_services(
        self,
        gateway: Text,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[QueryListRead],
    ) -> Call[Indexed[list[GatewayService] | None]]:
        """List the services behind an ingress or terminating gateway: (index, services).

        An unknown gateway has [], and None on older servers.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises ACLPermissionDenied where the token may not read the gateway.

        ``GET /v1/catalog/gateway-services/:gateway``
        """
        path = f"/v1/catalog/gateway-services/{segment('gateway', gateway)}"
        return self._read(
            "gateway_services", path, answers.indexed, (), options, dc=dc, token=token
        )
