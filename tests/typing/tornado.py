"""What a type checker knows of `consul.tornado`; read by type checkers, not run."""

from __future__ import annotations

from asyncio import Future
from typing import assert_type

from consul import base
from consul.callback import Indexed
from consul.core.flavour import Yielded
from consul.core.steps import Steps
from consul.recipes.contests import Holder
from consul.recipes.discovery import Instance
from consul.recipes.watch import Watch, Watched
from consul.request import Call
from consul.tornado import Consul
from consul.types import (
    AgentSelf,
    AgentService,
    CatalogNode,
    CatalogNodeServiceList,
    CatalogService,
    CoordinateEntry,
    FiredEvent,
    HealthCheck,
    KVPair,
    QueryExplanation,
    QueryResult,
    RaftConfiguration,
    ServiceEntry,
    SessionEntry,
    TxnResponse,
    UserEvent,
)

#: What `kv.get` may answer where it is not known which of its flags are set.
Anything = KVPair | list[KVPair] | list[str] | bytes | None


def calls(client: Consul) -> None:
    assert_type(client.kv.put("key", b"value", cas=1, ns="team"), Future[bool])
    assert_type(client.kv.delete("key", recurse=True), Future[bool])
    assert_type(client.agent.service.register("web", port=80), Future[bool])
    assert_type(client.agent.check.ttl_pass("service:web"), Future[bool])
    assert_type(client.session.create(ttl=10), Future[str])
    assert_type(client.status.leader(), Future[str])
    assert_type(client.wait_for_leader(timeout=3), Future[str])


def what_kv_get_answers(client: Consul, either: bool) -> None:
    assert_type(client.kv.get("key"), Future[Indexed[KVPair | None]])
    assert_type(client.kv.get("key", 5, wait="10s", dc="dc2"), Future[Indexed[KVPair | None]])
    assert_type(client.kv.get("key", recurse=True), Future[Indexed[list[KVPair] | None]])
    assert_type(client.kv.get("key", keys=True, separator="/"), Future[Indexed[list[str] | None]])
    assert_type(client.kv.get("key", raw=True), Future[Indexed[bytes | None]])
    assert_type(client.kv.get("key", recurse=either), Future[Indexed[Anything]])
    assert_type(client.kv.get("key", raw=either), Future[Indexed[Anything]])


def answers(client: Consul) -> None:
    assert_type(client.agent.self(), Future[AgentSelf])
    assert_type(client.agent.services(), Future[dict[str, AgentService]])
    assert_type(client.agent.checks(), Future[dict[str, HealthCheck]])
    assert_type(client.catalog.datacenters(), Future[list[str]])
    assert_type(client.catalog.node("a"), Future[Indexed[CatalogNode | None]])
    assert_type(client.catalog.service("web", tag="v1"), Future[Indexed[list[CatalogService]]])
    assert_type(client.coordinate.nodes(), Future[Indexed[list[CoordinateEntry]]])
    assert_type(client.event.fire("deploy", "now"), Future[FiredEvent])
    assert_type(client.health.service("web", passing=True), Future[Indexed[list[ServiceEntry]]])
    assert_type(client.health.node("a", index=7), Future[Indexed[list[HealthCheck]]])
    assert_type(client.operator.raft_config(), Future[RaftConfiguration])
    assert_type(client.query.execute("web"), Future[QueryResult])
    assert_type(client.session.info("id"), Future[Indexed[SessionEntry | None]])
    assert_type(client.session.renew("id"), Future[SessionEntry])
    assert_type(client.status.peers(), Future[list[str]])
    assert_type(client.txn.put([]), Future[TxnResponse])


async def unpacking(client: Consul) -> None:
    index, pair = await client.kv.get("a")
    assert_type(index, int | None)
    assert_type(pair, KVPair | None)
    if pair is not None:
        assert_type(pair["Value"], bytes | None)
        assert_type(pair.get("Session"), str | None)
    index, pairs = await client.kv.get("a", index, recurse=True)
    assert_type(pairs, list[KVPair] | None)
    index, services = await client.health.service("web", index=index)
    for service in services:
        assert_type(service["Node"]["Node"], str)
    whole = await client.kv.get("a", raw=True)
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
        ACLBindingRule,
        ACLPolicy,
        ACLRole,
        ACLTemplatedPolicyResponse,
        ACLToken,
        ACLTokenListEntry,
    )

    assert_type(client.acl.login("ci", "jwt"), Future[ACLToken])
    assert_type(client.acl.self(), Future[Indexed[ACLToken]])
    assert_type(client.acl.token.list(), Future[Indexed[list[ACLTokenListEntry]]])
    assert_type(client.acl.policy.get("id"), Future[Indexed[ACLPolicy]])
    assert_type(client.acl.role.create("a"), Future[ACLRole])
    assert_type(client.acl.auth_method.get("a"), Future[Indexed[ACLAuthMethod]])
    assert_type(client.acl.binding_rule.get("a"), Future[Indexed[ACLBindingRule]])
    assert_type(client.acl.templated_policy.get("a"), Future[ACLTemplatedPolicyResponse])
    assert_type(client.describe.acl.logout(), Call[bool])


def services(client: Consul) -> None:
    assert_type(client.catalog.node_services("a"), Future[Indexed[CatalogNodeServiceList]])
    assert_type(client.health.connect("web"), Future[Indexed[list[ServiceEntry]]])
    assert_type(client.query.explain("web"), Future[QueryExplanation])
    assert_type(client.session.create(node_checks=[]), Future[str])
    assert_type(client.event.list("deploy"), Future[Indexed[list[UserEvent]]])


async def watches(client: Consul) -> None:
    watch = client.watch(client.health.service, "web", passing=True, near="_agent")
    assert_type(watch, Watch[Indexed[list[ServiceEntry]], Yielded])
    assert_type(await watch.next(timeout=1), Indexed[list[ServiceEntry]] | None)
    async with watch:
        async for answer in watch:
            assert_type(answer, Indexed[list[ServiceEntry]])
    assert_type(
        client.watch(client.session.list, skip_first=True, give_up=60, rate=(5, 1)),
        Watch[Indexed[list[SessionEntry]], Yielded],
    )
    watched = client.watched(client.health.service, "web")
    assert_type(watched.value, list[ServiceEntry])
    assert_type(await watched.wait(1), list[ServiceEntry])
    own = client.watched(client.kv.get, "key", give_up=60)
    assert_type(own, Watched[KVPair | list[KVPair] | list[str] | bytes | None, Yielded])
    assert_type(client.watched(client.agent.service.get, "web").value, AgentService)


async def locks(client: Consul) -> None:
    async with client.session_keeper("15s", node_checks=[]) as keeper:
        assert_type(keeper.id, str)
        async with client.lock("key", "me", session=keeper, timeout="5s") as lock:
            assert_type(lock.held, bool)
            assert_type(lock.fencing, int)
            assert_type(await lock.lost.wait(1), bool)
            assert_type(await lock.holder(), Holder | None)
    assert_type(await client.lock(b"key", ttl=15).acquire(timeout=0), bool)
    async with client.semaphore("prefix", 2) as place:
        assert_type(await place.holders(), list[Holder])
    election = client.election("key", "me", on_loss=print)
    assert_type(await election.campaign(5), bool)
    assert_type(await election.leader(), bytes | None)
    async with election.observe() as leaders:
        async for leader in leaders:
            assert_type(leader, bytes | None)


async def discoveries(client: Consul) -> None:
    async with client.discover("web", dc=["a", "b"], filter="x", policy="weighted") as view:
        assert_type(await view.wait_for(2, timeout=1), tuple[Instance, ...])
        assert_type(view.pick().url("/"), str)
        with view.using() as instance:
            assert_type(instance, Instance)


async def registrations(client: Consul) -> None:
    async with client.registration("web", port=80, ttl="15s", meta={"a": "b"}, drain=5) as service:
        assert_type(await service.ready(), None)
        assert_type(await service.update(tags=["a"]), None)
        assert_type(service.registered, bool)
    assert_type(await client.run_once("key", print, "1h"), bool)
