"""Health of nodes and services, /v1/health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NotRequired, TypedDict

from consul.api.catalog import Node, NodeService
from consul.api.noun import Noun
from consul.api.options import HealthIngressRead, HealthRead, HealthServiceRead
from consul.api.params import one_or_absent, selecting, tags
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Text, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import AnyIndex, Indexed
    from consul.core.request import Call

STATES = ("any", "unknown", "passing", "warning", "critical")


class HealthCheckDefinition(TypedDict, total=False):
    """What a check in the catalog is to do, for who runs it; agents answer it empty."""

    HTTP: str
    Header: dict[str, list[str]] | None
    Method: str
    Body: str
    DisableRedirects: bool
    TLSServerName: str
    TLSSkipVerify: bool
    TCP: str
    TCPUseTLS: bool
    UDP: str
    GRPC: str
    GRPCUseTLS: bool
    H2PING: str
    H2PingUseTLS: bool
    OSService: str
    ScriptArgs: list[str]
    DockerContainerID: str
    Shell: str
    AliasNode: str
    AliasService: str
    OutputMaxSize: int
    #: Like "10s"; these four likewise.
    Interval: str
    Timeout: str
    TTL: str
    DeregisterCriticalServiceAfter: str


class _HealthCheck(TypedDict):
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
    Type: str
    Interval: NotRequired[str]
    Timeout: NotRequired[str]
    ExposedPort: NotRequired[int]
    PeerName: NotRequired[str]
    Definition: HealthCheckDefinition
    CreateIndex: int
    ModifyIndex: int


class HealthCheck(_HealthCheck):
    """A check with its status."""

    ServiceTags: list[str]


class StoredCheck(_HealthCheck):
    """The same as queries and transactions answer it."""

    #: None where the service has none.
    ServiceTags: list[str] | None


class ServiceEntry(TypedDict):
    """An instance of a service with its node, and with the checks of both."""

    Node: Node
    Service: NodeService
    Checks: list[HealthCheck]


class Health(Noun[F]):
    """Health of nodes and services, /v1/health."""

    @endpoint("GET /v1/health/service/:service", ignores={"peer": "1.13.0"})
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
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[HealthServiceRead],
    ) -> Call[Indexed[list[ServiceEntry]]]:
        """List the instances of a service with their checks: (index, instances).

        An unknown service has [].  *passing* keeps the instances whose checks all pass.  *tag*
        keeps those with this tag, or with all of several tags.  *near* names a node to sort by
        round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.  Newer
        servers answer blocking reads by streaming: ``meta.known_leader`` is False then, and a token
        that may not read the service gets [].

        ``GET /v1/health/service/:service``
        """
        return self._read(
            "service",
            f"/v1/health/service/{segment('service', service)}",
            answers.indexed,
            (
                ("passing", one_or_absent("passing", passing)),
                *tags(tag),
                *selecting(filter, node_meta),
            ),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/health/connect/:service", ignores={"peer": "1.13.0"})
    def connect(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        passing: Flag = None,
        tag: Text | Iterable[Text] | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[HealthServiceRead],
    ) -> Call[Indexed[list[ServiceEntry]]]:
        """List what the mesh reaches a service by, with checks: (index, instances).

        Those are its proxies, whose ``Service`` has a ``Proxy`` and a name of its own, and those of
        its own instances that speak to the mesh without one.  An unknown service has [].
        The arguments are those of `service`.  Use *filter* instead of *tag*, which servers heed
        only where they stream.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises ACLPermissionDenied where the token may not read the service; Consul before 1.16, and
        a blocking read that streams, answer [].

        ``GET /v1/health/connect/:service``
        """
        return self._read(
            "connect",
            f"/v1/health/connect/{segment('service', service)}",
            answers.indexed,
            (
                ("passing", one_or_absent("passing", passing)),
                *tags(tag),
                *selecting(filter, node_meta),
            ),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    @endpoint("GET /v1/health/ingress/:service", since="1.8.0")
    def ingress(
        self,
        service: Text,
        index: AnyIndex | None = None,
        wait: Duration | None = None,
        passing: Flag = None,
        tag: Text | Iterable[Text] | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        token: Text | None = None,
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[HealthIngressRead],
    ) -> Call[Indexed[list[ServiceEntry]]]:
        """List the ingress gateways that let requests to a service in: (index, instances).

        An unknown service has [].  The arguments are those of `service`.  Use *filter* instead of
        *tag*, with which servers answer like `service`.  Do not use *cached* with old agents: 1.8.7
        keeps one entry for this and for `service`, and answers both with it.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        Raises ACLPermissionDenied where the token may not read the service; Consul before 1.16
        answers [].

        ``GET /v1/health/ingress/:service``
        """
        return self._read(
            "ingress",
            f"/v1/health/ingress/{segment('service', service)}",
            answers.indexed,
            (
                ("passing", one_or_absent("passing", passing)),
                *tags(tag),
                *selecting(filter, node_meta),
            ),
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
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[HealthRead],
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
            selecting(filter, node_meta),
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
        node_meta: Mapping[str, object] | Iterable[Text] | None = None,
        filter: Text | None = None,
        **options: Unpack[HealthRead],
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
            selecting(filter, node_meta),
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
        filter: Text | None = None,
        **options: Unpack[HealthRead],
    ) -> Call[Indexed[list[HealthCheck]]]:
        """List the checks of a node: (index, checks), [] for an unknown node.

        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/node/:node``
        """
        return self._read(
            "node",
            f"/v1/health/node/{segment('node', node)}",
            answers.indexed,
            selecting(filter),
            options,
            index=index,
            wait=wait,
            dc=dc,
            token=token,
        )
