"""Binding rules, /v1/acl/binding-rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.links import ACLTemplatedPolicyVariables
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


class ACLBindingRule(TypedDict):
    """A binding rule."""

    ID: str
    Description: str
    AuthMethod: str
    Selector: str
    BindType: str
    BindName: str
    #: What a templated policy is filled in with (1.17).
    BindVars: NotRequired[ACLTemplatedPolicyVariables]
    CreateIndex: int
    ModifyIndex: int


class _Fields(TypedDict, total=False):
    auth_method: Text | None
    bind_type: Text | None
    bind_name: Text | None
    description: Text | None
    selector: Text | None
    bind_vars: Mapping[str, Text] | None


class ACLBindingRuleWrite(WithDC, total=False):
    """``acl.binding_rule.create`` and ``acl.binding_rule.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


_RULE = Fields(_Fields)


class BindingRule(Noun[F]):
    """Binding rules, /v1/acl/binding-rule, since Consul 1.5: what a login is given.

    All calls need ``acl:read`` or ``acl:write``.  ``read`` is another name of `get`.
    """

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
        """Create a binding rule.  Return it.

        *bind_type* says what the token of a login gets: "service" or "node" is an identity, "role"
        a role, "policy" a policy and "templated-policy" (1.17) a template.  Consul 1.8.7 knows no
        "policy".  *bind_name* is its name, and may have parts like "${value.team}".  *bind_vars*
        (dict, 1.17) are the variables of a template, like ``{"Name": "web"}``.  *selector* is a
        filter of logins, all by default.  *extra* (dict) has further fields in Consul's spelling.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for an unknown auth method or
        a *bind_type* that this version of Consul does not know, BadRequest for *bind_vars* before
        1.17.

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
        return self._write(
            "create", "/v1/acl/binding-rule", answers.value, _RULE, given, token=token
        )

    @endpoint("GET /v1/acl/binding-rule/:binding_rule_id", since="1.5.0")
    def get(
        self, binding_rule_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLBindingRule]]:
        """Read one binding rule.  Return ``(index, rule)``.

        Raises NotFound for an unknown one, ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/binding-rule/:binding_rule_id``
        """
        return self._read(
            "get",
            f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

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
        """Replace a binding rule.  Return it.

        The arguments are those of `create`.  What is not given is removed.  *auth_method* cannot be
        changed.

        Raises UnknownACL for an unknown rule, ACLPermissionDenied without ``acl:write``,
        ServerError for another auth method.

        ``PUT /v1/acl/binding-rule/:binding_rule_id``
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
        path = f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}"
        return self._write("update", path, answers.value, _RULE, given, token=token)

    @endpoint("DELETE /v1/acl/binding-rule/:binding_rule_id", repeatable=False, since="1.5.0")
    def delete(
        self, binding_rule_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a binding rule.  Return True.  Tokens keep what they got by it.

        Raises ACLPermissionDenied without ``acl:write``.
        Raises NotFound for an unknown rule; Consul before 1.15 returns True.  From 1.15 on NotFound
        also stands for an unknown token of this call.

        ``DELETE /v1/acl/binding-rule/:binding_rule_id``
        """
        return self._call(
            "delete",
            f"/v1/acl/binding-rule/{segment('binding_rule_id', binding_rule_id)}",
            answers.done,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/binding-rules", since="1.5.0")
    def list(
        self,
        auth_method: Text | None = None,
        token: Text | None = None,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[builtins.list[ACLBindingRule]]]:
        """List the binding rules, with *auth_method* those of one auth method.

        Return ``(index, rules)``.

        Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/binding-rules``
        """
        return self._read(
            "list",
            "/v1/acl/binding-rules",
            answers.indexed,
            (("authmethod", text_or_absent("auth_method", auth_method)),),
            options,
            token=token,
        )

    # py-consul's name.
    read = get
