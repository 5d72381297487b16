"""Each flavour gets one answer; needs no Consul, so it runs on every Python version."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import consul as package
from tests.flavours import Blocking, Flavour

PAIR = {"Key": "a b/c", "Value": base64.b64encode(b"\xff\0").decode(), "ModifyIndex": 7}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("X-Consul-Index", "7")
        self.send_header("Content-Length", str(length or len(body)))
        if length is not None:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path.startswith("/v1/kv/a%20b/c?"):
            self.answer(200, json.dumps([PAIR]).encode())
        elif self.path == "/v1/kv/truncated":
            self.answer(200, b"[", length=100)
        elif self.path == "/v1/kv/slow":
            self.server.released.wait(10)  # type: ignore[attr-defined]
            self.close_connection = True
        else:
            self.answer(404, b"")

    def do_PUT(self) -> None:
        known = self.headers["Content-Length"] is not None and self.headers["X-Consul-Token"] == "t"
        self.answer(200, b"true" if known else b"false")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


Make = Callable[..., Blocking]


def test_reads_and_writes(make_client: Make, port: int) -> None:
    client = make_client(port=port, token="t")
    index, pair = client.kv.get("a b/c", dc="d c")
    assert (index, pair["Value"]) == (7, b"\xff\0")
    assert client.kv.get("absent") == (7, None)
    assert client.kv.put("x", None) is True
    assert client.kv.put("x", "1") is True


def test_transport_errors(make_client: Make, port: int) -> None:
    client = make_client(port=port, token="secret", retry=False)
    with pytest.raises(package.ConnectionFailed, match=r"GET http://\S+/v1/kv/truncated") as caught:
        client.kv.get("truncated")
    assert caught.value.__cause__ is not None
    with pytest.raises(package.ConnectionFailed):
        make_client(port=1).kv.get("refused")
    with pytest.raises(package.TLSError):
        make_client(port=port, scheme="https", verify=False).kv.get("x")


def test_timeout(make_client: Make, port: int) -> None:
    with pytest.raises(package.Timeout, match=r"no answer in 0\.2 s"):
        make_client(port=port, timeout=0.2).kv.get("slow")


def test_bad_input_is_refused_at_the_call(flavour: Flavour) -> None:
    client = flavour.module.Consul(port=1)
    with pytest.raises(ValueError, match="key"):
        client.kv.get("../x")
    flavour.call(client.close)
    flavour.call(client.close)
