"""The Raft quorum, /v1/operator/raft."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common, Scope, ServerRead
from consul.api.params import text_or_absent
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.values import Text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class RaftServer(TypedDict):
    """A server of the Raft quorum."""

    ID: str
    Node: str
    Address: str
    Leader: bool
    ProtocolVersion: str
    Voter: bool
    LastIndex: NotRequired[int]


class RaftConfiguration(TypedDict):
    """The Raft quorum."""

    Servers: list[RaftServer]
    Index: int


class TransferLeaderResponse(TypedDict):
    """Whether there is another leader."""

    Success: bool


class Raft(Noun[F]):
    """The Raft quorum, /v1/operator/raft."""

    @endpoint("GET /v1/operator/raft/configuration")
    def configuration(self, **options: Unpack[ServerRead]) -> Call[RaftConfiguration]:
        """Read which servers there are.

        With ``consistency="stale"`` any server answers, also while there is no leader.

        Raises ACLPermissionDenied where the token lacks ``operator:read``.

        ``GET /v1/operator/raft/configuration``
        """
        path = "/v1/operator/raft/configuration"
        return self._read("configuration", path, answers.value, (), options)

    @endpoint("DELETE /v1/operator/raft/peer", repeatable=False)
    def remove_peer(
        self,
        peer_id: Text | None = None,
        address: Text | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Remove a server that is gone.  Return True.

        Give its id or its *address* ("host:port"), not both.

        Raises ServerError for a server that there is not, ACLPermissionDenied where *token* lacks
        ``operator:write``.

        ``DELETE /v1/operator/raft/peer``
        """
        if (peer_id is None) == (address is None):
            raise ValueError("peer_id or address must be given, not both")
        params = (
            ("id", text_or_absent("peer_id", peer_id)),
            ("address", text_or_absent("address", address)),
        )
        path = "/v1/operator/raft/peer"
        return self._call("remove_peer", path, answers.done, params, options, dc=dc, token=token)

    # python-consul2's name.
    delete = remove_peer

    @endpoint("POST /v1/operator/raft/transfer-leader", repeatable=False, since="1.15.0")
    def transfer_leader(
        self, peer_id: Text | None = None, **options: Unpack[Scope]
    ) -> Call[TransferLeaderResponse]:
        """Make another server the leader: the one of this id (1.17), or any.

        Raises ServerError where there is no such server, or only one; ACLPermissionDenied where the
        token lacks ``operator:write``; NotFound before Consul 1.15.

        ``POST /v1/operator/raft/transfer-leader``
        """
        params = (("id", text_or_absent("peer_id", peer_id)),)
        path = "/v1/operator/raft/transfer-leader"
        return self._call("transfer_leader", path, answers.value, params, options)
