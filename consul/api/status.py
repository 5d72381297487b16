"""Raft status, /v1/status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.request import Call, WriteOptions


class Status(Noun):
    """Raft status, /v1/status.  Needs no token, and answers without a leader, too."""

    def leader(
        self, *, token: str | None = None, dc: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[str]:
        """Address ("host:port") of the Raft leader; "" while there is none.

        ``GET /v1/status/leader``
        """
        return self._call(
            "GET", "/v1/status/leader", callback.value, (), options, token=token, dc=dc
        )

    def peers(
        self, *, token: str | None = None, dc: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[list[Any]]:
        """Addresses ("host:port") of the Raft peers.

        ``GET /v1/status/peers``
        """
        return self._call(
            "GET", "/v1/status/peers", callback.value, (), options, token=token, dc=dc
        )
