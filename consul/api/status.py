"""Raft status, /v1/status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consul.api.noun import Noun
from consul.api.options import Scope
from consul.core import answers
from consul.core.flavour import F, endpoint

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class Status(Noun[F]):
    """Raft status, /v1/status.

    The calls need no token.  They are answered also while there is no leader.
    """

    @endpoint("GET /v1/status/leader")
    def leader(self, **options: Unpack[Scope]) -> Call[str]:
        """Read the address ("host:port") of the Raft leader, "" while there is none.

        ``GET /v1/status/leader``
        """
        return self._call("leader", "/v1/status/leader", answers.value, (), options)

    @endpoint("GET /v1/status/peers")
    def peers(self, **options: Unpack[Scope]) -> Call[list[str]]:
        """List the addresses ("host:port") of the Raft peers.

        ``GET /v1/status/peers``
        """
        return self._call("peers", "/v1/status/peers", answers.value, (), options)
