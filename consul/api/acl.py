"""Legacy ACL tokens, /v1/acl, of Consul before 1.11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.values import present, segment

if TYPE_CHECKING:
    import builtins

    from typing_extensions import Unpack

    from consul.request import Call, WriteOptions


def _secrets(acl_id: str | None) -> tuple[str, ...]:
    """What must not be shown of a call about *acl_id*: it is the token itself."""
    return (acl_id, segment("acl_id", acl_id)) if acl_id else ()


def _fields(
    name: str | None, type: str | None, rules: str | None, acl_id: str | None
) -> dict[str, Any]:
    if type not in ("client", "management", None):
        raise ValueError(f"type must be 'client' or 'management': {type!r}")
    return present({"ID": acl_id, "Name": name, "Type": type, "Rules": rules})


class ACL(Noun):
    """Legacy ACL tokens, /v1/acl: Consul 1.11 removed them, its answer is NotFound.

    The id of such a token is the secret itself; it is left out of messages.  All calls need a
    management token, except `info`.
    """

    def list(
        self, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[builtins.list[Any]]:
        """All tokens: a list of dicts as of `info`.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``GET /v1/acl/list``
        """
        return self._read("/v1/acl/list", callback.value, (), options, token=token)

    def info(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[dict[str, Any] | None]:
        """One token, None when there is none.

        A dict with ``ID``, ``Name``, ``Type``, ``Rules`` (HCL or JSON), ``CreateIndex`` and
        ``ModifyIndex``.

        ``GET /v1/acl/info/:acl_id``
        """
        return self._read(
            f"/v1/acl/info/{segment('acl_id', acl_id)}",
            callback.first,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )

    def create(
        self,
        name: str | None = None,
        type: str = "client",
        rules: str | None = None,
        acl_id: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[str]:
        """Create a token; return its id, *acl_id* or a new one.

        *type* is "client" or "management", *rules* HCL or JSON.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/create``
        """
        return self._call(
            "PUT",
            "/v1/acl/create",
            callback.identity,
            (),
            options,
            json=_fields(name, type, rules, acl_id),
            secrets=_secrets(acl_id),
            token=token,
        )

    def update(
        self,
        acl_id: str,
        name: str | None = None,
        type: str | None = None,
        rules: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[str]:
        """Replace the token, or create it; return its id.

        *type* is "client" or "management", *rules* HCL or JSON.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/update``
        """
        if not acl_id:
            raise ValueError("acl_id must not be empty")
        return self._call(
            "PUT",
            "/v1/acl/update",
            callback.identity,
            (),
            options,
            json=_fields(name, type, rules, acl_id),
            secrets=_secrets(acl_id),
            token=token,
        )

    def clone(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[str]:
        """Create a token with the rules of another; return the new one's id.

        Raises ACLPermissionDenied unless *token* is a management token, and for an unknown
        *acl_id*.

        ``PUT /v1/acl/clone/:acl_id``
        """
        return self._call(
            "PUT",
            f"/v1/acl/clone/{segment('acl_id', acl_id)}",
            callback.identity,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )

    def destroy(
        self, acl_id: str, token: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[bool]:
        """Delete the token: True.

        Raises ACLPermissionDenied unless *token* is a management token.

        ``PUT /v1/acl/destroy/:acl_id``
        """
        return self._call(
            "PUT",
            f"/v1/acl/destroy/{segment('acl_id', acl_id)}",
            callback.done,
            (),
            options,
            secrets=_secrets(acl_id),
            token=token,
        )
