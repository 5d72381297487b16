"""Services of other clusters and partitions, /v1/imported-services."""

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


class ImportedService(TypedDict):
    """A service of another cluster or partition."""

    Service: str
    SourcePeer: NotRequired[str]
    SourcePartition: NotRequired[str]
    Partition: NotRequired[str]
    Namespace: NotRequired[str]


class ImportedServicesList(TypedDict):
    """The answer of Consul Enterprise."""

    Partition: str
    ImportedServices: list[ImportedService] | None


class ImportedServices(Noun[F]):
    """Services of other clusters and partitions, /v1/imported-services (1.22)."""

    @endpoint("GET /v1/imported-services", since="1.22")
    def list(
        self, **options: Unpack[LocalBlockingRead]
    ) -> Call[Indexed[builtins.list[ImportedService] | ImportedServicesList]]:
        """List the destinations of intentions that have a source peer: (index, services).

        Consul CE answers a list, Consul Enterprise a dict with ``ImportedServices``.

        Raises ACLPermissionDenied where the token lacks ``mesh:read`` and ``operator:read``,
        NotFound before a patch release of Consul 1.22.

        ``GET /v1/imported-services``
        """
        return self._call("list", "/v1/imported-services", answers.indexed, (), options)
