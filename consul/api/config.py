"""Config entries, /v1/config."""

from __future__ import annotations

from consul.api.noun import Noun
from consul.core.flavour import F


class Config(Noun[F]):
    """Config entries, /v1/config."""
