"""A guard for each part of another library that is used without a written contract.

`consul.transport` names these parts in the docstrings of its modules.  A release of a library that
changes one of them fails here, where the name says what it was needed for.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import inspect
import socket
import ssl
from http.client import HTTPResponse

import pytest


def tree_of(module):
    return ast.parse(inspect.getsource(importlib.import_module(module)))


@pytest.fixture
def pair():
    """Two sockets that are connected to each other."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    with ours, theirs:
        yield ours, theirs


# urllib3, for consul.std and consul.threads


@pytest.mark.parametrize("kind", ["HTTPConnection", "HTTPSConnection"])
def test_urllib3_makes_its_socket_by_a_method(kind):
    from urllib3 import connection

    class Stop(Exception):
        pass

    class Connection(getattr(connection, kind)):
        def _new_conn(self):
            raise Stop

    with pytest.raises(Stop):
        Connection("127.0.0.1", 1).connect()


def test_urllib3_uses_the_socket_that_the_method_returns(pair):
    from urllib3.connection import HTTPConnection

    class Connection(HTTPConnection):
        def _new_conn(self):
            return pair[0]

    connection = Connection("127.0.0.1", 1)
    connection.connect()
    assert connection.sock is pair[0]


@pytest.mark.parametrize(
    ("body", "count"), [(b"body", 2), (b"x" * 100_000, 2), (None, 1), (b"", 1)]
)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_urllib3_sends_the_head_at_once_and_then_the_body(pair, method, body, count):
    from urllib3.connection import HTTPConnection

    sent = []

    class Connection(HTTPConnection):
        def send(self, data):
            sent.append(bytes(data))

    connection = Connection("127.0.0.1", 1)
    connection.sock = pair[0]
    connection.request(method, "/v1/kv/x", body, {"A": "b", "C": "d"})
    assert len(sent) == count
    assert sent[0].startswith(f"{method} /v1/kv/x HTTP/1.1\r\n".encode())
    assert sent[0].endswith(b"\r\n\r\n")
    assert sent[0].count(b"\r\n\r\n") == 1
    assert sent[1:] == ([body] if body else [])


def test_urllib3_sets_the_time_limit_of_a_kept_connection(pair):
    from urllib3.connection import HTTPConnection

    class Connection(HTTPConnection):
        def send(self, data):
            assert self.sock.gettimeout() == 7

    connection = Connection("127.0.0.1", 1)
    connection.sock, connection.timeout = pair[0], 7
    connection.request("GET", "/")


def test_a_small_body_goes_out_with_its_head(pair):
    from consul.transport.blocking.connections import _Connection

    connection = _Connection("127.0.0.1", 1, owner=None)
    connection.sock = pair[0]
    connection.request("PUT", "/v1/kv/x", b"body", {})
    received = pair[1].recv(4096)
    assert received.startswith(b"PUT /v1/kv/x HTTP/1.1\r\n")
    assert received.endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("kind", ["HTTPConnectionPool", "HTTPSConnectionPool"])
def test_urllib3_keeps_its_connections_in_a_queue_of_the_class_that_we_name(kind):
    """Of the queue it uses these methods only, and waits for nothing in them."""
    import urllib3.connectionpool

    from consul.transport.blocking import connections

    used = {
        node.attr
        for node in ast.walk(tree_of("urllib3.connectionpool"))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "pool"
    } | {"get"}
    assert {"put", "get"} <= used
    assert used <= {name for name in vars(connections._Queue) if not name.startswith("_")}
    ours = {"HTTPConnectionPool": connections._Pool, "HTTPSConnectionPool": connections._SecurePool}
    pool = ours[kind]("127.0.0.1", 1, maxsize=2)
    assert isinstance(pool, getattr(urllib3.connectionpool, kind))
    assert isinstance(pool.pool, connections._Queue)
    assert pool.pool.qsize() == 2
    first = pool._get_conn()
    assert pool.pool.qsize() == 1
    pool._put_conn(first)
    assert pool._get_conn() is first
    # One that is in excess is closed.
    for _ in range(3):
        pool._put_conn(pool._new_conn())
    assert pool.pool.qsize() == 2
    pool.close()


# http.client, for the same


@pytest.mark.parametrize("interim", [1, 3])
@pytest.mark.parametrize("status", [b"204 No Content", b"200 OK"])
def test_http_client_reads_the_status_line_by_a_method(interim, status):
    from consul.transport.blocking.connections import FastResponse

    found = []

    class Noting(FastResponse):
        def _read_status(self):
            found.append(super()._read_status())
            return found[-1]

    text = b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n" * interim
    text += b"HTTP/1.1 %s\r\n" % status + HEADS["no body"]
    begun(Noting, text, "GET")
    assert [each[1] for each in found] == [int(status[:3])]


HEADS = {
    "length": b"Content-Length: 4\r\nX-Consul-Index: 5\r\n\r\nbody",
    "no body": b"Content-Length: 0\r\n\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "chunked, in capitals": b"transfer-encoding: CHUNKED\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "chunked, with a length": b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n",
    "close": b"Connection: close\r\n\r\nbody",
    "close, with a length": b"Connection: Close\r\nContent-Length: 4\r\n\r\nbody",
    "keep-alive": b"Connection: keep-alive\r\nContent-Length: 4\r\n\r\nbody",
    "of no length": b"Content-Type: text/plain\r\n\r\nbody",
}


class Recording:
    """Notes which attributes ``begin`` sets."""

    names: set[str] | None = None

    def __setattr__(self, name, value):
        if self.names is not None:
            self.names.add(name)
        super().__setattr__(name, value)


def begun(kind, text, method):
    """A response of *kind* to *method*, made from *text*: the names that were set, and its body."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(text)
        theirs.shutdown(socket.SHUT_WR)
        response = type("Recorded", (Recording, kind), {})(ours, method=method)
        vars(response)["names"] = names = set()
        response.begin()
        del vars(response)["names"]
        state = {name: value for name, value in vars(response).items() if name != "fp"}
        # Objects without equality of their own.
        headers = [state.pop(name) for name in ("headers", "msg")]
        assert headers[0] is headers[1]
        return response, names, state, headers[0].items(), response.read()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
@pytest.mark.parametrize("name", sorted(HEADS))
def test_our_fast_reading_of_a_head_sets_what_http_client_sets(monkeypatch, method, status, name):
    from consul.transport.blocking.connections import FastResponse

    def thoroughly(self):
        raise AssertionError("not the fast path")

    monkeypatch.setattr(FastResponse, "_begin_thoroughly", thoroughly)
    text = b"HTTP/1.1 " + status + b"\r\n" + HEADS[name]
    _, theirs, their_state, their_headers, their_body = begun(HTTPResponse, text, method)
    ours_made, ours, our_state, our_headers, our_body = begun(FastResponse, text, method)
    if "chunked" not in name:
        # http.client leaves this one at "unknown" where it has no meaning.
        assert our_state.pop("chunk_left") is None
        assert their_state.pop("chunk_left") == "UNKNOWN"
        ours.discard("chunk_left")
    # Python 3.15 sets this one anew to what it is; the next line compares the values.
    assert ours == theirs - {"_max_headers"}
    assert our_state == their_state
    assert our_headers == their_headers
    assert our_body == their_body
    assert type(ours_made.headers) is type(ours_made.msg)


def test_http_client_has_no_further_state():
    """Whatever else a release adds has to be looked at."""
    _, _, state, _, _ = begun(HTTPResponse, b"HTTP/1.1 200 OK\r\n" + HEADS["length"], "GET")
    assert {*state, "fp", "headers", "msg"} - {"_max_headers"} == {
        "_method", "chunk_left", "chunked", "code", "debuglevel", "fp", "headers", "length", "msg",
        "reason", "status", "version", "will_close",
    }  # fmt: skip


def test_urllib3_has_the_answer_of_http_client(pair):
    from urllib3.connection import HTTPConnection

    connection = HTTPConnection("127.0.0.1", 1)
    connection.sock = pair[0]
    connection.request("GET", "/v1/kv/x", preload_content=False)
    pair[1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody")
    pair[1].shutdown(socket.SHUT_WR)
    reply = connection.getresponse()
    found = reply._original_response
    assert isinstance(found, HTTPResponse)
    # What breaks off ends like the rest, but for what is left.
    assert (found.read1(9), found.length) == (b"body", 5)
    assert (found.read1(9), found.length) == (b"", 5)
    connection.close()


# aiohttp, for consul.aio


def test_aiohttp_has_the_switch_that_keeps_it_from_repeating():
    aiohttp = pytest.importorskip("aiohttp")

    async def middleware(request, handler):
        return await handler(request)

    async def look():
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            assert session._retry_connection is True
            assert list(session._middlewares) == [middleware]
        async with aiohttp.ClientSession() as session:
            assert list(session._middlewares or ()) == []

    asyncio.run(look())


def test_aiohttp_takes_a_kept_connection_by_a_method_and_says_what_came_on_it():
    aiohttp = pytest.importorskip("aiohttp")
    from aiohttp.client_proto import ResponseHandler

    from consul.transport.aiohttp import connections

    assert list(inspect.signature(aiohttp.BaseConnector._get).parameters) == [
        "self",
        "key",
        "traces",
    ]
    for kind in (connections._Connector, connections._UnixConnector):
        order = [each for each in kind.__mro__ if "_get" in vars(each)]
        assert order[:2] == [connections._Silent, aiohttp.BaseConnector]
    taken = [
        ast.unparse(node)
        for node in ast.walk(tree_of("aiohttp.connector"))
        if isinstance(node, ast.Await) and "._get(" in ast.unparse(node)
    ]
    assert taken, "connections are taken in another way"

    async def look():
        protocol = ResponseHandler(asyncio.get_running_loop())
        assert protocol.should_close is False
        # What comes when nobody has asked for anything.
        protocol.data_received(b"HTTP/1.1 408 Request Time-out\r\n\r\n")
        assert protocol.should_close is True

    asyncio.run(look())


@contextlib.asynccontextmanager
async def dropping():
    """The port of a server that answers a connection's first request, and drops it at the next."""
    requests, writers = [], []

    async def serve(reader, writer):
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            for number in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                requests.append(head.split(b" ")[0].decode())
                length = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
                await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                if number == 0:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], requests
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.mark.parametrize(
    ("switch", "middleware", "sent"),
    [
        # As it is.
        (False, False, 2),
        # An aiohttp without the switch repeats, unless the middleware keeps it from that.
        (True, True, 2),
        (True, False, 3),
    ],
)
def test_aiohttp_does_not_repeat_a_write(switch, middleware, sent):
    pytest.importorskip("aiohttp")
    from consul import ConnectionFailed
    from consul.aio import Consul

    async def run():
        async with dropping() as (port, requests), Consul(port=port, retry=False) as client:
            assert await client.kv.put("x", "y") is True
            session = client.http.session()
            assert session._retry_connection is False
            assert client.http._sessions._repeating is False
            session._retry_connection = switch
            client.http._sessions._repeating = middleware
            if sent == 3:
                assert await client.kv.put("x", "y") is True
            else:
                with pytest.raises(ConnectionFailed) as caught:
                    await client.kv.put("x", "y")
                assert caught.value.sent
            assert requests == ["PUT"] * sent

    asyncio.run(run())


def test_a_session_of_aiohttp_without_the_switch_gets_the_middleware(monkeypatch):
    aiohttp = pytest.importorskip("aiohttp")
    from consul.core.request import Request
    from consul.core.settings import Settings
    from consul.transport.aiohttp import connections

    class Session:
        """As a later release might be."""

        def __init__(self, connector, **options):
            self.connector = connector

        async def close(self):
            await self.connector.close()

    monkeypatch.setattr(aiohttp, "ClientSession", Session)

    async def run():
        sessions = connections.Sessions(Settings())
        sessions.session(Settings().address)
        options = [sessions.options(Request(method, "/"), False) for method in ("PUT", "GET")]
        assert [each.get("middlewares") for each in options] == [(connections.once,), None]
        await sessions.close()

    asyncio.run(run())


def test_the_middlewares_of_a_session_that_is_given_are_kept():
    aiohttp = pytest.importorskip("aiohttp")
    from consul.core.request import Request
    from consul.core.settings import Settings
    from consul.transport.aiohttp.connections import Sessions, once

    async def middleware(request, handler):
        return await handler(request)

    async def run():
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            sessions = Sessions(Settings(session=session))
            assert sessions.session(Settings().address) is session
            options = sessions.options(Request("PUT", "/"), False)
            assert options["middlewares"] == (middleware, once)

    asyncio.run(run())


# Tornado, for consul.tornado


def test_tornado_speaks_http_on_a_stream_of_ours(pair):
    pytest.importorskip("tornado")
    from tornado.http1connection import HTTP1Connection
    from tornado.httputil import HTTPHeaders, RequestStartLine

    from consul.transport.tornado.connections import PARAMETERS, Answer, Stream

    async def run():
        stream = Stream(pair[0])
        pair[0].setblocking(False)
        pair[1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nA: b\r\n\r\nbodyrest")
        connection = HTTP1Connection(stream, True, PARAMETERS)
        line = RequestStartLine("PUT", "/v1/kv/x", "HTTP/1.1")
        connection.write_headers(line, HTTPHeaders({"Content-Length": "5"}), b"value")
        connection.finish()
        answer = Answer(stream)
        await connection.read_response(answer)
        assert answer.complete
        assert (answer.start.code, answer.start.version) == (200, "HTTP/1.1")
        assert (answer.headers["A"], b"".join(answer.body)) == ("b", b"body")
        # What was received and not read.
        assert stream.unread == len(b"rest")
        stream.close()

    asyncio.run(run())
    assert pair[1].recv(4096) == b"PUT /v1/kv/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nvalue"


def test_tornado_begins_a_handshake_by_a_method():
    pytest.importorskip("tornado")
    from consul.transport.tornado.connections import SecureStream

    async def run(port):
        sock, connected = socket.socket(), asyncio.Event()

        class Noting(SecureStream):
            def _handle_connect(self):
                super()._handle_connect()
                connected.set()

        stream = Noting(sock, ssl_options=ssl.create_default_context())
        pending = asyncio.ensure_future(stream.connect(("127.0.0.1", port), "localhost"))
        await connected.wait()
        # It is another socket from now on, which nobody else would close.
        assert stream.socket is not sock
        assert stream.socket.fileno() != -1
        assert sock.fileno() == -1
        stream.close()
        await asyncio.wait((pending,))
        assert pending.exception() is not None

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(asyncio.wait_for(run(listener.getsockname()[1]), 10))


def test_tornado_reads_by_the_methods_that_we_count():
    pytest.importorskip("tornado")
    from consul.transport.tornado.connections import Stream

    used = {
        node.attr
        for node in ast.walk(tree_of("tornado.http1connection"))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "stream"
    }
    reading = {name for name in used if name.startswith("read")}
    assert "read_until_regex" in reading
    # Of older releases; after it there is no connection to be kept.
    assert reading - {"read_until_close"} <= set(vars(Stream))
    assert "set_nodelay" in used


@pytest.mark.parametrize("kind", ["IOStream", "SSLIOStream"])
def test_tornado_receives_by_one_method(kind):
    """Whatever comes in is counted there."""
    pytest.importorskip("tornado")
    receiving = {"recv", "recv_into", "read", "recvfrom", "recvmsg"}
    for node in tree_of("tornado.iostream").body:
        if isinstance(node, ast.ClassDef) and node.name in (kind, "BaseIOStream"):
            for function in node.body:
                found = {
                    each.attr
                    for each in ast.walk(function)
                    if isinstance(each, ast.Attribute)
                    and isinstance(each.value, ast.Attribute)
                    and each.value.attr in ("socket", "_sock", "fd")
                }
                if getattr(function, "name", "") != "read_from_fd":
                    assert not found & receiving
                elif node.name == kind:
                    assert found & receiving


def test_our_method_comes_before_those_of_tornado():
    pytest.importorskip("tornado")
    from tornado.iostream import IOStream, SSLIOStream

    from consul.transport.tornado.connections import SecureStream, Stream

    order = SecureStream.__mro__
    assert [kind for kind in order if "read_from_fd" in vars(kind)][:3] == [
        Stream,
        SSLIOStream,
        IOStream,
    ]


def test_tornado_runs_on_a_loop_of_asyncio():
    pytest.importorskip("tornado")
    from consul.transport.tornado.connections import current_loop

    async def run():
        assert current_loop() is asyncio.get_running_loop()

    asyncio.run(run())


# Twisted, for consul.twisted

#: What Twisted calls on a TLS connection and ours does not need, and why.
NOT_NEEDED = {
    "get_peer_certificate": "by getPeerCertificate() of the transport, which nobody asks for",
    "set_accept_state": "on the side of a server",
    "get_context": "in older releases, for a factory that negotiates a protocol",
    "get_next_proto_negotiated": "in older releases, which allow for its absence",
}


def called_on_the_tls_connection():
    """Names that Twisted looks up on the object that `Creator` makes."""
    pytest.importorskip("twisted")
    found = set()
    for module in ("twisted.protocols.tls", "twisted.protocols._tls_legacy"):
        try:
            tree = tree_of(module)
        except ImportError:
            continue
        # The object goes by an attribute, or by a name that got it.
        names = {"connection"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and "_tlsConnection" in ast.unparse(node.value):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            of = ast.unparse(node.value)
            if of.endswith("._tlsConnection") or of in names:
                found.add(node.attr)
    return found


def test_twisted_calls_no_other_methods_of_a_tls_connection():
    found = called_on_the_tls_connection()
    # Or the search found nothing.
    assert {"do_handshake", "bio_read", "bio_write", "recv", "send", "set_connect_state"} <= found
    from consul.transport.twisted.tls import Connection

    defined = {name for name in vars(Connection) if not name.startswith("_")}
    assert found - defined - set(NOT_NEEDED) == set()


@pytest.mark.parametrize("module", ["twisted.web.client", "twisted.web._newclient"])
def test_twisted_asks_for_no_certificate(module):
    pytest.importorskip("twisted")
    assert "getPeerCertificate" not in inspect.getsource(importlib.import_module(module))


def test_a_tls_connection_of_twisted_has_what_ours_has():
    pytest.importorskip("twisted")
    from OpenSSL import SSL

    from consul.transport.twisted.tls import Connection

    for name in set(vars(Connection)) - {"established"}:
        if not name.startswith("_"):
            assert callable(getattr(SSL.Connection, name))


class Endpoint:
    """Connects at once, to nothing."""

    def __init__(self):
        self.made = []

    def connect(self, factory):
        from twisted.internet.defer import succeed
        from twisted.internet.testing import StringTransport

        protocol = factory.buildProtocol(None)
        protocol.makeConnection(StringTransport())
        self.made.append(protocol)
        return succeed(protocol)


def twisted_connections():
    from twisted.internet.task import Clock

    from consul.core.settings import Settings
    from consul.transport.twisted.connections import Connections

    return Connections(Clock(), Settings())


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Consul-Index: 5\r\n\r\nbody"


def test_twisted_sends_a_request_by_its_write_to_and_reads_the_answer():
    pytest.importorskip("twisted")
    from twisted.web import client

    from consul.transport.twisted.connections import Message, Reader, to_headers

    assert callable(client.Request.writeTo)
    assert list(inspect.signature(client.Request.writeTo).parameters) == ["self", "transport"]
    endpoint, found = Endpoint(), []
    connections = twisted_connections()
    connections.pool.getConnection("key", endpoint).addCallback(found.append)
    (protocol,) = found
    message = Message(b"PUT", b"/v1/kv/x", b"Host: h\r\n", b"value")
    replies = []
    protocol.request(message).addCallback(replies.append)
    sent = protocol.transport.value()
    assert sent == b"PUT /v1/kv/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nvalue"
    assert to_headers((("A", "b"),)).getRawHeaders("a") == ["b"]
    protocol.dataReceived(ANSWER)
    reader, answers = Reader(), []
    reader.finished.addCallback(answers.append)
    reader.read(replies[0])
    assert (answers[0].code, answers[0].headers["x-consul-index"]) == (200, "5")
    assert answers[0].body == b"body"


@pytest.mark.parametrize("automatically", [False, True])
def test_twisted_repeats_only_where_it_may(automatically):
    """With the switch, a kept connection is wrapped in what repeats the request."""
    pytest.importorskip("twisted")
    from consul.transport.twisted.connections import Message, Reader

    connections = twisted_connections()
    assert connections.pool.retryAutomatically is False
    connections.pool.retryAutomatically = automatically
    endpoint, found = Endpoint(), []
    connections.pool.getConnection("key", endpoint).addCallback(found.append)
    protocol = found[0]
    replies, reader = [], Reader()
    protocol.request(Message(b"GET", b"/", b"", None)).addCallback(replies.append)
    protocol.dataReceived(ANSWER)
    reader.read(replies[0])
    assert reader.finished.called
    # It is kept, and handed out again.
    connections.pool.getConnection("key", endpoint).addCallback(found.append)
    assert len(endpoint.made) == 1
    assert (found[1] is protocol) is not automatically
    assert list(connections.pool._connections.values()) in ([], [[]])


def test_twisted_ends_a_request_by_abort():
    pytest.importorskip("twisted")
    from consul.transport.twisted.connections import Message

    connections, found, ended, failures = twisted_connections(), [], [], []
    connections.pool.getConnection("key", Endpoint()).addCallback(found.append)
    protocol = found[0]
    protocol.request(Message(b"GET", b"/", b"", None)).addErrback(failures.append)
    protocol.abort().addCallback(ended.append)
    assert protocol.transport.disconnecting or protocol.transport.disconnected
    assert callable(protocol.transport.abortConnection)
    from twisted.internet.error import ConnectionAborted
    from twisted.python.failure import Failure

    protocol.connectionLost(Failure(ConnectionAborted()))
    assert ended == [None]
    assert len(failures) == 1


def test_twisted_makes_its_connections_by_a_factory_of_the_pool():
    pytest.importorskip("twisted")
    from twisted.web.client import HTTPConnectionPool

    from consul.transport.twisted.connections import _QuietFactory

    assert HTTPConnectionPool._factory.noisy is True
    endpoint, made = Endpoint(), []
    connections = twisted_connections()
    connect = endpoint.connect

    def noting(factory):
        made.append(factory)
        return connect(factory)

    endpoint.connect = noting
    connections.pool.getConnection("key", endpoint)
    assert [type(factory) for factory in made] == [_QuietFactory]
    assert made[0].noisy is False


@pytest.mark.parametrize("how", ["received", "given up"])
def test_a_kept_connection_of_twisted_that_was_not_silent_is_not_used(how):
    pytest.importorskip("twisted")
    from consul.transport.twisted.connections import _is_silent

    class Transport:
        disconnecting = False

    ours, theirs = socket.socketpair()
    with ours, theirs:
        transport = Transport()
        assert _is_silent(transport)
        assert _is_silent(None)
        transport.socket = ours
        assert _is_silent(transport)
        if how == "received":
            theirs.sendall(b"x")
        else:
            transport.disconnecting = True
        assert not _is_silent(transport)
