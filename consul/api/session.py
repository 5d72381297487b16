"""Sessions, /v1/session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common
from consul.core import answers
from consul.core.bodies import listed, text_map
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, above_zero, duration, segment

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


class SessionFields(TypedDict, total=False):
    """What may be said of a session besides what has a position."""

    #: Ids of the node checks that end it: with [] none does.
    node_checks: Iterable[Text] | None
    #: Checks of services that end it: dicts with ``ID``, and ``Namespace`` (Enterprise).
    service_checks: Iterable[Mapping[str, Text]] | None


class SessionWrite(SessionFields, Common, total=False):
    """``session.create``."""

    #: Further fields in Consul's spelling, for newer servers.
    extra: Mapping[str, Any] | None


class _Body(SessionFields, total=False):
    name: Text | None
    node: Text | None
    checks: Iterable[Text] | None
    lock_delay: Duration | None
    behavior: str | None
    ttl: Duration | None


#: In lower case as python-consul sent it; dependents add to it.  Consul takes any case.
_SESSION = Fields(
    _Body,
    kinds={
        "lock_delay": _lock_delay,
        "service_checks": listed(text_map, "dicts"),
        "ttl": above_zero,
    },
    as_is=("name", "node", "checks", "behavior", "ttl"),
    lock_delay="lockdelay",
)


class ServiceCheck(TypedDict):
    """A check of a service that ends a session."""

    ID: str
    Namespace: NotRequired[str]


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
    ServiceChecks: NotRequired[list[ServiceCheck] | None]
    #: Those that were given as *checks*, besides the others.
    Checks: NotRequired[list[str]]
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
        token: Text | None = None,
        **options: Unpack[SessionWrite],
    ) -> Call[str]:
        """Create a session.  Return its id.

        *node* is the node that it belongs to, by default the node of the agent.  *node_checks* are
        the ids of node checks that end it when they turn critical, by default "serfHealth"; with []
        the health of the node does not matter.  *checks*, the older form, adds to "serfHealth",
        and takes it away when it is [].  *service_checks* are checks of services that end it:
        dicts with ``ID``, and with ``Namespace`` (Enterprise).
        *lock_delay* (seconds, "15s" or a timedelta) is how long its locks cannot be taken after it
        ended.  *behavior* is what then happens to its keys: "release" or "delete".  *ttl* (seconds,
        "10s" or a timedelta) ends it when it is not renewed in this time; the server may take twice
        as long.  Servers accept 10 s to 24 h.  None and "" are no TTL.

        Raises ACLPermissionDenied where the token may not create it, UnknownCheck for an unknown
        check, ServerError for an unknown node, a check that is critical, or a *ttl* that the server
        refuses.

        ``PUT /v1/session/create``
        """
        if behavior not in ("release", "delete"):
            raise ValueError(f"behavior must be 'release' or 'delete': {behavior!r}")
        if checks is not None and options.get("node_checks") is not None:
            # Servers add them up, unless one is empty.
            raise ValueError("checks and node_checks exclude each other")
        given = {
            "name": name,
            "node": node,
            "checks": checks,
            # What servers take by default is not sent.
            "lock_delay": None if lock_delay in (15, "15s") else lock_delay,
            "behavior": None if behavior == "release" else behavior,
            "ttl": None if ttl == "" else ttl,
            **options,
        }
        body, rest = _SESSION.split(given)
        return self._call(
            "create",
            "/v1/session/create",
            answers.identity,
            (),
            rest,
            json=body or None,
            dc=dc,
            token=token,
        )

    @endpoint("PUT /v1/session/destroy/:session_id", repeatable=True)
    def destroy(
        self,
        session_id: Text,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """End a session.  Return True, also when it does not exist.

        Raises ACLPermissionDenied where the token may not destroy it.

        ``PUT /v1/session/destroy/:session_id``
        """
        path = f"/v1/session/destroy/{segment('session_id', session_id)}"
        return self._call("destroy", path, answers.bool_answer, (), options, dc=dc, token=token)

    @endpoint("GET /v1/session/list")
    def list(
        self,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
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
            token=token,
        )

    @endpoint("GET /v1/session/node/:node")
    def node(
        self,
        node: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
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
            token=token,
        )

    @endpoint("GET /v1/session/info/:session_id")
    def info(
        self,
        session_id: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        consistency: str | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
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
            token=token,
        )

    @endpoint("PUT /v1/session/renew/:session_id", repeatable=True)
    def renew(
        self,
        session_id: Text,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[SessionEntry]:
        """Restart the TTL of a session.  Return the session.

        The server may have raised its ``TTL``.

        Raises InvalidSession when the session has ended, ACLPermissionDenied where the token may
        not renew it.

        ``PUT /v1/session/renew/:session_id``
        """
        path = f"/v1/session/renew/{segment('session_id', session_id)}"
        return self._call("renew", path, answers.first, (), options, dc=dc, token=token)
