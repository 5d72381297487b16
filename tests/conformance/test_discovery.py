"""Discovery on real servers, in every flavour."""

from __future__ import annotations

import time

import pytest

from consul import Check, NoInstance, Timeout
from tests.agent import Agent
from tests.flavours import LATE


def test_instances(consul, other, prefix):
    view = consul.discover(prefix, tag="v1")
    target = view._target
    assert view.wait(timeout=LATE) == ()
    with pytest.raises(NoInstance):
        target.pick()
    for name, address, tag in [("a", "10.0.0.7", "v1"), ("b", "::1", "v1"), ("c", None, "v2")]:
        other.agent.service.register(
            prefix,
            f"{prefix}-{name}",
            address,
            8000,
            [tag],
            check=Check.ttl("60s") | {"Status": "passing"},
            meta={"name": name},
            weights={"Passing": 3, "Warning": 1},
        )
    found = view.wait_for(2, timeout=LATE)
    assert sorted(each.meta["name"] for each in found) == ["a", "b"]
    assert {each.url("/x") for each in found} == {
        "http://10.0.0.7:8000/x",
        "http://[::1]:8000/x",
    }
    assert {(each.weight, each.status, each.tags) for each in found} == {(3, "passing", ("v1",))}
    with target.using("least_used") as one, target.using("least_used") as two:
        assert one != two
    other.agent.check.ttl_fail(f"service:{prefix}-a")
    end = time.monotonic() + LATE
    while len(target.instances) > 1 and time.monotonic() < end:
        # An event loop has to run for it.
        consul.status.leader()
    (left,) = target.instances
    assert left.meta["name"] == "b"
    assert target.pick() == left
    # That of the node, where the service has none.
    every = consul.discover(prefix, passing=False, near="_agent", policy="nearest")
    assert len(every.wait_for(3, timeout=LATE)) == 3
    assert "127.0.0.1" in {each.address for each in every._target.instances}
    every.close()
    view.close()
    assert consul._target.http._tasks == set()


def test_an_agent_that_is_away(server, make_client, prefix):
    with Agent(server, persistent=True) as agent:
        consul = make_client(port=agent.port)
        consul.agent.service.register(prefix, port=80)
        view = consul.discover(prefix)
        found = view.wait_for(timeout=LATE)
        agent.kill()
        with pytest.raises(Timeout):
            view.wait_for(2, timeout=1)
        assert view._target.instances == found
        assert view._target.error is not None
        agent.start()
        consul.agent.service.register(prefix, f"{prefix}-2", port=81)
        assert len(view.wait_for(2, timeout=LATE)) == 2
        view.close()
