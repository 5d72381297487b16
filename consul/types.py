"""The structures that Consul answers with, and the keywords of calls, for annotations.

All are `typing.TypedDict`, named as in Consul's own Go client where that has them.  A key that only
some versions of Consul send is `typing.NotRequired`.  An answer may have further keys.
"""

from consul.api.acl import ACLEntry, ACLOIDCAuthURL, ACLReplicationStatus
from consul.api.acl.auth_method import ACLAuthMethod, ACLAuthMethodListEntry, ACLAuthMethodWrite
from consul.api.acl.binding_rule import ACLBindingRule, ACLBindingRuleWrite
from consul.api.acl.links import (
    ACLGrants,
    ACLLink,
    ACLNodeIdentity,
    ACLServiceIdentity,
    ACLTemplatedPolicy,
    ACLTemplatedPolicyVariables,
)
from consul.api.acl.policy import ACLPolicy, ACLPolicyListEntry, ACLPolicyWrite
from consul.api.acl.role import ACLRole, ACLRoleFields, ACLRoleWrite
from consul.api.acl.templated_policy import ACLTemplatedPolicyResponse
from consul.api.acl.token import (
    ACLToken,
    ACLTokenExpanded,
    ACLTokenFields,
    ACLTokenListEntry,
    ACLTokenWrite,
)
from consul.api.agent import AgentMember, AgentSelf
from consul.api.agent.service import AgentService
from consul.api.catalog import CatalogNode, CatalogService, Node, NodeService, ServiceAddress
from consul.api.coordinate import Coord, CoordinateDatacenterMap, CoordinateEntry
from consul.api.event import FiredEvent, UserEvent
from consul.api.health import HealthCheck, ServiceEntry
from consul.api.kv import KVPair
from consul.api.operator import RaftConfiguration, RaftServer
from consul.api.options import (
    ACLRead,
    AgentRead,
    AgentServiceRead,
    CatalogNodeRead,
    CatalogNodesRead,
    CatalogServiceRead,
    CatalogServicesRead,
    Common,
    DatacentersRead,
    HealthChecksRead,
    HealthNodeRead,
    HealthServiceRead,
    QueryExecuteRead,
    QueryListRead,
    QueryRead,
    ReplicationRead,
    Scope,
    ServerRead,
    Untimed,
    WithDC,
    WithToken,
)
from consul.api.query import PreparedQuery, QueryExplanation, QueryResult
from consul.api.session import SessionEntry
from consul.api.txn import TxnResponse, TxnResult
from consul.check import Common as CheckCommon

__all__ = [
    "ACLAuthMethod",
    "ACLAuthMethodListEntry",
    "ACLAuthMethodWrite",
    "ACLBindingRule",
    "ACLBindingRuleWrite",
    "ACLEntry",
    "ACLGrants",
    "ACLLink",
    "ACLNodeIdentity",
    "ACLOIDCAuthURL",
    "ACLPolicy",
    "ACLPolicyListEntry",
    "ACLPolicyWrite",
    "ACLRead",
    "ACLReplicationStatus",
    "ACLRole",
    "ACLRoleFields",
    "ACLRoleWrite",
    "ACLServiceIdentity",
    "ACLTemplatedPolicy",
    "ACLTemplatedPolicyResponse",
    "ACLTemplatedPolicyVariables",
    "ACLToken",
    "ACLTokenExpanded",
    "ACLTokenFields",
    "ACLTokenListEntry",
    "ACLTokenWrite",
    "AgentMember",
    "AgentRead",
    "AgentSelf",
    "AgentService",
    "AgentServiceRead",
    "CatalogNode",
    "CatalogNodeRead",
    "CatalogNodesRead",
    "CatalogService",
    "CatalogServiceRead",
    "CatalogServicesRead",
    "CheckCommon",
    "Common",
    "Coord",
    "CoordinateDatacenterMap",
    "CoordinateEntry",
    "DatacentersRead",
    "FiredEvent",
    "HealthCheck",
    "HealthChecksRead",
    "HealthNodeRead",
    "HealthServiceRead",
    "KVPair",
    "Node",
    "NodeService",
    "PreparedQuery",
    "QueryExecuteRead",
    "QueryExplanation",
    "QueryListRead",
    "QueryRead",
    "QueryResult",
    "RaftConfiguration",
    "RaftServer",
    "ReplicationRead",
    "Scope",
    "ServerRead",
    "ServiceAddress",
    "ServiceEntry",
    "SessionEntry",
    "TxnResponse",
    "TxnResult",
    "Untimed",
    "UserEvent",
    "WithDC",
    "WithToken",
]
