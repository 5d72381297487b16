"""What a type checker knows of `consul.aio`; read by type checkers, not run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, assert_type

from consul import base, codecs, types
from consul.aio import Consul
from consul.callback import Indexed
from consul.core.flavour import Awaited
from consul.core.steps import Steps
from consul.recipes.contests import Holder
from consul.recipes.discovery import Instance
from consul.recipes.ping import Ping
from consul.recipes.tree import Record
from consul.recipes.watch import Watch
from consul.request import Call
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


async def calls(client: Consul) -> None:
    pending = client.kv.put("key", "value")
    await assert_type(pending, Coroutine[Any, Any, bool])
    found = client.kv.get("key", keys=True)
    await assert_type(found, Coroutine[Any, Any, Indexed[list[str] | None]])
    assert_type(await client.kv.put("key", b"value", cas=1, ns="team"), bool)
    assert_type(await client.kv.delete("key", recurse=True), bool)
    assert_type(await client.agent.service.register("web", port=80), bool)
    assert_type(await client.agent.check.ttl_pass("service:web"), bool)
    assert_type(await client.session.create(ttl=10), str)
    assert_type(await client.status.leader(), str)
    assert_type(await client.wait_for_leader(timeout=3), str)


async def what_kv_get_answers(client: Consul, either: bool) -> None:
    assert_type(await client.kv.get("key"), Indexed[KVPair | None])
    assert_type(await client.kv.get("key", 5, wait="10s", dc="dc2"), Indexed[KVPair | None])
    assert_type(await client.kv.get("key", recurse=True), Indexed[list[KVPair] | None])
    assert_type(await client.kv.get("key", keys=True, separator="/"), Indexed[list[str] | None])
    assert_type(await client.kv.get("key", raw=True), Indexed[bytes | None])
    assert_type(await client.kv.get("key", recurse=either), Indexed[Anything])
    assert_type(await client.kv.get("key", raw=either), Indexed[Anything])


async def answers(client: Consul) -> None:
    assert_type(await client.agent.self(), AgentSelf)
    assert_type(await client.agent.services(), dict[str, AgentService])
    assert_type(await client.agent.checks(), dict[str, HealthCheck])
    assert_type(await client.catalog.datacenters(), list[str])
    assert_type(await client.catalog.node("a"), Indexed[CatalogNode | None])
    assert_type(await client.catalog.service("web", tag="v1"), Indexed[list[CatalogService]])
    assert_type(await client.coordinate.nodes(), Indexed[list[CoordinateEntry]])
    assert_type(await client.event.fire("deploy", "now"), FiredEvent)
    assert_type(await client.health.service("web", passing=True), Indexed[list[ServiceEntry]])
    assert_type(await client.health.node("a", index=7), Indexed[list[HealthCheck]])
    assert_type(await client.operator.raft_config(), RaftConfiguration)
    assert_type(await client.query.execute("web"), QueryResult)
    assert_type(await client.session.info("id"), Indexed[SessionEntry | None])
    assert_type(await client.session.renew("id"), SessionEntry)
    assert_type(await client.status.peers(), list[str])
    assert_type(await client.txn.put([]), TxnResponse)


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


async def acl(client: Consul) -> None:
    from consul.types import (
        ACLAuthMethod,
        ACLBindingRule,
        ACLPolicy,
        ACLRole,
        ACLTemplatedPolicyResponse,
        ACLToken,
        ACLTokenListEntry,
    )

    assert_type(await client.acl.login("ci", "jwt"), ACLToken)
    assert_type(await client.acl.self(), Indexed[ACLToken])
    assert_type(await client.acl.token.list(), Indexed[list[ACLTokenListEntry]])
    assert_type(await client.acl.policy.get("id"), Indexed[ACLPolicy])
    assert_type(await client.acl.role.create("a"), ACLRole)
    assert_type(await client.acl.auth_method.get("a"), Indexed[ACLAuthMethod])
    assert_type(await client.acl.binding_rule.get("a"), Indexed[ACLBindingRule])
    assert_type(await client.acl.templated_policy.get("a"), ACLTemplatedPolicyResponse)
    assert_type(client.describe.acl.logout(), Call[bool])


async def services(client: Consul) -> None:
    assert_type(await client.catalog.node_services("a"), Indexed[CatalogNodeServiceList])
    assert_type(await client.health.connect("web"), Indexed[list[ServiceEntry]])
    assert_type(await client.query.explain("web"), QueryExplanation)
    assert_type(await client.session.create(node_checks=[]), str)
    assert_type(await client.event.list("deploy"), Indexed[list[UserEvent]])


async def kv(client: Consul) -> None:
    assert_type(await client.kv.keys("a/"), Indexed[list[str]])
    assert_type(await client.kv.update("a", lambda value: value, codecs.raw), bytes | None)
    tree = client.kv.mapping("a/", codecs.raw)
    assert_type(await tree.get("b"), bytes | None)
    async for record in tree.pages():
        assert_type(record, Record[bytes])
    outcomes = await client.txn.begin().kv.get("a").commit()
    assert_type(outcomes, list[types.TxnOutcome])
    assert_type(await client.ping(), Ping)


async def watches(client: Consul) -> None:
    watch = client.watch(client.health.service, "web", passing=True, near="_agent")
    assert_type(watch, Watch[Indexed[list[ServiceEntry]], Awaited])
    assert_type(await watch.next(timeout=1), Indexed[list[ServiceEntry]] | None)
    async with watch:
        async for answer in watch:
            assert_type(answer, Indexed[list[ServiceEntry]])
    assert_type(
        client.watch(client.session.list, skip_first=True, give_up=60, rate=(5, 1)),
        Watch[Indexed[list[SessionEntry]], Awaited],
    )
    watched = client.watched(client.health.service, "web")
    assert_type(watched.value, list[ServiceEntry])
    assert_type(await watched.wait(1), list[ServiceEntry])
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
