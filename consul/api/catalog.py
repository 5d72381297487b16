"""The catalog of nodes and services, /v1/catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import present, segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, ReadOptions, WriteOptions


def tags(tag: str | Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    """The query parameters for one tag or several."""
    if tag is None:
        return ()
    return (("tag", tag),) if isinstance(tag, str) else tuple(("tag", each) for each in tag)


class Catalog(Noun):
    """The catalog of nodes and services, /v1/catalog.

    Agents write what they know of their own node over it; to register services use
    ``agent.service``.
    """

    def register(
        self,
        node: str,
        address: str,
        service: Mapping[str, Any] | None = None,
        check: Mapping[str, Any] | None = None,
        dc: str | None = None,
        token: str | None = None,
        *,
        node_meta: Mapping[str, str] | None = None,
        node_id: str | None = None,
        tagged_addresses: Mapping[str, str] | None = None,
        skip_node_update: bool | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Register a node, and a service or a check of it: True.

        *address* is the node's.  *service* is a dict with ``Service`` (its name) and, as needed,
        ``ID``, ``Tags``, ``Address``, ``Port``, ``Meta``; *check* one with ``Name``, ``CheckID``,
        ``Status``, ``ServiceID``, ``Notes``.  *node_meta* is kept with the node, *node_id* is its
        UUID, *tagged_addresses* maps "lan" or "wan" to addresses; *skip_node_update* leaves a
        known node as it is.

        Raises ACLPermissionDenied where the token may not write it, BadRequest for a field that
        this version of Consul does not know.

        ``PUT /v1/catalog/register``
        """
        body = {
            "Node": node,
            "Address": address,
            "ID": node_id,
            # The datacenter in the query is ignored here.
            "Datacenter": dc or self.agent.dc,
            "TaggedAddresses": tagged_addresses,
            "NodeMeta": node_meta,
            "Service": service,
            "Check": check,
            "SkipNodeUpdate": skip_node_update,
        }
        return self._call(
            "PUT",
            "/v1/catalog/register",
            callback.boolean,
            (),
            options,
            json=present(body),
            dc=dc,
            token=token,
            repeatable=True,
        )

    def deregister(
        self,
        node: str,
        service_id: str | None = None,
        check_id: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Remove a node with all it has, or only one service or one check of it: True.

        What is not there counts as removed.  *service_id* and *check_id* exclude each other.

        Raises ACLPermissionDenied where the token may not write it.

        ``PUT /v1/catalog/deregister``
        """
        if service_id is not None and check_id is not None:
            raise ValueError("service_id and check_id exclude each other")
        for name, value in (("node", node), ("service_id", service_id), ("check_id", check_id)):
            if value == "":
                # Consul would take it for absent and remove the whole node.
                raise ValueError(f"{name} must not be empty")
        body = {
            "Node": node,
            "ServiceID": service_id,
            "CheckID": check_id,
            # The datacenter in the query is ignored here.
            "Datacenter": dc or self.agent.dc,
        }
        return self._call(
            "PUT",
            "/v1/catalog/deregister",
            callback.boolean,
            (),
            options,
            json=present(body),
            dc=dc,
            token=token,
            repeatable=True,
        )

    def datacenters(self, **options: Unpack[WriteOptions]) -> Call[list[Any]]:
        """Names of all known datacenters, the nearest first.

        ``GET /v1/catalog/datacenters``
        """
        return self._call("GET", "/v1/catalog/datacenters", callback.value, (), options)

    def nodes(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """All nodes: (index, nodes).

        A node is a dict with ``ID``, ``Node`` (its name), ``Address``, ``Datacenter``,
        ``TaggedAddresses``, ``Meta``, ``CreateIndex`` and ``ModifyIndex``.  *near* names the node
        to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/nodes``
        """
        return self._read(
            "/v1/catalog/nodes",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )

    def services(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """All services: (index, services), a dict from names to lists of all their tags.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/services``
        """
        return self._read(
            "/v1/catalog/services",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """One node and its services: (index, node), (index, None) when there is none.

        A dict with ``Node``, as of `nodes`, and ``Services``, a dict from ids to dicts with ``ID``,
        ``Service`` (its name), ``Tags``, ``Address``, ``Port``, ``Meta`` and others.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/node/:node``
        """
        return self._read(
            f"/v1/catalog/node/{segment('node', node)}",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    def service(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        tag: str | Sequence[str] | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The instances of a service: (index, instances), [] for an unknown one.

        An instance is a dict with ``Node``, ``Address``, ``ServiceID``, ``ServiceName``,
        ``ServiceAddress`` ("" means the node's), ``ServicePort``, ``ServiceTags``,
        ``ServiceMeta`` and others.  *tag* keeps those with this tag, or with all of a list of
        tags; *near* names the node to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/catalog/service/:service``
        """
        return self._read(
            f"/v1/catalog/service/{segment('service', service)}",
            callback.indexed,
            tags(tag),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            near=near,
            token=token,
        )
