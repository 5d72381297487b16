"""How requests to a service of the mesh are routed, /v1/discovery-chain."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class DiscoveryChain(Noun[F]):
    """How requests to a service of the mesh are routed, /v1/discovery-chain."""
