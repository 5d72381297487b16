"""Clients of an agent with ACLs, the parser, and what every call of these tests is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_origin

import pytest

from consul import Consul, ConsulException
from consul.core import answers, stream
from consul.core.answers import Indexed
from consul.core.request import Call, Response
from consul.recipes.polls import Heard
from tests.agent import Agent
from tests.flavours import PATIENCE, Blocking
from tests.proof import SUCCESS, Seen
from tests.shapes import answer_of, wrong
from tests.unit.test_endpoints import METHODS
from tools import servers

#: The flavour that reads the answers of real servers as it does where orjson is missing.
WITHOUT_ORJSON = "threads"


@pytest.fixture(autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("flavour") == WITHOUT_ORJSON:
        monkeypatch.setattr(answers, "_loads", answers._standard_loads)


@pytest.fixture
def _note(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Notes what a call came to, for the proof; see tests/proof.py."""
    plugin = request.config.pluginmanager.get_plugin("proof")
    params = getattr(getattr(request.node, "callspec", None), "params", {})

    def note(name: str, outcome: str) -> None:
        if plugin is not None and "flavour" in params:
            # Where it is no parameter, the fixtures have agents of one version.
            versions = (agent.version for agent in _agents(list(request.node.funcargs.values())))
            server = params.get("server") or next(versions, None)
            if server is not None:
                plugin.seen.add(Seen(name, servers.dotted(server), params["flavour"], outcome))

    return note


def _agents(value: Any) -> Iterator[Agent]:
    """The agents in the values of fixtures."""
    if isinstance(value, Agent):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _agents(each)


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch, _note: Callable[[str, str], None]) -> None:
    """Compare each answer with the type that its endpoint is annotated with, and note it."""
    read = Call.read

    def compared(call: Call[Any], response: Any) -> Any:
        try:
            value = read(call, response)
        except ConsulException as error:
            if call.route is not None:
                _note(call.route.name, type(error).__name__)
            raise
        answer = value.answer if isinstance(value, Heard) else value
        unread = isinstance(value, Heard) and value.same
        # A hook is given the response itself.
        if call.route is not None and not isinstance(value, Response) and not unread:
            kind = answer_of(METHODS[call.route.name])
            # Consul.with_meta() adds it.
            added = isinstance(answer, Indexed) and get_origin(kind) is not Indexed
            reason = wrong(answer.data if added else answer, kind)
            # Not a ConsulException, which a test may expect.
            assert reason is None, f"{call.route.name}: {reason}"
            _note(call.route.name, SUCCESS)
        return value

    monkeypatch.setattr(Call, "read", compared)
    perform = stream.performing

    async def performed(http: Any, call: Any) -> Any:
        value = await perform(http, call)
        if not isinstance(value, stream.Body):
            reason = wrong(value, answer_of(METHODS[call.route.name]))
            assert reason is None, f"{call.route.name}: {reason}"
        _note(call.route.name, SUCCESS)
        return value

    monkeypatch.setattr(stream, "performing", performed)


@pytest.fixture
def other(agent: Agent) -> Iterator[Consul]:
    """Another process, by a client of its own."""
    with Consul(port=agent.port) as client:
        yield client


@pytest.fixture(scope="session")
def mesh(server: Path) -> Iterator[Agent]:
    """An agent with services of the mesh, which its tests only read.

    ``web`` has a sidecar proxy, and the gateway ``ingress``; ``db`` is behind ``term``.  The proxy
    fails its check.
    """
    upstream = {"DestinationName": "db", "LocalBindPort": 9001, "Config": {"x": 1}}
    sidecar = {
        "Port": 21000,
        "Proxy": {
            "Config": {"y": {"z": 1}},
            "Upstreams": [upstream | {"MeshGateway": {"Mode": "remote"}}],
            "MeshGateway": {"Mode": "local"},
            "Expose": {"Paths": [{"Path": "/h", "ListenerPort": 2101, "LocalPathPort": 80}]},
        },
    }
    listener = {"Port": 8080, "Protocol": "http", "Services": [{"Name": "web", "Hosts": ["a.b"]}]}
    behind = {"Name": "db", "CAFile": "/ca", "CertFile": "/cert", "KeyFile": "/key", "SNI": "db"}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("config", {"Kind": "service-defaults", "Name": "web", "Protocol": "http"}),
        ("config", {"Kind": "ingress-gateway", "Name": "ingress", "Listeners": [listener]}),
        ("config", {"Kind": "terminating-gateway", "Name": "term", "Services": [behind]}),
        (
            "agent/service/register",
            {"Name": "web", "Port": 80, "Tags": ["v1"], "Connect": {"SidecarService": sidecar}},
        ),
        ("agent/service/register", {"Name": "db", "Port": 5432}),
        ("agent/service/register", {"Name": "ingress", "Kind": "ingress-gateway", "Port": 8443}),
        ("agent/service/register", {"Name": "term", "Kind": "terminating-gateway", "Port": 8444}),
    ]
    with Agent(server) as agent:
        for path, body in requests:
            status, text = agent.request("PUT", f"/v1/{path}", json.dumps(body).encode())
            assert status == 200, text
        # The proxy has a check that passes with those of the service.
        end = time.monotonic() + PATIENCE
        checks = f"/v1/health/node/{agent.name}"
        while [one["Status"] for one in agent.get(checks) if one["Type"] == "alias"] != ["passing"]:
            assert time.monotonic() < end
            time.sleep(0.02)
        yield agent


@pytest.fixture
def mesh_consul(make_client: Callable[..., Blocking], mesh: Agent) -> Blocking:
    """A client of that agent."""
    return make_client(port=mesh.port)


@pytest.fixture
def acl_client(make_client: Callable[..., Blocking], acl_agent: Agent) -> Callable[..., Blocking]:
    """Makes clients of the agent with ACLs: with its management token, or another."""

    def make(token: str | None = acl_agent.token) -> Blocking:
        return make_client(port=acl_agent.port, token=token)

    return make
