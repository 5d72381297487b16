"""ACL tokens, /v1/acl/token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.acl.links import (
    GRANTS,
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
from consul.api.params import hidden, one_or_absent, text_or_absent
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, above_zero, moment, secret, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class _Stored(TypedDict):
    """What the servers store of a token, less the secret."""

    #: What the token is called by.  A legacy token has "" until the servers have given it one.
    AccessorID: str
    #: Only tokens have it that were given one, or that come from a login (1.22.7).
    Name: NotRequired[str]
    Description: str
    Policies: NotRequired[list[ACLLink]]
    Roles: NotRequired[list[ACLLink]]
    ServiceIdentities: NotRequired[list[ACLServiceIdentity]]
    NodeIdentities: NotRequired[list[ACLNodeIdentity]]
    TemplatedPolicies: NotRequired[list[ACLTemplatedPolicy]]
    #: Whether it is valid in its own datacenter only.
    Local: bool
    #: The auth method that it comes from.
    AuthMethod: NotRequired[str]
    ExpirationTime: NotRequired[str]
    CreateTime: str
    Hash: str
    CreateIndex: int
    ModifyIndex: int


class ACLTokenListEntry(_Stored):
    """A token in a list."""

    #: Absent before Consul 1.10.1; "<hidden>" where the caller lacks ``acl:write``.
    SecretID: NotRequired[str]
    #: Whether it is a legacy token (before 1.11).
    Legacy: NotRequired[bool]


class ACLToken(_Stored):
    """A token."""

    #: What a call sends; "<hidden>" where the caller lacks ``acl:write``.
    SecretID: str
    #: Of a legacy token (before 1.11).
    Rules: NotRequired[str]


class ACLTokenExpanded(ACLToken):
    """A token, and with *expanded* what it comes to (1.12)."""

    #: The policies of the token and of its roles, those that stand for identities among them.
    ExpandedPolicies: NotRequired[list[ACLPolicy] | None]
    ExpandedRoles: NotRequired[list[ACLRole] | None]
    NamespaceDefaultPolicyIDs: NotRequired[list[str] | None]
    NamespaceDefaultRoleIDs: NotRequired[list[str] | None]
    AgentACLDefaultPolicy: NotRequired[str]
    AgentACLDownPolicy: NotRequired[str]
    #: The agent that answered.
    ResolvedByAgent: NotRequired[str]


class ACLTokenFields(ACLGrants, total=False):
    """What a token is given by keyword."""

    #: A name (1.22.7).
    name: Text | None
    #: Roles, each a dict with ``ID`` or ``Name``.
    roles: Iterable[Mapping[str, object]] | None
    #: Valid in this datacenter only.  It cannot be changed.
    local: Flag
    #: When the token ends: a datetime with a time zone, or text like "2030-01-31T12:00:00Z".
    expiration_time: Text | datetime | None
    #: In which time it ends, 1 minute or more.  Neither can be changed.
    expiration_ttl: Duration | None


class ACLTokenWrite(ACLTokenFields, WithDC, total=False):
    """``acl.token.create`` and ``acl.token.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Fields(ACLTokenFields, total=False):
    accessor_id: Text | None
    secret_id: Text | None
    node_identities: Iterable[Mapping[str, object]] | None
    service_identities: Iterable[Mapping[str, object]] | None
    description: Text | None
    auth_method: Text | None


_TOKEN = Fields(
    _Fields,
    kinds={
        **GRANTS,
        "secret_id": secret,
        "expiration_time": moment,
        # Consul takes 0 for "not given", which would be a token for ever.
        "expiration_ttl": above_zero,
    },
)


class Token(Noun[F]):
    """ACL tokens, /v1/acl/token, since Consul 1.4.

    A token has two ids.  Calls send its secret id.  Its accessor id is what it is called by here.
    Messages and logs show no secret id.

    All calls need ``acl:read`` or ``acl:write``, except `self`.  ``read`` and ``read_self`` are
    other names of `get` and `self`.
    """

    @endpoint("PUT /v1/acl/token", repeatable=False, since="1.4.0")
    def create(
        self,
        token: Text | None = None,
        accessor_id: Text | None = None,
        secret_id: Text | None = None,
        node_identities: Iterable[Mapping[str, object]] | None = None,
        service_identities: Iterable[Mapping[str, object]] | None = None,
        *,
        description: Text | None = None,
        **options: Unpack[ACLTokenWrite],
    ) -> Call[ACLToken]:
        """Create a token.  Return it, its ``SecretID`` included.

        *accessor_id* and *secret_id* (UUIDs) are chosen by the server by default.  *policies* and
        *roles* are lists of dicts with ``ID`` or ``Name``.  *service_identities* have
        ``ServiceName`` and perhaps ``Datacenters``, *node_identities* have ``NodeName`` and
        ``Datacenter``.  *templated_policies* (1.17) have ``TemplateName``, ``TemplateVariables``
        like ``{"Name": "web"}`` and perhaps ``Datacenters``.
        *local* (bool) makes a token for this datacenter only.  *expiration_ttl* (seconds, "24h" or
        a timedelta) or *expiration_time* (a datetime with a time zone, or text in RFC 3339) ends
        it.  Servers want 1 minute or more, and 1.8.7 at most 24 hours.  *name* (str) needs Consul
        1.22.7.  *extra* (dict) has further fields in Consul's spelling.
        *token* is the one that authenticates this call.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for an unknown policy or role
        or a refused expiration, BadRequest for a field that this version of Consul does not know.

        ``PUT /v1/acl/token``
        """
        given = {
            "accessor_id": accessor_id,
            "secret_id": secret_id,
            "node_identities": node_identities,
            "service_identities": service_identities,
            "description": description,
            **options,
        }
        return self._write(
            "create",
            "/v1/acl/token",
            answers.value,
            _TOKEN,
            given,
            token=token,
            secrets=hidden("secret_id", secret_id),
        )

    @endpoint("GET /v1/acl/token/:accessor_id", since="1.4.0", ignores={"expanded": "1.12.0"})
    def get(
        self,
        accessor_id: Text,
        token: Text | None = None,
        *,
        expanded: Flag = False,
        **options: Unpack[ACLRead],
    ) -> Call[Indexed[ACLTokenExpanded]]:
        """Read one token, by its accessor id.  Return ``(index, token)``.

        With *expanded* (1.12) the answer also has the rules of its policies and roles.

        Raises ACLPermissionDenied without ``acl:read``, and for an unknown token: Consul answers
        403 "ACL not found".  Raises Unsupported where the server is too old for *expanded*.

        ``GET /v1/acl/token/:accessor_id``
        """
        return self._read(
            "get",
            f"/v1/acl/token/{segment('accessor_id', accessor_id)}",
            answers.indexed,
            (("expanded", one_or_absent("expanded", expanded)),),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/token/self", since="1.4.0")
    def self(
        self, token: Text | None = None, **options: Unpack[ACLRead]
    ) -> Call[Indexed[ACLToken]]:
        """Read the token that the call sends.  Return ``(index, token)``.

        The call needs no permission.

        Raises ACLPermissionDenied where the token is unknown or has ended, and without a token.

        ``GET /v1/acl/token/self``
        """
        return self._read("self", "/v1/acl/token/self", answers.indexed, (), options, token=token)

    @endpoint("PUT /v1/acl/token/:accessor_id", repeatable=True, since="1.4.0")
    def update(
        self,
        accessor_id: Text,
        token: Text | None = None,
        secret_id: Text | None = None,
        node_identities: Iterable[Mapping[str, object]] | None = None,
        service_identities: Iterable[Mapping[str, object]] | None = None,
        description: Text | None = None,
        *,
        auth_method: Text | None = None,
        **options: Unpack[ACLTokenWrite],
    ) -> Call[ACLToken]:
        """Replace what a token has.  Return the token.

        The arguments are those of `create`.  What is not given is removed, except what cannot be
        changed: *secret_id*, *auth_method* and *expiration_time*.  *local* cannot be changed
        either, and has to be given for a local token.  To change one thing, read the token, and
        give it as *extra* with this thing changed.

        Raises UnknownACL for an unknown token, ACLPermissionDenied without ``acl:write``,
        ServerError for an unknown policy or role or for what cannot be changed.

        ``PUT /v1/acl/token/:accessor_id``
        """
        given = {
            # Some versions before 1.16.1 want it in the body, too.
            "accessor_id": accessor_id,
            "secret_id": secret_id,
            "node_identities": node_identities,
            "service_identities": service_identities,
            "description": description,
            "auth_method": auth_method,
            **options,
        }
        return self._write(
            "update",
            f"/v1/acl/token/{segment('accessor_id', accessor_id)}",
            answers.value,
            _TOKEN,
            given,
            token=token,
            secrets=hidden("secret_id", secret_id),
        )

    @endpoint("PUT /v1/acl/token/:accessor_id/clone", repeatable=False, since="1.4.0")
    def clone(
        self,
        accessor_id: Text,
        token: Text | None = None,
        description: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[ACLToken]:
        """Create a token that has what another one has, its expiration time included.

        Return the new token.  *description* is by default that of the other one.

        Raises ACLPermissionDenied without ``acl:write``, and for an unknown token.

        ``PUT /v1/acl/token/:accessor_id/clone``
        """
        return self._call(
            "clone",
            f"/v1/acl/token/{segment('accessor_id', accessor_id)}/clone",
            answers.value,
            (),
            options,
            # Without fields it is {}, which servers want.
            json=_TOKEN.body(description=description),
            token=token,
        )

    @endpoint("DELETE /v1/acl/token/:accessor_id", repeatable=False, since="1.4.0")
    def delete(
        self, accessor_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete a token.  Return True.

        Raises ACLPermissionDenied without ``acl:write``, ServerError for the anonymous token and
        for the token of this call.
        Raises NotFound for an unknown token; Consul before 1.15 returns True.  From 1.15 on
        NotFound also stands for an unknown token of this call.

        ``DELETE /v1/acl/token/:accessor_id``
        """
        return self._call(
            "delete",
            f"/v1/acl/token/{segment('accessor_id', accessor_id)}",
            answers.done,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/acl/tokens", since="1.4.0", ignores={"servicename": "1.16.2"})
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
        """List the tokens.  Return ``(index, tokens)``.

        *policy* and *role* are ids, *authmethod* and *servicename* (1.16.2) names: only the tokens
        that have these.  *authmethod_ns* is the namespace of the auth method (Enterprise).
        Tokens that have ended may still be listed for some time.

        Raises ACLPermissionDenied without ``acl:read``, Unsupported where the server is too old for
        *servicename*.

        ``GET /v1/acl/tokens``
        """
        filters = {
            "policy": policy,
            "role": role,
            "authmethod": authmethod,
            "servicename": servicename,
        }
        params = [(name, text_or_absent(name, value)) for name, value in filters.items()]
        params.append(("authmethod-ns", text_or_absent("authmethod_ns", authmethod_ns)))
        return self._read("list", "/v1/acl/tokens", answers.indexed, params, options, token=token)

    # py-consul's names.
    read = get
    read_self = self
