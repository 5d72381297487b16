"""Legacy ACL tokens, /v1/acl, of Consul before 1.11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from consul.api.noun import Noun
from consul.api.options import ACLRead, WithDC
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, segment, text

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
