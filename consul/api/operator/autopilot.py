"""How the servers look after themselves, /v1/operator/autopilot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common, Consistency, Scope, ServerRead
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Flag, Number, Text, number

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call


class AutopilotConfiguration(TypedDict):
    """How the servers look after themselves."""

    CleanupDeadServers: bool
    #: Text like "200ms".
    LastContactThreshold: str
    MaxTrailingLogs: int
    MinQuorum: int
    #: Text like "10s".
    ServerStabilizationTime: str
    RedundancyZoneTag: str
    DisableUpgradeMigration: bool
    UpgradeVersionTag: str
    CreateIndex: int
    ModifyIndex: int


class ServerHealth(TypedDict):
    """How one server is."""

    ID: str
    Name: str
    Address: str
    SerfStatus: str
    Version: str
    Leader: bool
    LastContact: str | None
    LastTerm: int
    LastIndex: int
    Healthy: bool
    Voter: bool
    StableSince: str


class OperatorHealthReply(TypedDict):
    """How the servers are."""

    Healthy: bool
    #: How many servers may fail.
    FailureTolerance: int
    #: None where autopilot has not looked yet (1.8).
    Servers: list[ServerHealth] | None


class AutopilotServer(TypedDict):
    """One server."""

    ID: str
    Name: str
    Address: str
    NodeStatus: str
    Version: str
    LastContact: str | None
    LastTerm: int
    LastIndex: int
    Healthy: bool
    StableSince: str
    #: "leader", "voter", "non-voter" or "staging".
    Status: str
    Meta: dict[str, str] | None
    NodeType: str
    ReadReplica: NotRequired[bool]
    RedundancyZone: NotRequired[str]
    UpgradeVersion: NotRequired[str]


class AutopilotZone(TypedDict):
    """A redundancy zone (Enterprise)."""

    Servers: list[str] | None
    Voters: list[str] | None
    FailureTolerance: int


class AutopilotUpgrade(TypedDict, total=False):
    """How far an upgrade has come (Enterprise)."""

    Status: str
    TargetVersion: str
    TargetVersionVoters: list[str] | None
    TargetVersionNonVoters: list[str] | None
    TargetVersionReadReplicas: list[str] | None
    OtherVersionVoters: list[str] | None
    OtherVersionNonVoters: list[str] | None
    OtherVersionReadReplicas: list[str] | None
    RedundancyZones: dict[str, dict[str, list[str] | None]] | None


class AutopilotState(TypedDict):
    """What autopilot knows of the servers."""

    Healthy: bool
    FailureTolerance: int
    OptimisticFailureTolerance: int
    Servers: dict[str, AutopilotServer]
    #: The id of the leader.
    Leader: str
    #: Their ids.
    Voters: list[str]
    ReadReplicas: NotRequired[list[str] | None]
    RedundancyZones: NotRequired[dict[str, AutopilotZone] | None]
    Upgrade: NotRequired[AutopilotUpgrade | None]


class AutopilotRead(Common, Consistency, total=False):
    """Keywords of ``operator.autopilot.configuration``."""


class AutopilotFields(TypedDict, total=False):
    """What may be set of autopilot."""

    #: Whether dead servers are removed.
    cleanup_dead_servers: Flag
    #: How long a healthy server may go without contact to the leader.
    last_contact_threshold: Duration | None
    #: How many log entries a healthy server may be behind.
    max_trailing_logs: Number | None
    #: How few servers there may be before dead ones are kept.
    min_quorum: Number | None
    #: How long a new server must be healthy before it votes.
    server_stabilization_time: Duration | None
    #: Enterprise.
    redundancy_zone_tag: Text | None
    disable_upgrade_migration: Flag
    upgrade_version_tag: Text | None


class AutopilotWrite(AutopilotFields, Scope, total=False):
    """Keywords of ``operator.autopilot.set_configuration``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


_AUTOPILOT = Fields(AutopilotFields)


class Autopilot(Noun[F]):
    """How the servers look after themselves, /v1/operator/autopilot.

    Where the token lacks ``operator:read`` or ``operator:write``, calls raise ACLPermissionDenied.
    """

    @endpoint("GET /v1/operator/autopilot/configuration")
    def configuration(
        self, token: Text | None = None, dc: Text | None = None, **options: Unpack[AutopilotRead]
    ) -> Call[AutopilotConfiguration]:
        """Read the configuration.

        ``GET /v1/operator/autopilot/configuration``
        """
        path = "/v1/operator/autopilot/configuration"
        return self._read("configuration", path, answers.value, (), options, token=token, dc=dc)

    @endpoint("PUT /v1/operator/autopilot/configuration", repeatable=True, conditions=("cas",))
    def set_configuration(
        self, *, cas: Number | None = None, **options: Unpack[AutopilotWrite]
    ) -> Call[bool]:
        """Replace the configuration: True, or False when it was not set.

        What is not given is its default; before Consul 1.11 it is 0 or False, so give everything.
        With *cas* it is set only where its ``ModifyIndex`` is this number.

        ``PUT /v1/operator/autopilot/configuration``
        """
        params = (("cas", None if cas is None else number("cas", cas)),)
        path = "/v1/operator/autopilot/configuration"
        return self._write(
            "set_configuration", path, answers.bool_answer, _AUTOPILOT, options, params
        )

    # python-consul2's name.
    update = set_configuration

    @endpoint("GET /v1/operator/autopilot/health")
    def health(
        self, token: Text | None = None, dc: Text | None = None, **options: Unpack[Common]
    ) -> Call[OperatorHealthReply]:
        """Read how the servers are.  A young server is not ``Healthy`` yet.

        ``GET /v1/operator/autopilot/health``
        """
        # Consul answers 429 where a server is not healthy.
        decode = answers.told_by_status(429)
        path = "/v1/operator/autopilot/health"
        return self._call("health", path, decode, (), options, token=token, dc=dc)

    @endpoint("GET /v1/operator/autopilot/state", since="1.9.0")
    def state(self, **options: Unpack[ServerRead]) -> Call[AutopilotState]:
        """Read what autopilot knows of the servers.

        Raises NotFound before Consul 1.9.

        ``GET /v1/operator/autopilot/state``
        """
        return self._read("state", "/v1/operator/autopilot/state", answers.value, (), options)
