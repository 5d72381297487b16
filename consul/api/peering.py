"""Peered clusters, /v1/peering."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Peering(Noun[F]):
    """Peered clusters, /v1/peering."""
