"""Snapshots of the state of all servers, /v1/snapshot."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Snapshot(Noun[F]):
    """Snapshots of the state of all servers, /v1/snapshot."""
