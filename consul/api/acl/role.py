"""ACL roles, /v1/acl/role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.links import (
    GRANTS,
    ACLGrants,
    ACLLink,
    ACLNodeIdentity,
    ACLServiceIdentity,
    ACLTemplatedPolicy,
)
from consul.api.noun import Noun
from consul.api.options import ACLRead, WithDC
from consul.api.params import text_or_absent
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ACLRole(TypedDict):
    """A role."""

    ID: str
    Name: str
    Description: str
    Policies: NotRequired[list[ACLLink]]
    ServiceIdentities: NotRequired[list[ACLServiceIdentity]]
    NodeIdentities: NotRequired[list[ACLNodeIdentity]]
    TemplatedPolicies: NotRequired[list[ACLTemplatedPolicy]]
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class ACLRoleFields(ACLGrants, total=False):
    """What a role is given by keyword."""

    #: Each a dict with ``ServiceName`` and perhaps ``Datacenters``.
    service_identities: Iterable[Mapping[str, object]] | None
    #: Each a dict with ``NodeName`` and ``Datacenter``.
    node_identities: Iterable[Mapping[str, object]] | None


class ACLRoleWrite(ACLRoleFields, WithDC, total=False):
    """``acl.role.create`` and ``acl.role.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Fields(ACLRoleFields, total=False):
    role_id: Text | None
    name: Text | None
    description: Text | None


_ROLE = Fields(_Fields, kinds=GRANTS, role_id="ID")


class Role(Noun[F]):
    """ACL roles, /v1/acl/role, since Consul 1.5: policies and identities that tokens share.

    All calls need ``acl:read`` or ``acl:write``.  ``read`` and ``read_by_name`` are other names of
    `get` and `get_by_name`.
    """

    @endpoint("PUT /v1/acl/role", repeatable=False, since="1.5.0")
    def create(
        self,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[ACLRoleWrite],
    ) -> Call[ACLRole]:
        """Create a role.  Return it.

        *policies*, *service_identities*, *node_identities*, *templated_policies* and *extra* are
        those of `Token.create <consul.api.acl.token.Token.create>`.

        Raises ACLPermissionDenied without ``acl:write``, ServerError when the name is taken or
        invalid, or for an unknown policy.

        ``PUT /v1/acl/role``
        """
        given = {"name": name, "description": description, **options}
        return self._write("create", "/v1/acl/role", answers.value, _ROLE, given, token=token)

    @endpoint("GET /v1/acl/role/:role_id", since="1.5.0")
    def get(
        self, role_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLRole]]:
        """Read one role, by its id.  Return ``(index, role)``.

        Raises NotFound for an unknown role, ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/role/:role_id``
        """
        return self._read(
            "get",
            f"/v1/acl/role/{segment('role_id', role_id)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/role/name/:name", since="1.5.0")
    def get_by_name(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLRole]]:
        """Read one role, by its name.  Return ``(index, role)``.

        Raises NotFound for an unknown role, ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/role/name/:name``
        """
        return self._read(
            "get_by_name",
            f"/v1/acl/role/name/{segment('name', name)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

    @endpoint("PUT /v1/acl/role/:role_id", repeatable=True, since="1.5.0")
    def update(
        self,
        role_id: Text,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[ACLRoleWrite],
    ) -> Call[ACLRole]:
        """Replace a role.  Return it.

        The arguments are those of `create`.  What is not given is removed.

        Raises UnknownACL for an unknown role, ACLPermissionDenied without ``acl:write``,
        ServerError when the name is taken or invalid, or for an unknown policy.

        ``PUT /v1/acl/role/:role_id``
        """
        given = {"role_id": role_id, "name": name, "description": description, **options}
        path = f"/v1/acl/role/{segment('role_id', role_id)}"
        return self._write("update", path, answers.value, _ROLE, given, token=token)

    @endpoint("DELETE /v1/acl/role/:role_id", repeatable=False, since="1.5.0")
    def delete(
        self, role_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a role.  Return True.  Tokens lose it at once.

        Raises ACLPermissionDenied without ``acl:write``.
        Raises NotFound for an unknown role; Consul before 1.15 returns True.  From 1.15 on NotFound
        also stands for an unknown token of this call.

        ``DELETE /v1/acl/role/:role_id``
        """
        return self._call(
            "delete",
            f"/v1/acl/role/{segment('role_id', role_id)}",
            answers.done,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/roles", since="1.5.0")
    def list(
        self,
        policy: Text | None = None,
        token: Text | None = None,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[builtins.list[ACLRole]]]:
        """List the roles.  Return ``(index, roles)``.

        *policy* is the id of a policy: only the roles that have it.

        Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/roles``
        """
        params = (("policy", text_or_absent("policy", policy)),)
        return self._read("list", "/v1/acl/roles", answers.indexed, params, options, token=token)

    # py-consul's names.
    read = get
    read_by_name = get_by_name
