"""Keywords that an old server would ignore."""

from __future__ import annotations

import json

import pytest

from consul.base import Consul
from consul.core import gate
from consul.core.client import HTTPClient
from consul.core.request import Gated, Response
from consul.core.settings import Settings
from consul.core.steps import drive_directly
from consul.exceptions import ConnectionFailed, Unsupported


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.22.7", (1, 22, 7)),
        ("1.18.1+ent", (1, 18, 1)),
        ("2.0.0-rc1", (2, 0, 0)),
        ("1.22", (1, 22, 0)),
        ("", None),
        ("head", None),
    ],
)
def test_numbers_of_a_version(text, found):
    assert gate.numbers(text) == found


class Agent(HTTPClient):
    """Answers as an agent of *version*, or as one that does not say it."""

    version = "1.8.7"
    code = 200

    def _set_up(self):
        self.paths = []

    def _attempt(self, call):
        self.paths.append(call.request.path)
        if self.code is None:
            raise ConnectionFailed("refused")
        if call.request.path == "/v1/agent/self":
            body = json.dumps({"Config": {"Version": self.version}})
            return call.read(Response(self.code, {}, body.encode()))
        return call.read(Response(200, {}, b"{}"))

    def send(self, call):
        assert not self._is_plain(call)
        return drive_directly(self._sending(call), self._perform)


CALL = Consul().catalog.services(filter="a == b", token="secret-token")


def test_it_is_the_keyword_that_makes_the_difference():
    assert type(CALL) is Gated
    assert type(Consul().catalog.services(filter=None)) is not Gated
    assert type(Consul().catalog.services()) is not Gated
    # Its copies are gated as well.
    assert type(CALL.within(1)) is Gated


def test_the_question_has_the_same_token_and_nothing_of_the_call():
    request = gate.question(CALL).request
    assert request.target == "/v1/agent/self"
    assert ("X-Consul-Token", "secret-token") in request.headers


def test_an_agent_that_was_replaced_by_a_newer_one_is_asked_again():
    http = Agent(Settings())
    with pytest.raises(Unsupported, match=r"GET .*/v1/catalog/services: Consul 1\.8\.7 ignores"):
        http.send(CALL)
    http.version = "1.14.0"
    assert http.send(CALL).data == {}
    assert http.send(CALL).data == {}
    assert http.paths == ["/v1/agent/self"] * 2 + ["/v1/catalog/services"] * 2


@pytest.mark.parametrize(("code", "version"), [(403, "1.8.7"), (404, "1.8.7"), (200, "head")])
def test_an_agent_that_does_not_say_is_asked_once(code, version):
    http = Agent(Settings())
    http.code, http.version = code, version
    for _ in range(2):
        assert http.send(CALL).data == {}
    assert http.paths == ["/v1/agent/self"] + ["/v1/catalog/services"] * 2


def test_an_agent_that_fails_is_asked_again():
    http = Agent(Settings())
    http.code = 500
    for _ in range(2):
        assert http.send(CALL).data == {}
    assert http.paths.count("/v1/agent/self") == 2
    http.code = None
    with pytest.raises(ConnectionFailed):
        http.send(CALL)
