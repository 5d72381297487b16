"""Fixtures of all tests: real agents, and a client of each flavour.

What is missing on this machine (a server, a flavour's library) is skipped, saying how to get it;
where the environment has ``CI=true`` it fails.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from consul.core import answers
from tests import matrix, proof
from tests.agent import Agent
from tests.flavours import FLAVOURS, Blocking, Flavour, missing
from tools import servers

# An example may take long on a machine that has other things to do.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

FOUND = {server.version: server for server in servers.find()}
VERSIONS = sorted({*FOUND, *servers.wanted()})


#: What `make quick` runs: one flavour that blocks, one that is awaited.
QUICK = ("std", "aio")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--matrix", metavar="FILE", help="write the table of behaviours here")
    parser.addoption(
        "--quick", action="store_true", help=f"only {', '.join(QUICK)}, and one server"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(matrix.Plugin(config), "matrix")
    config.pluginmanager.register(proof.Plugin(config), "proof")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        first = next(iter(FOUND), None)
        left_out = [item for item in items if not is_quick(item, first)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # With `pytest -n`, groups are begun in this order.
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(group(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What `pytest -n` gives to its processes: a group at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def parameters(item: pytest.Item) -> Mapping[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def is_quick(item: pytest.Item, version: servers.Version | None) -> bool:
    params = parameters(item)
    # The type checkers are `make check`'s.
    if item.path.name == "test_typing.py":
        return False
    return params.get("flavour", QUICK[0]) in QUICK and params.get("server", version) == version


#: Files whose fixtures cost more than it would save to have the flavours side by side.
TOGETHER = {"conformance/test_quorum", "network/test_addresses", "network/test_tls"}
#: Tests that have groups of their own, and what of their ids is part of the group's name.
APART = {
    "test_everything_under_gevent": re.compile(r"\w+"),
    # One cluster for all flavours, and all of them idle at the same time.
    "test_leader_loss": re.compile(r"[\d.]+\d"),
    "test_idle_for_21_s": re.compile(r"^"),
}
#: What takes longest begins first, so that nobody waits for it in the end.
FIRST = (
    *("test_everything_under_gevent", "test_leader_loss", "unit/test_typing"),
    *("test_idle_for_21_s", "packaging/", "network/test_soak"),
)


def group(nodeid: str) -> str:
    """Which tests share a process of `pytest -n`: those of a file, for each flavour.

    So a file's own fixtures are made once, and no flavour waits for another.
    """
    path, _, name = nodeid.partition("::")
    name, _, case = name.partition("[")
    if name in APART:
        found = APART[name].search(case)
        return f"{name} {found[0] if found else ''}".strip()
    file = path.removeprefix("tests/").removesuffix(".py")
    flavours = [part for part in case.rstrip("]").split("-") if part in FLAVOURS]
    return file if file in TOGETHER or not flavours else f"{file} {flavours[0]}"


def rank(name: str) -> int:
    places = [number for number, start in enumerate(FIRST) if name.startswith(start)]
    return places[0] if places else len(FIRST)


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


@pytest.fixture
def fresh_acl_agent(server: Path) -> Iterator[Agent]:
    """An agent with ACLs of the test's own, that nobody has a token of."""
    # What is asked without a token is allowed, so that the agent can be seen to be ready.
    with Agent(server, config={"acl": {"enabled": True, "default_policy": "allow"}}) as agent:
        # Servers before 1.11 begin with legacy tokens only.
        end = time.monotonic() + 30
        while agent.request("GET", "/v1/acl/policies")[0] != 403:
            assert time.monotonic() < end
            time.sleep(0.05)
        yield agent


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


@pytest.fixture(params=["orjson", "json"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the parser that reads answers: each of the two."""
    loads = answers._standard_loads
    if request.param == "orjson":
        try:
            loads = import_module("orjson").loads
        except ImportError as error:
            missing(str(error))
    monkeypatch.setattr(answers, "_loads", loads)
    return str(request.param)


@pytest.fixture
def prefix() -> str:
    """A name that no other test uses; KV keys go below it."""
    return f"test-{uuid.uuid4()}"
