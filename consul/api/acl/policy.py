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
    """A policy, as it is listed."""

    ID: str
    Name: str
    Description: str
    #: None where the rules hold everywhere.
    Datacenters: NotRequired[list[str] | None]
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class ACLPolicy(ACLPolicyListEntry):
    """A policy: a set of rules."""

    #: HCL or JSON.
    Rules: str


class ACLPolicyFields(TypedDict, total=False):
    """What may be set of a policy besides its name, description and rules."""

    #: Where the rules hold; everywhere by default.
    datacenters: Iterable[Text] | None


class ACLPolicyWrite(ACLPolicyFields, WithDC, total=False):
    """Keywords of ``acl.policy.create`` and ``acl.policy.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(ACLPolicyFields, total=False):
    policy_id: Text | None
    name: Text | None
    description: Text | None
    rules: Text | None


_POLICY = Fields(_Body, policy_id="ID")


class Policy(Noun[F]):
    """ACL policies, /v1/acl/policy (1.4): sets of rules that tokens and roles grant."""

    @endpoint("PUT /v1/acl/policy", repeatable=False, since="1.4.0")
    def create(
        self,
        name: Text,
        token: Text | None = None,
        description: Text | None = None,
        rules: Text | None = None,
        **options: Unpack[ACLPolicyWrite],
    ) -> Call[ACLPolicy]:
        """Create a policy.

        *name* has letters, digits, ``-`` and ``_``, and ``/`` since 1.16.1.  *rules* is HCL or
        JSON.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for a name that is
        taken and for rules that cannot be read.

        ``PUT /v1/acl/policy``
        """
        given = {"name": name, "description": description, "rules": rules, **options}
        path = "/v1/acl/policy"
        return self._write("create", path, answers.value, _POLICY, given, token=token)

    @endpoint("GET /v1/acl/policy/:policy_id", since="1.4.0")
    def get(
        self, policy_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLPolicy]]:
        """Read a policy: (index, policy).

        Raises NotFound for an unknown id, before Consul 1.15 ACLPermissionDenied;
        ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/policy/:policy_id``
        """
        path = f"/v1/acl/policy/{segment('policy_id', policy_id)}"
        return self._read("get", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read = get

    @endpoint("GET /v1/acl/policy/name/:name", since="1.7.3")
    def get_by_name(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLPolicy]]:
        """Read a policy by its name: (index, policy).

        Raises NotFound for an unknown name, before Consul 1.15 ACLPermissionDenied;
        ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/policy/name/:name``
        """
        path = f"/v1/acl/policy/name/{segment('name', name)}"
        return self._read("get_by_name", path, answers.indexed, (), options, token=token)

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
        """Replace a policy: what is not given is removed.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown id.

        ``PUT /v1/acl/policy/:policy_id``
        """
        path = f"/v1/acl/policy/{segment('policy_id', policy_id)}"
        given = {
            "policy_id": policy_id,
            "name": name,
            "description": description,
            "rules": rules,
            **options,
        }
        return self._write("update", path, answers.value, _POLICY, given, token=token)

    @endpoint("DELETE /v1/acl/policy/:policy_id", repeatable=False, since="1.4.0")
    def delete(
        self, policy_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a policy.  Return True.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``; NotFound for an unknown id,
        for which Consul before 1.15 returns True, and where *token* itself is unknown.

        ``DELETE /v1/acl/policy/:policy_id``
        """
        path = f"/v1/acl/policy/{segment('policy_id', policy_id)}"
        return self._call("delete", path, answers.bool_answer, (), options, token=token)

    @endpoint("GET /v1/acl/policies", since="1.4.0")
    def list(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[builtins.list[ACLPolicyListEntry]]]:
        """List the policies: (index, policies).

        Raises ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/policies``
        """
        path = "/v1/acl/policies"
        return self._read("list", path, answers.indexed, (), options, token=token)
