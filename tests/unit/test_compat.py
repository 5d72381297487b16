"""Code written for python-consul: adapters, subclasses, direct use of ``client.http``."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import pytest

import consul
from consul import base, std
from consul.base import CB
from tests.adapters import PatroniConsul, PendingConsul


@pytest.fixture
def server():
    """A server that answers a KV read, keeping what it is asked in ``seen``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.server.seen.append((self.command, self.path, dict(self.headers), body))
            put = b'{"ID": "s1"}' if "session" in self.path else b"true"
            reply = b'[{"Key": "x", "Value": "eA=="}]' if self.command == "GET" else put
            self.send_response(200)
            self.send_header("X-Consul-Index", "9")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_PUT = do_DELETE = do_POST = answer

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads, running.seen = True, []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    with consul.Consul(port=server.server_port) as made:
        yield made


def test_patroni(server):
    client = PatroniConsul(host="127.0.0.1", port=server.server_port, token="t1")
    assert client.kv.get("a b/x", index="5", wait="10s") == (9, {"Key": "x", "Value": b"x"})
    assert client.session.create(name="n") == "s1"
    client.token = "t2"
    assert client.kv.put("é", b"v") is True
    client.http.close()
    get, create, put = server.seen
    assert get[1].startswith("/v1/kv/a%20b/x?index=5&wait=10s")
    assert get[2]["X-Consul-Token"] == "t1"
    assert json.loads(create[3])["ttl"] == "30s"
    assert (put[1], put[3], put[2]["X-Consul-Token"]) == ("/v1/kv/%C3%A9", b"v", "t2")


def test_pending():
    client = PendingConsul(token="t", consistency="consistent")
    pending = client.kv.get("x", index=5)
    assert pending.request == (
        "GET",
        "/v1/kv/x",
        [("index", 5), ("consistent", "1"), ("token", "t")],
        None,
    )
    found = pending.answer(200, {"X-Consul-Index": "6"}, [{"Key": "x", "Value": "eA=="}])
    assert found == (6, {"Key": "x", "Value": b"x"})
    with pytest.raises(base.ACLPermissionDenied):
        client.kv.put("x", "v").answer(403, {}, "no")


def test_an_old_adapter_has_decompressed_the_body():
    pending = PendingConsul().status.leader()
    assert pending.answer(200, {"Content-Encoding": "gzip"}, "a:1") == "a:1"


def test_params_are_an_empty_list():
    assert PendingConsul().kv.get("x").request == ("GET", "/v1/kv/x", [], None)


def test_recipes_need_more_than_an_old_adapter():
    with pytest.raises(
        TypeError, match=r"PendingConsul cannot run a recipe: its adapter is of the old"
    ):
        PendingConsul().wait_for_leader(1)


def test_a_subclass_that_overrides_a_verb(server):
    calls = []

    class HTTP(std.HTTPClient):
        def get(self, callback, path, params=None, headers=None):
            calls.append(path)
            return super().get(callback, path, params, headers)

    class Client(consul.Consul):
        def http_connect(self, host, port, scheme, verify=True, cert=None):
            return HTTP(host, port, scheme, verify, cert)

    with Client(port=server.server_port, token="t") as client:
        assert client.kv.get("x")[1]["Value"] == b"x"
    assert calls == ["/v1/kv/x"]
    assert server.seen[0][2]["X-Consul-Token"] == "t"


def test_base_uri_may_be_assigned(server):
    with consul.Consul(port=1) as client:
        client.http.base_uri = f"http://127.0.0.1:{server.server_port}"
        assert client.kv.get("x")[0] == 9


def test_settings_assigned_later_count(server, client):
    client.token, client.consistency, client.dc = "t", "stale", "dc2"
    client.kv.get("x")
    assert server.seen[0][1] == "/v1/kv/x?stale=1&dc=dc2"
    assert server.seen[0][2]["X-Consul-Token"] == "t"


@pytest.mark.parametrize("params", [{"dc": "d", "token": "t"}, [("dc", "d"), ("token", "t")]])
def test_the_verbs_by_hand(server, client, params):
    assert client.http.get(CB.json(index=True), "/v1/kv/x", params=params)[0] == 9
    assert client.http.put(CB.bool(), "/v1/kv/x", params=params, data="v") is True
    assert [seen[1] for seen in server.seen] == ["/v1/kv/x?dc=d"] * 2
    assert [seen[2]["X-Consul-Token"] for seen in server.seen] == ["t"] * 2


@pytest.mark.parametrize(
    ("params", "deadline"), [({}, 60), ({"index": 5}, 328.75), ({"index": "5", "wait": "32s"}, 44)]
)
def test_a_blocking_query_by_hand_gets_its_time(params, deadline):
    calls = []
    http = base.HTTPClient()
    http.send = calls.append
    http.get(CB.json(), "/v1/kv/x", params=params)
    assert calls[0].request.deadline == deadline


def test_nouns_are_patched_on_the_class(client):
    with mock.patch("consul.base.Consul.KV.put", return_value="patched"):
        assert client.kv.put("x", "y") == "patched"


def test_a_noun_of_ones_own(client):
    class Service(consul.Consul.Agent.Service):
        def register(self, name):
            return name, self.agent

    client.agent.service = Service(client)
    assert client.agent.service.register("web") == ("web", client)


class Given:
    """Keeps what the verbs of an old adapter are called with."""

    def __init__(self):
        self.calls = []

    def get(self, callback, path, params=None):
        self.calls.append(("get", path, params))

    def put(self, callback, path, params=None, data=""):
        self.calls.append(("put", path, params))

    def delete(self, callback, path, params=None):
        self.calls.append(("delete", path, params))


def connects():
    """Signatures of ``connect`` as they were published, by what they take."""

    class WithoutCert(base.Consul):
        def connect(self, host, port, scheme, verify=True):
            self.given = (host, port, scheme, verify)
            return Given()

    class WithoutVerify(base.Consul):
        def connect(self, host, port, scheme):
            self.given = (host, port, scheme)
            return Given()

    class Any(base.Consul):
        def connect(self, *args):
            self.given = args
            return Given()

    class AnyKeywords(base.Consul):
        def connect(self, host, port, scheme, verify=True, **options):
            self.given = (host, port, scheme, verify)
            return Given()

    class Newer(base.Consul):
        def http_connect(self, host, port, scheme, verify=True, cert=None):
            self.given = (host, port, scheme, verify, cert)
            return Given()

    return [(WithoutCert, 4), (WithoutVerify, 3), (Any, 5), (AnyKeywords, 4), (Newer, 5)]


@pytest.mark.parametrize(("kind", "count"), connects())
def test_connect_gets_what_its_signature_takes(kind, count):
    client = kind("consul.example", 1234, scheme="https", verify=False, cert="c.pem")
    assert client.given == ("consul.example", 1234, "https", False, "c.pem")[:count]
    client.kv.get("x")
    assert client.http.calls == [("get", "/v1/kv/x", [])]


def test_numbers_among_params_are_numbers():
    class Client(base.Consul):
        def connect(self, host, port, scheme, verify=True, cert=None):
            return Given()

    client = Client()
    client.kv.put("x", "y", cas=0, flags=7)
    client.kv.put("x", "y", cas="12")
    client.kv.delete("x", cas=3)
    client.kv.get("x", index="5", wait="10s")
    client.catalog.nodes(dc="5")
    client.kv.get("x", keys=True, separator="1")
    assert [dict(params) for _, _, params in client.http.calls] == [
        {"cas": 0, "flags": 7},
        {"cas": 12},
        {"cas": 3},
        {"index": 5, "wait": "10s"},
        {"dc": "5"},
        {"keys": "1", "separator": "1"},
    ]
