"""Consul's service mesh, /v1/connect."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Connect(Noun[F]):
    """Consul's service mesh, /v1/connect."""
