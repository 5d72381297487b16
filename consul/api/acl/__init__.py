"""Access control, /v1/acl: logins, and the legacy tokens of Consul before 1.11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, TypedDict

from consul.api.acl.auth_method import AuthMethod as _AuthMethod
from consul.api.acl.binding_rule import BindingRule as _BindingRule
from consul.api.acl.grants import ACLLink
from consul.api.acl.policy import Policy as _Policy
from consul.api.acl.role import Role as _Role
from consul.api.acl.templated_policy import TemplatedPolicy as _TemplatedPolicy
from consul.api.acl.token import ACLToken
from consul.api.acl.token import Token as _Token
from consul.api.noun import Noun, lazy
from consul.api.options import ACLRead, Common, Consistency, Scope, WithDC
from consul.api.params import secret
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, body_bytes, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call

_TOKEN = Fields(kinds={"acl_id": text, "name": text, "type": text, "rules": text}, acl_id="ID")


class ACLEntry(TypedDict):
    """A legacy token."""

    #: The secret itself.
    ID: str
    Name: str
    #: "client" or "management".
    Type: str
    #: HCL or JSON.
    Rules: str
    CreateIndex: int
    ModifyIndex: int


class ACLBootstrapToken(TypedDict):
    """The first token, which may do everything."""

    #: As in Consul before 1.4: the secret.
    ID: str
    AccessorID: str
    SecretID: str
    Description: str
    Policies: list[ACLLink]
    Local: bool
    CreateTime: str
    Hash: str
    CreateIndex: int
    ModifyIndex: int
    Name: NotRequired[str]
    Type: NotRequired[str]
    Rules: NotRequired[str]


class ACLReplicationStatus(TypedDict):
    """How far the ACLs of the primary datacenter are known in this one."""

    Enabled: bool
    Running: bool
    SourceDatacenter: str
    #: "tokens", "policies" or "".
    ReplicationType: str
    ReplicatedIndex: int
    ReplicatedRoleIndex: int
    ReplicatedTokenIndex: int
    LastSuccess: str
    LastError: str
    LastErrorMessage: NotRequired[str]


class ACLOIDCAuthURL(TypedDict):
    """Where a user of an OIDC provider logs in."""

    AuthURL: str


class ACLReplicationRead(Common, Consistency, total=False):
    """Keywords of ``acl.replication``."""


class ACLLogin(WithDC, total=False):
    """Keywords of ``acl.login``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class ACLOIDCLogin(Scope, total=False):
    """Keywords of the OIDC calls."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None

    #: A value that the provider repeats.
    client_nonce: Text | None
    #: What the description of the token is to have.
    meta: Mapping[str, Text] | None


class _Login(TypedDict, total=False):
    auth_method: Text | None
    bearer_token: Text | None
    meta: Mapping[str, Text] | None
    redirect_uri: Text | None
    client_nonce: Text | None
    state: Text | None
    code: Text | None


class _Bootstrap(TypedDict, total=False):
    bootstrap_secret: Text | None


_LOGIN = Fields(_Login)
_BOOTSTRAP = Fields(_Bootstrap)


def _secrets(acl_id: Text | None) -> tuple[str, ...]:
    """What must not be shown of a call about *acl_id*: it is the token itself."""
    return (text("acl_id", acl_id), segment("acl_id", acl_id)) if acl_id else ()


def _body(
    name: Text | None, type: str | None, rules: Text | None, acl_id: Text | None
) -> dict[str, Any]:
    if type not in ("client", "management", None):
        raise ValueError(f"type must be 'client' or 'management': {type!r}")
    return _TOKEN.body(acl_id=acl_id, name=name, type=type, rules=rules)


class ACL(Noun[F]):
    """Access control, /v1/acl.

    Where ACLs are off, all calls raise ACLDisabled.

    `list`, `info`, `create`, `update`, `clone` and `destroy` are about legacy tokens.  Consul 1.11
    removed these: the calls raise NotFound there.  The id of such a token is the secret itself;
    messages and logs do not show it.  All of them need a management token, except `info`.
    """

    AuthMethod: TypeAlias = _AuthMethod
    BindingRule: TypeAlias = _BindingRule
    Policy: TypeAlias = _Policy
    Role: TypeAlias = _Role
    TemplatedPolicy: TypeAlias = _TemplatedPolicy
    Token: TypeAlias = _Token

    auth_method: _AuthMethod[F] = lazy("AuthMethod")
    binding_rule: _BindingRule[F] = lazy("BindingRule")
    policy: _Policy[F] = lazy("Policy")
    role: _Role[F] = lazy("Role")
    templated_policy: _TemplatedPolicy[F] = lazy("TemplatedPolicy")
    token: _Token[F] = lazy("Token")
    # The names of python-consul2 and py-consul for the same.
    auth_methods: _AuthMethod[F] = lazy("AuthMethod")
    binding_rules: _BindingRule[F] = lazy("BindingRule")
    policies: _Policy[F] = lazy("Policy")
    roles: _Role[F] = lazy("Role")
    templated_policies: _TemplatedPolicy[F] = lazy("TemplatedPolicy")
    tokens: _Token[F] = lazy("Token")

    @property
    def legacy_tokens(self) -> ACL[F]:
        """This noun, by python-consul2's name for the legacy tokens."""
        return self

    @endpoint("PUT /v1/acl/bootstrap", repeatable=False, ignores={"bootstrap_secret": "1.15.0"})
    def bootstrap(
        self,
        bootstrap_secret: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLBootstrapToken]:
        """Create the first token of a cluster, which may do everything.

        *bootstrap_secret* (a UUID) becomes its ``SecretID`` (1.15); by default the servers choose
        one.  Older servers ignore it: it raises Unsupported where the version can be read.

        Raises ACLPermissionDenied when the cluster has such a token already.

        ``PUT /v1/acl/bootstrap``
        """
        given = {"bootstrap_secret": bootstrap_secret, **options}
        hidden = secret("bootstrap_secret", bootstrap_secret)
        path = "/v1/acl/bootstrap"
        return self._write(
            "bootstrap", path, answers.value, _BOOTSTRAP, given, token=token, secrets=hidden
        )

    @endpoint("GET /v1/acl/replication")
    def replication(
        self,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[ACLReplicationRead],
    ) -> Call[ACLReplicationStatus]:
        """Read how far the ACLs of the primary datacenter are known in *dc*.

        ``GET /v1/acl/replication``
        """
        path = "/v1/acl/replication"
        return self._read("replication", path, answers.value, (), options, dc=dc, token=token)

    @endpoint("POST /v1/acl/login", repeatable=False, since="1.5.0")
    def login(
        self,
        auth_method: Text,
        bearer_token: Text,
        meta: Mapping[str, Text] | None = None,
        token: Text | None = None,
        **options: Unpack[ACLLogin],
    ) -> Call[ACLToken]:
        """Log in with an identity from elsewhere.  The answer is a new token; `logout` ends it.

        *auth_method* is the name of the auth method, *bearer_token* what proves the identity to it,
        such as a JWT.  *meta* goes into the description of the token.

        Raises ACLPermissionDenied for an unknown auth method and where no binding rule matches,
        ServerError for a bearer token that is not valid.

        ``POST /v1/acl/login``
        """
        given = {"auth_method": auth_method, "bearer_token": bearer_token, "meta": meta, **options}
        hidden = secret("bearer_token", bearer_token)
        path = "/v1/acl/login"
        return self._write("login", path, answers.value, _LOGIN, given, token=token, secrets=hidden)

    @endpoint("POST /v1/acl/logout", repeatable=False, since="1.5.0")
    def logout(self, token: Text | None = None, **options: Unpack[WithDC]) -> Call[bool]:
        """Delete the token that authenticates the call, which a login has made.  Return True.

        Raises ACLPermissionDenied for a token that no login has made, ACLDisabled without a token,
        before Consul 1.15 ACLPermissionDenied.

        ``POST /v1/acl/logout``
        """
        return self._call("logout", "/v1/acl/logout", answers.done, (), options, token=token)

    @endpoint("POST /v1/acl/oidc/auth-url", repeatable=True, since="1.8.0")
    def oidc_auth_url(
        self, auth_method: Text, redirect_uri: Text, **options: Unpack[ACLOIDCLogin]
    ) -> Call[ACLOIDCAuthURL]:
        """Begin a login with OIDC: where the user logs in.

        The provider sends the user to *redirect_uri* with what `oidc_callback` takes.

        Consul Enterprise only: Consul CE raises NotFound.

        ``POST /v1/acl/oidc/auth-url``
        """
        given = {"auth_method": auth_method, "redirect_uri": redirect_uri, **options}
        path = "/v1/acl/oidc/auth-url"
        return self._write("oidc_auth_url", path, answers.value, _LOGIN, given)

    @endpoint("POST /v1/acl/oidc/callback", repeatable=False, since="1.8.0")
    def oidc_callback(
        self, auth_method: Text, state: Text, code: Text, **options: Unpack[ACLOIDCLogin]
    ) -> Call[ACLToken]:
        """End a login with OIDC: a new token.

        *state* and *code* are what the provider has sent the user back with.

        Consul Enterprise only: Consul CE raises NotFound.

        ``POST /v1/acl/oidc/callback``
        """
        given = {"auth_method": auth_method, "state": state, "code": code, **options}
        path = "/v1/acl/oidc/callback"
        return self._write(
            "oidc_callback", path, answers.value, _LOGIN, given, secrets=secret("code", code)
        )

    @endpoint("POST /v1/acl/rules/translate", repeatable=True, since="1.4.0", removed="1.11.0")
    def translate_rules(
        self, rules: str | bytes, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[str]:
        """Translate the *rules* of a legacy token into those of a policy.

        ``POST /v1/acl/rules/translate``
        """
        path = "/v1/acl/rules/translate"
        body = body_bytes("rules", rules)
        return self._call(
            "translate_rules", path, answers.plain_text, (), options, token=token, body=body
        )

    # python-consul2's name.
    create_translate = translate_rules

    @endpoint("GET /v1/acl/rules/translate/:accessor_id", since="1.4.0", removed="1.11.0")
    def translate_token(
        self, accessor_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[str]:
        """Translate the rules of a legacy token into those of a policy.

        Raises ACLPermissionDenied for an unknown token.

        ``GET /v1/acl/rules/translate/:accessor_id``
        """
        path = f"/v1/acl/rules/translate/{segment('accessor_id', accessor_id)}"
        return self._call("translate_token", path, answers.plain_text, (), options, token=token)

    # python-consul2's name.
    get_translate = translate_token

    @endpoint("GET /v1/acl/list", removed="1.11.0")
    def list(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[builtins.list[ACLEntry]]:
        """List all tokens.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``GET /v1/acl/list``
        """
        return self._read("list", "/v1/acl/list", answers.value, (), options, token=token)

    @endpoint("GET /v1/acl/info/:acl_id", removed="1.11.0")
    def info(
        self, acl_id: Text, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[ACLEntry | None]:
        """Read one token: an `ACLEntry`, or None when it does not exist.

        ``GET /v1/acl/info/:acl_id``
        """
        return self._read(
            "info",
            f"/v1/acl/info/{segment('acl_id', acl_id)}",
            answers.first,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )

    @endpoint("PUT /v1/acl/create", repeatable=False, removed="1.11.0")
    def create(
        self,
        name: Text | None = None,
        type: str = "client",
        rules: Text | None = None,
        acl_id: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[str]:
        """Create a token.  Return its id: *acl_id*, or a new one.

        *type* is "client" or "management".  *rules* is HCL or JSON.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/create``
        """
        return self._call(
            "create",
            "/v1/acl/create",
            answers.identity,
            (),
            options,
            json=_body(name, type, rules, acl_id),
            secrets=_secrets(acl_id),
            token=token,
        )

    @endpoint("PUT /v1/acl/update", repeatable=False, removed="1.11.0")
    def update(
        self,
        acl_id: Text,
        name: Text | None = None,
        type: str | None = None,
        rules: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[str]:
        """Replace a token, or create it when it does not exist.  Return its id.

        *type* is "client" or "management".  *rules* is HCL or JSON.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/update``
        """
        if not acl_id:
            raise ValueError("acl_id must not be empty")
        return self._call(
            "update",
            "/v1/acl/update",
            answers.identity,
            (),
            options,
            json=_body(name, type, rules, acl_id),
            secrets=_secrets(acl_id),
            token=token,
        )

    @endpoint("PUT /v1/acl/clone/:acl_id", repeatable=False, removed="1.11.0")
    def clone(
        self, acl_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[str]:
        """Create a token with the rules of another one.  Return the id of the new token.

        Raises ACLPermissionDenied unless *token* is a management token, and when *acl_id* does not
        exist.

        ``PUT /v1/acl/clone/:acl_id``
        """
        return self._call(
            "clone",
            f"/v1/acl/clone/{segment('acl_id', acl_id)}",
            answers.identity,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )

    @endpoint("PUT /v1/acl/destroy/:acl_id", repeatable=False, removed="1.11.0")
    def destroy(
        self, acl_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a token.  Return True.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/destroy/:acl_id``
        """
        return self._call(
            "destroy",
            f"/v1/acl/destroy/{segment('acl_id', acl_id)}",
            answers.done,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )
