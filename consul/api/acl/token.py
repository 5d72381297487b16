"""ACL tokens, /v1/acl/token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.grants import (
    GRANTS,
    LINKS,
    ACLGrants,
    ACLLink,
    ACLNodeIdentity,
    ACLServiceIdentity,
    ACLTemplatedPolicy,
)
from consul.api.acl.policy import ACLPolicy
from consul.api.acl.role import ACLRole
from consul.api.noun import Noun
from consul.api.options import ACLRead, WithDC
from consul.api.params import absent_or, one_or_absent, secret
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ACLTokenListEntry(TypedDict):
    """A token, as it is listed."""

    AccessorID: str
    #: The secret, where the caller may write ACLs; else "<hidden>", or absent (1.8).
    SecretID: NotRequired[str]
    #: From a patch release of 1.22 on.
    Name: NotRequired[str]
    Description: str
    Policies: NotRequired[list[ACLLink] | None]
    Roles: NotRequired[list[ACLLink] | None]
    TemplatedPolicies: NotRequired[list[ACLTemplatedPolicy] | None]
    ServiceIdentities: NotRequired[list[ACLServiceIdentity] | None]
    NodeIdentities: NotRequired[list[ACLNodeIdentity] | None]
    #: Whether it is known to its own datacenter only.
    Local: bool
    #: Name of the auth method whose login made it.
    AuthMethod: NotRequired[str]
    ExpirationTime: NotRequired[str]
    CreateTime: str
    Hash: str
    CreateIndex: int
    ModifyIndex: int
    Legacy: NotRequired[bool]


class ACLToken(ACLTokenListEntry):
    """A token."""

    ExpirationTTL: NotRequired[str]
    #: What it comes to, asked for with *expanded* (1.12).
    ExpandedPolicies: NotRequired[list[ACLPolicy] | None]
    ExpandedRoles: NotRequired[list[ACLRole] | None]
    NamespaceDefaultPolicyIDs: NotRequired[list[str] | None]
    NamespaceDefaultRoleIDs: NotRequired[list[str] | None]
    AgentACLDefaultPolicy: NotRequired[str]
    AgentACLDownPolicy: NotRequired[str]
    ResolvedByAgent: NotRequired[str]


class ACLTokenFields(ACLGrants, total=False):
    """What may be set of a token."""

    #: From a patch release of 1.22 on.
    name: Text | None
    #: The secret, a UUID; by default the servers choose it.
    secret_id: Text | None
    description: Text | None
    #: Roles, each with ``ID`` or ``Name``.
    roles: Iterable[ACLLink] | None
    #: Whether it is known to its own datacenter only.  It cannot change later.
    local: Flag
    #: When it expires, like "2030-01-01T00:00:00Z"; excludes *expiration_ttl*.
    expiration_time: Text | None
    #: How long it is valid, a minute at least.  Consul before 1.22 allows a day at most.
    expiration_ttl: Duration | None


class ACLTokenCreate(ACLTokenFields, WithDC, total=False):
    """Keywords of ``acl.token.create``."""

    #: The id for the API, a UUID; by default the servers choose it.
    accessor_id: Text | None
    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class ACLTokenUpdate(ACLTokenFields, WithDC, total=False):
    """Keywords of ``acl.token.update``."""

    #: Name of the auth method whose login made it.  It cannot change.
    auth_method: Text | None
    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(ACLTokenFields, total=False):
    accessor_id: Text | None
    auth_method: Text | None


_TOKEN = Fields(_Body, kinds={**GRANTS, "roles": LINKS})


class Token(Noun[F]):
    """ACL tokens, /v1/acl/token (1.4)."""

    @endpoint("PUT /v1/acl/token", repeatable=False, since="1.4.0")
    def create(
        self, token: Text | None = None, **options: Unpack[ACLTokenCreate]
    ) -> Call[ACLToken]:
        """Create a token; the answer has its ``SecretID``.

        *token* is the one that authenticates the call.

        Raises ACLPermissionDenied where it lacks ``acl:write``, ServerError for an unknown policy
        or role.

        ``PUT /v1/acl/token``
        """
        hidden = secret("secret_id", options.get("secret_id"))
        return self._write(
            "create", "/v1/acl/token", answers.value, _TOKEN, options, token=token, secrets=hidden
        )

    @endpoint("GET /v1/acl/token/:accessor_id", since="1.4.0")
    def get(
        self,
        accessor_id: Text,
        token: Text | None = None,
        *,
        expanded: Flag = False,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[ACLToken]]:
        """Read a token: (index, token).

        ``SecretID`` is hidden where *token* lacks ``acl:write``.  *expanded* adds what the policies
        and roles of the token are (1.12; older versions ignore it).

        Raises ACLPermissionDenied where *token* lacks ``acl:read``, and for an unknown accessor.

        ``GET /v1/acl/token/:accessor_id``
        """
        path = f"/v1/acl/token/{segment('accessor_id', accessor_id)}"
        params = (("expanded", one_or_absent("expanded", expanded)),)
        return self._read("get", path, answers.indexed, params, options, token=token)

    # py-consul's name.
    read = get

    @endpoint("GET /v1/acl/token/self", since="1.4.0")
    def self(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLToken]]:
        """Read the token that authenticates the call: (index, token).  It needs no permission.

        Raises ACLPermissionDenied for an unknown token.

        ``GET /v1/acl/token/self``
        """
        path = "/v1/acl/token/self"
        return self._read("self", path, answers.indexed, (), options, token=token)

    # py-consul's name.
    read_self = self

    @endpoint("PUT /v1/acl/token/:accessor_id", repeatable=True, since="1.4.0")
    def update(
        self, accessor_id: Text, token: Text | None = None, **options: Unpack[ACLTokenUpdate]
    ) -> Call[ACLToken]:
        """Replace a token: what is not given is removed.

        The secret, *local* and the expiration cannot change.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, ServerError for an unknown
        accessor.

        ``PUT /v1/acl/token/:accessor_id``
        """
        path = f"/v1/acl/token/{segment('accessor_id', accessor_id)}"
        given = {"accessor_id": accessor_id, **options}
        hidden = secret("secret_id", options.get("secret_id"))
        return self._write(
            "update", path, answers.value, _TOKEN, given, token=token, secrets=hidden
        )

    @endpoint("PUT /v1/acl/token/:accessor_id/clone", repeatable=False, since="1.4.0")
    def clone(
        self,
        accessor_id: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLToken]:
        """Create a token that grants what another one does.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``, and for an unknown accessor.

        ``PUT /v1/acl/token/:accessor_id/clone``
        """
        path = f"/v1/acl/token/{segment('accessor_id', accessor_id)}/clone"
        given = {"description": description, **options}
        return self._write("clone", path, answers.value, _TOKEN, given, token=token)

    @endpoint("DELETE /v1/acl/token/:accessor_id", repeatable=False, since="1.4.0")
    def delete(
        self, accessor_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a token.  Return True.

        Raises ACLPermissionDenied where *token* lacks ``acl:write``; NotFound for an unknown
        accessor, for which Consul before 1.15 returns True, and where *token* itself is unknown.

        ``DELETE /v1/acl/token/:accessor_id``
        """
        path = f"/v1/acl/token/{segment('accessor_id', accessor_id)}"
        return self._call("delete", path, answers.bool_answer, (), options, token=token)

    @endpoint("GET /v1/acl/tokens", since="1.4.0")
    def list(
        self,
        policy: Text | None = None,
        role: Text | None = None,
        authmethod: Text | None = None,
        servicename: Text | None = None,
        token: Text | None = None,
        *,
        authmethod_ns: Text | None = None,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[builtins.list[ACLTokenListEntry]]]:
        """List the tokens: (index, tokens).

        *policy* and *role* (ids), *authmethod* (a name) and *servicename* (1.16.2) keep those that
        have it.  *authmethod_ns* is the namespace of the auth method (Enterprise).

        Raises ACLPermissionDenied where *token* lacks ``acl:read``.

        ``GET /v1/acl/tokens``
        """
        params = (
            ("policy", policy),
            ("role", role),
            ("authmethod", authmethod),
            ("authmethod-ns", absent_or("authmethod_ns", authmethod_ns)),
            ("servicename", servicename),
        )
        path = "/v1/acl/tokens"
        return self._read("list", path, answers.indexed, params, options, token=token)
