"""Operators' view of the cluster, /v1/operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import ServerRead
from consul.core import answers
from consul.core.flavour import F, endpoint

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


class Operator(Noun[F]):
    """Operators' view of the cluster, /v1/operator."""

    @endpoint("GET /v1/operator/raft/configuration")
    def raft_config(self, **options: Unpack[ServerRead]) -> Call[RaftConfiguration]:
        """Read the Raft configuration.

        With ``consistency="stale"`` any server answers, also while there is no leader.

        Raises ACLPermissionDenied where the token lacks ``operator:read``.

        ``GET /v1/operator/raft/configuration``
        """
        return self._read(
            "raft_config", "/v1/operator/raft/configuration", answers.value, (), options
        )
