"""What is done to a whole node: on an agent of these tests' own, in every flavour."""

from __future__ import annotations

import json

import pytest

from consul import ConsulException, NotFound, UnknownService
from tests.agent import Agent
from tests.conformance.test_agent import until


@pytest.fixture(scope="module")
def lonely(server):
    with Agent(server) as agent:
        yield agent


@pytest.fixture
def own(make_client, lonely):
    return make_client(port=lonely.port)


def test_maintenance(own):
    assert own.agent.maintenance(True, "a & b") is True
    assert own.agent.checks()["_node_maintenance"]["Notes"] == "a & b"
    assert own.agent.maintenance(False) is True
    assert "_node_maintenance" not in own.agent.checks()


def test_join_and_force_leave(own, lonely):
    # It is there already, and it is alive: it says so.
    assert own.agent.join(f"{lonely.host}:{lonely.lan_port}") is True
    assert own.agent.force_leave(lonely.name) is True
    assert [member["Status"] for member in own.agent.members()] == [1]
    with pytest.raises(ConsulException):
        own.agent.join(f"{lonely.host}:1")
    with pytest.raises(ConsulException, match="nobody"):
        own.agent.force_leave("nobody")


def test_one_service(own, prefix):
    assert own.agent.service.register(prefix, tags=["a"]) is True
    found = own.agent.service.get(prefix)
    assert (found["ID"], found["Tags"]) == (prefix, ["a"])
    # It has not changed meanwhile.
    again = own.agent.service.get(prefix, hash=found["ContentHash"], wait="10ms")
    assert again["ContentHash"] == found["ContentHash"]
    assert own.agent.service.deregister(prefix) is True
    with pytest.raises(UnknownService):
        own.agent.service.get(prefix)


def test_coordinate_of_a_node(own, lonely):
    with pytest.raises(NotFound):
        own.coordinate.node("nobody")
    coord = {"Vec": [0.5] * 8, "Error": 1.5, "Adjustment": 0.0, "Height": 0.01}
    body = json.dumps({"Node": lonely.name, "Coord": coord}).encode()
    assert lonely.request("PUT", "/v1/coordinate/update", body)[0] == 200

    def found():
        # The servers write it a moment later.
        try:
            return own.coordinate.node(lonely.name).data
        except NotFound:
            return None

    (entry,) = until(found)
    assert (entry["Node"], len(entry["Coord"]["Vec"])) == (lonely.name, 8)
