"""Every endpoint fails in every flavour with an exception that says what the server said."""

from __future__ import annotations

import uuid

import pytest

from consul import ConsulException
from consul.base import Consul
from tests.agent import Agent
from tests.proof import UNFAILING, has
from tests.unit.test_endpoints import METHODS, call
from tools.servers import dotted

#: What a server refuses: a token that it does not know, a datacenter, a namespace of Enterprise.
WRONG = ({}, {"dc": "nowhere"}, {"ns": "team"})
#: Those that only an agent without ACLs refuses; test_acl.py asks it.
ELSEWHERE = {"acl.info"}


@pytest.fixture(scope="module")
def refusing(server):
    """An agent of these tests' own: what they ask it for, it must not do."""
    with Agent(server, acl=True) as agent:
        yield agent


def failure(consul, name):
    """What the endpoint fails with; None when it does not."""
    described = Consul(token=str(uuid.uuid4()), timeout=5)
    for options in WRONG:
        try:
            consul._send(call(name, described, **options))
        except ConsulException as error:
            if error.status is not None:
                return error
    return None


def test_every_endpoint_fails(make_client, refusing):
    consul = make_client(port=refusing.port)
    for name, method in METHODS.items():
        error, route = failure(consul, name), method.route
        there = has(dotted(refusing.version), route.since, route.removed)
        if error is None:
            assert name in {*UNFAILING, *ELSEWHERE}, f"{name} does not fail"
        else:
            assert name not in UNFAILING or not there, f"{name} fails: {error}"
            assert error.method == route.method
            assert there or error.status in (404, 405), f"{name}: {error}"
