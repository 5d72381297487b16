"""Network coordinates, /v1/coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, WithToken
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, segment

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call


class Coord(TypedDict):
    """A network coordinate."""

    Vec: list[float]
    Error: float
    Adjustment: float
    Height: float


class CoordinateEntry(TypedDict):
    """The coordinate of a node, in one of its segments."""

    Node: str
    Segment: str
    Coord: Coord


class CoordinateDatacenterMap(TypedDict):
    """The WAN coordinates of the servers of a datacenter."""

    Datacenter: str
    AreaID: str
    Coordinates: list[CoordinateEntry]


class Coordinate(Noun[F]):
    """Network coordinates, /v1/coordinate, from which round trip times are estimated."""

    @endpoint("GET /v1/coordinate/datacenters")
    def datacenters(self, **options: Unpack[Scope]) -> Call[list[CoordinateDatacenterMap]]:
        """List the WAN coordinates of all servers, by their datacenters.

        ``GET /v1/coordinate/datacenters``
        """
        return self._call("datacenters", "/v1/coordinate/datacenters", answers.value, (), options)

    @endpoint("GET /v1/coordinate/nodes")
    def nodes(
        self,
        dc: Text | None = None,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[list[CoordinateEntry]]]:
        """List the LAN coordinates of all nodes: (index, coordinates).

        Nodes that the token may not read are left out.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/coordinate/nodes``
        """
        return self._read(
            "nodes",
            "/v1/coordinate/nodes",
            answers.indexed,
            (),
            options,
            dc=dc,
            index=index,
            wait=wait,
            consistency=consistency,
        )

    @endpoint("GET /v1/coordinate/node/:node")
    def node(
        self,
        node: Text,
        dc: Text | None = None,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[list[CoordinateEntry]]]:
        """List the LAN coordinates of a node, one for each of its segments: (index, coordinates).

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises NotFound for a node without coordinates, ACLPermissionDenied where the token may
        not read the node.

        ``GET /v1/coordinate/node/:node``
        """
        return self._read(
            "node",
            f"/v1/coordinate/node/{segment('node', node)}",
            answers.indexed,
            (),
            options,
            dc=dc,
            index=index,
            wait=wait,
            consistency=consistency,
        )
