"""What a type checker knows of `consul.std`; read by type checkers, not run."""

from __future__ import annotations

from typing import assert_type

from consul import base, codecs, types
from consul.callback import Indexed
from consul.core.flavour import Direct
from consul.core.steps import Steps
from consul.recipes.contests import Holder
from consul.recipes.discovery import Instance
from consul.recipes.ping import Ping
from consul.recipes.tree import TreeMapping
from consul.recipes.watch import Watch, Watched
from consul.request import Call
from consul.std import Consul
from consul.types import (
    AgentSelf,
    AgentService,
    CatalogNode,
    CatalogNodeServiceList,
    CatalogService,
    CoordinateEntry,
    FiredEvent,
    GatewayService,
    HealthCheck,
    KVPair,
    Node,
    PreparedQueryDefinition,
    QueryExplanation,
    QueryResult,
    RaftConfiguration,
    ServiceEntry,
    SessionEntry,
    TxnResponse,
    Upstream,
    UserEvent,
)

#: What `kv.get` may answer where it is not known which of its flags are set.
Anything = KVPair | list[KVPair] | list[str] | bytes | None


def calls(client: Consul) -> None:
    assert_type(client.kv.put("key", b"value", cas=1, ns="team"), bool)
    assert_type(client.kv.delete("key", recurse=True), bool)
    assert_type(client.agent.service.register("web", port=80), bool)
    assert_type(client.agent.check.ttl_pass("service:web"), bool)
    assert_type(client.session.create(ttl=10), str)
    assert_type(client.status.leader(), str)
    assert_type(client.wait_for_leader(timeout=3), str)


def what_kv_get_answers(client: Consul, either: bool) -> None:
    assert_type(client.kv.get("key"), Indexed[KVPair | None])
    assert_type(client.kv.get("key", 5, wait="10s", dc="dc2"), Indexed[KVPair | None])
    assert_type(client.kv.get("key", recurse=True), Indexed[list[KVPair] | None])
    assert_type(client.kv.get("key", keys=True, separator="/"), Indexed[list[str] | None])
    assert_type(client.kv.get("key", raw=True), Indexed[bytes | None])
    assert_type(client.kv.get("key", recurse=either), Indexed[Anything])
    assert_type(client.kv.get("key", raw=either), Indexed[Anything])


def answers(client: Consul) -> None:
    assert_type(client.agent.self(), AgentSelf)
    assert_type(client.agent.services(), dict[str, AgentService])
    assert_type(client.agent.checks(), dict[str, HealthCheck])
    assert_type(client.catalog.datacenters(), list[str])
    assert_type(client.catalog.node("a"), Indexed[CatalogNode | None])
    assert_type(client.catalog.service("web", tag="v1"), Indexed[list[CatalogService]])
    assert_type(client.coordinate.nodes(), Indexed[list[CoordinateEntry]])
    assert_type(client.event.fire("deploy", "now"), FiredEvent)
    assert_type(client.health.service("web", passing=True), Indexed[list[ServiceEntry]])
    assert_type(client.health.node("a", index=7), Indexed[list[HealthCheck]])
    assert_type(client.operator.raft_config(), RaftConfiguration)
    assert_type(client.query.execute("web"), QueryResult)
    assert_type(client.session.info("id"), Indexed[SessionEntry | None])
    assert_type(client.session.renew("id"), SessionEntry)
    assert_type(client.status.peers(), list[str])
    assert_type(client.txn.put([]), TxnResponse)


def unpacking(client: Consul) -> None:
    index, pair = client.kv.get("a")
    assert_type(index, int | None)
    assert_type(pair, KVPair | None)
    if pair is not None:
        assert_type(pair["Value"], bytes | None)
        assert_type(pair.get("Session"), str | None)
    index, pairs = client.kv.get("a", index, recurse=True)
    assert_type(pairs, list[KVPair] | None)
    index, services = client.health.service("web", index=index)
    for service in services:
        assert_type(service["Node"]["Node"], str)
    whole = client.kv.get("a", raw=True)
    assert_type(whole.index, int | None)
    assert_type(whole.data, bytes | None)
    assert_type(whole.meta.known_leader, bool | None)


def description(client: Consul) -> None:
    assert_type(client.describe, base.Consul)
    assert_type(client.describe.kv.put("key", "value"), Call[bool])
    assert_type(client.describe.kv.get("key"), Call[Indexed[KVPair | None]])
    assert_type(client.describe.kv.get("key", keys=True), Call[Indexed[list[str] | None]])
    assert_type(client.describe.agent.self(), Call[AgentSelf])
    steps = client.describe.wait_for_leader()
    assert_type(steps, Steps[str]).close()


def settings(client: Consul) -> None:
    assert_type(client.token, str | None)
    client.token, client.dc, client.consistency = "t", None, "stale"


class Keys(Consul.KV):
    """A subclass of the noun as it is reached through the client."""


class Client(Consul):
    KV = Keys


def acl(client: Consul) -> None:
    from consul.types import (
        ACLAuthMethod,
        ACLAuthMethodListEntry,
        ACLBindingRule,
        ACLLink,
        ACLOIDCAuthURL,
        ACLPolicy,
        ACLPolicyListEntry,
        ACLReplicationStatus,
        ACLRole,
        ACLTemplatedPolicyResponse,
        ACLToken,
        ACLTokenExpanded,
        ACLTokenListEntry,
    )

    assert_type(client.acl.create("legacy"), str)
    assert_type(client.acl.legacy_tokens.create("legacy"), str)
    assert_type(client.acl.bootstrap(), ACLToken)
    assert_type(client.acl.replication(), ACLReplicationStatus)
    assert_type(client.acl.login("ci", "jwt", {"pod": "a"}), ACLToken)
    assert_type(client.acl.logout(), bool)
    assert_type(client.acl.oidc_auth_url("sso", "http://localhost"), ACLOIDCAuthURL)
    assert_type(client.acl.oidc_callback("sso", "state", "code"), ACLToken)
    assert_type(client.acl.rules_translate("rules"), str)
    assert_type(client.acl.create_translate("rules"), str)
    assert_type(client.acl.rules_translate_token("accessor"), str)

    token = client.acl.token
    made = token.create(policies=[{"Name": "a"}], expiration_ttl="1h", extra={"Later": 1})
    assert_type(made, ACLToken)
    assert_type(made["SecretID"], str)
    assert_type(made.get("Policies"), list[ACLLink] | None)
    assert_type(token.get("accessor"), Indexed[ACLTokenExpanded])
    assert_type(token.read("accessor", expanded=True), Indexed[ACLTokenExpanded])
    assert_type(token.self(), Indexed[ACLToken])
    assert_type(client.acl.self("secret"), Indexed[ACLToken])
    # What was read may be given back.
    assert_type(token.update("accessor", policies=made.get("Policies"), extra=made), ACLToken)
    assert_type(token.clone("accessor"), ACLToken)
    assert_type(token.delete("accessor"), bool)
    assert_type(client.acl.tokens.list("policy"), Indexed[list[ACLTokenListEntry]])

    policy = client.acl.policy
    assert_type(policy.create("a", rules="rules", datacenters=["dc1"]), ACLPolicy)
    assert_type(policy.get("id"), Indexed[ACLPolicy])
    assert_type(policy.get_by_name("a"), Indexed[ACLPolicy])
    assert_type(policy.update("id", "a"), ACLPolicy)
    assert_type(policy.delete("id"), bool)
    assert_type(client.acl.policies.list(), Indexed[list[ACLPolicyListEntry]])

    role = client.acl.role
    assert_type(role.create("a", service_identities=[{"ServiceName": "web"}]), ACLRole)
    assert_type(role.get("id"), Indexed[ACLRole])
    assert_type(role.get_by_name("a"), Indexed[ACLRole])
    assert_type(role.update("id", "a"), ACLRole)
    assert_type(role.delete("id"), bool)
    assert_type(client.acl.roles.list(), Indexed[list[ACLRole]])

    method = client.acl.auth_method
    assert_type(method.create("a", "jwt", config={"BoundIssuer": "a"}), ACLAuthMethod)
    assert_type(method.get("a"), Indexed[ACLAuthMethod])
    assert_type(method.update("a", "jwt"), ACLAuthMethod)
    assert_type(method.delete("a"), bool)
    assert_type(client.acl.auth_methods.list(), Indexed[list[ACLAuthMethodListEntry]])

    rule = client.acl.binding_rule
    assert_type(rule.create("a", "role", "b"), ACLBindingRule)
    assert_type(rule.get("id"), Indexed[ACLBindingRule])
    assert_type(rule.update("id", "a", "role", "b"), ACLBindingRule)
    assert_type(rule.delete("id"), bool)
    assert_type(client.acl.binding_rules.list("a"), Indexed[list[ACLBindingRule]])

    template = client.acl.templated_policy
    assert_type(template.list(), dict[str, ACLTemplatedPolicyResponse])
    assert_type(template.get("builtin/dns"), ACLTemplatedPolicyResponse)
    assert_type(template.preview("builtin/service", {"Name": "web"}), ACLPolicy)


def services(client: Consul) -> None:
    assert_type(client.catalog.register("n", None, skip_node_update=True, checks=[]), bool)
    assert_type(client.catalog.nodes(node_meta={"a": "b"}, filter="x"), Indexed[list[Node]])
    assert_type(client.catalog.connect("web"), Indexed[list[CatalogService]])
    assert_type(client.catalog.node_services("a", index=7), Indexed[CatalogNodeServiceList])
    assert_type(client.catalog.gateway_services("a"), Indexed[list[GatewayService] | None])
    assert_type(client.health.connect("web", passing=True), Indexed[list[ServiceEntry]])
    assert_type(client.health.ingress("web"), Indexed[list[ServiceEntry]])
    assert_type(client.health.state("any"), Indexed[list[HealthCheck]])
    assert_type(client.query.create("web", targets=[{"Peer": "a"}]), dict[str, str])
    assert_type(client.query.update("id", "web", connect=True), bool)
    assert_type(client.query.get("id"), list[PreparedQueryDefinition])
    assert_type(client.query.explain("web"), QueryExplanation)
    assert_type(client.session.create(node_checks=[], service_checks=[{"ID": "a"}]), str)
    assert_type(client.event.list("deploy"), Indexed[list[UserEvent]])
    proxy = client.catalog.connect("web").data[0]["ServiceProxy"]
    assert_type(proxy.get("Upstreams"), list[Upstream] | None)
    assert_type(client.query.execute("web")["Nodes"][0]["Service"]["Tags"], list[str] | None)
    assert_type(client.agent.self()["Config"]["NodeName"], str)


def several_signatures(client: Consul, either: bool) -> None:
    assert_type(client.agent.metrics(), types.MetricsInfo)
    assert_type(client.agent.metrics(True), str)
    assert_type(client.agent.metrics(either), types.MetricsInfo | str)
    assert_type(client.agent.service.health_by_id("a"), types.AgentServiceChecksInfo)
    assert_type(client.agent.service.health_by_id("a", "text"), str)
    assert_type(client.agent.service.health_by_name("a"), list[types.AgentServiceChecksInfo])
    assert_type(client.agent.service.health_by_name("a", format="text"), str)
    assert_type(client.connect.ca.roots(), Indexed[types.CARootList])
    assert_type(client.connect.ca.roots(pem=True), Indexed[str])


def kv(client: Consul) -> None:
    assert_type(client.kv.keys("a/"), Indexed[list[str]])
    assert_type(client.kv.tree("a/"), Indexed[list[types.KVPair]])
    assert_type(client.kv.cas("a", "b", 0), bool)
    assert_type(client.kv.lock("a", "b", "session"), bool)
    assert_type(client.kv.delete_tree("a/"), bool)
    assert_type(client.kv.update("a", lambda value: f"{value}!"), str | None)
    assert_type(client.kv.update("a", lambda value: value, codecs.raw), bytes | None)
    assert_type(client.kv.mapping("a/"), TreeMapping[str])
    assert_type(client.kv.mapping("a/", codecs.raw)["b"], bytes)


def transactions(client: Consul) -> None:
    transaction = client.txn.begin().kv.set("a", "b").service.get("node", "id")
    assert_type(transaction.commit(), list[types.TxnOutcome])
    assert_type(client.ping(), Ping)
    assert_type(
        client.with_meta(client.describe.query.list()), Indexed[list[PreparedQueryDefinition]]
    )


def watches(client: Consul) -> None:
    watch = client.watch(client.health.service, "web", passing=True, near="_agent")
    assert_type(watch, Watch[Indexed[list[ServiceEntry]], Direct])
    assert_type(watch.next(timeout=1), Indexed[list[ServiceEntry]] | None)
    with watch:
        for answer in watch:
            assert_type(answer, Indexed[list[ServiceEntry]])
    assert_type(
        client.watch(client.session.list, skip_first=True, give_up=60, rate=(5, 1)),
        Watch[Indexed[list[SessionEntry]], Direct],
    )
    watched = client.watched(client.health.service, "web")
    assert_type(watched.value, list[ServiceEntry])
    assert_type(watched.wait(timeout=1), list[ServiceEntry])
    own = client.watched(client.kv.get, "key", give_up=60)
    assert_type(own, Watched[KVPair | list[KVPair] | list[str] | bytes | None, Direct])
    assert_type(client.watched(client.agent.service.get, "web").value, AgentService)


def locks(client: Consul) -> None:
    with client.session_keeper("15s", node_checks=[]) as keeper:
        assert_type(keeper.id, str)
        with client.lock("key", "me", session=keeper, timeout="5s") as lock:
            assert_type(lock.held, bool)
            assert_type(lock.fencing, int)
            assert_type(lock.lost.wait(1), bool)
            assert_type(lock.holder(), Holder | None)
    assert_type(client.lock(b"key", ttl=15).acquire(timeout=0), bool)
    with client.semaphore("prefix", 2) as place:
        assert_type(place.holders(), list[Holder])
    election = client.election("key", "me", on_loss=print)
    assert_type(election.campaign(5), bool)
    assert_type(election.leader(), bytes | None)
    with election.observe() as leaders:
        for leader in leaders:
            assert_type(leader, bytes | None)


def discoveries(client: Consul) -> None:
    with client.discover("web", dc=["a", "b"], filter="x", policy="weighted") as view:
        assert_type(view.wait_for(2, timeout=1), tuple[Instance, ...])
        assert_type(view.pick().url("/"), str)
        with view.using() as instance:
            assert_type(instance, Instance)


def registrations(client: Consul) -> None:
    with client.registration("web", port=80, ttl="15s", meta={"a": "b"}, drain=5) as service:
        assert_type(service.ready(), None)
        assert_type(service.update(tags=["a"]), None)
        assert_type(service.registered, bool)
    assert_type(client.run_once("key", print, "1h"), bool)
