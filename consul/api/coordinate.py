"""Network coordinates, /v1/coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common, Scope, WithToken
from consul.core import answers
from consul.core.bodies import Struct, listed, opaque
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text
from consul.core.values import segment as path_segment

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


class _Body(TypedDict, total=False):
    node: Text | None
    coord: Coord | None
    segment: Text | None


_COORD = Struct(vec=listed(opaque, "numbers"))
_UPDATE = Fields(_Body, kinds={"coord": _COORD})


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
        *,
        segment: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[list[CoordinateEntry]]]:
        """List the LAN coordinates of all nodes: (index, coordinates).

        Nodes that the token may not read are left out.  *segment* keeps those of a network segment
        (Enterprise).
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/coordinate/nodes``
        """
        return self._read(
            "nodes",
            "/v1/coordinate/nodes",
            answers.indexed,
            (("segment", segment),),
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
        *,
        segment: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[list[CoordinateEntry]]]:
        """List the LAN coordinates of a node, one for each of its segments: (index, coordinates).

        *segment* keeps that of a network segment (Enterprise).
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises NotFound for a node without coordinates, ACLPermissionDenied where the token may
        not read the node.

        ``GET /v1/coordinate/node/:node``
        """
        return self._read(
            "node",
            f"/v1/coordinate/node/{path_segment('node', node)}",
            answers.indexed,
            (("segment", segment),),
            options,
            dc=dc,
            index=index,
            wait=wait,
            consistency=consistency,
        )

    @endpoint("PUT /v1/coordinate/update", repeatable=True)
    def update(
        self,
        node: Text,
        coord: Coord,
        segment: Text | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Set the LAN coordinate of a node, as its agent does.  Return True.

        *segment* is that of the node (Enterprise).  The servers apply it after some seconds, and
        drop it where they do not know the node.

        Raises ServerError for a *coord* whose ``Vec`` has not 8 numbers, ACLPermissionDenied where
        *token* may not write the node.

        ``PUT /v1/coordinate/update``
        """
        # A server breaks the connection when there is no coordinate.
        given = {"node": node, "coord": _COORD("coord", coord), "segment": segment, **options}
        path = "/v1/coordinate/update"
        return self._write("update", path, answers.done, _UPDATE, given, dc=dc, token=token)
