"""Clients of an agent with ACLs, for the tests that need several tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.agent import Agent
from tests.flavours import Blocking


@pytest.fixture
def acl_client(make_client: Callable[..., Blocking], acl_agent: Agent) -> Callable[..., Blocking]:
    """Makes clients of the agent with ACLs: with its management token, or another."""

    def make(token: str | None = acl_agent.token) -> Blocking:
        return make_client(port=acl_agent.port, token=token)

    return make
