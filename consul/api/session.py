"""Sessions, /v1/session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import duration, present, segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, ReadOptions, WriteOptions


class Session(Noun):
    """Sessions, /v1/session: they hold the locks of keys and end with a node, a check or a TTL."""

    def create(
        self,
        name: str | None = None,
        node: str | None = None,
        checks: Sequence[str] | None = None,
        lock_delay: Duration | None = 15,
        behavior: str = "release",
        ttl: Duration | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[str]:
        """Create a session; return its id (str).

        *node* is the node it belongs to, the agent's by default.  *checks* lists the ids of node
        checks that end it when critical, by default "serfHealth".  *lock_delay* (seconds, "15s"
        or a timedelta) is for how long its locks cannot be taken after it was ended.  *behavior*
        says what becomes of its keys then: "release" them or "delete" them.  *ttl* (seconds,
        "10s" or a timedelta) ends it when it is not renewed for that long, at the latest after
        twice that; servers take 10 s to 24 h.

        Raises ACLPermissionDenied where the token may not create it, ServerError for an unknown
        node or check, or a *ttl* that the server refuses.

        ``PUT /v1/session/create``
        """
        if behavior not in ("release", "delete"):
            raise ValueError(f"behavior must be 'release' or 'delete': {behavior!r}")
        if isinstance(checks, str):
            raise TypeError("checks must be a list of str, not str")
        delay = None if lock_delay is None else duration("lock_delay", lock_delay)
        fields = present(
            {
                "name": name,
                "node": node,
                "checks": None if checks is None else [*checks],
                "lockdelay": None if delay == "15s" else delay,
                "behavior": None if behavior == "release" else behavior,
                "ttl": None if ttl is None else duration("ttl", ttl),
            }
        )
        return self._call(
            "PUT",
            "/v1/session/create",
            callback.identity,
            (),
            options,
            json=fields or None,
            dc=dc,
            token=token,
        )

    def destroy(
        self,
        session_id: str,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """End the session: True, also when there is none of this id.

        Raises ACLPermissionDenied where the token may not destroy it.

        ``PUT /v1/session/destroy/:session_id``
        """
        return self._call(
            "PUT",
            f"/v1/session/destroy/{segment('session_id', session_id)}",
            callback.boolean,
            (),
            options,
            dc=dc,
            token=token,
            repeatable=True,
        )

    def list(
        self,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """All sessions that the token may read: (index, sessions).

        A session is a dict with ``ID``, ``Name``, ``Node``, ``LockDelay`` (nanoseconds),
        ``Behavior``, ``TTL`` (str), ``CreateIndex`` and ``ModifyIndex`` and its checks.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/list``
        """
        return self._read(
            "/v1/session/list",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The sessions of *node*: (index, sessions) as of `list`, [] for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/node/:node``
        """
        return self._read(
            f"/v1/session/node/{segment('node', node)}",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    def info(
        self,
        session_id: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """One session: (index, session) as of `list`, (index, None) when there is none.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/info/:session_id``
        """
        return self._read(
            f"/v1/session/info/{segment('session_id', session_id)}",
            callback.indexed_first,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
            token=token,
        )

    def renew(
        self,
        session_id: str,
        dc: str | None = None,
        *,
        token: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[dict[str, Any]]:
        """Let the TTL of the session start anew; return the session, a dict as of `list`.

        Its ``TTL`` may be longer than asked for: the server may raise it.

        Raises NotFound when the session has ended, ACLPermissionDenied where the token may not
        renew it.

        ``PUT /v1/session/renew/:session_id``
        """
        return self._call(
            "PUT",
            f"/v1/session/renew/{segment('session_id', session_id)}",
            callback.first,
            (),
            options,
            dc=dc,
            token=token,
            repeatable=True,
        )
