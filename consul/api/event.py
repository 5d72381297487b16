"""User events, /v1/event."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from consul.api.noun import Noun
from consul.api.options import WithDC
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, body_bytes, segment

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call


class _Event(TypedDict):
    ID: str
    Name: str
    NodeFilter: str
    ServiceFilter: str
    TagFilter: str
    Version: int
    LTime: int


class UserEvent(_Event):
    """An event that an agent saw."""

    #: None when it is empty.
    Payload: bytes | None


class FiredEvent(_Event):
    """An event that was sent."""

    #: Base64, None when it is empty.
    Payload: str | None


class Event(Noun[F]):
    """User events, /v1/event.

    Agents pass them on by gossip, in no certain order.  No server stores them.
    """

    @endpoint("PUT /v1/event/fire/:name", repeatable=False)
    def fire(
        self,
        name: Text,
        body: str | bytes | None = "",
        node: Text | None = None,
        service: Text | None = None,
        tag: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[FiredEvent]:
        """Send the event *name* with *body* (bytes, or str as UTF-8) to all nodes.

        *node*, *service* and *tag* are regular expressions.  Agents that they do not match ignore
        the event.  *tag* needs *service*.  Returns the event as Consul answers it, with its payload
        in base64.

        Servers take 300 bytes, and older ones as much as fits into 512 bytes with the name and the
        expressions.  Raises ClientError (413) or, from older servers, ServerError for more,
        ACLPermissionDenied where the token may not fire this event, ServerError for an unknown
        token, a wrong regular expression, or *tag* without *service*.

        ``PUT /v1/event/fire/:name``
        """
        return self._call(
            "fire",
            f"/v1/event/fire/{segment('name', name)}",
            answers.value,
            (("node", node), ("service", service), ("tag", tag)),
            options,
            body=body_bytes("body", body),
            token=token,
        )

    @endpoint("GET /v1/event/list")
    def list(
        self,
        name: Text | None = None,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        node: Text | None = None,
        service: Text | None = None,
        tag: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[Indexed[builtins.list[UserEvent]]]:
        """List the last events that this agent saw, 256 at most: (index, events).

        *name* keeps the events of this name.  *node*, *service* and *tag* are documented to select
        likewise; the servers that this client is tested with ignore them.  Events that the token
        may not read are left out.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.
        The index comes from the id of the last event: compare it for equality only.

        ``GET /v1/event/list``
        """
        return self._call(
            "list",
            "/v1/event/list",
            answers.payloads,
            (("name", name), ("node", node), ("service", service), ("tag", tag)),
            options,
            index=index,
            wait=wait,
            token=token,
        )
