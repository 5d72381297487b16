"""Admin partitions, /v1/partition (Enterprise)."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Partition(Noun[F]):
    """Admin partitions, /v1/partition (Enterprise)."""
