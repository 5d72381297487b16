"""The agent itself and what is registered with it, /v1/agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, TypedDict

from consul.api.agent.check import Check as _Check
from consul.api.agent.service import AgentService
from consul.api.agent.service import Service as _Service
from consul.api.coordinate import Coord
from consul.api.noun import Noun, lazy
from consul.api.options import AgentRead, Scope
from consul.api.params import one_or_absent
from consul.core import answers
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, segment, true_false

if TYPE_CHECKING:
    from typing import Unpack

    from consul.api.health import HealthCheck
    from consul.core.request import Call


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


class Agent(Noun[F]):
    """The agent that answers, /v1/agent.

    *service* and *check* are about what is registered with this agent.
    """

    Service: TypeAlias = _Service
    Check: TypeAlias = _Check

    service: _Service[F] = lazy("Service")
    check: _Check[F] = lazy("Check")

    @endpoint("GET /v1/agent/self")
    def self(self, **options: Unpack[Scope]) -> Call[AgentSelf]:
        """Read the configuration of the agent, and its own entry as a member of the cluster.

        Raises ACLPermissionDenied where the token may not read the agent.

        ``GET /v1/agent/self``
        """
        return self._call("self", "/v1/agent/self", answers.value, (), options)

    @endpoint("GET /v1/agent/version", since="1.16.0")
    def version(self, **options: Unpack[Scope]) -> Call[dict[str, str]]:
        """Read the version of the agent: ``HumanVersion``, ``SHA``, ``BuildDate`` and ``FIPS``.

        Raises NotFound from Consul before 1.16.

        ``GET /v1/agent/version``
        """
        return self._call("version", "/v1/agent/version", answers.value, (), options)

    @endpoint("GET /v1/agent/services")
    def services(self, **options: Unpack[AgentRead]) -> Call[dict[str, AgentService]]:
        """List the services that are registered with this agent, by their ids.

        ``GET /v1/agent/services``
        """
        return self._call("services", "/v1/agent/services", answers.value, (), options)

    @endpoint("GET /v1/agent/checks")
    def checks(self, **options: Unpack[AgentRead]) -> Call[dict[str, HealthCheck]]:
        """List the checks that are registered with this agent, by their ids.

        ``GET /v1/agent/checks``
        """
        return self._call("checks", "/v1/agent/checks", answers.value, (), options)

    @endpoint("GET /v1/agent/members", ignores={"filter": "1.16.1"})
    def members(
        self, wan: Flag = False, **options: Unpack[AgentRead]
    ) -> Call[list[AgentMember] | None]:
        """List the members of the cluster that this agent knows.

        With *wan* the members of the WAN pool.  Only servers are in that pool: a client agent
        answers None.  *filter* needs Consul 1.16.1; older versions ignore it.

        ``GET /v1/agent/members``
        """
        return self._call(
            "members",
            "/v1/agent/members",
            answers.value,
            (("wan", one_or_absent("wan", wan)),),
            options,
        )

    @endpoint("PUT /v1/agent/maintenance", repeatable=True)
    def maintenance(
        self, enable: Flag, reason: Text | None = None, **options: Unpack[Scope]
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
        )

    @endpoint("PUT /v1/agent/join/:address", repeatable=True)
    def join(self, address: Text, wan: Flag = False, **options: Unpack[Scope]) -> Call[bool]:
        """Join the cluster of the agent at *address* ("host" or "host:port").  Return True.

        With *wan* it joins the WAN pool, which only servers can.

        Raises ServerError when it cannot join.

        ``PUT /v1/agent/join/:address``
        """
        return self._call(
            "join",
            f"/v1/agent/join/{segment('address', address)}",
            answers.done,
            (("wan", one_or_absent("wan", wan)),),
            options,
        )

    @endpoint("PUT /v1/agent/force-leave/:node", repeatable=True)
    def force_leave(
        self,
        node: Text,
        *,
        prune: Flag = False,
        wan: Flag = False,
        **options: Unpack[Scope],
    ) -> Call[bool]:
        """Mark a failed node as one that has left.  Return True.

        *prune* also removes it from the list of members.  *wan* acts on the WAN pool, where the
        name of a node is "node.dc" (1.11).

        Raises ServerError for an unknown node.

        ``PUT /v1/agent/force-leave/:node``
        """
        return self._call(
            "force_leave",
            f"/v1/agent/force-leave/{segment('node', node)}",
            answers.done,
            (("prune", one_or_absent("prune", prune)), ("wan", one_or_absent("wan", wan))),
            options,
        )
