"""Network segments, /v1/operator/segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consul.api.noun import Noun
from consul.api.options import Scope
from consul.core import answers
from consul.core.flavour import F, endpoint

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call


class Segment(Noun[F]):
    """Network segments, /v1/operator/segment (Enterprise).  Consul CE raises NotFound."""

    @endpoint("GET /v1/operator/segment")
    def list(self, **options: Unpack[Scope]) -> Call[builtins.list[str]]:
        """List the names of the segments; "" is the first one.

        ``GET /v1/operator/segment``
        """
        return self._call("list", "/v1/operator/segment", answers.value, (), options)
