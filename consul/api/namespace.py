"""Namespaces, /v1/namespace (Enterprise)."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Namespace(Noun[F]):
    """Namespaces, /v1/namespace (Enterprise)."""
