"""What errors say and are: the same in every flavour, and of the library's class as well."""

from __future__ import annotations

import copy
import pickle
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

import consul as package
from tests.faults import Fault, FaultServer, Listener, http, message
from tests.network.test_faults import BROKEN, kind

ROOT = Path(__file__).parents[2]


@pytest.fixture
def faults():
    with FaultServer() as faults:
        yield faults


def failure(function, *args, expected=package.ConsulException, **options):
    with pytest.raises(expected) as caught:
        function(*args, **options)
    return caught.value


class Plain(Listener):
    """Speaks HTTP only, and answers what it does not understand by a 400."""

    def _serve(self, connection):
        while (request := message(connection)) is not None:
            connection.sendall(http("400 Bad Request", b"client sent an HTTP request?"))
            if request.startswith(b"\x16"):
                return


# Which server


@pytest.mark.behaviour("Messages", "The error of an answer names server and path prefix")
@pytest.mark.parametrize("host", ["127.0.0.1", "http://127.0.0.1:{}/pre/fix"])
def test_the_server_is_named(make_client, faults, host):
    client = make_client(host=host.format(faults.port), port=faults.port, timeout=5, retry=False)
    for fault in ("500 Internal Server Error", "404 Not Found", "403 Forbidden", "200 OK"):
        faults.script.append(Fault(http(fault, b"oh {"), "keep"))
        error = failure(client.kv.get, "a/b")
        prefix = "/pre/fix" if "fix" in host else ""
        base = f"http://127.0.0.1:{faults.port}{prefix}"
        assert (error.server, error.path) == (base, "/v1/kv/a/b")
        assert str(error).startswith(f"GET {base}/v1/kv/a/b: {fault[:3]} ")
        assert "oh {" in str(error)


@pytest.mark.behaviour("Messages", "A 403 says whether a token was sent")
def test_whether_a_token_was_sent(make_client, faults):
    for options, text, sent in (
        ({"token": "a-token-of-ours"}, "(with a token)", True),
        ({"token": "short"}, "(with a token)", True),
        ({}, "(no token was sent)", False),
    ):
        client = make_client(port=faults.port, timeout=5, **options)
        faults.script.append(Fault(http("403 Forbidden", b"Permission denied"), "keep"))
        error = failure(client.kv.put, "a", "b", expected=package.ACLPermissionDenied)
        assert str(error).endswith(f": 403 Permission denied {text}")
        assert error.token_sent is sent
        assert pickle.loads(pickle.dumps(error)).token_sent is sent


# No connection


@pytest.mark.behaviour("Messages", "No connection: the same words in every flavour")
def test_refused(make_client):
    with FaultServer(listens=False) as faults:
        client = make_client(port=faults.port, timeout=5)
        error = failure(client.kv.get, "a", expected=package.ConnectionFailed)
        where = f"127.0.0.1:{faults.port}"
        text = f"cannot connect to {where}: Connection refused"
        assert error.args == (text,)
        assert str(error) == f"GET http://{where}/v1/kv/a: {text}"
        assert not error.sent


@pytest.mark.behaviour("Messages", "No connection: the same words in every flavour")
def test_no_such_host(make_client):
    client = make_client(host="nowhere.invalid", timeout=10, trust_env=False)
    error = failure(client.kv.get, "a", expected=package.ConnectionFailed)
    text = "cannot connect to nowhere.invalid:8500: the name has no address"
    assert error.args == (text,)
    assert not error.sent


@pytest.mark.behaviour("Messages", "No connection: the same words in every flavour")
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no unix sockets here")
def test_no_such_socket(make_client, tmp_path):
    path = tmp_path / "none"
    client = make_client(host=f"unix://{path}", timeout=5)
    error = failure(client.kv.get, "a", expected=package.ConnectionFailed)
    text = f"cannot connect to unix://{path}: No such file or directory"
    assert error.args == (text,)
    assert str(error) == f"GET unix://{path} /v1/kv/a: {text}"
    assert not error.sent


@pytest.mark.behaviour("Messages", "No connection: the same words in every flavour")
@pytest.mark.parametrize(
    "name", ["closed before headers", "reset before headers", "truncated body"]
)
def test_broken(make_client, faults, name):
    faults.fault = BROKEN[name]
    client = make_client(port=faults.port, timeout=5, retry=False)
    error = failure(client.kv.get, "fault", expected=package.ConnectionFailed)
    what = "Connection reset by peer" if "reset" in name else "closed by the server"
    assert error.args == (f"the connection to 127.0.0.1:{faults.port} broke: {what}",)
    assert error.sent


@pytest.mark.behaviour("Messages", "TLS to a port without TLS: the error says so")
def test_no_tls(make_client):
    with Plain() as faults:
        client = make_client(port=faults.port, timeout=5, scheme="https", verify=False)
        error = failure(client.kv.get, "a", expected=package.TLSError)
        where = f"127.0.0.1:{faults.port}"
        assert error.args == (f"{where} does not speak TLS: is it the port for http?",)


@pytest.mark.behaviour("Messages", "A certificate that is refused: the error says why")
def test_certificate(make_client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(context) as faults:
        client = make_client(port=faults.port, timeout=5, scheme="https")
        error = failure(client.kv.get, "a", expected=package.TLSError)
        assert error.args[0].startswith(f"no TLS with 127.0.0.1:{faults.port}: ")
        assert "certificate" in error.args[0]


@pytest.mark.behaviour("Messages", "Silence: the error says how long was waited")
def test_silence(make_client, faults):
    faults.fault = Fault(b"", "hang")
    client = make_client(port=faults.port, timeout=0.25)
    error = failure(client.kv.get, "fault", expected=package.Timeout)
    assert error.args == ("no answer in 0.25 s",)


# Of the library's class as well


def natives(flavour, what):
    """The classes of the flavour's library that programs catch for *what*."""
    if flavour.name in ("std", "threads"):
        import requests

        return {
            "refused": [requests.ConnectionError, requests.RequestException, OSError],
            "closed": [requests.ConnectionError, OSError],
            "silence": [requests.Timeout],
            "no such host": [requests.ConnectionError],
        }[what]
    if flavour.name == "aio":
        import asyncio

        import aiohttp

        return {
            "refused": [
                aiohttp.ClientConnectorError,
                aiohttp.ClientConnectionError,
                aiohttp.ClientOSError,
                aiohttp.ClientError,
                OSError,
            ],
            "closed": [aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionError],
            "silence": [asyncio.TimeoutError, TimeoutError],
            "no such host": [aiohttp.ClientConnectorError, OSError],
        }[what]
    if flavour.name == "tornado":
        from tornado.iostream import StreamClosedError

        return {
            "refused": [ConnectionRefusedError, OSError],
            "closed": [StreamClosedError, OSError],
            "silence": [],
            "no such host": [socket.gaierror, OSError],
        }[what]
    from twisted.internet import error

    return {
        "refused": [error.ConnectionRefusedError, error.ConnectError],
        "closed": [error.ConnectionDone, error.ConnectionClosed],
        "silence": [error.TimeoutError],
        "no such host": [error.DNSLookupError, IOError],
    }[what]


def erred(make_client, faults, what):
    options = {"port": faults.port, "timeout": 5, "retry": False}
    if what == "refused":
        options["port"] = 1
    if what == "no such host":
        options |= {"host": "nowhere.invalid", "trust_env": False}
    if what == "silence":
        faults.fault, options["timeout"] = Fault(b"", "hang"), 0.2
    if what == "closed":
        faults.fault = Fault(b"")
    return failure(make_client(**options).kv.get, "fault")


WHAT = ["refused", "closed", "silence", "no such host"]


@pytest.mark.behaviour("Messages", "Errors of the connection are the library's own as well")
@pytest.mark.parametrize("what", WHAT)
def test_classes_of_the_library(make_client, flavour, faults, what):
    error = erred(make_client, faults, what)
    expected = package.Timeout if what == "silence" else package.ConnectionFailed
    assert kind(error) is expected
    for native in natives(flavour, what):
        assert isinstance(error, native), (type(error).__mro__, native)
    # What programs look at.
    assert str(error)
    assert repr(error)
    if flavour.name == "aio" and what == "refused":
        assert error.errno
        assert (error.host, error.port) == ("127.0.0.1", 1)
        assert error.os_error


@pytest.mark.behaviour("Messages", "Errors can be pickled and copied")
@pytest.mark.parametrize("what", [*WHAT, "500", "not JSON", "409"])
@pytest.mark.parametrize(
    "twin", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_pickled(make_client, faults, what, twin):
    if what in WHAT:
        error = erred(make_client, faults, what)
    else:
        answers = {
            "500": http("500 Internal Server Error", b"disk on fire"),
            "not JSON": http("200 OK", b"<html>"),
            "409": http("409 Conflict", b'{"Errors": [{"OpIndex": 0, "What": "x"}]}'),
        }
        faults.script.append(Fault(answers[what], "keep"))
        client = make_client(port=faults.port, timeout=5, retry=False)
        call = client.txn.put if what == "409" else client.kv.get
        error = failure(call, [] if what == "409" else "a")
    again = twin(error)
    assert kind(again) is kind(error)
    assert (again.args, str(again)) == (error.args, str(error))
    for name in ("status", "body", "index", "method", "path", "server", "sent", "errors"):
        assert getattr(again, name, None) == getattr(error, name, None)


ELSEWHERE = """
import pickle, sys
error = pickle.loads(bytes.fromhex(sys.argv[1]))
print(type(error).__mro__[1].__name__, error)
"""


@pytest.mark.behaviour("Messages", "Errors can be pickled and copied")
def test_pickled_for_another_process(make_client, faults):
    error = erred(make_client, faults, "refused")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, pickle.dumps(error).hex()],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(str(error))


# After the close


@pytest.mark.behaviour("Lifecycle", "A call, a recipe or a poll after the close is a Closed")
def test_closed(make_client, flavour, faults):
    client = make_client(port=faults.port, max_polls=1, on_response=lambda exchange: None)
    plain = make_client(port=faults.port)
    for each in (client, plain):
        each.close()
        for call in (
            lambda each=each: each.kv.get("good"),
            lambda each=each: each.kv.put("good", "1"),
            lambda each=each: each.kv.get("good", index=7),
            lambda each=each: each.wait_for_leader(1),
        ):
            error = failure(call, expected=package.Closed)
            assert isinstance(error, RuntimeError)
            assert isinstance(error, package.ConsulException)
            assert f"consul.{flavour.name.replace('gevent', 'std')}." in str(error)
            again = pickle.loads(pickle.dumps(error))
            assert (type(again), str(again)) == (package.Closed, str(error))
    assert faults.requests == []


# A 404 that is not Consul's


NOT_CONSULS = {
    "nginx": http("404 Not Found", b"<html><h1>404 Not Found</h1></html>"),
    "empty": http("404 Not Found"),
    "with an index and a body": http("404 Not Found", b"no", "X-Consul-Index: 7"),
    "with an index of 0": http("404 Not Found", b"", "X-Consul-Index: 0"),
    "with no number": http("404 Not Found", b"", "X-Consul-Index: x"),
}
READS = {
    "get": {},
    "keys": {"keys": True},
    "recurse": {"recurse": True},
    "raw": {"raw": True},
    "poll": {"index": 5},
}


@pytest.mark.behaviour("Faults", "A 404 that is not Consul's is no missing key")
@pytest.mark.parametrize("name", NOT_CONSULS)
@pytest.mark.parametrize("how", READS)
def test_404(make_client, faults, name, how):
    client = make_client(port=faults.port, timeout=5)
    faults.script.append(Fault(NOT_CONSULS[name], "keep"))
    error = failure(client.kv.get, "a", expected=package.NotFound, **READS[how])
    assert error.status == 404
    faults.script.append(Fault(http("404 Not Found", b"", "X-Consul-Index: 9"), "keep"))
    assert client.kv.get("a", **READS[how]) == (9, None)


@pytest.mark.behaviour("Faults", "A 404 that is not Consul's is no missing key")
def test_a_server_of_files(make_client, tmp_path):
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as running:
        running.daemon_threads = True
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            client = make_client(port=running.server_port, timeout=5)
            for options in READS.values():
                failure(client.kv.get, "a", expected=package.NotFound, **options)
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.behaviour("Faults", "A 404 that is not Consul's is no missing key")
def test_a_prefix_given_twice(make_client, agent, prefix):
    client = make_client(host=f"http://127.0.0.1:{agent.port}/v1", timeout=5)
    for options in READS.values():
        error = failure(client.kv.get, prefix, **options)
        assert error.status in (301, 404), error
        assert f"/v1/v1/kv/{prefix}" in str(error)


# Answers of another shape

SHAPES = {
    "not base64": (b'[{"Key": "a", "Value": "!!"}]', ({}, {"recurse": True})),
    "base64 with a blank": (b'[{"Key": "a", "Value": "Z2 9v"}]', ({}, {"recurse": True})),
    "base64 and more": (b'[{"Key": "a", "Value": "Z29v====Z2"}]', ({}, {"recurse": True})),
    "a number for base64": (b'[{"Key": "a", "Value": 5}]', ({}, {"recurse": True})),
    "null for a list": (b"null", ({}, {"recurse": True}, {"keys": True})),
    "nested deeply": (b"[" * 200_000 + b"]" * 200_000, ({}, {"recurse": True}, {"keys": True})),
    "nested deeply, and cut": (b'{"a":' * 100_000, ({}, {"recurse": True}, {"keys": True})),
}


@pytest.mark.behaviour("Faults", "An answer of another shape is a BadAnswer")
@pytest.mark.parametrize("name", SHAPES)
def test_shapes(make_client, faults, name):
    body, ways = SHAPES[name]
    client = make_client(port=faults.port, timeout=20)
    for options in ways:
        faults.script.append(Fault(http("200 OK", body, "X-Consul-Index: 7"), "keep"))
        error = failure(client.kv.get, "a", expected=package.BadAnswer, **options)
        assert len(str(error)) < 1000
    assert client.kv.get("good")[0] == 7
