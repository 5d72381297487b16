"""Network coordinates, /v1/coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, ReadOptions, WriteOptions


class Coordinate(Noun):
    """Network coordinates, /v1/coordinate, from which round trip times are estimated."""

    def datacenters(self, **options: Unpack[WriteOptions]) -> Call[list[Any]]:
        """WAN coordinates of all servers.

        A list of dicts with ``Datacenter``, ``AreaID`` and ``Coordinates``, a list of dicts with
        ``Node`` and ``Coord``.

        ``GET /v1/coordinate/datacenters``
        """
        return self._call("GET", "/v1/coordinate/datacenters", callback.value, (), options)

    def nodes(
        self,
        dc: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """LAN coordinates of all nodes: (index, list).

        Each item is a dict with ``Node``, ``Segment`` and ``Coord``; nodes that the token may not
        read are left out.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/coordinate/nodes``
        """
        return self._read(
            "/v1/coordinate/nodes",
            callback.indexed,
            (),
            options,
            dc=dc,
            index=index,
            wait=wait,
            consistency=consistency,
        )

    def node(
        self,
        node: str,
        dc: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """LAN coordinates of *node*, one for each of its segments: (index, list) as of `nodes`.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises NotFound for a node without coordinates, ACLPermissionDenied where the token may
        not read the node.

        ``GET /v1/coordinate/node/:node``
        """
        return self._read(
            f"/v1/coordinate/node/{segment('node', node)}",
            callback.indexed,
            (),
            options,
            dc=dc,
            index=index,
            wait=wait,
            consistency=consistency,
        )
