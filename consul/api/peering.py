"""Peered clusters, /v1/peering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import BlockingRead, Scope
from consul.api.params import hidden
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class PeeringRemoteInfo(TypedDict):
    """What the other cluster says of itself."""

    Partition: NotRequired[str]
    Datacenter: NotRequired[str]
    Locality: NotRequired[dict[str, str] | None]


class PeeringStreamStatus(TypedDict):
    """How the clusters talk to each other."""

    ImportedServices: list[str] | None
    ExportedServices: list[str] | None
    LastHeartbeat: str | None
    LastReceive: str | None
    LastSend: str | None


class PeeringInfo(TypedDict):
    """A peered cluster."""

    ID: str
    Name: str
    #: "PENDING", "ESTABLISHING", "ACTIVE", "FAILING", "DELETING" or "TERMINATED".
    State: str
    Partition: NotRequired[str]
    DeletedAt: NotRequired[str]
    Meta: NotRequired[dict[str, str] | None]
    PeerID: NotRequired[str]
    PeerCAPems: NotRequired[list[str] | None]
    PeerServerName: NotRequired[str]
    PeerServerAddresses: NotRequired[list[str] | None]
    StreamStatus: NotRequired[PeeringStreamStatus]
    Remote: NotRequired[PeeringRemoteInfo]
    CreateIndex: int
    ModifyIndex: int


class PeeringGenerateTokenResponse(TypedDict):
    """What the other cluster is given."""

    #: A secret.
    PeeringToken: str


class PeeringFields(TypedDict, total=False):
    """What may be set of a peering."""

    meta: Mapping[str, Text] | None


class PeeringEstablish(PeeringFields, Scope, total=False):
    """Keywords of ``peering.establish``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class PeeringGenerateToken(PeeringEstablish, total=False):
    """Keywords of ``peering.generate_token``."""

    #: What the other cluster is to connect to, like "10.0.0.1:8503"; by default the servers.
    server_external_addresses: Iterable[Text] | None


class _Body(PeeringFields, total=False):
    peer_name: Text | None
    peering_token: Text | None
    server_external_addresses: Iterable[Text] | None


_PEERING = Fields(_Body)


class Peering(Noun[F]):
    """Peered clusters, /v1/peering (1.13; on by default since 1.14).

    A token without ``peering:read`` gets its ACLPermissionDenied from reads only after some 12
    seconds, and without a leader they do not answer: leave them their time limit.
    """

    @endpoint("POST /v1/peering/token", repeatable=False, since="1.13.0")
    def generate_token(
        self, peer_name: Text, **options: Unpack[PeeringGenerateToken]
    ) -> Call[PeeringGenerateTokenResponse]:
        """Make the token that another cluster, to be called *peer_name* here, takes to `establish`.

        *peer_name* has lower-case letters, digits and ``-``.  A further call replaces the token.

        Raises ServerError for another name, and where the servers have no port for gRPC with TLS;
        ACLPermissionDenied where the token of the call lacks ``peering:write``.

        ``POST /v1/peering/token``
        """
        given = {"peer_name": peer_name, **options}
        path = "/v1/peering/token"
        return self._write("generate_token", path, answers.value, _PEERING, given)

    @endpoint("POST /v1/peering/establish", repeatable=False, since="1.13.0")
    def establish(
        self, peer_name: Text, peering_token: Text, **options: Unpack[PeeringEstablish]
    ) -> Call[bool]:
        """Peer with the cluster that has made *peering_token*, to be called *peer_name*.

        Return True.  `get` tells when its ``State`` is "ACTIVE".

        Raises ACLPermissionDenied for a token that was used, and where the token of the call lacks
        ``peering:write``; ServerError for one that cannot be read, or is of the own cluster.

        ``POST /v1/peering/establish``
        """
        given = {"peer_name": peer_name, "peering_token": peering_token, **options}
        secrets = hidden("peering_token", peering_token)
        path = "/v1/peering/establish"
        return self._write("establish", path, answers.done, _PEERING, given, secrets=secrets)

    @endpoint("GET /v1/peering/:name", since="1.13.0")
    def get(self, name: Text, **options: Unpack[BlockingRead]) -> Call[Indexed[PeeringInfo]]:
        """Read one peering: (index, peering).

        It blocks since Consul 1.15.3.

        Raises NotFound for an unknown name.

        ``GET /v1/peering/:name``
        """
        path = f"/v1/peering/{segment('name', name)}"
        return self._read("get", path, answers.indexed, (), options)

    @endpoint("DELETE /v1/peering/:name", repeatable=True, since="1.13.0")
    def delete(self, name: Text, **options: Unpack[Scope]) -> Call[bool]:
        """Delete a peering, in the background.  Return True, also for an unknown name.

        Raises ACLPermissionDenied where the token lacks ``peering:write``.

        ``DELETE /v1/peering/:name``
        """
        path = f"/v1/peering/{segment('name', name)}"
        return self._call("delete", path, answers.done, (), options)

    @endpoint("GET /v1/peerings", since="1.13.0")
    def list(self, **options: Unpack[BlockingRead]) -> Call[Indexed[builtins.list[PeeringInfo]]]:
        """List the peerings: (index, peerings).

        It blocks since Consul 1.15.3.

        ``GET /v1/peerings``
        """
        return self._read("list", "/v1/peerings", answers.indexed, (), options)
