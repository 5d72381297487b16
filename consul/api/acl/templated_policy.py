"""Templated policies, /v1/acl/templated-policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from consul.api.noun import Noun
from consul.api.options import WithDC
from consul.core import answers
from consul.core.bodies import text_map
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment

if TYPE_CHECKING:
    from typing import Unpack

    from consul.api.acl.policy import ACLPolicy
    from consul.core.request import Call


class ACLTemplatedPolicyResponse(TypedDict):
    """A template for policies."""

    TemplateName: str
    #: JSON schema of its variables; "" where it has none.
    Schema: str
    #: The rules, as a Go template.
    Template: str
    Description: str


class TemplatedPolicy(Noun[F]):
    """Templated policies, /v1/acl/templated-policy: rules that Consul fills in (1.17).

    All calls need ``acl:read``, and raise NotFound from Consul before 1.17.  ``read`` is another
    name of `get`.
    """

    @endpoint("GET /v1/acl/templated-policies", since="1.17.0")
    def list(
        self, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[dict[str, ACLTemplatedPolicyResponse]]:
        """List the templates, by their names, such as "builtin/service".

        Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/templated-policies``
        """
        return self._call(
            "list", "/v1/acl/templated-policies", answers.value, (), options, token=token
        )

    @endpoint("GET /v1/acl/templated-policy/name/:name", since="1.17.0")
    def get(
        self, name: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[ACLTemplatedPolicyResponse]:
        """Read one template, by its name.

        Raises BadRequest for an unknown template, ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/templated-policy/name/:name``
        """
        return self._call(
            "get",
            f"/v1/acl/templated-policy/name/{segment('name', name)}",
            answers.value,
            (),
            options,
            token=token,
        )

    @endpoint("POST /v1/acl/templated-policy/preview/:name", repeatable=True, since="1.17.0")
    def preview(
        self,
        name: Text,
        template_variables: Mapping[str, Text] | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLPolicy]:
        """Read the policy that a template makes.  Nothing is stored.

        *template_variables* (dict) is like ``{"Name": "web"}``.

        Raises BadRequest for an unknown template and for variables that do not fit,
        ACLPermissionDenied without ``acl:read``.

        ``POST /v1/acl/templated-policy/preview/:name``
        """
        return self._call(
            "preview",
            f"/v1/acl/templated-policy/preview/{segment('name', name)}",
            answers.value,
            (),
            options,
            # Servers want {} where there are no variables.
            json={}
            if template_variables is None
            else text_map("template_variables", template_variables),
            token=token,
        )

    # py-consul's name.
    read = get
