"""ACL binding rules, /v1/acl/binding-rule."""

from __future__ import annotations

from collections.abc import Mapping
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


class ACLBindingRule(TypedDict):
    """What the token of a login grants."""

    ID: str
    Description: str
    AuthMethod: str
    #: A filter expression over what is known of the identity; "" matches all.
    Selector: str
    #: "service", "node", "role", "templated-policy" (1.17) or "policy" (newer).
    BindType: str
    BindName: str
    BindVars: NotRequired[dict[str, str] | None]
    CreateIndex: int
    ModifyIndex: int


class ACLBindingRuleWrite(WithDC, total=False):
    """Keywords of ``acl.binding_rule.create`` and ``acl.binding_rule.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(TypedDict, total=False):
    auth_method: Text | None
    bind_type: Text | None
    bind_name: Text | None
    description: Text | None
    selector: Text | None
    bind_vars: Mapping[str, Text] | None


_RULE = Fields(_Body)


class BindingRule(Noun[F]):
    """ACL binding rules, /v1/acl/binding-rule (1.5): what the tokens of logins grant."""

    @endpoint("PUT /v1/acl/binding-rule", repeatable=False, since="1.5.0")
    def create(
        self,
        auth_method: Text,
        bind_type: Text,
        bind_name: Text,
        token: Text | None = None,
        description: Text | None = None,
        selector: Text | None = None,
        bind_vars: Mapping[str, Text] | None = None,
        **options: Unpack[ACLBindingRuleWrite],
    ) -> Call[ACLBindingRule]:
        """Create a binding rule for the auth method of that name.

        *bind_type* is "service", "node", "role", "templated-policy" (1.17) or "policy" (newer).
        *bind_name* may have ``${...}`` in it, for what is known of the identity.  *selector* is a
        filter expression over that.  *bind_vars* are the variables of a templated policy.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown
        auth method or type.

        ``PUT /v1/acl/binding-rule``
        """
        given = {
            "auth_method": auth_method,
            "bind_type": bind_type,
            "bind_name": bind_name,
            "description": description,
            "selector": selector,
            "bind_vars": bind_vars,
            **options,
        }
        path = "/v1/acl/binding-rule"
        return self._write("create", path, answers.value, _RULE, given, token=token)

    @endpoint("GET /v1/acl/binding-rule/:binding_rule_id", since="1.5.0")
    def get(
        self, binding_rule_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLBindingRule]]:
        """Read a binding rule: (index, rule).

        Raises NotFound for an unknown id, ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/binding-rule/:binding_rule_id``
        """
        path = f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}"
        return self._read("get", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read = get

    @endpoint("PUT /v1/acl/binding-rule/:binding_rule_id", repeatable=True, since="1.5.0")
    def update(
        self,
        binding_rule_id: Text,
        auth_method: Text,
        bind_type: Text,
        bind_name: Text,
        token: Text | None = None,
        description: Text | None = None,
        selector: Text | None = None,
        bind_vars: Mapping[str, Text] | None = None,
        **options: Unpack[ACLBindingRuleWrite],
    ) -> Call[ACLBindingRule]:
        """Replace a binding rule: what is not given is removed.  *auth_method* cannot change.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown id.

        ``PUT /v1/acl/binding-rule/:binding_rule_id``
        """
        path = f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}"
        given = {
            "auth_method": auth_method,
            "bind_type": bind_type,
            "bind_name": bind_name,
            "description": description,
            "selector": selector,
            "bind_vars": bind_vars,
            **options,
        }
        return self._write("update", path, answers.value, _RULE, given, token=token)

    @endpoint("DELETE /v1/acl/binding-rule/:binding_rule_id", repeatable=False, since="1.5.0")
    def delete(
        self, binding_rule_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a binding rule.  Return True.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``; NotFound for an unknown id,
        for which Consul before 1.15 returns True, and where *token* itself is unknown.

        ``DELETE /v1/acl/binding-rule/:binding_rule_id``
        """
        path = f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}"
        return self._call("delete", path, answers.bool_answer, (), options, token=token)

    @endpoint("GET /v1/acl/binding-rules", since="1.5.0")
    def list(
        self,
        authmethod: Text | None = None,
        token: Text | None = None,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[builtins.list[ACLBindingRule]]]:
        """List the binding rules: (index, rules).  *authmethod* (a name) keeps those of it.

        Raises ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/binding-rules``
        """
        params = (("authmethod", authmethod),)
        path = "/v1/acl/binding-rules"
        return self._read("list", path, answers.indexed, params, options, token=token)
