"""Sessions, /v1/session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import WithToken
from consul.core import answers
from consul.core.bodies import texts
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, above_zero, duration, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call


def _lock_delay(name: str, value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1_000_000:
        raise ValueError(
            f"{name} is in seconds; nanoseconds, which session.info answers, are written "
            f"'{value}ns': {value!r}"
        )
    return duration(name, value)


#: In lower case as python-consul sent it; dependents add to it.  Consul takes any case.
_SESSION = Fields(
    kinds={
        "name": text,
        "node": text,
        "checks": texts,
        "lock_delay": _lock_delay,
        "behavior": text,
        "ttl": above_zero,
    },
    as_is=("name", "node", "checks", "behavior", "ttl"),
    lock_delay="lockdelay",
)


class SessionEntry(TypedDict):
    """A session."""

    ID: str
    Name: str
    Node: str
    #: Nanoseconds.
    LockDelay: int
    #: "release" or "delete".
    Behavior: str
    #: Like "10s", "" without one.
    TTL: str
    #: Checks of the node and of its services that end the session.
    NodeChecks: NotRequired[list[str] | None]
    ServiceChecks: NotRequired[list[dict[str, str]] | None]
    CreateIndex: int
    ModifyIndex: int


class Session(Noun[F]):
    """Sessions, /v1/session.

    A session holds the locks of keys.  It ends with its node, one of its checks or its TTL.
    """

    @endpoint("PUT /v1/session/create", repeatable=False)
    def create(
        self,
        name: Text | None = None,
        node: Text | None = None,
        checks: Iterable[Text] | None = None,
        lock_delay: Duration | None = 15,
        behavior: str = "release",
        ttl: Duration | None = None,
        dc: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[str]:
        """Create a session.  Return its id.

        *node* is the node that it belongs to, by default the node of the agent.  *checks* are the
        ids of node checks that end it when they turn critical, by default "serfHealth".
        *lock_delay* (seconds, "15s" or a timedelta) is how long its locks cannot be taken after it
        ended.  *behavior* is what then happens to its keys: "release" or "delete".  *ttl* (seconds,
        "10s" or a timedelta) ends it when it is not renewed in this time; the server may take twice
        as long.  Servers accept 10 s to 24 h.  None and "" are no TTL.

        Raises ACLPermissionDenied where the token may not create it, ServerError for an unknown
        node or check, or a *ttl* that the server refuses.

        ``PUT /v1/session/create``
        """
        if behavior not in ("release", "delete"):
            raise ValueError(f"behavior must be 'release' or 'delete': {behavior!r}")
        body = _SESSION.body(
            name=name,
            node=node,
            checks=checks,
            lock_delay=lock_delay,
            behavior=None if behavior == "release" else behavior,
            ttl=None if ttl == "" else ttl,
        )
        if body.get("lockdelay") == "15s":
            del body["lockdelay"]
        return self._call(
            "create",
            "/v1/session/create",
            answers.identity,
            (),
            options,
            json=body or None,
            dc=dc,
        )

    @endpoint("PUT /v1/session/destroy/:session_id", repeatable=True)
    def destroy(
        self, session_id: Text, dc: Text | None = None, **options: Unpack[WithToken]
    ) -> Call[bool]:
        """End a session.  Return True, also when it does not exist.

        Raises ACLPermissionDenied where the token may not destroy it.

        ``PUT /v1/session/destroy/:session_id``
        """
        path = f"/v1/session/destroy/{segment('session_id', session_id)}"
        return self._call("destroy", path, answers.bool_answer, (), options, dc=dc)

    @endpoint("GET /v1/session/list")
    def list(
        self,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[builtins.list[SessionEntry]]]:
        """List all sessions that the token may read: (index, sessions).

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/list``
        """
        return self._read(
            "list",
            "/v1/session/list",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
        )

    @endpoint("GET /v1/session/node/:node")
    def node(
        self,
        node: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[builtins.list[SessionEntry]]]:
        """List the sessions of a node: (index, sessions), [] for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/node/:node``
        """
        return self._read(
            "node",
            f"/v1/session/node/{segment('node', node)}",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
        )

    @endpoint("GET /v1/session/info/:session_id")
    def info(
        self,
        session_id: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        **options: Unpack[WithToken],
    ) -> Call[Indexed[SessionEntry | None]]:
        """Read one session: (index, session), or (index, None) when it does not exist.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/session/info/:session_id``
        """
        return self._read(
            "info",
            f"/v1/session/info/{segment('session_id', session_id)}",
            answers.indexed_first,
            (),
            options,
            index=index,
            wait=wait,
            consistency=consistency,
            dc=dc,
        )

    @endpoint("PUT /v1/session/renew/:session_id", repeatable=True)
    def renew(
        self, session_id: Text, dc: Text | None = None, **options: Unpack[WithToken]
    ) -> Call[SessionEntry]:
        """Restart the TTL of a session.  Return the session.

        The server may have raised its ``TTL``.

        Raises NotFound when the session has ended, ACLPermissionDenied where the token may not
        renew it.

        ``PUT /v1/session/renew/:session_id``
        """
        path = f"/v1/session/renew/{segment('session_id', session_id)}"
        return self._call("renew", path, answers.first, (), options, dc=dc)
