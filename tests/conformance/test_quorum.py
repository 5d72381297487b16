"""Three servers: another leader, and a server less."""

from __future__ import annotations

import pytest

from consul import NotFound
from tests.cluster import Cluster
from tests.conformance.test_agent import until
from tests.flavours import FLAVOURS

one_flavour = pytest.mark.parametrize("flavour", [next(iter(FLAVOURS))], indirect=True)


@pytest.fixture(scope="module")
def cluster(server):
    made = Cluster(server).start()
    yield made
    made.close()


def test_another_leader(make_client, cluster):
    leader = until(cluster.leader, seconds=30)
    consul = make_client(port=leader.port)
    if leader.version < (1, 15):
        with pytest.raises(NotFound):
            consul.operator.raft.transfer_leader()
        return
    assert consul.operator.raft.transfer_leader()["Success"] is True
    other = until(lambda: (now := cluster.leader()) is not leader and now, seconds=30)
    # Back to the first one, by its id.
    servers = consul.operator.raft.configuration(consistency="stale")["Servers"]
    (peer_id,) = [each["ID"] for each in servers if each["Node"] == leader.name]
    consul = make_client(port=other.port)
    assert consul.operator.raft_transfer_leader(peer_id)["Success"] is True
    until(lambda: cluster.leader() is leader, seconds=30)


@one_flavour
def test_a_server_less(make_client, cluster):
    leader = until(cluster.leader, seconds=30)
    gone = next(each for each in cluster.servers if each is not leader)
    gone.kill()
    consul = make_client(port=leader.port)
    address = f"{gone.host}:{gone.server_port}"
    assert address in [each["Address"] for each in consul.operator.raft_config()["Servers"]]
    assert consul.operator.raft.remove_peer(address=address) is True
    assert address not in [each["Address"] for each in consul.operator.raft_config()["Servers"]]
