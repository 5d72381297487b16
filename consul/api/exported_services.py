"""Services that other clusters and partitions may use, /v1/exported-services."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class ExportedServices(Noun[F]):
    """Services that other clusters and partitions may use, /v1/exported-services."""
