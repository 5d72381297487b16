"""Health of nodes and services, /v1/health."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.catalog import Node, NodeService
from consul.api.noun import Noun
from consul.api.options import HealthChecksRead, HealthNodeRead, HealthServiceRead
from consul.api.params import one_or_absent, tags
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call

STATES = ("any", "unknown", "passing", "warning", "critical")


class HealthCheck(TypedDict):
    """A check with its status."""

    #: Name of its node.
    Node: str
    CheckID: str
    Name: str
    #: "passing", "warning" or "critical".
    Status: str
    Notes: str
    Output: str
    #: "" for the check of a node; likewise its name.
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str]
    Type: str
    Interval: NotRequired[str]
    Timeout: NotRequired[str]
    ExposedPort: NotRequired[int]
    PeerName: NotRequired[str]
    Definition: dict[str, Any]
    CreateIndex: int
    ModifyIndex: int


class ServiceEntry(TypedDict):
    """An instance of a service with its node, and with the checks of both."""

    Node: Node
    Service: NodeService
    Checks: list[HealthCheck]


class Health(Noun[F]):
    """Health of nodes and services, /v1/health."""

    @endpoint("GET /v1/health/service/:service")
    def service(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        passing: Flag = None,
        tag: Text | Iterable[Text] | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        **options: Unpack[HealthServiceRead],
    ) -> Call[Indexed[list[ServiceEntry]]]:
        """List the instances of a service with their checks: (index, instances).

        An unknown service has [].  *passing* keeps the instances whose checks all pass.  *tag*
        keeps those with this tag, or with all of several tags.  *near* names a node to sort by
        round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/service/:service``
        """
        return self._read(
            "service",
            f"/v1/health/service/{segment('service', service)}",
            answers.indexed,
            (("passing", one_or_absent("passing", passing)), *tags(tag)),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/health/checks/:service")
    def checks(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        **options: Unpack[HealthChecksRead],
    ) -> Call[Indexed[list[HealthCheck]]]:
        """List the checks of a service: (index, checks), [] for an unknown service.

        *near* names a node to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/checks/:service``
        """
        return self._read(
            "checks",
            f"/v1/health/checks/{segment('service', service)}",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/health/state/:name")
    def state(
        self,
        name: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        **options: Unpack[HealthChecksRead],
    ) -> Call[Indexed[list[HealthCheck]]]:
        """List the checks in a state: (index, checks).

        *name* is "passing", "warning", "critical", "unknown", or "any" for all checks.  *near*
        names a node to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/state/:name``
        """
        name = text("name", name)
        if name not in STATES:
            raise ValueError(f"name must be one of {', '.join(STATES)}: {name!r}")
        return self._read(
            "state",
            f"/v1/health/state/{segment('name', name)}",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/health/node/:node")
    def node(
        self,
        node: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[HealthNodeRead],
    ) -> Call[Indexed[list[HealthCheck]]]:
        """List the checks of a node: (index, checks), [] for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/node/:node``
        """
        return self._read(
            "node",
            f"/v1/health/node/{segment('node', node)}",
            answers.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            token=token,
        )
