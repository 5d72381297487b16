"""The HTTP client of every flavour, less the I/O, and what a client makes of its settings."""

from __future__ import annotations

import os

import pytest

from consul import base
from consul.address import Address
from consul.base import Consul
from consul.callback import CB
from consul.config import Config, resolve
from consul.request import Response
from consul.retry import Retry
from consul.tls import TLS


class Recorder(base.HTTPClient):
    """Keeps the calls it is sent, and counts how often it was told of a fork."""

    def _setup(self):
        self.calls, self.forks = [], 0

    def forked(self):
        self.forks += 1

    def send(self, call):
        self.ready()
        self.calls.append(call)
        return call.read(Response(200, {}, b'"answer"'))


class Client(Consul):
    client_class = Recorder


# The HTTP client


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        ((), "http://127.0.0.1:8500"),
        (("h", "1", "https"), "https://h:1"),
        (("::1", 1), "http://[::1]:1"),
        (("[::1]", 1), "http://[::1]:1"),
    ],
)
def test_python_consuls_arguments(arguments, uri):
    http = base.HTTPClient(*arguments)
    assert http.base_uri == uri
    assert repr(http) == f"<consul.base.HTTPClient {uri}>"
    assert repr(http.config.retry) == repr(Retry())


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"port": 0}, "port"),
        ({"verify": ""}, "verify"),
        ({"cert": ("a",)}, "cert"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        base.HTTPClient(**arguments)


def test_arguments_against_a_config():
    """A subclass may pass on other ones than it was given; the rest of the config stays."""
    config = Config(Address("h", 1, "https", "/p"), tls=TLS(True, None, "name"))
    same = base.HTTPClient("h", 1, "https", config=config)
    assert same.config == config
    other = base.HTTPClient("other", 1, "https", False, "file", config=config)
    assert other.base_uri == "https://other:1/p"
    assert other.config.tls == TLS(False, "file", "name")
    socket = Config(Address("localhost", 80, socket="/x"))
    assert base.HTTPClient("localhost", 80, config=socket).address.socket == "/x"
    assert base.HTTPClient("h", 80, config=socket).address.socket is None


def test_an_assigned_base_uri_counts():
    http = base.HTTPClient(config=Config())
    before = http.address
    assert http.address is before
    http.base_uri = "https://h/p/"
    assert http.address == Address("h", 443, "https", "/p")
    assert http.config.address is http.address
    http.base_uri = "ftp://h"
    with pytest.raises(ValueError, match=r"^base_uri "):
        _ = http.address


def test_a_unix_socket_is_shown():
    http = base.HTTPClient("localhost", 80, config=resolve("unix:///run/consul.sock", environ={}))
    assert repr(http) == "<consul.base.HTTPClient unix:///run/consul.sock>"
    http.base_uri = "http://h:1"
    assert repr(http) == "<consul.base.HTTPClient http://h:1>"


def test_a_closed_client_refuses():
    http = Recorder()
    http.ready()
    http.closed = True
    with pytest.raises(RuntimeError, match=r"Recorder http://127.0.0.1:8500> is closed"):
        http.get(CB.json(), "/")
    assert http.calls == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_tells_every_client_once():
    clients = [Recorder(), Recorder()]
    child = os.fork()
    if child == 0:
        os._exit(sum(http.forks == 1 for http in clients))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert [http.forks for http in clients] == [0, 0]


@pytest.mark.parametrize("method", ["send", "run"])
def test_a_flavour_must_send_and_run(method):
    with pytest.raises(NotImplementedError, match=rf"HTTPClient does not define {method}\(\)"):
        getattr(base.HTTPClient(), method)(None)


@pytest.mark.parametrize(
    ("verb", "data", "body", "repeatable"),
    [
        ("get", None, None, True),
        ("put", "é", "é".encode(), False),
        ("post", b"\xff", b"\xff", False),
        ("delete", None, None, False),
    ],
)
def test_the_verbs(verb, data, body, repeatable):
    http = Recorder()
    more = {} if verb == "get" else {"data": data}
    params = {"token": "t", "a": 1}
    assert getattr(http, verb)(CB.json(), "/v1/a b", params, headers={"x": "y"}, **more) == "answer"
    request = http.calls[0].request
    assert (request.method, request.target) == (verb.upper(), "/v1/a%20b?a=1")
    assert {("x", "y"), ("X-Consul-Token", "t")} <= set(request.headers)
    assert (request.body, request.repeatable) == (body, repeatable)


def test_uri():
    http = base.HTTPClient("h", 1, config=Config(Address("h", 1, prefix="/p")))
    assert http.uri("/v1/a b", {"c": "d e"}) == "http://h:1/p/v1/a%20b?c=d%20e"
    assert http.uri("/v1/a") == "http://h:1/p/v1/a"


# The client


def test_settings_reach_every_request_and_the_http_client():
    client = Client("h:1/p", token="t", ns="n", partition="q", timeout=5, headers={"a": "b"},
                    auth="u:s3cret", retry=False)  # fmt: skip
    assert client.http.config == client.config
    assert client.http.base_uri == "http://h:1/p"
    for described in (client.describe, client.describe.describe):
        request = described.kv.get("x").request
        assert request.target == "/v1/kv/x?ns=n&partition=q"
        assert dict(request.headers)["a"] == "b"
        assert request.deadline == 5
        assert "s3cret" in request.secrets
        assert "s3cret" not in repr(described)


def test_a_describing_client_has_the_settings_of_the_moment():
    client = Client()
    client.token, client.dc, client.consistency = "t", "d", "stale"
    request = client.describe.kv.get("x").request
    assert request.target == "/v1/kv/x?stale=1&dc=d"
    assert ("X-Consul-Token", "t") in request.headers


@pytest.mark.parametrize("name", ["ns", "partition"])
def test_a_describing_client_has_the_scope_of_the_moment(name):
    client = Client()
    setattr(client, name, "later")
    assert client.describe.kv.get("x").request.params == ((name, "later"),)


@pytest.mark.parametrize("value", ["best", ""])
def test_a_consistency_that_does_not_exist(value):
    with pytest.raises(ValueError, match=r"^consistency must be one of default, consistent, stale"):
        Consul(consistency=value)


def test_clients_show_where_they_point():
    assert repr(Consul()) == "<consul.base.Consul (describes calls only)>"
    assert repr(Client()).endswith(".Recorder http://127.0.0.1:8500>>")
    with pytest.raises(TypeError, match=r"^Consul has no HTTP client of its own"):
        Consul().http_connect("h", 1, "http")
