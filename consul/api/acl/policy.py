"""ACL policies, /v1/acl/policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

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


class ACLPolicyListEntry(TypedDict):
    """A policy in a list, which leaves out the rules."""

    ID: str
    Name: str
    Description: str
    #: Where it is valid; None: everywhere.
    Datacenters: list[str] | None
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class ACLPolicy(TypedDict):
    """A policy."""

    ID: str
    Name: str
    Description: str
    #: HCL or JSON.
    Rules: str
    #: Where it is valid; absent: everywhere.
    Datacenters: NotRequired[list[str]]
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class _Fields(TypedDict, total=False):
    policy_id: Text | None
    name: Text | None
    description: Text | None
    rules: Text | None
    datacenters: Iterable[Text] | None


class ACLPolicyWrite(WithDC, total=False):
    """``acl.policy.create`` and ``acl.policy.update``."""

    #: Where the policy is valid, everywhere by default.
    datacenters: Iterable[Text] | None
    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


_POLICY = Fields(_Fields, policy_id="ID")


class Policy(Noun[F]):
    """ACL policies, /v1/acl/policy, since Consul 1.4: rules that tokens and roles are linked to.

    All calls need ``acl:read`` or ``acl:write``.  ``read`` and ``read_by_name`` are other names of
    `get` and `get_by_name`.
    """

    @endpoint("PUT /v1/acl/policy", repeatable=False, since="1.4.0")
    def create(
        self,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        rules: Text | None = None,
        **options: Unpack[ACLPolicyWrite],
    ) -> Call[ACLPolicy]:
        """Create a policy.  Return it.

        *name* has letters, digits, "-", "_" and since 1.16.1 one "/".  *rules* is HCL or JSON.
        *datacenters* (list of str) is where it is valid, everywhere by default.  *extra* (dict) has
        further fields in Consul's spelling.

        Raises ACLPermissionDenied without ``acl:write``, ServerError when the name is taken or
        invalid, or the rules cannot be read.

        ``PUT /v1/acl/policy``
        """
        given = {"name": name, "description": description, "rules": rules, **options}
        return self._write("create", "/v1/acl/policy", answers.value, _POLICY, given, token=token)

    @endpoint("GET /v1/acl/policy/:policy_id", since="1.4.0")
    def get(
        self, policy_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLPolicy]]:
        """Read one policy, by its id.  Return ``(index, policy)``.

        Raises NotFound for an unknown policy; Consul before 1.15 answers 403 "ACL not found", which
        is ACLPermissionDenied.  Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/policy/:policy_id``
        """
        return self._read(
            "get",
            f"/v1/acl/policy/{segment('policy_id', policy_id)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/policy/name/:name", since="1.7.3")
    def get_by_name(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLPolicy]]:
        """Read one policy, by its name.  Return ``(index, policy)``.

        Raises NotFound or ACLPermissionDenied like `get`.

        ``GET /v1/acl/policy/name/:name``
        """
        return self._read(
            "get_by_name",
            f"/v1/acl/policy/name/{segment('name', name)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

    @endpoint("PUT /v1/acl/policy/:policy_id", repeatable=True, since="1.4.0")
    def update(
        self,
        policy_id: Text,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        rules: Text | None = None,
        **options: Unpack[ACLPolicyWrite],
    ) -> Call[ACLPolicy]:
        """Replace a policy.  Return it.

        The arguments are those of `create`.  What is not given is removed.

        Raises UnknownACL for an unknown policy, ACLPermissionDenied without ``acl:write``,
        ServerError when the name is taken or invalid, or the rules cannot be read.

        ``PUT /v1/acl/policy/:policy_id``
        """
        given = {
            "policy_id": policy_id,
            "name": name,
            "description": description,
            "rules": rules,
            **options,
        }
        path = f"/v1/acl/policy/{segment('policy_id', policy_id)}"
        return self._write("update", path, answers.value, _POLICY, given, token=token)

    @endpoint("DELETE /v1/acl/policy/:policy_id", repeatable=False, since="1.4.0")
    def delete(
        self, policy_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a policy.  Return True.  Tokens and roles lose it at once.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for a policy of Consul's own.
        Raises NotFound for an unknown policy; Consul before 1.15 returns True.  From 1.15 on
        NotFound also stands for an unknown token of this call.

        ``DELETE /v1/acl/policy/:policy_id``
        """
        return self._call(
            "delete",
            f"/v1/acl/policy/{segment('policy_id', policy_id)}",
            answers.done,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/policies", since="1.4.0")
    def list(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[builtins.list[ACLPolicyListEntry]]]:
        """List the policies, without their rules.  Return ``(index, policies)``.

        Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/policies``
        """
        return self._read("list", "/v1/acl/policies", answers.indexed, (), options, token=token)

    # py-consul's names.
    read = get
    read_by_name = get_by_name
