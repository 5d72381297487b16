"""ACL auth methods, /v1/acl/auth-method."""

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


class ACLAuthMethodNamespaceRule(TypedDict, total=False):
    """In which namespace a login makes its token (Enterprise)."""

    Selector: str
    BindNamespace: str


class ACLAuthMethodListEntry(TypedDict):
    """An auth method, as it is listed."""

    Name: str
    #: "jwt", "kubernetes", "aws-iam" (1.12) or "oidc" (Enterprise).
    Type: str
    DisplayName: NotRequired[str]
    Description: NotRequired[str]
    MaxTokenTTL: NotRequired[str]
    TokenLocality: NotRequired[str]
    TokenNameFormat: NotRequired[str]
    CreateIndex: int
    ModifyIndex: int


class ACLAuthMethod(ACLAuthMethodListEntry):
    """A way to log in with an identity from elsewhere."""

    #: Its keys depend on the type.
    Config: dict[str, Any]
    NamespaceRules: NotRequired[list[ACLAuthMethodNamespaceRule] | None]


class ACLAuthMethodFields(TypedDict, total=False):
    """What may be set of an auth method besides the arguments that have a position."""

    #: How long the tokens of logins are valid.
    max_token_ttl: Duration | None
    #: "local" (by default) or "global".
    token_locality: Text | None
    #: How the tokens of logins are named; from a patch release of 1.22 on.
    token_name_format: Text | None
    #: Enterprise; each has ``Selector`` and ``BindNamespace``.
    namespace_rules: Iterable[ACLAuthMethodNamespaceRule] | None


class ACLAuthMethodWrite(ACLAuthMethodFields, WithDC, total=False):
    """Keywords of ``acl.auth_method.create`` and ``acl.auth_method.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(ACLAuthMethodFields, total=False):
    name: Text | None
    type: Text | None
    display_name: Text | None
    description: Text | None
    config: Mapping[str, Any] | None


_METHOD = Fields(
    _Body,
    kinds={
        "config": mapped(opaque),
        "namespace_rules": listed(Struct(selector=text, bindnamespace=text), "dicts"),
    },
)


class AuthMethod(Noun[F]):
    """ACL auth methods, /v1/acl/auth-method (1.5): ways to log in with another identity."""

    @endpoint("PUT /v1/acl/auth-method", repeatable=True, since="1.5.0")
    def create(
        self,
        name: Text,
        type: Text,
        token: Text | None = None,
        display_name: Text | None = None,
        description: Text | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Unpack[ACLAuthMethodWrite],
    ) -> Call[ACLAuthMethod]:
        """Create an auth method.  One of the same name is replaced.

        *type* is "jwt", "kubernetes", "aws-iam" (1.12) or "oidc" (Enterprise).  The keys of
        *config* depend on it.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown
        type and for a *config* that does not fit.

        ``PUT /v1/acl/auth-method``
        """
        given = {
            "name": name,
            "type": type,
            "display_name": display_name,
            "description": description,
            "config": config,
            **options,
        }
        path = "/v1/acl/auth-method"
        return self._write("create", path, answers.value, _METHOD, given, token=token)

    @endpoint("GET /v1/acl/auth-method/:name", since="1.5.0")
    def get(
        self, name: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLAuthMethod]]:
        """Read an auth method: (index, auth method).

        Raises NotFound for an unknown name, ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/auth-method/:name``
        """
        path = f"/v1/acl/auth-method/{segment('name', name)}"
        return self._read("get", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read = get

    @endpoint("PUT /v1/acl/auth-method/:name", repeatable=True, since="1.5.0")
    def update(
        self,
        name: Text,
        type: Text,
        token: Text | None = None,
        display_name: Text | None = None,
        description: Text | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Unpack[ACLAuthMethodWrite],
    ) -> Call[ACLAuthMethod]:
        """Replace an auth method: what is not given is removed.  An unknown one is created.

        *type* cannot change.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``.

        ``PUT /v1/acl/auth-method/:name``
        """
        given = {
            "name": name,
            "type": type,
            "display_name": display_name,
            "description": description,
            "config": config,
            **options,
        }
        path = f"/v1/acl/auth-method/{segment('name', name)}"
        return self._write("update", path, answers.value, _METHOD, given, token=token)

    @endpoint("DELETE /v1/acl/auth-method/:name", repeatable=False, since="1.5.0")
    def delete(
        self, name: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete an auth method, its binding rules, and the tokens of its logins.  Return True.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``; NotFound for an unknown name,
        for which Consul before 1.15 returns True, and where *token* itself is unknown.

        ``DELETE /v1/acl/auth-method/:name``
        """
        path = f"/v1/acl/auth-method/{segment('name', name)}"
        return self._call("delete", path, answers.bool_answer, (), options, token=token)

    @endpoint("GET /v1/acl/auth-methods", since="1.5.0")
    def list(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[builtins.list[ACLAuthMethodListEntry]]]:
        """List the auth methods: (index, auth methods).

        Raises ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/auth-methods``
        """
        path = "/v1/acl/auth-methods"
        return self._read("list", path, answers.indexed, (), options, token=token)
