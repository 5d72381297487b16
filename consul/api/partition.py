"""Admin partitions, /v1/partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, ServerRead
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call


class PartitionEntry(TypedDict):
    """An admin partition."""

    Name: str
    Description: NotRequired[str]
    #: When its deletion began.
    DeletedAt: NotRequired[str | None]
    DisableGossip: NotRequired[bool]
    CreateIndex: NotRequired[int]
    ModifyIndex: NotRequired[int]


class PartitionFields(TypedDict, total=False):
    """What may be set of a partition."""

    description: Text | None
    #: Newer versions only.
    disable_gossip: Flag


class PartitionWrite(PartitionFields, Scope, total=False):
    """Keywords of ``partition.create`` and ``partition.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(PartitionFields, total=False):
    name: Text | None


_PARTITION = Fields(_Body)


class Partition(Noun[F]):
    """Admin partitions, /v1/partition (Enterprise).  Consul CE raises NotFound."""

    @endpoint("PUT /v1/partition", repeatable=False, since="1.11.0")
    def create(self, name: Text, **options: Unpack[PartitionWrite]) -> Call[PartitionEntry]:
        """Create a partition.

        ``PUT /v1/partition``
        """
        given = {"name": name, **options}
        return self._write("create", "/v1/partition", answers.value, _PARTITION, given)

    @endpoint("GET /v1/partition/:name", since="1.11.0")
    def get(self, name: Text, **options: Unpack[ServerRead]) -> Call[PartitionEntry]:
        """Read a partition.

        ``GET /v1/partition/:name``
        """
        path = f"/v1/partition/{segment('name', name)}"
        return self._read("get", path, answers.value, (), options)

    @endpoint("PUT /v1/partition/:name", repeatable=True, since="1.11.0")
    def update(self, name: Text, **options: Unpack[PartitionWrite]) -> Call[PartitionEntry]:
        """Replace a partition: what is not given is removed.

        ``PUT /v1/partition/:name``
        """
        given = {"name": name, **options}
        path = f"/v1/partition/{segment('name', name)}"
        return self._write("update", path, answers.value, _PARTITION, given)

    @endpoint("DELETE /v1/partition/:name", repeatable=True, since="1.11.0")
    def delete(self, name: Text, **options: Unpack[Scope]) -> Call[bool]:
        """Delete a partition and all that is in it, in the background.  Return True.

        ``DELETE /v1/partition/:name``
        """
        path = f"/v1/partition/{segment('name', name)}"
        return self._call("delete", path, answers.done, (), options)

    @endpoint("GET /v1/partitions", since="1.11.0")
    def list(self, **options: Unpack[ServerRead]) -> Call[builtins.list[PartitionEntry]]:
        """List the partitions.

        ``GET /v1/partitions``
        """
        return self._read("list", "/v1/partitions", answers.value, (), options)
