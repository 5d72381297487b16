"""Fixtures of all tests: real agents, and a client of each flavour.

What is missing on this machine (a server, a flavour's library) is skipped, saying how to get it;
where the environment has ``CI=true`` it fails.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent import Agent
from tests.flavours import FLAVOURS, Blocking, Flavour, missing
from tests.matrix import pytest_addoption as pytest_addoption
from tests.matrix import pytest_configure as pytest_configure
from tools import servers

FOUND = {server.version: server for server in servers.find()}
VERSIONS = sorted({*FOUND, *servers.wanted()})


def pytest_report_header() -> list[str]:
    lines = [f"Consul {server}" for _, server in sorted(FOUND.items())]
    return lines + [
        f"skipped: {servers.how_to_get(version)}" for version in VERSIONS if version not in FOUND
    ]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's own reaches a client."""
    for name in list(os.environ):
        if name.startswith("CONSUL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def agents() -> Iterator[Callable[[Path, bool], Agent]]:
    """The running agent of a binary, with ACLs or without; each is started once."""
    running: dict[tuple[Path, bool], Agent] = {}
    with contextlib.ExitStack() as stack:

        def get(binary: Path, acl: bool) -> Agent:
            if (binary, acl) not in running:
                running[binary, acl] = stack.enter_context(Agent(binary, acl=acl))
            return running[binary, acl]

        yield get


@pytest.fixture(scope="session", params=VERSIONS, ids=servers.dotted)
def server(request: pytest.FixtureRequest) -> Path:
    """The binary of each server version."""
    if request.param not in FOUND:
        missing(servers.how_to_get(request.param))
    return FOUND[request.param].path


@pytest.fixture
def agent(server: Path, agents: Callable[[Path, bool], Agent]) -> Agent:
    """A running agent without ACLs, shared by all tests."""
    return agents(server, False)


@pytest.fixture
def acl_agent(server: Path, agents: Callable[[Path, bool], Agent]) -> Agent:
    """A running agent with ACLs, default deny; its ``token`` may do everything."""
    return agents(server, True)


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Iterator[Flavour]:
    """Each flavour."""
    try:
        runner = FLAVOURS[request.param]()
    except ImportError as error:
        missing(str(error))
    yield runner
    runner.stop()


@pytest.fixture
def make_client(flavour: Flavour) -> Iterator[Callable[..., Blocking]]:
    """Makes masked clients of the flavour, and closes them in the end."""
    made: list[Blocking] = []

    def make(**options: Any) -> Blocking:
        made.append(flavour.client(**options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def consul(make_client: Callable[..., Blocking], agent: Agent) -> Blocking:
    """A masked client of each flavour, of each server."""
    return make_client(port=agent.port)


@pytest.fixture
def acl_consul(make_client: Callable[..., Blocking], acl_agent: Agent) -> Blocking:
    """The same, of an agent with ACLs, with its management token."""
    return make_client(port=acl_agent.port, token=acl_agent.token)


@pytest.fixture
def prefix() -> str:
    """A name that no other test uses; KV keys go below it."""
    return f"test-{uuid.uuid4()}"
