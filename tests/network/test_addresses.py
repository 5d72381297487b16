"""Every way to say where the agent is, to real agents and to servers that write down what came."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import tempfile
import time

import pytest

import consul as package
from tests.agent import Agent
from tests.faults import Fault, FaultServer, http
from tests.flavours import LATE

TOKEN = "5ec2e7aa-0000-4000-8000-000000000001"


def _has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


HAS_IPV6 = _has_ipv6()
IPV6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


class Elsewhere(FaultServer):
    """A server on an address of another kind."""

    def __init__(self, family, address):
        super().__init__(listens=False)
        self._listener.close()
        self._listener = socket.socket(family)
        self._listener.bind(address)
        self.listen()


@pytest.fixture(scope="module")
def folder():
    """A folder with a short name: the path of a socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="consul-") as folder:
        yield folder


@pytest.fixture(scope="module")
def many(server, folder):
    """An agent on 127.0.0.1, on ::1 where there is one, and on a unix socket, its ``path``."""
    path = f"{folder}/{server.parent.name[:8]}.sock"
    places = ["127.0.0.1", *(["::1"] if HAS_IPV6 else []), f"unix://{path}"]
    with Agent(server, config={"addresses": {"http": " ".join(places)}}) as agent:
        agent.path = path
        yield agent


def fields(head):
    """The header of a request, names in lower case."""
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in lines}


def works(client, prefix):
    return client.kv.put(prefix, "x") and client.kv.get(prefix)[1]["Value"] == b"x"


@pytest.mark.behaviour("Addresses", "host and port, host:port, or a URL")
@pytest.mark.parametrize(
    "form",
    [
        "port",
        "text port",
        ":port",
        "host",
        "host:port",
        "URL",
        "URL/",
        "name",
        "environment",
        "environment :port",
    ],
)
def test_forms(make_client, many, prefix, monkeypatch, form):
    port = many.port
    options = {
        "port": {"port": port},
        "text port": {"port": str(port)},
        ":port": {"host": f":{port}"},
        "host": {"host": "127.0.0.1", "port": port},
        "host:port": {"host": f"127.0.0.1:{port}"},
        "URL": {"host": f"http://127.0.0.1:{port}"},
        "URL/": {"host": f"http://127.0.0.1:{port}/"},
        "name": {"host": "localhost", "port": port},
    }.get(form, {})
    if form == "environment":
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"127.0.0.1:{port}")
    elif form == "environment :port":
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"http://:{port}")
    assert works(make_client(**options), prefix)


@pytest.mark.behaviour("Addresses", "a URL with a path in front of Consul's")
@pytest.mark.parametrize("way", ["host", "environment"])
@pytest.mark.parametrize("path", ["/proxy/consul", "/proxy/consul/", "/a%20b/ü"])
def test_path(make_client, recorder, monkeypatch, way, path):
    where = f"http://127.0.0.1:{recorder.port}{path}"
    if way == "host":
        client = make_client(host=where)
    else:
        monkeypatch.setenv("CONSUL_HTTP_ADDR", where)
        client = make_client()
    assert client.kv.get("a b", wait="1s", index=3)[0] == 7
    assert client.kv.put("good", b"x") is True
    front = "/a%20b/%C3%BC" if "ü" in path else "/proxy/consul"
    read, write = recorder.paths()
    assert read.startswith(f"{front}/v1/kv/a%20b?")
    assert "index=3" in read
    assert write == f"{front}/v1/kv/good"


@pytest.mark.behaviour("Addresses", "a host argument stands in place of all of CONSUL_HTTP_ADDR")
def test_another_host(make_client, recorder, monkeypatch):
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "https://127.0.0.1:1/pre")
    client = make_client(host="127.0.0.1", port=recorder.port)
    assert client.kv.get("good")[0] == 7
    # Without a host the arguments change a part of it each.
    client = make_client(port=recorder.port, scheme="http")
    assert client.kv.put("good", b"x") is True
    assert recorder.paths() == ["/v1/kv/good", "/pre/v1/kv/good"]


@pytest.mark.behaviour("Addresses", "the path of the URL is not part of what errors name")
def test_path_in_errors(make_client, recorder):
    recorder.script.append(Fault(http("500 Internal Server Error"), "keep"))
    client = make_client(host=f"http://127.0.0.1:{recorder.port}/proxy")
    with pytest.raises(package.ServerError) as caught:
        client.status.leader()
    assert caught.value.path == "/v1/status/leader"
    assert recorder.paths() == ["/proxy/v1/status/leader"]


@pytest.mark.behaviour("Addresses", "a base_uri assigned later counts")
def test_assigned(make_client, flavour, recorder):
    client = make_client(port=1)
    http = flavour.call(lambda: client.http._target)
    http.base_uri = f"http://127.0.0.1:{recorder.port}/moved"
    assert client.kv.get("good")[0] == 7
    assert recorder.paths() == ["/moved/v1/kv/good"]


@IPV6
@pytest.mark.behaviour("Addresses", "IPv6 addresses with brackets or without")
@pytest.mark.parametrize("form", ["bare", "[]", "[]:port", "URL", "environment"])
def test_ipv6(make_client, many, prefix, monkeypatch, form):
    port = many.port
    options = {
        "bare": {"host": "::1", "port": port},
        "[]": {"host": "[::1]", "port": port},
        "[]:port": {"host": f"[::1]:{port}"},
        "URL": {"host": f"http://[::1]:{port}"},
        "environment": {},
    }[form]
    if form == "environment":
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"[::1]:{port}")
    assert works(make_client(**options), prefix)


@IPV6
@pytest.mark.behaviour(
    "Addresses", "the Host header has an IPv6 address in brackets, with the port"
)
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6_host_header(make_client, host):
    with Elsewhere(socket.AF_INET6, ("::1", 0)) as server:
        server.port = server._listener.getsockname()[1]
        assert make_client(host=host, port=server.port).kv.get("good")[0] == 7
        assert fields(server.requests[0])["host"] == f"[::1]:{server.port}"


@pytest.mark.behaviour("Addresses", "the Host header has host and port")
def test_host_header(make_client, recorder):
    assert make_client(host="localhost", port=recorder.port).kv.get("good")[0] == 7
    assert fields(recorder.requests[0])["host"] == f"localhost:{recorder.port}"


@pytest.mark.behaviour("Addresses", "a unix socket")
@pytest.mark.parametrize("way", ["host", "environment"])
def test_unix(make_client, many, prefix, monkeypatch, way):
    if way == "host":
        client = make_client(host=f"unix://{many.path}")
    else:
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"unix://{many.path}")
        client = make_client()
    assert works(client, prefix)
    assert client.agent.self()["Config"]["NodeName"] == many.name
    assert client.kv.get(f"{prefix}/a b/ü?#")[1] is None
    # Over the socket a value passes that is larger than any buffer.
    assert client.kv.put(prefix, b"\xff" * 300_000) is True
    assert client.kv.get(prefix)[1]["Value"] == b"\xff" * 300_000
    assert client.kv.delete(prefix) is True


@pytest.mark.behaviour("Addresses", "a blocking query on a unix socket")
def test_unix_blocking_query(make_client, many, prefix):
    client = make_client(host=f"unix://{many.path}")
    assert client.kv.put(prefix, "1")
    index, _ = client.kv.get(prefix)
    began = time.monotonic()
    assert client.kv.get(prefix, index=index, wait="300ms")[0] == index
    assert 0.25 < time.monotonic() - began < LATE
    many.request("PUT", f"/v1/kv/{prefix}", b"2")
    again, pair = client.kv.get(prefix, index=index, wait="60s")
    assert again > index
    assert pair["Value"] == b"2"


@pytest.mark.behaviour("Addresses", "no server at a unix socket: nothing was sent")
@pytest.mark.parametrize("what", ["no file", "nobody listens", "no socket", "path too long"])
def test_unix_refused(make_client, folder, what):
    path = f"{folder}/{os.urandom(4).hex()}.sock"
    with contextlib.ExitStack() as stack:
        if what == "nobody listens":
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(path)
        elif what == "no socket":
            stack.enter_context(open(path, "wb"))
        elif what == "path too long":
            path = f"{folder}/{'x' * 120}.sock"
        client = make_client(host=f"unix://{path}", token=TOKEN, timeout=5)
        began = time.monotonic()
        for _ in range(2):
            with pytest.raises(package.ConnectionFailed) as caught:
                client.kv.get("good")
            assert caught.value.sent is False
            assert TOKEN not in str(caught.value)
        assert time.monotonic() - began < LATE


@pytest.mark.behaviour("Addresses", "the Host header is localhost on a unix socket")
def test_unix_host_header(make_client, folder):
    path = f"{folder}/{os.urandom(4).hex()}.sock"
    with Elsewhere(socket.AF_UNIX, path) as server:
        client = make_client(host=f"unix://{path}", token=TOKEN)
        assert client.kv.get("a b", dc="dc2")[0] == 7
        assert client.kv.put("good", b"x") is True
        assert server.paths() == ["/v1/kv/a%20b?dc=dc2", "/v1/kv/good"]
        for head in server.requests:
            assert fields(head)["host"] == "localhost"
            assert fields(head)["x-consul-token"] == TOKEN


@pytest.mark.behaviour("Addresses", "a server that comes to its unix socket again is found")
def test_unix_restart(make_client, folder):
    path = f"{folder}/{os.urandom(4).hex()}.sock"
    client = make_client(host=f"unix://{path}", timeout=5)
    for _ in range(2):
        with Elsewhere(socket.AF_UNIX, path):
            assert client.kv.get("good")[0] == 7
        os.unlink(path)
        with pytest.raises(package.ConnectionFailed):
            client.kv.put("good", b"x")


@pytest.mark.behaviour("Addresses", "a token from a file")
def test_token_file(make_client, recorder, monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN_FILE", str(file))
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "another")
    client = make_client(port=recorder.port)
    client.kv.get("good")
    client.kv.get("good", token="third")
    make_client(port=recorder.port, token="").kv.get("good")
    sent = [fields(head).get("x-consul-token") for head in recorder.requests]
    assert sent == [TOKEN, "third", None]
    assert TOKEN not in repr(client) + repr(client.settings)


@pytest.mark.behaviour("Addresses", "user and password for HTTP basic authentication")
@pytest.mark.parametrize("way", ["text", "pair", "environment"])
def test_auth(make_client, recorder, monkeypatch, way):
    options = {"text": {"auth": "me:pa:ß"}, "pair": {"auth": ("me", "pa:ß")}}.get(way, {})
    if way == "environment":
        monkeypatch.setenv("CONSUL_HTTP_AUTH", "me:pa:ß")
    client = make_client(port=recorder.port, token=TOKEN, **options)
    client.kv.get("good")
    client.kv.put("good", b"x")
    for head in recorder.requests:
        kind, _, encoded = fields(head)["authorization"].partition(" ")
        assert (kind, base64.b64decode(encoded).decode()) == ("Basic", "me:pa:ß")
        assert fields(head)["x-consul-token"] == TOKEN
    assert "pa:ß" not in repr(client) + repr(client.settings)


@pytest.mark.behaviour("Addresses", "namespace and partition")
@pytest.mark.parametrize("way", ["option", "environment"])
def test_namespace(make_client, recorder, monkeypatch, way):
    options = {"ns": "team a", "partition": "east"}
    if way == "environment":
        monkeypatch.setenv("CONSUL_NAMESPACE", "team a")
        monkeypatch.setenv("CONSUL_PARTITION", "east")
        options = {}
    client = make_client(port=recorder.port, **options)
    client.kv.get("good")
    client.kv.put("good", b"x", ns="other")
    assert recorder.paths() == [
        "/v1/kv/good?ns=team%20a&partition=east",
        "/v1/kv/good?ns=other&partition=east",
    ]


@pytest.mark.behaviour("Addresses", "headers of the client's own")
def test_headers(make_client, recorder):
    client = make_client(port=recorder.port, headers={"X-Own": "1", "user-agent": "mine/1"})
    client.kv.get("good")
    client.kv.put("good", b"x")
    for head in recorder.requests:
        assert fields(head)["x-own"] == "1"
        assert fields(head)["user-agent"] == "mine/1"
        assert head.lower().count("user-agent:") == 1
