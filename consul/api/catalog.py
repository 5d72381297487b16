"""The catalog of nodes and services, /v1/catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import (
    CatalogNodeRead,
    CatalogNodesRead,
    CatalogServiceRead,
    CatalogServicesRead,
    Common,
    DatacentersRead,
)
from consul.api.params import tags
from consul.core import answers, bodies
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, flag, identifier, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call

_REGISTRATION = Fields(
    kinds={
        "node": identifier,
        "address": text,
        "node_id": text,
        "dc": text,
        "tagged_addresses": bodies.text_map,
        "node_meta": bodies.text_map,
        "service": bodies.CATALOG_SERVICE,
        "check": bodies.CATALOG_CHECK,
        "skip_node_update": flag,
    },
    node_id="ID",
    dc="Datacenter",
)
#: What may be there has any name, also one that cannot be registered here.
_REMOVAL = Fields(dc="Datacenter", kinds={"dc": text})


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
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class ServiceAddress(TypedDict):
    """One of the tagged addresses of a service."""

    Address: str
    Port: int


class NodeService(TypedDict):
    """A service of a node."""

    #: Absent from ordinary services.
    Kind: NotRequired[str]
    ID: str
    #: Its name.
    Service: str
    Tags: list[str]
    #: "" stands for the address of the node.
    Address: str
    TaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    Meta: dict[str, str] | None
    #: Newer servers leave out port 0.
    Port: NotRequired[int]
    Ports: NotRequired[list[dict[str, Any]]]
    SocketPath: NotRequired[str]
    Weights: dict[str, int]
    EnableTagOverride: bool
    Proxy: dict[str, Any]
    Connect: dict[str, Any]
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class CatalogNode(TypedDict):
    """A node with its services, by their ids."""

    Node: Node
    Services: dict[str, NodeService]


class CatalogService(TypedDict):
    """An instance of a service, with its node."""

    #: That of the node.
    ID: str
    Node: str
    Address: str
    Datacenter: str
    TaggedAddresses: dict[str, str] | None
    NodeMeta: dict[str, str] | None
    ServiceKind: str
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str]
    #: "" stands for the address of the node.
    ServiceAddress: str
    ServiceTaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    ServiceWeights: dict[str, int]
    ServiceMeta: dict[str, str]
    ServicePort: int
    ServicePorts: NotRequired[list[dict[str, Any]] | None]
    ServiceSocketPath: NotRequired[str]
    ServiceEnableTagOverride: bool
    ServiceProxy: dict[str, Any]
    ServiceConnect: dict[str, Any]
    ServiceLocality: NotRequired[dict[str, str] | None]
    PeerName: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


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
        address: Text,
        service: Mapping[str, Any] | None = None,
        check: Mapping[str, Any] | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        *,
        node_meta: Mapping[str, Text] | None = None,
        node_id: Text | None = None,
        tagged_addresses: Mapping[str, Text] | None = None,
        skip_node_update: Flag = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Register a node, and a service or a check of it.  Return True.

        *address* is the address of the node.  *service* is a dict with ``Service`` (its name) and
        perhaps ``ID``, ``Tags``, ``Address``, ``Port``, ``Meta``.  *check* is one with ``Name``,
        ``CheckID``, ``Status``, ``ServiceID``, ``Notes``.  *node_meta* is the metadata of the node
        and *node_id* its UUID.  *tagged_addresses* maps "lan" or "wan" to addresses.  With
        *skip_node_update* a node that exists stays as it is.

        Raises ACLPermissionDenied where the token may not write it, BadRequest for a field that
        this version of Consul does not know.

        ``PUT /v1/catalog/register``
        """
        body = _REGISTRATION.body(
            node=node,
            address=address,
            node_id=node_id,
            # Consul ignores the datacenter of the query here.
            dc=dc or self._client.settings.dc,
            tagged_addresses=tagged_addresses,
            node_meta=node_meta,
            service=service,
            check=check,
            skip_node_update=skip_node_update,
        )
        return self._call(
            "register",
            "/v1/catalog/register",
            answers.bool_answer,
            (),
            options,
            json=body,
            dc=dc,
            token=token,
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
        **options: Unpack[CatalogNodesRead],
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
            (),
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
            (),
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
        **options: Unpack[CatalogNodeRead],
    ) -> Call[Indexed[CatalogNode | None]]:
        """Read a node and its services: (index, node), or (index, None) for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/node/:node``
        """
        return self._read(
            "node",
            f"/v1/catalog/node/{segment('node', node)}",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    @endpoint("GET /v1/catalog/service/:service")
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
            tags(tag),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )
