"""Servers and networks that misbehave, in every flavour: one class per fault, and life goes on.

Where an error itself is meant, calls are not repeated; `test_retries` has those that are.
"""

from __future__ import annotations

import gzip
import re
import ssl
import time
import traceback

import pytest
import requests
import trustme

import consul as package
from tests.faults import FAULT, GOOD, Fault, FaultServer, http, works
from tests.flavours import LATE

TOKEN = "5ec2e7aa-0000-4000-8000-000000000001"
ELSEWHERE = "http://127.0.0.1:1/elsewhere"

BROKEN = {
    "reset before headers": Fault(b"", "reset"),
    "closed before headers": Fault(b""),
    "closed within the status line": Fault(b"HTTP/1.1 20"),
    "closed within headers": Fault(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "closed between headers": Fault(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\n"),
    "reset within headers": Fault(b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
    "reset after headers": Fault(http("200 OK", length=100), "reset"),
    "truncated body": Fault(http("200 OK", b'[{"Key":', length=100)),
    "truncated chunks": Fault(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[1,"),
    "another protocol": Fault(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "noise": Fault(b"\x00\xff\x15\x03\r\n\r\n\x80"),
    "bad status line": Fault(b"HTTP/1.1 two hundred\r\n\r\n"),
    "huge header": Fault(http("200 OK", GOOD, "X-Huge: " + "x" * 2**20), "keep"),
}

HTML = b"<html><body>Welcome to nginx!</body></html>"
TRICKLES = {
    "status line": Fault(b"", "hang", http("200 OK", GOOD)),
    "headers": Fault(b"HTTP/1.1 200 OK\r\n", "hang", http("200 OK", GOOD)[17:]),
    "body": Fault(http("200 OK", length=len(GOOD)), "hang", GOOD),
}

ANSWERED = {
    "HTML": (http("200 OK", HTML, "Content-Type: text/html"), package.BadAnswer),
    "not JSON": (http("200 OK", b"<html>"), package.BadAnswer),
    "not UTF-8": (http("200 OK", b'["\xff"]'), package.BadAnswer),
    "empty": (http("200 OK"), package.BadAnswer),
    "no list": (http("200 OK", b'{"Key": "fault"}'), package.BadAnswer),
    "null": (http("200 OK", b"null"), package.BadAnswer),
    "list of numbers": (http("200 OK", b"[1]"), package.BadAnswer),
    "pair without value": (http("200 OK", b'[{"Key": "fault"}]'), package.BadAnswer),
    "value not base64": (http("200 OK", b'[{"Value": "a"}]'), package.BadAnswer),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", package.BadAnswer),
    "no leader": (http("500 Internal Server Error", b"No cluster leader"), package.NoLeader),
    "500": (http("500 Internal Server Error", b"disk on fire"), package.ServerError),
    "502": (http("502 Bad Gateway", b"<html>"), package.ServerError),
    "429": (http("429 Too Many Requests", b"slow down"), package.RateLimited),
    "503": (http("503 Service Unavailable", b"slow down"), package.RateLimited),
    "400": (http("400 Bad Request", b"what?"), package.BadRequest),
    "418": (http("418 I'm a teapot"), package.ClientError),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", package.Redirected),
}

#: Those that reads are repeated after.
LASTING = {
    **{name: (BROKEN[name], package.ConnectionFailed) for name in BROKEN},
    **{
        name: (Fault(ANSWERED[name][0], "keep"), ANSWERED[name][1])
        for name in ("no leader", "429", "503")
    },
}


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A CA that nobody knows: the authority and its file."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, str(path)


def tls_server(authority, name="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return FaultServer(context)


def failure(client):
    """The error that the fault gives, once everything that holds for each of them is checked."""
    with pytest.raises(package.ConsulException) as caught:
        client.kv.get("fault")
    error = caught.value
    assert (error.method, error.path) == ("GET", FAULT)
    assert re.match(rf"GET https?://127\.0\.0\.1:\d+{FAULT}: ", str(error)), error
    shown = "".join(traceback.format_exception(error))
    for text in (str(error), repr(error), repr(vars(error)), shown):
        assert TOKEN not in text
    return error


def kind(error):
    """The class of `consul.exceptions` that *error* is, or that its flavour made it of."""
    ours = vars(package.exceptions)
    return next(one for one in type(error).__mro__ if ours.get(one.__name__) is one)


def is_transport(error, flavour, expected, native):
    assert kind(error) is expected
    assert (error.status, error.body, error.index) == (None, None, None)
    assert error.__cause__ is not None
    if flavour.name in ("std", "threads"):
        assert isinstance(error, native)


@pytest.mark.behaviour("Faults", "A refused connection is a ConnectionFailed at once")
def test_refused_connection(make_client, flavour):
    with FaultServer(listens=False) as server:
        client = make_client(port=server.port, timeout=5, token=TOKEN, retry=False)
        error = failure(client)
        is_transport(error, flavour, package.ConnectionFailed, requests.ConnectionError)
        server.listen()
        assert works(client)


@pytest.mark.behaviour(
    "Faults", "A connection that breaks, or speaks no HTTP, is a ConnectionFailed"
)
@pytest.mark.parametrize("warm", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("name", BROKEN)
def test_broken_connection(make_client, flavour, server, name, warm):
    server.fault = BROKEN[name]
    client = make_client(port=server.port, timeout=5, token=TOKEN, retry=False)
    if warm:
        assert works(client)
    error = failure(client)
    is_transport(error, flavour, package.ConnectionFailed, requests.ConnectionError)
    assert server.paths().count(FAULT) == 1, "retried unasked"
    assert works(client)


@pytest.mark.behaviour(
    "Faults", "An answer that is an error or makes no sense has the exception of its kind"
)
@pytest.mark.parametrize("name", ANSWERED)
def test_answer_that_is_an_error(make_client, server, name, parser):
    answer, expected = ANSWERED[name]
    server.fault = Fault(answer, "keep")
    client = make_client(port=server.port, timeout=5, token=TOKEN, retry=False)
    error = failure(client)
    assert kind(error) is type(error) is expected
    status = int(answer.split(b" ")[1])
    assert error.status == status
    assert error.body == answer.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
    assert f": {status}" in str(error)
    assert server.paths() == [FAULT]
    assert works(client)


@pytest.mark.behaviour("Faults", "A redirect is an error and never followed")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(make_client, server, status):
    with FaultServer() as other:
        target = f"http://127.0.0.1:{other.port}/elsewhere"
        server.fault = Fault(http(f"{status} Moved", b"", f"Location: {target}"), "keep")
        client = make_client(port=server.port, timeout=5, token=TOKEN, retry=False)
        error = failure(client)
        assert type(error) is package.Redirected
        assert error.status == status
        assert str(status) in str(error)
        assert target in str(error)
        # The server was given the token, the other one nothing.
        assert server.paths() == [FAULT]
        assert TOKEN in server.requests[0]
        assert works(client)
        assert other.requests == []


@pytest.mark.behaviour("Faults", "A server that falls silent is a Timeout at the deadline")
@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\n", http("200 OK", b"[", length=100)],
    ids=["at once", "within headers", "within body"],
)
def test_silence(make_client, flavour, server, sent):
    server.fault = Fault(sent, "hang")
    client = make_client(port=server.port, timeout=0.5, token=TOKEN, retry=False)
    began = time.monotonic()
    error = failure(client)
    assert 0.4 < time.monotonic() - began < LATE
    is_transport(error, flavour, package.Timeout, requests.Timeout)
    assert "0.5 s" in str(error)
    assert works(client)


@pytest.mark.behaviour("Faults", "A server that trickles is a Timeout at the deadline")
@pytest.mark.parametrize("retry", [False, True], ids=["once", "by default"])
@pytest.mark.parametrize("place", TRICKLES)
def test_trickle(make_client, flavour, server, place, retry):
    server.fault = TRICKLES[place]
    client = make_client(port=server.port, timeout=0.6, token=TOKEN, retry=retry)
    began = time.monotonic()
    error = failure(client)
    assert 0.5 < time.monotonic() - began < LATE
    is_transport(error, flavour, package.Timeout, requests.Timeout)
    assert server.paths() == [FAULT]
    assert works(client)


@pytest.mark.behaviour("Faults", "A body that cannot be decompressed is a BadAnswer")
@pytest.mark.parametrize("name", ["truncated", "noise", "unknown"])
def test_bad_compression(make_client, server, name):
    body = {"truncated": gzip.compress(GOOD)[:-9], "noise": b"\xff\x00\x15", "unknown": GOOD}[name]
    field = f"Content-Encoding: {'br' if name == 'unknown' else 'gzip'}"
    server.fault = Fault(http("200 OK", body, field), "keep")
    client = make_client(port=server.port, timeout=5, token=TOKEN, retry=False)
    error = failure(client)
    assert kind(error) is package.BadAnswer
    assert error.status == 200
    assert server.paths() == [FAULT]
    assert works(client)


@pytest.mark.behaviour("Faults", "A compressed body is decompressed")
def test_good_compression(make_client, server):
    server.fault = Fault(
        http("200 OK", gzip.compress(GOOD), "Content-Encoding: gzip", "X-Consul-Index: 7"), "keep"
    )
    client = make_client(port=server.port, timeout=5, compress=True)
    assert client.kv.get("fault")[1]["Value"] == b"good"
    assert "gzip" in server.requests[0]


@pytest.mark.behaviour("Faults", "A fault that lasts is raised as itself within the deadline")
@pytest.mark.parametrize("name", LASTING)
def test_lasting_fault_with_the_default_policy(make_client, server, name):
    server.fault, expected = LASTING[name]
    # The limit of the policy, for at the very end of its own a call may run out of time.
    client = make_client(port=server.port, token=TOKEN, retry=package.Retry(0.4))
    began = time.monotonic()
    error = failure(client)
    assert time.monotonic() - began < LATE
    assert kind(error) is expected
    assert server.paths().count(FAULT) > 1
    assert works(client)


@pytest.mark.behaviour("Faults", "A server that falls silent is a Timeout at the deadline")
def test_silence_instead_of_a_handshake(make_client, flavour, server):
    client = make_client(port=server.port, timeout=0.5, token=TOKEN, scheme="https", verify=False)
    began = time.monotonic()
    error = failure(client)
    assert 0.4 < time.monotonic() - began < LATE
    is_transport(error, flavour, package.Timeout, requests.Timeout)


@pytest.mark.behaviour("Faults", "No exception shows the token, even if the server sends it back")
@pytest.mark.parametrize("place", ["body", "JSON", "location", "status line", "noise"])
def test_token_sent_back_is_hidden(make_client, server, place):
    raw = TOKEN.encode()
    answers = {
        "body": http("500 Internal Server Error", b"bad token " + raw),
        "JSON": http("200 OK", b'{"Token": "%s"}' % raw),
        "location": http("301 Moved", b"", f"Location: {ELSEWHERE}?token={TOKEN}"),
        "status line": b"HTTP/1.1 %s\r\n\r\n" % raw,
        "noise": raw + b"\r\n\r\n",
    }
    server.fault = Fault(answers[place])
    failure(make_client(port=server.port, timeout=5, token=TOKEN, retry=False))


@pytest.mark.behaviour("Faults", "An answer without an index has None")
def test_missing_index(make_client, server):
    index, pair = make_client(port=server.port, timeout=5).kv.get("unindexed")
    assert index is None
    assert pair["Value"] == b"good"


@pytest.mark.behaviour("Faults", "A certificate that is not trusted is a TLSError")
def test_certificate_of_an_unknown_authority(make_client, flavour, authority, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with tls_server(authority[0]) as server:
        for verify in (True, str(other)):
            client = make_client(
                port=server.port, timeout=5, retry=False, token=TOKEN, scheme="https", verify=verify
            )
            for _ in range(2):
                is_transport(
                    failure(client), flavour, package.TLSError, requests.exceptions.SSLError
                )
        assert server.requests == []


@pytest.mark.behaviour("Faults", "A certificate that is not trusted is a TLSError")
def test_certificate_of_another_host(make_client, flavour, authority):
    with tls_server(authority[0], "elsewhere.example") as server:
        client = make_client(
            port=server.port,
            timeout=5,
            retry=False,
            token=TOKEN,
            scheme="https",
            verify=authority[1],
        )
        is_transport(failure(client), flavour, package.TLSError, requests.exceptions.SSLError)
        assert server.requests == []


@pytest.mark.behaviour("Faults", "A fault over TLS is the same as without")
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("checked", [True, False])
def test_certificate_taken(make_client, authority, checked):
    verify = authority[1] if checked else False
    with tls_server(authority[0]) as server:
        client = make_client(
            port=server.port, timeout=5, retry=False, scheme="https", verify=verify
        )
        assert works(client)
        assert works(client)
        server.fault = BROKEN["truncated body"]
        assert kind(failure(client)) is package.ConnectionFailed
        assert works(client)


@pytest.mark.behaviour(
    "Faults", "A TLS file that is missing or empty is an error at the first call"
)
@pytest.mark.parametrize("option", ["verify", "cert"])
def test_missing_file(make_client, flavour, authority, option):
    with tls_server(authority[0]) as server:
        options = {"verify": authority[1], option: "/nonexistent/file.pem"}
        began = time.monotonic()
        client = make_client(
            port=server.port, timeout=5, retry=False, token=TOKEN, scheme="https", **options
        )
        error = failure(client)
        assert time.monotonic() - began < LATE
        is_transport(error, flavour, package.ConnectionFailed, requests.ConnectionError)
        assert server.requests == []


@pytest.mark.behaviour(
    "Faults", "A TLS file that is missing or empty is an error at the first call"
)
@pytest.mark.parametrize("option", ["verify", "cert"])
def test_file_without_certificates(make_client, flavour, authority, tmp_path, option):
    path = tmp_path / "empty.pem"
    path.write_text("nothing\n")
    with tls_server(authority[0]) as server:
        options = {"verify": authority[1], option: str(path)}
        began = time.monotonic()
        client = make_client(
            port=server.port, timeout=5, retry=False, token=TOKEN, scheme="https", **options
        )
        error = failure(client)
        assert time.monotonic() - began < LATE
        is_transport(error, flavour, package.TLSError, requests.exceptions.SSLError)
        assert server.requests == []
