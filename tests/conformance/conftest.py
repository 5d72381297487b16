"""Clients of an agent with ACLs, for the tests that need several tokens; and the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_origin

import pytest

from consul.core import answers
from consul.core.answers import Indexed
from consul.core.request import Call, Response
from tests.agent import Agent
from tests.flavours import Blocking
from tests.shapes import answer_of, wrong
from tests.unit.test_endpoints import METHODS

#: The flavour that reads the answers of real servers as it does where orjson is missing.
WITHOUT_ORJSON = "threads"


@pytest.fixture(autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("flavour") == WITHOUT_ORJSON:
        monkeypatch.setattr(answers, "_loads", answers._standard_loads)


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare each answer with the type that its endpoint is annotated with."""
    read = Call.read

    def compared(call: Call[Any], response: Any) -> Any:
        value = read(call, response)
        # A hook is given the response itself.
        if call.route is not None and not isinstance(value, Response):
            kind = answer_of(METHODS[call.route.name])
            # Consul.with_meta() adds it.
            added = isinstance(value, Indexed) and get_origin(kind) is not Indexed
            reason = wrong(value.data if added else value, kind)
            # Not a ConsulException, which a test may expect.
            assert reason is None, f"{call.route.name}: {reason}"
        return value

    monkeypatch.setattr(Call, "read", compared)


@pytest.fixture
def acl_client(make_client: Callable[..., Blocking], acl_agent: Agent) -> Callable[..., Blocking]:
    """Makes clients of the agent with ACLs: with its management token, or another."""

    def make(token: str | None = acl_agent.token) -> Blocking:
        return make_client(port=acl_agent.port, token=token)

    return make
