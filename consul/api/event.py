"""User events, /v1/event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import octets, segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, WriteOptions


class Event(Noun):
    """User events, /v1/event: passed on by gossip, in no certain order, and kept nowhere."""

    def fire(
        self,
        name: str,
        body: str | bytes | None = "",
        node: str | None = None,
        service: str | None = None,
        tag: str | None = None,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[dict[str, Any]]:
        """Send the event *name* with *body* (str, sent as UTF-8, or bytes) to all nodes.

        *node*, *service* and *tag* are regular expressions; agents that they do not match ignore
        the event.  Returns the event, a dict with ``ID``, ``Name`` and others; its ``Payload`` is
        what Consul sent: base64, None when empty.

        Raises ACLPermissionDenied where the token may not fire this event, ServerError or
        ClientError (413) for a body above some 300 bytes.

        ``PUT /v1/event/fire/:name``
        """
        return self._call(
            "PUT",
            f"/v1/event/fire/{segment('name', name)}",
            callback.value,
            (("node", node), ("service", service), ("tag", tag)),
            options,
            body=octets("body", body),
            token=token,
        )

    def list(
        self,
        name: str | None = None,
        index: int | str | None = None,
        wait: Duration | None = None,
        token: str | None = None,
        *,
        node: str | None = None,
        service: str | None = None,
        tag: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[Indexed[Any]]:
        """The last events that this agent saw, 256 at most: (index, events).

        An event is a dict with ``ID``, ``Name``, ``Payload`` (bytes, None when empty),
        ``NodeFilter``, ``ServiceFilter``, ``TagFilter``, ``Version`` and ``LTime``.  With *name*
        only events of this name; *node*, *service* and *tag* select likewise.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.  The
        index stands for the last event: it only means something when it differs.

        ``GET /v1/event/list``
        """
        return self._read(
            "/v1/event/list",
            callback.payloads,
            (("name", name), ("node", node), ("service", service), ("tag", tag)),
            options,
            index=index,
            wait=wait,
            token=token,
            # The agent answers by itself, in no mode.
            consistency="default",
        )
