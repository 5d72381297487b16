"""ACLs, /v1/acl: tokens and what they may do; and the legacy tokens of Consul before 1.11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, TypedDict

from consul.api.acl.auth_method import AuthMethod as _AuthMethod
from consul.api.acl.binding_rule import BindingRule as _BindingRule
from consul.api.acl.policy import Policy as _Policy
from consul.api.acl.role import Role as _Role
from consul.api.acl.templated_policy import TemplatedPolicy as _TemplatedPolicy
from consul.api.acl.token import ACLToken
from consul.api.acl.token import Token as _Token
from consul.api.noun import Noun, lazy
from consul.api.options import ACLRead, ReplicationRead, Scope, WithDC
from consul.api.params import hidden
from consul.core import answers
from consul.core.bodies import text_map
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, secret, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call

_TOKEN = Fields(kinds={"acl_id": secret, "name": text, "type": text, "rules": text}, acl_id="ID")
_LOGIN = Fields(
    kinds={
        "auth_method": text,
        "bearer_token": secret,
        "bootstrap_secret": secret,
        "client_nonce": secret,
        "code": secret,
        "meta": text_map,
        "redirect_uri": text,
        "state": secret,
    }
)


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


class ACLReplicationStatus(TypedDict):
    """What a datacenter has of the ACLs of the primary one."""

    Enabled: bool
    Running: bool
    SourceDatacenter: str
    #: "policies" or "tokens"; "" where nothing is replicated.
    ReplicationType: str
    ReplicatedIndex: int
    ReplicatedRoleIndex: int
    ReplicatedTokenIndex: int
    #: "0001-01-01T00:00:00Z" stands for never.
    LastSuccess: str
    LastError: str
    LastErrorMessage: NotRequired[str]


class ACLOIDCAuthURL(TypedDict):
    """Where a user logs in."""

    AuthURL: str


def _secrets(acl_id: Text | None) -> tuple[str, ...]:
    """What must not be shown of a call about *acl_id*: it is the token itself."""
    return (secret("acl_id", acl_id), segment("acl_id", acl_id)) if acl_id else ()


def _body(
    name: Text | None, type: str | None, rules: Text | None, acl_id: Text | None
) -> dict[str, Any]:
    if type not in ("client", "management", None):
        raise ValueError(f"type must be 'client' or 'management': {type!r}")
    return _TOKEN.body(acl_id=acl_id, name=name, type=type, rules=rules)


class LegacyTokens(Noun[F]):
    """Legacy ACL tokens, /v1/acl.

    Consul 1.11 removed them: all calls raise NotFound there.  The id of such a token is the secret
    itself; messages and logs do not show it.  All calls need a management token, except `info`.
    """

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


class ACL(LegacyTokens[F]):
    """ACLs, /v1/acl.

    *token*, *policy*, *role*, *auth_method*, *binding_rule* and *templated_policy* have the calls
    about these; *tokens*, *policies* and so on are the same.  The methods of `LegacyTokens` are
    python-consul's; *legacy_tokens* has them alone.  ``self`` is that of *token*, and
    ``create_translate`` and ``get_translate`` are other names of `rules_translate` and
    `rules_translate_token`.

    Where the agent has no ACLs, all calls raise ACLDisabled.
    """

    LegacyTokens: TypeAlias = LegacyTokens
    Token: TypeAlias = _Token
    Policy: TypeAlias = _Policy
    Role: TypeAlias = _Role
    AuthMethod: TypeAlias = _AuthMethod
    BindingRule: TypeAlias = _BindingRule
    TemplatedPolicy: TypeAlias = _TemplatedPolicy

    token: _Token[F] = lazy("Token")
    policy: _Policy[F] = lazy("Policy")
    role: _Role[F] = lazy("Role")
    auth_method: _AuthMethod[F] = lazy("AuthMethod")
    binding_rule: _BindingRule[F] = lazy("BindingRule")
    templated_policy: _TemplatedPolicy[F] = lazy("TemplatedPolicy")
    # By the names that python-consul2 and py-consul have for them.
    legacy_tokens: LegacyTokens[F] = lazy("LegacyTokens")
    tokens: _Token[F] = lazy("Token")
    policies: _Policy[F] = lazy("Policy")
    roles: _Role[F] = lazy("Role")
    auth_methods: _AuthMethod[F] = lazy("AuthMethod")
    binding_rules: _BindingRule[F] = lazy("BindingRule")
    templated_policies: _TemplatedPolicy[F] = lazy("TemplatedPolicy")

    @endpoint("PUT /v1/acl/bootstrap", repeatable=False)
    def bootstrap(
        self, bootstrap_secret: Text | None = None, **options: Unpack[Scope]
    ) -> Call[ACLToken]:
        """Create the first management token of a cluster.  Return it, its ``SecretID`` included.

        *bootstrap_secret* (a UUID, 1.15) is the secret id that it shall have, one that the server
        chooses by default.  Consul before 1.15 ignores it: use the ``SecretID`` of the answer.

        Raises ACLPermissionDenied where it was done before.  The text has the index to reset it by.

        ``PUT /v1/acl/bootstrap``
        """
        return self._call(
            "bootstrap",
            "/v1/acl/bootstrap",
            answers.value,
            (),
            options,
            json=_LOGIN.body(bootstrap_secret=bootstrap_secret) or None,
            secrets=hidden("bootstrap_secret", bootstrap_secret),
        )

    @endpoint("GET /v1/acl/replication")
    def replication(
        self,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[ReplicationRead],
    ) -> Call[ACLReplicationStatus]:
        """Read how far the replication of ACLs from the primary datacenter is.

        The call needs no permission.

        ``GET /v1/acl/replication``
        """
        return self._read(
            "replication",
            "/v1/acl/replication",
            answers.value,
            (),
            options,
            dc=dc,
            token=token,
        )

    @endpoint("POST /v1/acl/login", repeatable=False, since="1.5.0")
    def login(
        self,
        auth_method: Text,
        bearer_token: Text,
        meta: Mapping[str, Text] | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLToken]:
        """Create a token for the holder of *bearer_token*, such as a JWT.  Return it.

        *auth_method* is the name of the auth method that verifies it.  *meta* (dict) is noted in
        the description of the token.  The call needs no permission.

        Raises ACLPermissionDenied for an unknown auth method, and where no binding rule matches;
        ServerError where the bearer token is invalid or has ended.

        ``POST /v1/acl/login``
        """
        return self._call(
            "login",
            "/v1/acl/login",
            answers.value,
            (),
            options,
            json=_LOGIN.body(auth_method=auth_method, bearer_token=bearer_token, meta=meta),
            secrets=hidden("bearer_token", bearer_token),
            token=token,
        )

    @endpoint("POST /v1/acl/logout", repeatable=False, since="1.5.0")
    def logout(self, token: Text | None = None, **options: Unpack[WithDC]) -> Call[bool]:
        """Delete the token that the call sends, which a login has made.  Return True.

        Raises ACLPermissionDenied for an unknown token and for one that no login has made.  Without
        a token it is ACLDisabled from Consul 1.15 on, which answers 401.

        ``POST /v1/acl/logout``
        """
        return self._call("logout", "/v1/acl/logout", answers.done, (), options, token=token)

    @endpoint("POST /v1/acl/oidc/auth-url", repeatable=False, since="1.8.0")
    def oidc_auth_url(
        self,
        auth_method: Text,
        redirect_uri: Text,
        *,
        client_nonce: Text | None = None,
        meta: Mapping[str, Text] | None = None,
        **options: Unpack[Scope],
    ) -> Call[ACLOIDCAuthURL]:
        """Begin a login by OpenID Connect: ask where the user logs in (Consul Enterprise).

        *auth_method* is the name of an auth method of type "oidc".  *redirect_uri* is where the
        user comes back to.  *client_nonce* is a secret that `oidc_callback` then has to give.
        *meta* (dict) is noted in the description of the token.

        Raises NotFound from Consul CE, which answers 404.

        ``POST /v1/acl/oidc/auth-url``
        """
        return self._call(
            "oidc_auth_url",
            "/v1/acl/oidc/auth-url",
            answers.value,
            (),
            options,
            json=_LOGIN.body(
                auth_method=auth_method,
                redirect_uri=redirect_uri,
                client_nonce=client_nonce,
                meta=meta,
            ),
            secrets=hidden("client_nonce", client_nonce),
        )

    @endpoint("POST /v1/acl/oidc/callback", repeatable=False, since="1.8.0")
    def oidc_callback(
        self,
        auth_method: Text,
        state: Text,
        code: Text,
        *,
        client_nonce: Text | None = None,
        meta: Mapping[str, Text] | None = None,
        **options: Unpack[Scope],
    ) -> Call[ACLToken]:
        """Complete a login by OpenID Connect (Consul Enterprise).  Return the token.

        *state* and *code* are what the user came back with.  *auth_method*, *client_nonce* and
        *meta* are those of `oidc_auth_url`.

        Raises NotFound from Consul CE, which answers 404.

        ``POST /v1/acl/oidc/callback``
        """
        return self._call(
            "oidc_callback",
            "/v1/acl/oidc/callback",
            answers.value,
            (),
            options,
            json=_LOGIN.body(
                auth_method=auth_method,
                state=state,
                code=code,
                client_nonce=client_nonce,
                meta=meta,
            ),
            secrets=(
                *hidden("state", state),
                *hidden("code", code),
                *hidden("client_nonce", client_nonce),
            ),
        )

    @endpoint("POST /v1/acl/rules/translate", repeatable=True, since="1.4.0", removed="1.11.0")
    def rules_translate(
        self, rules: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[str]:
        """Return legacy rules (HCL) as rules for a policy.  Nothing is stored.

        Raises NotFound from Consul 1.11 on, ACLPermissionDenied without ``acl:read``, BadRequest
        for rules that cannot be read.

        ``POST /v1/acl/rules/translate``
        """
        return self._call(
            "rules_translate",
            "/v1/acl/rules/translate",
            answers.text,
            (),
            options,
            body=text("rules", rules).encode(),
            token=token,
        )

    @endpoint("GET /v1/acl/rules/translate/:accessor_id", since="1.4.0", removed="1.11.0")
    def rules_translate_token(
        self, accessor_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[str]:
        """Return the rules of a legacy token as rules for a policy.

        *accessor_id* is that of ``acl.token.list``.

        Raises NotFound from Consul 1.11 on; ACLPermissionDenied without ``acl:read``, and for an
        unknown token; ServerError for a token that is no legacy one.

        ``GET /v1/acl/rules/translate/:accessor_id``
        """
        return self._call(
            "rules_translate_token",
            f"/v1/acl/rules/translate/{segment('accessor_id', accessor_id)}",
            answers.text,
            (),
            options,
            token=token,
        )

    # python-consul2's names.
    self = _Token.self
    create_translate = rules_translate
    get_translate = rules_translate_token
