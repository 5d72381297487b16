"""Network areas, /v1/operator/area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import BlockingRead, Scope
from consul.core import answers
from consul.core.bodies import texts
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class AreaEntry(TypedDict):
    """A network area: two datacenters that talk to each other directly."""

    ID: str
    PeerDatacenter: str
    RetryJoin: list[str] | None
    UseTLS: NotRequired[bool]


class AreaCreated(TypedDict):
    """The id of an area."""

    ID: str


class AreaJoinResponse(TypedDict):
    """Whether one address could be joined."""

    Address: str
    Joined: bool
    Error: str


class SerfMember(TypedDict):
    """A server of an area."""

    ID: str
    Name: str
    Addr: str
    Port: int
    Datacenter: str
    Role: str
    Build: str
    Protocol: int
    Status: str
    #: Round trip time in nanoseconds.
    RTT: int


class AreaUpdate(Scope, total=False):
    """Keywords of ``operator.area.update``."""

    #: Whether the servers of the area talk TLS.
    use_tls: Flag
    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class AreaCreate(AreaUpdate, total=False):
    """Keywords of ``operator.area.create``."""

    #: Addresses of servers in the other datacenter.
    retry_join: Iterable[Text] | None


class _Body(TypedDict, total=False):
    peer_datacenter: Text | None
    retry_join: Iterable[Text] | None
    use_tls: Flag


_AREA = Fields(_Body)


class Area(Noun[F]):
    """Network areas, /v1/operator/area (Enterprise).  Consul CE raises NotFound."""

    @endpoint("POST /v1/operator/area", repeatable=False)
    def create(self, peer_datacenter: Text, **options: Unpack[AreaCreate]) -> Call[AreaCreated]:
        """Create an area with another datacenter: its ``ID``.

        ``POST /v1/operator/area``
        """
        given = {"peer_datacenter": peer_datacenter, **options}
        return self._write("create", "/v1/operator/area", answers.value, _AREA, given)

    @endpoint("GET /v1/operator/area")
    def list(self, **options: Unpack[BlockingRead]) -> Call[Indexed[builtins.list[AreaEntry]]]:
        """List the areas: (index, areas).

        ``GET /v1/operator/area``
        """
        return self._read("list", "/v1/operator/area", answers.indexed, (), options)

    @endpoint("GET /v1/operator/area/:area_id")
    def get(
        self, area_id: Text, **options: Unpack[BlockingRead]
    ) -> Call[Indexed[AreaEntry | None]]:
        """Read an area: (index, area), or (index, None) when it does not exist.

        ``GET /v1/operator/area/:area_id``
        """
        path = f"/v1/operator/area/{segment('area_id', area_id)}"
        return self._read("get", path, answers.indexed_first, (), options)

    @endpoint("PUT /v1/operator/area/:area_id", repeatable=True)
    def update(self, area_id: Text, **options: Unpack[AreaUpdate]) -> Call[AreaCreated]:
        """Change whether the servers of an area talk TLS: its ``ID``.

        ``PUT /v1/operator/area/:area_id``
        """
        path = f"/v1/operator/area/{segment('area_id', area_id)}"
        return self._write("update", path, answers.value, _AREA, options)

    @endpoint("DELETE /v1/operator/area/:area_id", repeatable=False)
    def delete(self, area_id: Text, **options: Unpack[Scope]) -> Call[bool]:
        """Delete an area.  Return True.

        ``DELETE /v1/operator/area/:area_id``
        """
        path = f"/v1/operator/area/{segment('area_id', area_id)}"
        return self._call("delete", path, answers.done, (), options)

    @endpoint("PUT /v1/operator/area/:area_id/join", repeatable=True)
    def join(
        self, area_id: Text, addresses: Iterable[Text], **options: Unpack[Scope]
    ) -> Call[builtins.list[AreaJoinResponse]]:
        """Join the servers at *addresses* to an area.

        ``PUT /v1/operator/area/:area_id/join``
        """
        path = f"/v1/operator/area/{segment('area_id', area_id)}/join"
        body = texts("addresses", addresses)
        return self._call("join", path, answers.value, (), options, json=body)

    @endpoint("GET /v1/operator/area/:area_id/members")
    def members(self, area_id: Text, **options: Unpack[Scope]) -> Call[builtins.list[SerfMember]]:
        """List the servers of an area.

        ``GET /v1/operator/area/:area_id/members``
        """
        path = f"/v1/operator/area/{segment('area_id', area_id)}/members"
        return self._call("members", path, answers.value, (), options)
