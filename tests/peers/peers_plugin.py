"""What the tests of older projects expect of Python and pytest; see tools/peers_tests.py."""

from __future__ import annotations

import asyncio
import os
import types
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
import requests
from pytest_httpserver import HTTPServer

# pytest-twisted had it here.
vars(pytest).setdefault("inlineCallbacks", pytest_twisted.inlineCallbacks)
# Python had it until 3.10.
vars(asyncio).setdefault("coroutine", types.coroutine)


# Some tests stop the server that all share, before its own fixture does.
_stop, _expect = HTTPServer.stop, HTTPServer.expect_request


def _stop_once(server: HTTPServer) -> None:
    if server.is_running():
        _stop(server)


def _expect_running(server: HTTPServer, *args: Any, **given: Any) -> Any:
    if not server.is_running():
        server.start()
    return _expect(server, *args, **given)


HTTPServer.stop = _stop_once
HTTPServer.expect_request = _expect_running


@pytest.fixture(autouse=True)
def _no_nodes(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails leaves no nodes behind; the older suites share an agent."""
    found = []
    for name in ("consul_port", "acl_consul", "acl_consul_policy_allow"):
        if name in request.fixturenames:
            value = request.getfixturevalue(name)
            found.append((getattr(value, "port", value), getattr(value, "token", "")))
    yield
    for port, token in found:
        if isinstance(port, int):
            base, headers = f"http://127.0.0.1:{port}/v1", {"X-Consul-Token": token}
            own = requests.get(f"{base}/agent/self", headers=headers).json()["Config"]["NodeName"]
            for node in requests.get(f"{base}/catalog/nodes", headers=headers).json():
                if node["Node"] != own:
                    body = {"Node": node["Node"]}
                    requests.put(f"{base}/catalog/deregister", json=body, headers=headers)


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """A test that fails leaves no variables behind."""
    kept = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(kept)


def pytest_configure(config: Any) -> None:
    import consul

    # Not the other project's.
    assert hasattr(consul, "BadAnswer"), consul.__file__
