"""Whether a client can work, told apart."""

from __future__ import annotations

import uuid

import pytest

from consul import ACLPermissionDenied, ConnectionFailed, NoLeader
from tests.agent import Agent, free_ports
from tests.conformance.test_agent import until


def test_all_is_well(consul, acl_consul):
    for client in (consul, acl_consul):
        found = client.ping()
        assert found
        assert found[:3] == (True, True, True)
        assert found.error is None


def test_a_token_that_nobody_knows(acl_client):
    found = acl_client(token=str(uuid.uuid4())).ping()
    assert not found
    assert found[:3] == (True, True, False)
    assert isinstance(found.error, ACLPermissionDenied)


def test_without_a_token(acl_client):
    assert acl_client(token="").ping().token is True


def test_no_agent(make_client):
    (port,) = free_ports(1)
    found = make_client(port=port, token="t" * 36).ping(timeout=2)
    assert not found
    assert found[:3] == (False, None, None)
    assert isinstance(found.error, ConnectionFailed)
    assert "t" * 36 not in repr(found)


@pytest.fixture
def lonely(server):
    """An agent without a server."""
    config = {"server": False, "bootstrap": False}
    agent = Agent(server, config=config, persistent=True)
    try:
        agent.start(wait=False)
        yield agent
    finally:
        agent.close()


def test_no_server(make_client, lonely):
    client = make_client(port=lonely.port, retry=False)
    until(lambda: client.ping(timeout=10).agent, seconds=30)
    found = client.ping(timeout=10)
    assert not found
    assert found[:3] == (True, False, None)
    assert isinstance(found.error, NoLeader)
