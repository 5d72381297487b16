"""ACL roles, /v1/acl/role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.grants import (
    GRANTS,
    ACLGrants,
    ACLLink,
    ACLNodeIdentity,
    ACLServiceIdentity,
    ACLTemplatedPolicy,
)
from consul.api.noun import Noun
from consul.api.options import ACLRead, WithDC
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
    """A role: policies and identities under one name."""

    ID: str
    Name: str
    Description: str
    Policies: NotRequired[list[ACLLink] | None]
    TemplatedPolicies: NotRequired[list[ACLTemplatedPolicy] | None]
    ServiceIdentities: NotRequired[list[ACLServiceIdentity] | None]
    NodeIdentities: NotRequired[list[ACLNodeIdentity] | None]
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class ACLRoleWrite(ACLGrants, WithDC, total=False):
    """Keywords of ``acl.role.create`` and ``acl.role.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(ACLGrants, total=False):
    role_id: Text | None
    name: Text | None
    description: Text | None


_ROLE = Fields(_Body, kinds=GRANTS, role_id="ID")


class Role(Noun[F]):
    """ACL roles, /v1/acl/role (1.5)."""

    @endpoint("PUT /v1/acl/role", repeatable=False, since="1.5.0")
    def create(
        self,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[ACLRoleWrite],
    ) -> Call[ACLRole]:
        """Create a role.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for a name that is
        taken and for an unknown policy.

        ``PUT /v1/acl/role``
        """
        given = {"name": name, "description": description, **options}
        return self._write("create", "/v1/acl/role", answers.value, _ROLE, given, token=token)

    @endpoint("GET /v1/acl/role/:role_id", since="1.5.0")
    def get(
        self, role_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLRole]]:
        """Read a role: (index, role).

        Raises NotFound for an unknown id, ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/role/:role_id``
        """
        path = f"/v1/acl/role/{segment('role_id', role_id)}"
        return self._read("get", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read = get

    @endpoint("GET /v1/acl/role/name/:name", since="1.5.0")
    def get_by_name(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLRole]]:
        """Read a role by its name: (index, role).

        Raises NotFound for an unknown name, ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/role/name/:name``
        """
        path = f"/v1/acl/role/name/{segment('name', name)}"
        return self._read("get_by_name", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read_by_name = get_by_name

    @endpoint("PUT /v1/acl/role/:role_id", repeatable=True, since="1.5.0")
    def update(
        self,
        role_id: Text,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[ACLRoleWrite],
    ) -> Call[ACLRole]:
        """Replace a role: what is not given is removed.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown id.

        ``PUT /v1/acl/role/:role_id``
        """
        path = f"/v1/acl/role/{segment('role_id', role_id)}"
        given = {"role_id": role_id, "name": name, "description": description, **options}
        return self._write("update", path, answers.value, _ROLE, given, token=token)

    @endpoint("DELETE /v1/acl/role/:role_id", repeatable=False, since="1.5.0")
    def delete(
        self, role_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a role.  Return True.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``; NotFound for an unknown id,
        for which Consul before 1.15 returns True, and where *token* itself is unknown.

        ``DELETE /v1/acl/role/:role_id``
        """
        path = f"/v1/acl/role/{segment('role_id', role_id)}"
        return self._call("delete", path, answers.bool_answer, (), options, token=token)

    @endpoint("GET /v1/acl/roles", since="1.5.0")
    def list(
        self, policy: Text | None = None, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[builtins.list[ACLRole]]]:
        """List the roles: (index, roles).  *policy* (an id) keeps those that have it.

        Raises ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/roles``
        """
        params = (("policy", policy),)
        return self._read("list", "/v1/acl/roles", answers.indexed, params, options, token=token)
