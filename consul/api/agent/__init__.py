"""The agent itself and what is registered with it, /v1/agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

from consul.api.agent.check import Check as _Check
from consul.api.agent.connect import Connect as _Connect
from consul.api.agent.service import AgentService
from consul.api.agent.service import Service as _Service
from consul.api.agent.token import Token as _Token
from consul.api.coordinate import Coord
from consul.api.noun import Noun, lazy, renamed
from consul.api.options import AgentRead, Scope, WithDC
from consul.api.params import one_or_absent, text_or_absent
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, flag, true_false
from consul.core.values import segment as path_segment
from consul.recipes.streams import Objects, Texts, listening, streamed

if TYPE_CHECKING:
    from typing import Unpack

    from consul.api.health import HealthCheck
    from consul.core.flavour import variants
    from consul.core.request import Call
    from consul.recipes.streams import Listening


class AgentMember(TypedDict):
    """A member of the cluster, as an agent sees it."""

    Name: str
    Addr: str
    Port: int
    Tags: dict[str, str]
    #: 1 alive, 2 leaving, 3 left, 4 failed.
    Status: int
    ProtocolMin: int
    ProtocolMax: int
    ProtocolCur: int
    DelegateMin: int
    DelegateMax: int
    DelegateCur: int


class AgentConfig(TypedDict):
    """How an agent was started."""

    Datacenter: str
    PrimaryDatacenter: NotRequired[str]
    NodeName: str
    NodeID: str
    Partition: NotRequired[str]
    #: Whether it is a server.
    Server: bool
    Version: str
    Revision: str
    BuildDate: NotRequired[str]
    BindAddr: NotRequired[str]


class XDSPorts(TypedDict, total=False):
    """Where proxies ask for their configuration."""

    Plaintext: int
    TLS: int


class XDSSelf(TypedDict, total=False):
    """What an agent has for proxies."""

    #: Versions by the name of the proxy.
    SupportedProxies: dict[str, list[str]]
    Port: int
    Ports: XDSPorts


class AgentSelf(TypedDict):
    """What an agent says of itself."""

    Config: AgentConfig
    #: Not stable between versions of Consul.
    DebugConfig: dict[str, Any]
    Coord: Coord | None
    Member: AgentMember
    Stats: dict[str, dict[str, str]]
    Meta: dict[str, str] | None
    xDS: NotRequired[XDSSelf]


class AgentHost(TypedDict):
    """The machine of an agent.  Most names are those of the library that Consul asks."""

    Memory: dict[str, Any]
    CPU: list[dict[str, Any]]
    Host: dict[str, Any]
    Disk: dict[str, Any]
    #: Nanoseconds since 1970.
    CollectionTime: int
    Errors: list[Any] | None


class MetricsGauge(TypedDict):
    """A value of the moment."""

    Name: str
    Value: float
    Labels: dict[str, str] | None


class MetricsPoint(TypedDict):
    """A series of values."""

    Name: str
    Points: list[float]


class MetricsSample(TypedDict):
    """What was counted or measured in an interval."""

    Name: str
    Count: int
    Rate: float
    Sum: float
    Min: float
    Max: float
    Mean: float
    Stddev: float
    Labels: dict[str, str] | None


class MetricsInfo(TypedDict):
    """The metrics of an agent in one interval."""

    Timestamp: str
    Gauges: list[MetricsGauge]
    Points: list[MetricsPoint]
    Counters: list[MetricsSample]
    Samples: list[MetricsSample]


if TYPE_CHECKING:
    # What `Agent.metrics` answers depends on the format.

    def _metrics(
        noun: Any,
        format_prometheus: Literal[False] = False,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[MetricsInfo]: ...

    def _exposition(
        noun: Any,
        format_prometheus: Literal[True],
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[str]: ...

    def _either(
        noun: Any,
        format_prometheus: Flag = False,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[MetricsInfo | str]: ...

    _typed_metrics = variants(_metrics, _exposition, _metrics, _exposition, _either)
else:

    def _typed_metrics(metrics: Callable[..., Any]) -> Callable[..., Any]:
        return metrics


class Agent(Noun[F]):
    """The agent that answers, /v1/agent.

    *service* and *check* are about what is registered with this agent, *connect* is for proxies,
    *token* sets the tokens that the agent itself uses.
    """

    Service: TypeAlias = _Service
    Token: TypeAlias = _Token
    Check: TypeAlias = _Check
    Connect: TypeAlias = _Connect

    service: _Service[F] = lazy("Service")
    token: _Token[F] = lazy("Token")
    # py-consul's name.
    service_definition: Any = renamed("service.get")
    check: _Check[F] = lazy("Check")
    connect: _Connect[F] = lazy("Connect")

    @streamed("GET /v1/agent/monitor")
    def monitor(
        self,
        loglevel: Text | None = None,
        logjson: Flag = False,
        token: Text | None = None,
        *,
        total: float | None = None,
        **options: Unpack[WithDC],
    ) -> Listening[str]:
        """Follow the log of the agent: a `Stream` of lines, from now on.

        *loglevel* is "trace", "debug", "info" (Consul's default), "warn" or "err".  With *logjson*
        each line is a JSON object.  The time limit of the client, or *timeout*, is that of the
        first answer; the log may be silent for any time.  After *total* seconds Timeout is raised.

        Raises, with the first line, ACLPermissionDenied where the token may not read the agent, and
        BadRequest for a *loglevel* that Consul does not know.

        ``GET /v1/agent/monitor``
        """
        params = [
            ("loglevel", text_or_absent("loglevel", loglevel)),
            ("logjson", one_or_absent("logjson", logjson)),
        ]
        path = "/v1/agent/monitor"
        call = self._call("monitor", path, answers.raw_body, params, options, token=token)
        return listening(call, Texts, total)

    @streamed("GET /v1/agent/metrics/stream", since="1.11.0")
    def metrics_stream(
        self, *, total: float | None = None, **options: Unpack[Scope]
    ) -> Listening[MetricsInfo]:
        """Follow the metrics of the agent: a `Stream` of what `metrics` returns.

        There is one for each interval, of 10 seconds unless the agent is configured otherwise.  The
        time limit of the client, or *timeout*, is that of the first answer.  After *total* seconds
        Timeout is raised.

        Raises, with the first item, ACLPermissionDenied where the token may not read the agent, and
        NotFound from Consul before 1.11.

        ``GET /v1/agent/metrics/stream``
        """
        path = "/v1/agent/metrics/stream"
        call = self._call("metrics_stream", path, answers.raw_body, (), options)
        return listening(call, Objects, total)

    @endpoint("GET /v1/agent/self")
    def self(self, token: Text | None = None, **options: Unpack[WithDC]) -> Call[AgentSelf]:
        """Read the configuration of the agent, and its own entry as a member of the cluster.

        Raises ACLPermissionDenied where the token may not read the agent.

        ``GET /v1/agent/self``
        """
        return self._call("self", "/v1/agent/self", answers.value, (), options, token=token)

    @endpoint("GET /v1/agent/version", since="1.16.0")
    def version(self, **options: Unpack[Scope]) -> Call[dict[str, str]]:
        """Read the version of the agent: ``HumanVersion``, ``SHA``, ``BuildDate`` and ``FIPS``.

        Raises NotFound from Consul before 1.16.

        ``GET /v1/agent/version``
        """
        return self._call("version", "/v1/agent/version", answers.value, (), options)

    @endpoint("GET /v1/agent/host")
    def host(self, **options: Unpack[Scope]) -> Call[AgentHost]:
        """Read what the agent knows of its machine: memory, processors, disk.

        Raises ACLPermissionDenied where the token lacks ``operator:read``.

        ``GET /v1/agent/host``
        """
        return self._call("host", "/v1/agent/host", answers.value, (), options)

    @_typed_metrics
    @endpoint("GET /v1/agent/metrics")
    def metrics(
        self,
        format_prometheus: Flag = False,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[Any]:
        """Read the metrics of the last interval.

        With *format_prometheus* they are a text in the format of Prometheus.  The agent needs
        ``prometheus_retention_time`` for it; without that the text is empty, or Consul 1.8 raises
        ClientError (415).

        Raises ACLPermissionDenied where *token* may not read the agent.

        ``GET /v1/agent/metrics``
        """
        as_text = flag("format_prometheus", format_prometheus)
        decode: Callable[[Any], Any] = answers.plain_text if as_text else answers.value
        params = (("format", "prometheus" if as_text else None),)
        return self._call("metrics", "/v1/agent/metrics", decode, params, options, token=token)

    @endpoint("GET /v1/agent/metrics/certificates", since="2.0.0")
    def metrics_certificates(self, **options: Unpack[Scope]) -> Call[dict[str, Any]]:
        """Read which certificates the agent has, and when they expire.

        Raises NotFound before Consul 2.0, ACLPermissionDenied where the token may not read the
        agent.

        ``GET /v1/agent/metrics/certificates``
        """
        path = "/v1/agent/metrics/certificates"
        return self._call("metrics_certificates", path, answers.value, (), options)

    @endpoint("PUT /v1/agent/reload", repeatable=True)
    def reload(self, token: Text | None = None, **options: Unpack[WithDC]) -> Call[bool]:
        """Have the agent read its configuration again.  Return True when it has.

        An agent without a data folder, as in development, forgets what was registered with it.

        Raises ServerError for a configuration that cannot be read, ACLPermissionDenied where
        *token* may not write the agent.

        ``PUT /v1/agent/reload``
        """
        return self._call("reload", "/v1/agent/reload", answers.done, (), options, token=token)

    @endpoint("PUT /v1/agent/leave", repeatable=False)
    def leave(self, token: Text | None = None, **options: Unpack[WithDC]) -> Call[bool]:
        """Have the agent leave the cluster, and end.  Return True.

        A server ends some 10 seconds later.

        Raises ACLPermissionDenied where *token* may not write the agent.

        ``PUT /v1/agent/leave``
        """
        return self._call("leave", "/v1/agent/leave", answers.done, (), options, token=token)

    @endpoint("GET /v1/agent/services")
    def services(
        self, filter: Text | None = None, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[dict[str, AgentService]]:
        """List the services that are registered with this agent, by their ids.

        *filter* is an expression; the agent leaves out what does not match.

        ``GET /v1/agent/services``
        """
        params = (("filter", filter),)
        path = "/v1/agent/services"
        return self._call("services", path, answers.value, params, options, token=token)

    @endpoint("GET /v1/agent/checks")
    def checks(
        self, filter: Text | None = None, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[dict[str, HealthCheck]]:
        """List the checks that are registered with this agent, by their ids.

        *filter* is an expression; the agent leaves out what does not match.

        ``GET /v1/agent/checks``
        """
        params = (("filter", filter),)
        path = "/v1/agent/checks"
        return self._call("checks", path, answers.value, params, options, token=token)

    @endpoint("GET /v1/agent/members", ignores={"filter": "1.16.1"})
    def members(
        self,
        wan: Flag = False,
        token: Text | None = None,
        *,
        segment: Text | None = None,
        **options: Unpack[AgentRead],
    ) -> Call[list[AgentMember] | None]:
        """List the members of the cluster that this agent knows.

        With *wan* the members of the WAN pool.  Only servers are in that pool: a client agent
        answers None.  *segment* keeps those of a network segment (Enterprise).  *filter* needs
        Consul 1.16.1.

        ``GET /v1/agent/members``
        """
        return self._call(
            "members",
            "/v1/agent/members",
            answers.value,
            (("wan", one_or_absent("wan", wan)), ("segment", text_or_absent("segment", segment))),
            options,
            token=token,
        )

    @endpoint("PUT /v1/agent/maintenance", repeatable=True)
    def maintenance(
        self,
        enable: Flag,
        reason: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Start (*enable* is True) or end (False) maintenance of the node.  Return True.

        A critical check marks the node.  *reason* is the text of its notes.

        Raises ACLPermissionDenied where the token may not write the node.

        ``PUT /v1/agent/maintenance``
        """
        return self._call(
            "maintenance",
            "/v1/agent/maintenance",
            answers.done,
            (("enable", true_false("enable", enable)), ("reason", reason)),
            options,
            token=token,
        )

    @endpoint("PUT /v1/agent/join/:address", repeatable=True)
    def join(
        self,
        address: Text,
        wan: Flag = False,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Join the cluster of the agent at *address* ("host" or "host:port").  Return True.

        With *wan* it joins the WAN pool, which only servers can.

        Raises ServerError when it cannot join.

        ``PUT /v1/agent/join/:address``
        """
        return self._call(
            "join",
            f"/v1/agent/join/{path_segment('address', address)}",
            answers.done,
            (("wan", one_or_absent("wan", wan)),),
            options,
            token=token,
        )

    @endpoint("PUT /v1/agent/force-leave/:node", repeatable=True)
    def force_leave(
        self,
        node: Text,
        prune: Flag = False,
        token: Text | None = None,
        *,
        wan: Flag = False,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Mark a failed node as one that has left.  Return True.

        *prune* also removes it from the list of members.  *wan* acts on the WAN pool, where the
        name of a node is "node.dc" (1.11).

        Raises ServerError for an unknown node.

        ``PUT /v1/agent/force-leave/:node``
        """
        return self._call(
            "force_leave",
            f"/v1/agent/force-leave/{path_segment('node', node)}",
            answers.done,
            (("prune", one_or_absent("prune", prune)), ("wan", one_or_absent("wan", wan))),
            options,
            token=token,
        )
