"""ACL templated policies, /v1/acl/templated-policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from consul.api.acl.policy import ACLPolicy
from consul.api.noun import Noun
from consul.api.options import WithDC
from consul.core import answers
from consul.core.bodies import text_map
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class ACLTemplatedPolicyResponse(TypedDict):
    """A template of policies."""

    TemplateName: str
    #: JSON schema of its variables; "" where it has none.
    Schema: str
    #: What the rules are made of.
    Template: str
    Description: str


class TemplatedPolicy(Noun[F]):
    """ACL templated policies, /v1/acl/templated-policy (1.17): templates built into Consul."""

    @endpoint("GET /v1/acl/templated-policies", since="1.17.0")
    def list(
        self, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[dict[str, ACLTemplatedPolicyResponse]]:
        """List the templates by their names.

        Raises ACLPermissionDenied where *token* lacks ``acl:read``, NotFound before Consul 1.17.

        ``GET /v1/acl/templated-policies``
        """
        path = "/v1/acl/templated-policies"
        return self._call("list", path, answers.value, (), options, token=token)

    @endpoint("GET /v1/acl/templated-policy/name/:name", since="1.17.0")
    def get(
        self, name: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[ACLTemplatedPolicyResponse]:
        """Read a template by its name, like "builtin/service".

        Raises BadRequest for an unknown name, ACLPermissionDenied where *token* lacks ``acl:read``,
        NotFound before Consul 1.17.

        ``GET /v1/acl/templated-policy/name/:name``
        """
        path = f"/v1/acl/templated-policy/name/{segment('name', name)}"
        return self._call("get", path, answers.value, (), options, token=token)

    # py-consul's name.
    read = get

    @endpoint("POST /v1/acl/templated-policy/preview/:name", repeatable=True, since="1.17.0")
    def preview(
        self,
        name: Text,
        template_variables: Mapping[str, Text] | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLPolicy]:
        """Show the policy that Consul would make of a template.

        *template_variables* are the variables that it needs, like ``{"Name": "web"}``.

        Raises BadRequest for an unknown name and for variables that do not fit, ACLPermissionDenied
        where *token* lacks ``acl:read``, NotFound before Consul 1.17.

        ``POST /v1/acl/templated-policy/preview/:name``
        """
        path = f"/v1/acl/templated-policy/preview/{segment('name', name)}"
        # A template without variables needs an empty object.
        body = text_map("template_variables", template_variables or {})
        return self._call("preview", path, answers.value, (), options, token=token, json=body)
