"""Operators' view of the cluster, /v1/operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.request import Call, ReadOptions


class Operator(Noun):
    """Operators' view of the cluster, /v1/operator."""

    def raft_config(self, **options: Unpack[ReadOptions]) -> Call[dict[str, Any]]:
        """Raft configuration: a dict with ``Servers`` (a list of dicts) and ``Index``.

        With ``consistency="stale"`` it is answered without a leader, too.

        Raises ACLPermissionDenied where the token lacks ``operator:read``.

        ``GET /v1/operator/raft/configuration``
        """
        return self._read("/v1/operator/raft/configuration", callback.value, (), options)
