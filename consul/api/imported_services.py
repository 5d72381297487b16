"""Services of other clusters and partitions, /v1/imported-services."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class ImportedServices(Noun[F]):
    """Services of other clusters and partitions, /v1/imported-services."""
