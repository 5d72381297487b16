"""Operators' view of the cluster, /v1/operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, TypedDict

from consul.api.noun import Noun, lazy, renamed
from consul.api.operator.area import Area as _Area
from consul.api.operator.autopilot import Autopilot as _Autopilot
from consul.api.operator.feature import Feature as _Feature
from consul.api.operator.keyring import Keyring as _Keyring
from consul.api.operator.license import License as _License
from consul.api.operator.raft import Raft as _Raft
from consul.api.operator.raft import RaftConfiguration
from consul.api.operator.segment import Segment as _Segment
from consul.api.options import BlockingRead, Scope, TokenlessRead
from consul.api.params import one_or_absent, text_or_absent
from consul.core import answers
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Flag, Text, flag

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class ServiceUsage(TypedDict):
    """What is registered in one datacenter."""

    Services: int
    ServiceInstances: int
    #: Instances by their kind, such as "connect-proxy".
    ConnectServiceInstances: dict[str, int]
    BillableServiceInstances: int
    #: From Consul 1.16.1 on.
    Nodes: NotRequired[int]


class Usage(TypedDict):
    """What is registered, by datacenter."""

    Usage: dict[str, ServiceUsage]
    Index: NotRequired[int]
    LastContact: NotRequired[int]
    KnownLeader: NotRequired[bool]


class AuditHash(TypedDict):
    """The hash of a text, as the audit log has it."""

    Hash: str


class _Body(TypedDict, total=False):
    input: Text | None


_HASH = Fields(_Body)


class Operator(Noun[F]):
    """Operators' view of the cluster, /v1/operator."""

    Area: TypeAlias = _Area
    Autopilot: TypeAlias = _Autopilot
    Feature: TypeAlias = _Feature
    Keyring: TypeAlias = _Keyring
    License: TypeAlias = _License
    Raft: TypeAlias = _Raft
    Segment: TypeAlias = _Segment

    area: _Area[F] = lazy("Area")
    autopilot: _Autopilot[F] = lazy("Autopilot")
    feature: _Feature[F] = lazy("Feature")
    keyring: _Keyring[F] = lazy("Keyring")
    license: _License[F] = lazy("License")
    raft: _Raft[F] = lazy("Raft")
    segment: _Segment[F] = lazy("Segment")

    # py-consul's names.
    autopilot_configuration: Any = renamed("autopilot.configuration")
    autopilot_health: Any = renamed("autopilot.health")
    update_autopilot_configuration: Any = renamed("autopilot.set_configuration")
    keyring_install: Any = renamed("keyring.install")
    keyring_list: Any = renamed("keyring.list")
    keyring_remove: Any = renamed("keyring.remove")
    keyring_use: Any = renamed("keyring.use")
    raft_remove_peer: Any = renamed("raft.remove_peer")
    raft_transfer_leader: Any = renamed("raft.transfer_leader")

    @endpoint("GET /v1/operator/raft/configuration")
    def raft_config(
        self, token: Text | None = None, **options: Unpack[TokenlessRead]
    ) -> Call[RaftConfiguration]:
        """Read the Raft configuration; python-consul's name for ``raft.configuration``.

        With ``consistency="stale"`` any server answers, also while there is no leader.

        Raises ACLPermissionDenied where the token lacks ``operator:read``.

        ``GET /v1/operator/raft/configuration``
        """
        return self._read(
            "raft_config",
            "/v1/operator/raft/configuration",
            answers.value,
            (),
            options,
            token=token,
        )

    @endpoint("GET /v1/operator/usage", since="1.15.0")
    def usage(self, global_: Flag = False, **options: Unpack[BlockingRead]) -> Call[Indexed[Usage]]:
        """Count what is registered: (index, usage).  With *global_* in all datacenters.

        Raises ACLPermissionDenied where the token lacks ``operator:read``, NotFound before Consul
        1.15.

        ``GET /v1/operator/usage``
        """
        params = (("global", one_or_absent("global_", global_)),)
        return self._read("usage", "/v1/operator/usage", answers.indexed, params, options)

    @endpoint("GET /v1/operator/utilization", since="1.22.0")
    def utilization(
        self,
        *,
        message: Text | None = None,
        today_only: Flag = None,
        send_report: Flag = None,
        **options: Unpack[Scope],
    ) -> Call[bytes]:
        """Make a report of how the licence is used: the bundle as it comes.

        *message* goes into the report.  *today_only* leaves out what is older.  *send_report* sends
        it to HashiCorp, too.

        Consul Enterprise only: Consul CE raises NotFound.

        ``GET /v1/operator/utilization``
        """
        params = (
            ("message", text_or_absent("message", message)),
            ("today_only", _word("today_only", today_only)),
            ("send_report", _word("send_report", send_report)),
        )
        path = "/v1/operator/utilization"
        return self._call("utilization", path, answers.raw_body, params, options)

    @endpoint("POST /v1/operator/audit-hash", repeatable=True, since="1.16.0")
    def audit_hash(self, input: Text, **options: Unpack[Scope]) -> Call[AuditHash]:
        """Hash *input* as the audit log does, to look for it there.

        Consul Enterprise only: Consul CE raises NotFound.

        ``POST /v1/operator/audit-hash``
        """
        given = {"input": input, **options}
        return self._write("audit_hash", "/v1/operator/audit-hash", answers.value, _HASH, given)


def _word(name: str, value: Flag) -> str | None:
    found = flag(name, value)
    return None if found is None else str(found).lower()
