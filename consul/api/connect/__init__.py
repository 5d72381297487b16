"""The service mesh, /v1/connect."""

from __future__ import annotations

from typing import TypeAlias

from consul.api.connect.ca import CA as _CA
from consul.api.connect.intentions import Intentions as _Intentions
from consul.api.noun import Noun, lazy
from consul.core.flavour import F


class Connect(Noun[F]):
    """The service mesh, /v1/connect: its certificate authority, and who may talk to whom."""

    CA: TypeAlias = _CA
    Intentions: TypeAlias = _Intentions

    ca: _CA[F] = lazy("CA")
    intentions: _Intentions[F] = lazy("Intentions")
