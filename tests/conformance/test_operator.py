"""What operators do: quorum, keys, autopilot, usage, and the endpoints of Consul Enterprise."""

from __future__ import annotations

import base64
import secrets
import time

import pytest

from consul import (
    ACLPermissionDenied,
    BadRequest,
    ConsulException,
    NotFound,
    ServerError,
)
from tests.agent import Agent
from tests.conformance.test_agent import until
from tests.flavours import FLAVOURS

one_flavour = pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)


@pytest.fixture
def anybody(acl_client):
    """A client without a token, of an agent that denies by default."""
    return acl_client(token="")


def test_the_quorum(consul, anybody, agent):
    config = consul.operator.raft.configuration()
    (server,) = config["Servers"]
    assert (server["Leader"], server["Voter"]) == (True, True)
    assert consul.operator.raft_config()["Servers"] == config["Servers"]
    assert consul.operator.raft.configuration(consistency="stale")["Servers"]
    with pytest.raises(ServerError):
        consul.operator.raft.remove_peer(address="127.0.0.1:1")
    with pytest.raises(ServerError):
        consul.operator.raft_remove_peer("00000000-0000-0000-0000-000000000009")
    for both in ({}, {"peer_id": "a", "address": "b"}):
        with pytest.raises(ValueError, match="peer_id or address"):
            consul.operator.raft.remove_peer(**both)
    # There is no other one.
    with pytest.raises(NotFound if agent.version < (1, 15) else ServerError):
        consul.operator.raft.transfer_leader()
    for call in (
        lambda: anybody.operator.raft.configuration(),
        lambda: anybody.operator.raft.remove_peer(address="127.0.0.1:1"),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


def key():
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(scope="module")
def encrypted(server):
    """An agent whose gossip is encrypted, and the key."""
    first = key()
    with Agent(server, config={"encrypt": first}) as agent:
        yield agent, first


def test_the_keys_of_gossip(make_client, encrypted):
    agent, first = encrypted
    keyring = make_client(port=agent.port).operator.keyring
    (lan,) = [pool for pool in keyring.list() if not pool["WAN"]]
    assert first in lan["Keys"]
    other = key()
    assert keyring.install(other) is True
    assert other in keyring.list(local_only=True)[0]["Keys"]
    assert keyring.use(other, 1) is True
    for pool in keyring.list(0):
        assert pool["PrimaryKeys"] == {other: 1}
    with pytest.raises(ServerError) as caught:
        keyring.remove(other)
    assert other not in str(caught.value)
    assert keyring.use(first) is True
    assert keyring.remove(other) is True
    with pytest.raises(ServerError):
        keyring.use(other)


def test_keys_where_gossip_is_not_encrypted(consul, anybody, acl_agent):
    for call in (
        lambda: consul.operator.keyring_list(),
        lambda: consul.operator.keyring_install(key()),
        lambda: consul.operator.keyring_use(key()),
        lambda: consul.operator.keyring_remove(key()),
    ):
        with pytest.raises(ServerError):
            call()
    denied = ACLPermissionDenied if acl_agent.version >= (1, 9) else ServerError
    with pytest.raises(denied):
        anybody.operator.keyring.list()


def test_autopilot(consul, anybody):
    autopilot = consul.operator.autopilot
    before = autopilot.configuration()
    kept = {
        "cleanup_dead_servers": before["CleanupDeadServers"],
        "last_contact_threshold": before["LastContactThreshold"],
        "min_quorum": before["MinQuorum"],
        "server_stabilization_time": before["ServerStabilizationTime"],
    }
    assert autopilot.set_configuration(cas=1, max_trailing_logs=300, **kept) is False
    assert autopilot.set_configuration(max_trailing_logs=300, **kept) is True
    now = autopilot.configuration()
    assert now["MaxTrailingLogs"] == 300
    assert now["LastContactThreshold"] == before["LastContactThreshold"]
    assert autopilot.set_configuration(
        cas=now["ModifyIndex"], max_trailing_logs=before["MaxTrailingLogs"], **kept
    )
    with pytest.raises(BadRequest):
        autopilot.set_configuration(extra={"Nonsense": 1})
    for call in (
        lambda: anybody.operator.autopilot.configuration(),
        lambda: anybody.operator.autopilot.set_configuration(),
        lambda: anybody.operator.autopilot_health(),
    ):
        with pytest.raises(ACLPermissionDenied):
            call()


def test_how_the_servers_are(make_client, agent, server):
    consul = make_client(port=agent.port)

    def healthy():
        found = consul.operator.autopilot.health()
        return found if found["Healthy"] else None

    health = until(healthy, seconds=30)
    assert health["FailureTolerance"] == 0
    assert [each["Leader"] for each in health["Servers"]] == [True]
    if agent.version < (1, 9):
        with pytest.raises(NotFound):
            consul.operator.autopilot.state()
        return
    state = consul.operator.autopilot.state()
    assert list(state["Servers"]) == state["Voters"] == [state["Leader"]]


@one_flavour
def test_a_server_that_is_not_healthy_is_no_failure(make_client, server):
    with Agent(server) as young:
        health = make_client(port=young.port).operator.autopilot.health()
    # Consul answers 429.
    assert health["Healthy"] is False


def test_usage(consul, anybody, agent, acl_agent):
    if agent.version < (1, 15):
        with pytest.raises(NotFound):
            consul.operator.usage()
        return
    answer = consul.operator.usage(True)
    assert answer.data["Usage"]["dc1"]["Services"] >= 1
    assert answer.index > 0
    with pytest.raises(ACLPermissionDenied):
        anybody.operator.usage()


ENTERPRISE = {
    "operator.area.create": ("dc2",),
    "operator.area.delete": ("a",),
    "operator.area.get": ("a",),
    "operator.area.join": ("a", ["127.0.0.1"]),
    "operator.area.list": (),
    "operator.area.members": ("a",),
    "operator.area.update": ("a",),
    "operator.audit_hash": ("text",),
    "operator.license.get": (),
    "operator.license.put": ("licence",),
    "operator.license.reset": (),
    "operator.segment.list": (),
    "operator.utilization": (),
    "namespace.create": ("team",),
    "namespace.delete": ("team",),
    "namespace.get": ("team",),
    "namespace.list": (),
    "namespace.update": ("team",),
    "partition.create": ("team",),
    "partition.delete": ("team",),
    "partition.get": ("team",),
    "partition.list": (),
    "partition.update": ("team",),
    # Consul 2.1.
    "operator.feature.get": ("gate",),
    "operator.feature.list": (),
    "operator.feature.set": ("gate", True),
}


@pytest.mark.parametrize("name", ENTERPRISE)
def test_what_the_servers_do_not_have(consul, name):
    method = consul
    for part in name.split("."):
        method = getattr(method, part)
    with pytest.raises(NotFound) as caught:
        method(*ENTERPRISE[name])
    assert caught.value.status == 404


def test_a_coordinate_is_updated(consul, anybody, prefix):
    consul.catalog.register(prefix, "10.0.0.1")
    coord = {"Vec": [0.001] * 8, "Error": 1.5, "Adjustment": 0.0, "Height": 0.00001}
    assert consul.coordinate.update(prefix, coord) is True

    def found():
        try:
            return consul.coordinate.node(prefix).data
        except NotFound:
            return None

    (entry,) = until(found)
    assert entry["Coord"]["Vec"] == [0.001] * 8
    with pytest.raises(ServerError):
        consul.coordinate.update(prefix, {"Vec": [1.0]})
    with pytest.raises(TypeError, match="coord must be a dict"):
        consul.coordinate.update(prefix, None)
    with pytest.raises(ACLPermissionDenied):
        anybody.coordinate.update(prefix, coord)
    with pytest.raises(NotFound):
        consul.coordinate.node("nobody")
    consul.catalog.deregister(prefix)


# Two datacenters


@pytest.fixture(scope="module")
def datacenters(server):
    """The agents of two datacenters that know each other."""

    def agent(dc):
        made = Agent(server, config={"datacenter": dc})
        made._config["ports"] = {"serf_wan": made.wan_port}
        return made

    with agent("east") as east, agent("west") as west:
        import consul as package

        with package.Consul(port=west.port) as client:
            client.agent.join(f"127.0.0.1:{east.wan_port}", wan=True)
            until(lambda: len(client.catalog.datacenters()) == 2)
            # A moment later requests are forwarded.
            until(lambda: forwarded(client), seconds=30)
        yield east, west


def forwarded(client):
    try:
        return client.catalog.nodes(dc="east").data
    except ConsulException:
        time.sleep(0.05)
        return None


def test_two_datacenters(make_client, datacenters, prefix):
    east, west = (make_client(port=agent.port) for agent in datacenters)
    assert set(west.catalog.datacenters()) == {"east", "west"}
    assert east.kv.put(prefix, "in the east")
    assert west.kv.get(prefix).data is None
    assert west.kv.get(prefix, dc="east").data["Value"] == b"in the east"
    assert west.kv.put(prefix, "from the west", dc="east") is True
    assert east.kv.get(prefix).data["Value"] == b"from the west"
    names = {member["Name"].rpartition(".")[2] for member in west.agent.members(wan=True)}
    assert names == {"east", "west"}
    assert "west" in {each["Datacenter"] for each in west.coordinate.datacenters()}
    far = make_client(port=datacenters[1].port, dc="east")
    assert far.kv.get(prefix).data["Value"] == b"from the west"
    assert far.catalog.nodes().data[0]["Datacenter"] == "east"
    with pytest.raises(ServerError, match="No path to datacenter"):
        west.kv.get(prefix, dc="nowhere")
    # The catalog of the other one, with its own index.
    assert west.catalog.services(dc="east", index=1, wait="10ms").data == {"consul": []}
    east.kv.delete(prefix)
