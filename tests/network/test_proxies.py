"""Proxies and ~/.netrc: used when asked for, never by chance for an agent on this machine."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import select
import socket
import ssl
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import trustme

import consul as package
from tests.faults import FaultServer

REFUSED = {
    "tornado": "Tornado's own HTTP client knows no proxies",
    "twisted": "Twisted's HTTP client knows no proxies",
}
USER = "squid"
PASSWORD = "pa55/of@proxy"
#: The same within a URL.
QUOTED = "pa55%2Fof%40proxy"
ENCODED = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _forward(self):
        """A request in the absolute form, sent on in the usual one."""
        self._seen()
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size) if size else None
        place = self.server.target or (parts.hostname, parts.port)
        target = parts._replace(scheme="", netloc="").geturl()
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
        with contextlib.closing(http.client.HTTPConnection(*place, timeout=10)) as connection:
            connection.request(self.command, target, body, headers)
            answer = connection.getresponse()
            body = answer.read()
        self._answer(answer.status, body, answer.getheader("X-Consul-Index"))

    do_GET = do_PUT = do_DELETE = _forward

    def do_CONNECT(self):
        self._seen()
        self.close_connection = True
        if self.server.status is not None:
            self._answer(self.server.status, b"no", None)
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as upstream:
            self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {upstream: self.connection, self.connection: upstream}
            while True:
                for end in select.select(list(ends), (), (), 10)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def _seen(self):
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))

    def _answer(self, status, body, index):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if index:
            self.send_header("X-Consul-Index", index)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Proxy(ThreadingHTTPServer):
    """A proxy that writes down what it is asked for: method, target and header."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.seen = []
        #: Where all requests go, whatever their target is.
        self.target = None
        #: Status of the answer to CONNECT; None makes the tunnel.
        self.status = None
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        # The client went away.
        pass

    def paths(self):
        return [f"{method} {path}" for method, path, _ in self.seen]


@pytest.fixture
def proxy():
    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join(10)


@pytest.fixture
def secure(tmp_path):
    """A server with TLS, and the file of its authority as ``ca``."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(context) as server:
        server.ca = str(tmp_path / "ca.pem")
        authority.cert_pem.write_to_path(server.ca)
        yield server


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    """Neither proxies nor passwords of the developer's own."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "NETRC":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")


@pytest.fixture
def refusal(flavour):
    """Of the flavours that know no proxies: what shows that they say so; else None."""
    return pytest.raises(ValueError, match="prox") if flavour.name in REFUSED else None


def with_password(proxy):
    return proxy.url.replace("://", f"://{USER}:{QUOTED}@")


def header(head, name):
    for line in head.split("\r\n")[1:]:
        if line.lower().startswith(f"{name.lower()}:"):
            return line.partition(":")[2].strip()
    return None


def shown(error, *more):
    text = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error)
    return text + "".join(map(repr, more))


@pytest.mark.behaviour("Proxies", "http_proxy is not for an agent on this machine")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1 https"])
def test_environment_on_loopback(make_client, proxy, recorder, secure, monkeypatch, host):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    options = {"host": host, "port": recorder.port}
    if host.endswith("https"):
        options = {"host": f"https://127.0.0.1:{secure.port}", "verify": secure.ca}
    client = make_client(**options)
    assert client.kv.get("good")[0] == 7
    assert client.kv.put("good", b"x") is True
    assert proxy.seen == []


@pytest.mark.behaviour("Proxies", "a proxy that is given is used", refused=REFUSED)
def test_given(make_client, refusal, proxy, agent, prefix):
    if refusal:
        with refusal:
            make_client(port=agent.port, proxy=proxy.url)
        return
    client = make_client(port=agent.port, proxy=proxy.url)
    key = f"{prefix}/ü%2F?#"
    assert client.kv.put(key, b"\x00x") is True
    index, pair = client.kv.get(key)
    assert (pair["Key"], pair["Value"]) == (key, b"\x00x")
    assert client.kv.get(key, index=index, wait="20ms")[0] == index
    where = f"http://127.0.0.1:{agent.port}/v1/kv/{prefix}/%C3%BC%252F%3F%23"
    paths = proxy.paths()
    assert paths[:2] == [f"PUT {where}", f"GET {where}"]
    assert paths[2].startswith(f"GET {where}?index={index}")


@pytest.mark.behaviour("Proxies", "a proxy that is given is used for HTTPS", refused=REFUSED)
def test_given_for_https(make_client, refusal, proxy, secure, tmp_path):
    options = {"host": f"https://127.0.0.1:{secure.port}", "proxy": proxy.url, "timeout": 5}
    if refusal:
        with refusal:
            make_client(verify=secure.ca, **options)
        return
    client = make_client(verify=secure.ca, token="a-secret-token", **options)
    assert client.kv.get("good")[0] == 7
    assert client.kv.put("good", b"x") is True
    # One tunnel, which is kept.
    assert proxy.paths() == [f"CONNECT 127.0.0.1:{secure.port}"]
    assert secure.paths() == ["/v1/kv/good", "/v1/kv/good"]
    # The proxy sees nothing of what goes through the tunnel.
    assert "a-secret-token" not in repr(proxy.seen)
    # The server's certificate is checked through the tunnel as without one.
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for verify in (str(other), True):
        with pytest.raises(package.TLSError):
            make_client(verify=verify, **options).kv.get("good")
    with pytest.raises(package.TLSError):
        make_client(verify=secure.ca, server_name="db.example", **options).kv.get("good")
    assert len(secure.requests) == 2


@pytest.mark.behaviour("Proxies", "user and password for the proxy", refused=REFUSED)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_password(make_client, refusal, proxy, recorder, secure, scheme):
    port = {"http": recorder, "https": secure}[scheme].port
    options = {
        "host": f"{scheme}://127.0.0.1:{port}",
        "proxy": with_password(proxy),
        "verify": secure.ca,
        "timeout": 5,
    }
    if refusal:
        with refusal as caught:
            make_client(**options)
        assert QUOTED not in str(caught.value)
        return
    client = make_client(**options)
    assert client.kv.get("good")[0] == 7
    (method, _, headers), *_ = proxy.seen
    assert method == {"http": "GET", "https": "CONNECT"}[scheme]
    assert headers["Proxy-Authorization"] == f"Basic {ENCODED}"
    # It is for the proxy alone.
    assert ENCODED not in "".join(recorder.requests + secure.requests)


@pytest.mark.behaviour("Proxies", "the proxy's password is in no error", refused=REFUSED)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("what", ["proxy is down", "server is down", "proxy refuses"])
def test_password_is_hidden(make_client, refusal, proxy, scheme, what):
    with FaultServer(listens=False) as down:
        where = with_password(proxy)
        if what == "proxy is down":
            where = where.replace(str(proxy.server_port), str(down.port))
        proxy.status = 407 if what == "proxy refuses" else None
        if what == "proxy refuses" and scheme == "http":
            # Any answer of the proxy's own, then.
            where += "/"
        options = {"host": f"{scheme}://127.0.0.1:{down.port}", "proxy": where, "timeout": 5}
        if refusal:
            with refusal as caught:
                make_client(**options)
            assert QUOTED not in str(caught.value)
            return
        client = make_client(retry=False, **options)
        with pytest.raises(package.ConsulException) as caught:
            client.kv.get("good")
        error = caught.value
        assert isinstance(error, package.ConnectionFailed)
        if what == "proxy is down":
            assert error.sent is False
        text = shown(error, client, client.settings, client.http)
        for secret in (PASSWORD, QUOTED, ENCODED):
            assert secret not in text


@pytest.mark.behaviour(
    "Proxies", "trust_env=True: http_proxy counts on this machine, too", refused=REFUSED
)
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_trust_env(make_client, refusal, proxy, recorder, monkeypatch, name):
    # As CGI would have it, the upper-case one does not count beside REQUEST_METHOD.
    monkeypatch.delenv("REQUEST_METHOD", raising=False)
    monkeypatch.setenv(name, proxy.url)
    if refusal:
        with refusal:
            make_client(port=recorder.port, trust_env=True)
        return
    client = make_client(port=recorder.port, trust_env=True)
    assert client.kv.get("good")[0] == 7
    assert proxy.paths() == [f"GET http://127.0.0.1:{recorder.port}/v1/kv/good"]


@pytest.mark.behaviour("Proxies", "no_proxy counts")
def test_no_proxy(make_client, proxy, recorder, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "agent.example,127.0.0.1")
    client = make_client(port=recorder.port, trust_env=True)
    assert client.kv.get("good")[0] == 7
    assert proxy.seen == []


@pytest.mark.behaviour("Proxies", "http_proxy is for agents on other machines", refused=REFUSED)
def test_environment_elsewhere(make_client, refusal, proxy, recorder, monkeypatch):
    proxy.target = ("127.0.0.1", recorder.port)
    monkeypatch.setenv("http_proxy", proxy.url)
    if refusal:
        with refusal:
            make_client(host="agent.example")
        return
    assert make_client(host="agent.example").kv.get("good")[0] == 7
    assert proxy.paths() == ["GET http://agent.example:8500/v1/kv/good"]
    assert header(recorder.requests[0], "Host") == "agent.example:8500"


@pytest.mark.behaviour("Proxies", "trust_env=False: http_proxy counts nowhere")
def test_environment_not_trusted(make_client, proxy, recorder, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy.url)
    for options in ({"host": "agent.example"}, {"port": recorder.port}):
        client = make_client(trust_env=False, **options)
        assert client.settings.proxy is None
    assert client.kv.get("good")[0] == 7
    assert proxy.seen == []


@pytest.mark.behaviour("Proxies", "~/.netrc is not for an agent on this machine, unless asked for")
@pytest.mark.parametrize("way", ["NETRC", "home"])
def test_netrc(make_client, recorder, monkeypatch, tmp_path, way):
    file = tmp_path / ".netrc"
    file.write_text("machine 127.0.0.1 login me password of-netrc\n")
    file.chmod(0o600)
    if way == "NETRC":
        monkeypatch.setenv("NETRC", str(file))
    else:
        monkeypatch.setenv("HOME", str(tmp_path))
    encoded = base64.b64encode(b"me:of-netrc").decode()
    for trust, expected in ((None, None), (False, None), (True, f"Basic {encoded}")):
        client = make_client(port=recorder.port, trust_env=trust)
        assert client.kv.get("good")[0] == 7
        assert header(recorder.requests[-1], "Authorization") == expected
        assert "of-netrc" not in repr(client) + repr(client.settings)
    # What is said counts more than what is found.
    client = make_client(port=recorder.port, trust_env=True, auth="you:given")
    assert client.kv.get("good")[0] == 7
    encoded = base64.b64encode(b"you:given").decode()
    assert header(recorder.requests[-1], "Authorization") == f"Basic {encoded}"


@pytest.mark.behaviour("Proxies", "a URL that is no proxy's is refused, and not shown")
@pytest.mark.parametrize("proxy", [f"socks5://{USER}:{QUOTED}@127.0.0.1:1", f"{USER}:{QUOTED}@p"])
def test_bad_url(make_client, proxy):
    with pytest.raises(ValueError, match="proxy") as caught:
        make_client(proxy=proxy)
    assert QUOTED not in shown(caught.value)
