"""Connections that are kept, shared, limited and lost, in every flavour."""

from __future__ import annotations

import pytest

import consul as package
from tests.agent import Agent, free_ports
from tests.faults import FAULT, Fault, FaultServer, Proxy
from tests.flavours import LATE
from tests.network.together import raw, together, values

#: How many idle blocking queries are open at a time.
MANY = {"std": 50, "threads": 50}


@pytest.fixture
def faults():
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        yield server


@pytest.mark.behaviour("Connections", "Calls one after the other use one connection")
def test_keep_alive(make_client, faults):
    client = make_client(port=faults.port)
    for _ in range(5):
        assert client.kv.get("good")[0] == 7
        assert client.kv.put("good", "1") is True
        assert client.catalog.nodes()[0] == 7
    assert len(faults.connections) == 1


@pytest.mark.behaviour("Connections", "Many idle blocking queries do not hold up plain calls")
def test_many_blocking_queries(make_client, flavour, agent, prefix):
    many = MANY.get(flavour.name, 200)
    with Proxy(agent.port) as proxy:
        client = make_client(port=proxy.port)
        client.kv.put(prefix, "1")
        index, _ = client.kv.get(prefix)
        kv, before = raw(client).kv, proxy.passed

        def passed(calls):
            return lambda: proxy.passed >= before + calls

        # Each call waits until those before it are with the agent.
        outcomes = together(
            flavour,
            *((0, lambda: kv.get(prefix, index=index, wait="60s")) for _ in range(many)),
            (passed(many), lambda: kv.get(prefix)),
            (passed(many + 1), lambda: kv.put(f"other-{prefix}", "1")),
            (passed(many + 2), raw(client).status.leader),
            (passed(many + 3), lambda: kv.put(prefix, "2")),
        )
    answers = values(outcomes)
    assert {answer[1]["Value"] for answer in answers[:many]} == {b"2"}
    assert answers[many][1]["Value"] == b"1"
    # The write has woken them.
    assert max(outcome.seconds for outcome in outcomes[:many]) < 45
    assert max(outcome.seconds for outcome in outcomes[many:]) < LATE


@pytest.mark.behaviour("Connections", "max_polls limits blocking queries, not plain calls")
def test_max_polls(make_client, flavour, faults):
    client = make_client(port=faults.port, timeout=1, max_polls=2)
    kv = raw(client).kv

    def full():
        return len(faults.requests) >= 2

    outcomes = together(
        flavour,
        # Each ends after 0.8 + 0.05 + 1 s.
        *((0, lambda: kv.get("fault", index=7, wait="800ms")) for _ in range(2)),
        # Its own limit, 0.16 + 0.01 + 0.2 s, is over before there is a slot, so it is never sent.
        (full, lambda: kv.get("fault", index=7, wait="160ms", timeout=0.2)),
        # These would wait for a slot longer than their timeout.
        *((full, lambda: kv.get("good")) for _ in range(5)),
    )
    for outcome in outcomes[:3]:
        assert isinstance(outcome.error, package.Timeout), outcome
    assert outcomes[2].seconds > 0.3
    values(outcomes[3:])
    assert sum(path.startswith(FAULT) for path in faults.paths()) == 2
    assert client.kv.get("good", index=6, wait="1s")[0] == 7


@pytest.mark.behaviour("Connections", "max_polls limits blocking queries, not plain calls")
def test_slots_are_handed_on(make_client, flavour, agent, prefix):
    with Proxy(agent.port) as proxy:
        client = make_client(port=proxy.port, max_polls=2)
        client.kv.put(prefix, "1")
        index, _ = client.kv.get(prefix)
        kv = raw(client).kv
        plan = (0, lambda: kv.get(prefix, index=index, wait="500ms"))
        for again, pair in values(together(flavour, *[plan] * 6)):
            assert (again, pair["Value"]) == (index, b"1")
        assert len(proxy.connections) <= 2


@pytest.fixture(scope="module")
def narrow_agent(server):
    """An agent that takes 5 connections of a client."""
    with Agent(server, config={"limits": {"http_max_conns_per_client": 5}}) as agent:
        yield agent


@pytest.mark.behaviour("Connections", "The agent's limit of connections shows as an error")
def test_limit_of_the_agent(make_client, flavour, narrow_agent, prefix):
    with_limit = make_client(port=narrow_agent.port, retry=False)
    kv = raw(with_limit).kv
    index, _ = with_limit.kv.get(prefix)
    outcomes = together(
        flavour, *((0.02 * n, lambda: kv.get(prefix, index=index, wait="1500ms")) for n in range(9))
    )
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    assert 1 <= len(errors) <= 5
    for error in errors:
        if narrow_agent.version >= (1, 9):
            assert isinstance(error, package.RateLimited), error
            assert "too many concurrent connections" in str(error)
        else:
            assert isinstance(error, package.ConnectionFailed), error
    assert with_limit.kv.get(prefix)[1] is None


@pytest.mark.behaviour("Connections", "Calls above the agent's limit of connections are repeated")
def test_limit_of_the_agent_with_the_default_policy(make_client, flavour, narrow_agent, prefix):
    client = make_client(port=narrow_agent.port)
    index, _ = client.kv.get(prefix)
    kv = raw(client).kv
    values(
        together(
            flavour, *((0, lambda: kv.get(prefix, index=index, wait="500ms")) for n in range(9))
        )
    )


@pytest.mark.behaviour("Connections", "A kept connection that the server closed is no error")
@pytest.mark.parametrize("retry", [True, False], ids=["default policy", "no policy"])
def test_closed_meanwhile(make_client, flavour, faults, retry):
    client = make_client(port=faults.port, retry=retry)
    plain = raw(client)
    outcomes = together(
        flavour,
        (0, lambda: plain.kv.get("good")),
        (0.2, lambda: faults.hang_up()),
        (0.4, lambda: plain.kv.get("good")),
        (0.6, lambda: faults.hang_up()),
        (0.8, lambda: plain.kv.put("good", "1")),
    )
    values(outcomes)
    assert len(faults.connections) == 3
    assert len(faults.requests) == 3


@pytest.mark.behaviour("Connections", "A kept connection that the server closed is no error")
def test_closed_while_no_loop_ran(make_client, faults):
    client = make_client(port=faults.port)
    assert client.kv.get("good")[0] == 7
    faults.hang_up()
    assert client.kv.get("good")[0] == 7
    assert len(faults.requests) == 2


@pytest.mark.behaviour("Connections", "A server that was restarted between two calls is no error")
def test_restarted_server(make_client):
    with FaultServer(port=free_ports(1)[0]) as before:
        client = make_client(port=before.port)
        assert client.kv.get("good")[0] == 7
    with FaultServer(port=before.port) as after:
        assert client.kv.get("good")[0] == 7
        assert client.kv.put("good", "1") is True
        assert len(after.connections) == 1
