"""Services that other clusters and partitions may use, /v1/exported-services."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import LocalBlockingRead
from consul.core import answers
from consul.core.flavour import F, endpoint

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ResolvedConsumers(TypedDict):
    """Who may use a service."""

    Peers: NotRequired[list[str]]
    Partitions: NotRequired[list[str]]


class ResolvedExportedService(TypedDict):
    """A service that others may use."""

    Service: str
    Partition: NotRequired[str]
    Namespace: NotRequired[str]
    Consumers: ResolvedConsumers


class ExportedServices(Noun[F]):
    """Services that other clusters and partitions may use, /v1/exported-services (1.17.3)."""

    @endpoint("GET /v1/exported-services", since="1.18.0")
    def list(
        self, **options: Unpack[LocalBlockingRead]
    ) -> Call[Indexed[builtins.list[ResolvedExportedService]]]:
        """List the services that the exported-services entries name: (index, services).

        Raises ACLPermissionDenied where the token lacks ``mesh:read`` and ``operator:read``,
        NotFound before Consul 1.17.3.

        ``GET /v1/exported-services``
        """
        return self._call("list", "/v1/exported-services", answers.indexed, (), options)
