"""Auth methods, /v1/acl/auth-method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import ACLRead, WithDC
from consul.core import answers
from consul.core.bodies import Struct, listed, mapped, opaque
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ACLAuthMethodListEntry(TypedDict):
    """An auth method in a list, which leaves out the configuration."""

    Name: str
    #: "jwt", "kubernetes", "aws-iam" (1.12) or "oidc" (Enterprise).
    Type: str
    DisplayName: NotRequired[str]
    Description: NotRequired[str]
    #: In lists since Consul 1.10.
    MaxTokenTTL: NotRequired[str]
    #: "local" or "global"; in lists since Consul 1.10.
    TokenLocality: NotRequired[str]
    TokenNameFormat: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class ACLAuthMethod(ACLAuthMethodListEntry):
    """An auth method."""

    #: Its keys depend on the type.
    Config: dict[str, Any] | None


class _Fields(TypedDict, total=False):
    name: Text | None
    method_type: Text | None
    display_name: Text | None
    description: Text | None
    config: Mapping[str, Any] | None
    max_token_ttl: Duration | None
    token_locality: Text | None
    token_name_format: Text | None
    namespace_rules: Iterable[Mapping[str, object]] | None


class ACLAuthMethodWrite(WithDC, total=False):
    """``acl.auth_method.create`` and ``acl.auth_method.update``."""

    #: Where tokens go, each a dict with ``Selector`` and ``BindNamespace`` (Enterprise).
    namespace_rules: Iterable[Mapping[str, object]] | None
    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


_METHOD = Fields(
    _Fields,
    kinds={
        "config": mapped(opaque),
        "namespace_rules": listed(Struct(selector=text, bindnamespace=text), "dicts"),
    },
    method_type="Type",
)


class AuthMethod(Noun[F]):
    """Auth methods, /v1/acl/auth-method, since Consul 1.5: whom a login believes.

    All calls need ``acl:read`` or ``acl:write``.  ``read`` is another name of `get`.
    """

    @endpoint("PUT /v1/acl/auth-method", repeatable=True, since="1.5.0")
    def create(
        self,
        name: Text,
        method_type: Text,
        token: Text | None = None,
        display_name: Text | None = None,
        description: Text | None = None,
        config: Mapping[str, Any] | None = None,
        max_token_ttl: Duration | None = None,
        token_locality: Text | None = None,
        token_name_format: Text | None = None,
        **options: Unpack[ACLAuthMethodWrite],
    ) -> Call[ACLAuthMethod]:
        """Create an auth method, or replace the one of that name.  Return it.

        *method_type* is "jwt", "kubernetes", "aws-iam" (1.12) or "oidc" (Enterprise).  *config*
        (dict) has what this type needs.  *max_token_ttl* (seconds, "1h" or a timedelta) is how long
        the tokens live, without end by default.  *token_locality* is "local" (the default) or
        "global".  *token_name_format* needs Consul 1.22.7.  *namespace_rules* is for Consul
        Enterprise.  *extra* (dict) has further fields in Consul's spelling.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for an unknown type or an
        invalid configuration.

        ``PUT /v1/acl/auth-method``
        """
        given = {
            "name": name,
            "method_type": method_type,
            "display_name": display_name,
            "description": description,
            "config": config,
            "max_token_ttl": max_token_ttl,
            "token_locality": token_locality,
            "token_name_format": token_name_format,
            **options,
        }
        return self._write(
            "create", "/v1/acl/auth-method", answers.value, _METHOD, given, token=token
        )

    @endpoint("GET /v1/acl/auth-method/:name", since="1.5.0")
    def get(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLAuthMethod]]:
        """Read one auth method.  Return ``(index, method)``.

        Raises NotFound for an unknown one, ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/auth-method/:name``
        """
        return self._read(
            "get",
            f"/v1/acl/auth-method/{segment('name', name)}",
            answers.indexed,
            (),
            options,
            token=token,
        )

    @endpoint("PUT /v1/acl/auth-method/:name", repeatable=True, since="1.5.0")
    def update(
        self,
        name: Text,
        method_type: Text,
        token: Text | None = None,
        display_name: Text | None = None,
        description: Text | None = None,
        config: Mapping[str, Any] | None = None,
        max_token_ttl: Duration | None = None,
        token_locality: Text | None = None,
        token_name_format: Text | None = None,
        **options: Unpack[ACLAuthMethodWrite],
    ) -> Call[ACLAuthMethod]:
        """Replace an auth method, or create it when it does not exist.  Return it.

        The arguments are those of `create`.  What is not given is removed.  *method_type* cannot be
        changed.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for another type or an invalid
        configuration.

        ``PUT /v1/acl/auth-method/:name``
        """
        given = {
            "name": name,
            "method_type": method_type,
            "display_name": display_name,
            "description": description,
            "config": config,
            "max_token_ttl": max_token_ttl,
            "token_locality": token_locality,
            "token_name_format": token_name_format,
            **options,
        }
        path = f"/v1/acl/auth-method/{segment('name', name)}"
        return self._write("update", path, answers.value, _METHOD, given, token=token)

    @endpoint("DELETE /v1/acl/auth-method/:name", repeatable=False, since="1.5.0")
    def delete(
        self, name: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete an auth method, its binding rules, and the tokens that it has made.  Return True.

        Raises ACLPermissionDenied without ``acl:write``.
        Raises NotFound for an unknown method; Consul before 1.15 returns True.  From 1.15 on
        NotFound also stands for an unknown token of this call.

        ``DELETE /v1/acl/auth-method/:name``
        """
        return self._call(
            "delete",
            f"/v1/acl/auth-method/{segment('name', name)}",
            answers.done,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/auth-methods", since="1.5.0")
    def list(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[builtins.list[ACLAuthMethodListEntry]]]:
        """List the auth methods, without their configuration.  Return ``(index, methods)``.

        Raises ACLPermissionDenied without ``acl:read``.

        ``GET /v1/acl/auth-methods``
        """
        return self._read("list", "/v1/acl/auth-methods", answers.indexed, (), options, token=token)

    # py-consul's name.
    read = get
