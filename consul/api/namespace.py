"""Namespaces, /v1/namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.links import LINKS, ACLLink
from consul.api.noun import Noun
from consul.api.options import BlockingRead, Scope
from consul.core import answers
from consul.core.bodies import Struct
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class NamespaceACLConfig(TypedDict, total=False):
    """What every token in a namespace grants."""

    PolicyDefaults: list[ACLLink] | None
    RoleDefaults: list[ACLLink] | None


class NamespaceEntry(TypedDict):
    """A namespace."""

    Name: str
    Description: NotRequired[str]
    ACLs: NotRequired[NamespaceACLConfig | None]
    Meta: NotRequired[dict[str, str] | None]
    #: When its deletion began.
    DeletedAt: NotRequired[str | None]
    Partition: NotRequired[str]
    CreateIndex: NotRequired[int]
    ModifyIndex: NotRequired[int]


class NamespaceFields(TypedDict, total=False):
    """What may be set of a namespace."""

    description: Text | None
    #: What every token grants: ``PolicyDefaults`` and ``RoleDefaults``, lists of links.
    acls: NamespaceACLConfig | None
    meta: Mapping[str, Text] | None


class NamespaceWrite(NamespaceFields, Scope, total=False):
    """Keywords of ``namespace.create`` and ``namespace.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(NamespaceFields, total=False):
    name: Text | None


_NAMESPACE = Fields(
    _Body, kinds={"acls": Struct(policydefaults=LINKS, roledefaults=LINKS)}, acls="ACLs"
)


class Namespace(Noun[F]):
    """Namespaces, /v1/namespace (Enterprise).  Consul CE raises NotFound."""

    @endpoint("PUT /v1/namespace", repeatable=False, since="1.7.0")
    def create(self, name: Text, **options: Unpack[NamespaceWrite]) -> Call[NamespaceEntry]:
        """Create a namespace.

        ``PUT /v1/namespace``
        """
        given = {"name": name, **options}
        return self._write("create", "/v1/namespace", answers.value, _NAMESPACE, given)

    @endpoint("GET /v1/namespace/:name", since="1.7.0")
    def get(self, name: Text, **options: Unpack[BlockingRead]) -> Call[Indexed[NamespaceEntry]]:
        """Read a namespace: (index, namespace).

        ``GET /v1/namespace/:name``
        """
        path = f"/v1/namespace/{segment('name', name)}"
        return self._read("get", path, answers.indexed, (), options)

    @endpoint("PUT /v1/namespace/:name", repeatable=True, since="1.7.0")
    def update(self, name: Text, **options: Unpack[NamespaceWrite]) -> Call[NamespaceEntry]:
        """Replace a namespace: what is not given is removed.

        ``PUT /v1/namespace/:name``
        """
        given = {"name": name, **options}
        path = f"/v1/namespace/{segment('name', name)}"
        return self._write("update", path, answers.value, _NAMESPACE, given)

    @endpoint("DELETE /v1/namespace/:name", repeatable=True, since="1.7.0")
    def delete(self, name: Text, **options: Unpack[Scope]) -> Call[bool]:
        """Delete a namespace and all that is in it, in the background.  Return True.

        ``DELETE /v1/namespace/:name``
        """
        path = f"/v1/namespace/{segment('name', name)}"
        return self._call("delete", path, answers.done, (), options)

    @endpoint("GET /v1/namespaces", since="1.7.0")
    def list(self, **options: Unpack[BlockingRead]) -> Call[Indexed[builtins.list[NamespaceEntry]]]:
        """List the namespaces: (index, namespaces).

        ``GET /v1/namespaces``
        """
        return self._read("list", "/v1/namespaces", answers.indexed, (), options)
