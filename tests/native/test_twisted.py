"""What only the Twisted flavour does."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from consul import ConnectionFailed, TLSError
from consul.base import Timeout
from tests.agent import Agent
from tests.faults import FAULT, Fault, FaultServer
from tests.faults import http as answer
from tests.flavours import LATE, Flavour, Twisted, needs

needs("twisted")

from twisted.internet import defer, task  # noqa: E402

from consul.transport.twisted.connections import Reader  # noqa: E402
from consul.twisted import Consul, InsecureContextFactory  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture
def twisted() -> Iterator[Flavour]:
    runner = Twisted()
    yield runner
    runner.stop()


@pytest.fixture
def faults() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def held() -> set[object]:
    """What the reactor waits for."""
    from twisted.internet import reactor

    waiting: Any = reactor
    return {*waiting.getReaders(), *waiting.getWriters(), *waiting.getDelayedCalls()}


def sleep(seconds: float) -> Any:
    from twisted.internet import reactor

    return task.deferLater(reactor, seconds)  # type: ignore[arg-type]


async def becomes(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LATE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await sleep(0.01)


@pytest.fixture
def run(twisted: Flavour) -> Run:
    """Runs a coroutine function in the reactor; nothing of it may be left there afterwards."""

    async def whole(function: Callable[[], Awaitable[Any]]) -> Any:
        before = held()
        try:
            return await function()
        finally:
            await becomes(lambda: held() <= before)

    return lambda function: twisted.call(lambda: defer.ensureDeferred(whole(function)))


class Silent:
    """Takes connections, says *sent* once it hears something, and notices when they end."""

    def __init__(self, sent: bytes = b"", *, pause: float | None = None) -> None:
        self.sent, self.pause = sent, pause
        self.heard, self.closed = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            try:
                while connection.recv(65536):
                    if not self.heard.is_set():
                        self._say(connection)
            except OSError:
                pass
        self.closed.set()

    def _say(self, connection: socket.socket) -> None:
        if self.pause is None:
            connection.sendall(self.sent)
        self.heard.set()
        if self.pause is not None:
            for byte in self.sent:
                connection.sendall(bytes((byte,)))
                time.sleep(self.pause)

    async def __aenter__(self) -> Silent:
        return self

    async def __aexit__(self, *error: object) -> None:
        await until(self.closed)
        self._thread.join(10)
        self._listener.close()


async def until(event: threading.Event) -> None:
    await becomes(event.is_set)


@pytest.fixture
def full() -> Iterator[int]:
    """A port that takes no further connection and refuses none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        others = []
        for _ in range(4):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
            others.append(other)
        time.sleep(0.05)
        yield listener.getsockname()[1]
        for other in others:
            other.close()


def test_no_reactor_is_installed() -> None:
    code = (
        "import sys; from consul.twisted import Consul; Consul();"
        "assert 'twisted.internet.reactor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_deferreds(agent: Agent, prefix: str, twisted: Flavour) -> None:
    @defer.inlineCallbacks
    def main() -> Generator[Any, Any, None]:
        client = Consul(port=agent.port)
        written = client.kv.put(prefix, "x")
        assert isinstance(written, defer.Deferred)
        assert (yield written) is True
        two = yield defer.gatherResults([client.kv.get(prefix), client.status.leader()])
        assert two[0].data["Value"] == b"x"
        yield client.close()
        yield client.close()

    twisted.call(main)


def test_async_with_and_a_write_that_wakes(agent: Agent, prefix: str, run: Run) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
            index = (await client.kv.get(prefix)).index
            queries = [client.kv.get(prefix, index=index, wait="30s") for _ in range(80)]
            await sleep(0.3)
            assert await client.status.leader()
            assert not any(query.called for query in queries)
            await other.kv.put(prefix, "x")
            assert {(await query).data["Value"] for query in queries} == {b"x"}

    run(main)


def test_cancelling(agent: Agent, prefix: str, run: Run) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client:
            index = (await client.kv.get(prefix)).index
            query = client.kv.get(prefix, index=index, wait="60s")
            await sleep(0.2)
            query.cancel()
            with pytest.raises(defer.CancelledError):
                await query
            assert await client.status.leader()

    run(main)


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nX-", answer("200 OK", b"[", length=100)],
    ids=["nothing", "headers", "body"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cancelling_closes_the_connection(run: Run, scheme: str, sent: bytes) -> None:
    async def main() -> None:
        async with Silent(sent) as server:
            client = Consul(port=server.port, scheme=scheme, verify=False)
            call = client.kv.get("x")
            await until(server.heard)
            await sleep(0.05)
            if scheme == "https" and sent:
                # That is no TLS.
                with pytest.raises(TLSError):
                    await call
                return
            assert not call.called
            call.cancel()
            with pytest.raises(defer.CancelledError):
                await call
            await until(server.closed)
            assert not client.http.connections.open
            await client.close()

    run(main)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_connecting_is_cancelled_and_limited(run: Run, full: int, scheme: str) -> None:
    async def main() -> None:
        client = Consul(port=full, scheme=scheme, timeout=(0.3, 60))
        call = client.kv.get("x")
        await sleep(0.05)
        call.cancel()
        with pytest.raises(defer.CancelledError):
            await call
        assert not client.http.connections.open
        began = time.monotonic()
        with pytest.raises(Timeout) as caught:
            await client.kv.get("x")
        assert 0.2 < time.monotonic() - began < LATE
        assert caught.value.__cause__ is not None
        await client.close()

    run(main)


def test_the_limit_to_connect_includes_the_handshake(run: Run) -> None:
    async def main() -> None:
        async with Silent() as server:
            client = Consul(port=server.port, scheme="https", timeout=(0.3, 60))
            began = time.monotonic()
            with pytest.raises(Timeout):
                await client.kv.get("x")
            assert 0.2 < time.monotonic() - began < LATE
            await client.close()

    run(main)


def test_cancelling_while_the_name_is_looked_up(run: Run) -> None:
    async def main() -> None:
        client = Consul("name.invalid", 8500)
        call = client.kv.get("x")
        call.cancel()
        with pytest.raises(defer.CancelledError):
            await call
        with pytest.raises(ConnectionFailed) as caught:
            await client.kv.get("x")
        assert not caught.value.sent
        await client.close()

    run(main)


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\nX-A: " + 200 * b"a", answer("200 OK", 200 * b" ", length=1000)],
    ids=["headers", "body"],
)
def test_a_trickle_is_ended_by_the_deadline(run: Run, sent: bytes) -> None:
    async def main() -> None:
        async with Silent(sent, pause=0.02) as server:
            client = Consul(port=server.port, timeout=0.5)
            began = time.monotonic()
            with pytest.raises(Timeout, match=r"0\.5 s"):
                await client.kv.get("x")
            assert 0.4 < time.monotonic() - began < LATE
            await client.close()

    run(main)


@pytest.mark.parametrize("sent", [b"", answer("200 OK", b"[", length=100)])
@pytest.mark.parametrize("call", ["read", "write"])
def test_closing_ends_open_calls(run: Run, sent: bytes, call: str) -> None:
    async def main() -> None:
        async with Silent(sent) as server:
            client = Consul(port=server.port, timeout=None)
            open_: Any = client.kv.get("x") if call == "read" else client.session.create()
            await until(server.heard)
            await client.close()
            with pytest.raises((ConnectionFailed, RuntimeError), match="closed"):
                await open_
            await until(server.closed)
            await client.close()
            with pytest.raises(RuntimeError, match="is closed"):
                await client.kv.get("x")

    run(main)


def test_closing_with_polls_open(agent: Agent, prefix: str, run: Run) -> None:
    async def main() -> None:
        client = Consul(port=agent.port, max_polls=2)
        index = (await client.kv.get(prefix)).index
        polls = [client.kv.get(prefix, index=index, wait="60s") for _ in range(4)]
        await becomes(lambda: len(client.http.connections.open) == 2)
        await sleep(0.1)
        assert len(client.http.connections.open) == 2
        assert await client.status.leader()
        polls[3].cancel()
        with pytest.raises(defer.CancelledError):
            await polls[3]
        await client.close()
        for poll in polls[:3]:
            with pytest.raises(RuntimeError, match="closed"):
                await poll

    run(main)


def test_waiting_for_a_poll_counts(agent: Agent, prefix: str, run: Run) -> None:
    async def main() -> None:
        client = Consul(port=agent.port, max_polls=1, timeout=0.3)
        index = (await client.kv.get(prefix)).index
        first = client.kv.get(prefix, index=index, wait="5s")
        began = time.monotonic()
        with pytest.raises(Timeout):
            await client.kv.get(prefix, index=index, wait="10ms")
        assert time.monotonic() - began < LATE
        first.cancel()
        with pytest.raises(defer.CancelledError):
            await first
        assert await client.kv.get(prefix, index=index, wait="10ms")
        await client.close()

    run(main)


def test_connections_are_used_again(run: Run) -> None:
    async def main() -> None:
        with FaultServer() as server:
            client = Consul(port=server.port)
            for _ in range(5):
                await client.kv.get("good")
            assert len(server.connections) == 1
            assert server.requests[0].splitlines()[1] == f"Host: 127.0.0.1:{server.port}"
            await defer.gatherResults([client.kv.get("good") for _ in range(5)])
            assert len(server.connections) == 5
            await client.close()

    run(main)


def test_another_address(run: Run) -> None:
    async def main() -> None:
        with FaultServer() as one, FaultServer() as other:
            client = Consul(port=one.port)
            await client.kv.get("good")
            client.http.base_uri = f"http://localhost:{other.port}/behind%20a/proxy"
            await client.kv.get("a b/c")
            assert one.paths() == ["/v1/kv/good"]
            assert other.paths() == ["/behind%20a/proxy/v1/kv/a%20b/c"]
            await client.close()

    run(main)


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
def test_bodies(agent: Agent, prefix: str, run: Run, size: int) -> None:
    value = bytes(range(256)) * (min(size, 500_000) // 256) or size * b"x"

    async def main() -> None:
        async with Consul(port=agent.port) as client:
            assert await client.kv.put(prefix, value)
            data = (await client.kv.get(prefix)).data
            assert (data["Value"] or b"") == value
            assert await client.kv.delete(prefix)

    run(main)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers["Host"]))
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b'"x"')

    def log_message(self, *args: object) -> None: ...


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def test_unix_socket(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "consul.sock"

    async def main() -> None:
        client = Consul(f"unix://{path}")
        with pytest.raises(ConnectionFailed) as caught:
            await client.status.leader()
        assert not caught.value.sent
        assert caught.value.__cause__ is not None
        with pytest.raises(ConnectionFailed, match="too long"):
            await Consul(f"unix://{path}{120 * 'x'}").status.leader()
        kind = type("Seen", (Handler,), {"seen": []})
        with UnixServer(str(path), kind) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            assert await client.status.leader() == "x"
            assert await client.status.leader() == "x"
            await client.close()
            server.shutdown()
            thread.join()
        assert kind.seen == 2 * [("/v1/status/leader", "localhost")]

    run(main)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("tls") / "ca.pem")
    authority.cert_pem.write_to_path(path)
    return path


def tls(
    authority: trustme.CA, name: str = "127.0.0.1", *, asks: trustme.CA | None = None
) -> FaultServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        asks.configure_trust(context)
    return FaultServer(context)


def test_tls(run: Run, authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        with tls(authority) as server:
            for verify in (ca, False, ssl.create_default_context(cafile=ca)):
                before = len(server.connections)
                client = Consul(port=server.port, scheme="https", verify=verify)
                for _ in range(3):
                    assert (await client.kv.get("good")).data["Value"] == b"good"
                assert len(server.connections) == before + 1
                await client.close()

    run(main)


def test_tls_with_large_bodies(run: Run, authority: trustme.CA, ca: str) -> None:
    async def main() -> None:
        value = json.dumps({"x": (1 << 20) * "x"}).encode()
        with tls(authority) as server:
            server.fault = Fault(answer("200 OK", value), "keep")
            async with Consul(port=server.port, scheme="https", verify=ca) as client:
                for _ in range(3):
                    assert await client.http.get(lambda reply: reply.body, FAULT) == value
                assert len(server.connections) == 1

    run(main)


@pytest.mark.parametrize("name", ["elsewhere.example", "localhost", "127.0.0.2"])
def test_tls_of_another_name(run: Run, authority: trustme.CA, ca: str, name: str) -> None:
    async def main() -> None:
        with tls(authority, name) as server:
            client = Consul(port=server.port, scheme="https", verify=ca)
            with pytest.raises(TLSError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                await client.kv.get("good")
            assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
            assert server.requests == []
            await client.close()
            client = Consul(port=server.port, scheme="https", verify=ca, server_name=name)
            await client.kv.get("good")
            await client.close()

    run(main)


def test_tls_of_an_unknown_authority(run: Run, authority: trustme.CA) -> None:
    async def main() -> None:
        with tls(authority) as server:
            context = ssl.create_default_context()
            for verify in (True, context):
                client = Consul(port=server.port, scheme="https", verify=verify)
                with pytest.raises(TLSError, match="CERTIFICATE_VERIFY_FAILED"):
                    await client.kv.get("good")
                await client.close()

    run(main)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_with_client_certificates(
    run: Run, authority: trustme.CA, ca: str, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    file = str(tmp_path / "client.pem")
    authority.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(file)

    async def main() -> None:
        with tls(authority, asks=authority) as server:
            assert server.tls is not None
            server.tls.maximum_version = version
            client = Consul(port=server.port, scheme="https", verify=ca, timeout=5)
            for _ in range(2):
                with pytest.raises(TLSError, match=r"(?i)alert") as caught:
                    await client.kv.get("good")
                assert isinstance(caught.value.__cause__, ssl.SSLError)
            await client.close()
            client = Consul(port=server.port, scheme="https", verify=ca, cert=file)
            await client.kv.get("good")
            await client.close()

    run(main)


def test_tls_where_none_is_spoken(run: Run) -> None:
    async def main() -> None:
        async with Silent(b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain:
            client = Consul(port=plain.port, scheme="https", timeout=5)
            with pytest.raises(TLSError, match="does not speak TLS"):
                await client.kv.get("good")
            await client.close()

    run(main)


def test_a_handshake_that_is_broken_off(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()

        async def main() -> None:
            port = listener.getsockname()[1]
            async with Consul(port=port, scheme="https", timeout=5) as client:
                with pytest.raises(ConnectionFailed) as caught:
                    await client.kv.get("good")
                assert not isinstance(caught.value, TLSError)
                assert not caught.value.sent

        run(main)
        thread.join()


def test_a_context_that_is_no_clients(run: Run) -> None:
    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        async with Consul(scheme="https", verify=context, timeout=5) as client:
            with pytest.raises(TLSError):
                await client.kv.get("good")

    run(main)


def test_the_name_that_old_tests_import(run: Run, authority: trustme.CA) -> None:
    async def main() -> None:
        from twisted.internet import reactor
        from twisted.web import client

        web: Any = client
        with tls(authority) as server:
            pool = web.HTTPConnectionPool(reactor)
            agent = web.Agent(reactor, InsecureContextFactory(), pool=pool)
            reply = await agent.request(b"GET", b"https://127.0.0.1:%d/x" % server.port)
            assert reply.code == 200
            reader = Reader()
            reader.read(reply)
            assert b"good" in (await reader.finished).body
            await pool.closeCachedConnections()

    run(main)


def test_proxies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="trust_env=False"):
        Consul(proxy="http://user:secret@127.0.0.1:3128")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    with pytest.raises(ValueError, match="trust_env=False"):
        Consul("consul.example")
    Consul("consul.example", trust_env=False)
    Consul()


def test_session(run: Run, faults: FaultServer) -> None:
    treq = pytest.importorskip("treq.client")

    async def main() -> None:
        from twisted.internet import reactor
        from twisted.web import client as library

        web: Any = library
        pool = web.HTTPConnectionPool(reactor)
        session = treq.HTTPClient(web.Agent(reactor, pool=pool))
        client = Consul(port=faults.port, session=session, timeout=0.4)
        assert (await client.kv.get("good")).data["Value"] == b"good"
        assert len(faults.connections) == 1
        body = gzip.compress(b'"x"')
        faults.fault = Fault(answer("200 OK", body, "Content-Encoding: gzip"), "keep")
        assert await client.http.get(lambda reply: reply.body, FAULT) == b'"x"'
        assert await client.http.put(lambda reply: reply.code, "/v1/x", data="y") == 200
        for sent in (b"", answer("200 OK", b"[", length=100)):
            faults.fault = Fault(sent, "hang")
            with pytest.raises(Timeout):
                await client.kv.get("fault")
            call = client.kv.get("fault")
            await sleep(0.1)
            call.cancel()
            with pytest.raises(defer.CancelledError):
                await call
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            with pytest.raises(ConnectionFailed) as caught:
                await Consul(port=port, session=session).kv.get("x")
            assert not caught.value.sent
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            await client.kv.get("good")
        # It is the user's still.
        assert await Consul(port=faults.port, session=session).kv.get("good")
        await pool.closeCachedConnections()

    run(main)


FORKS = """
import os, sys
from twisted.internet import defer, reactor, task
from consul.twisted import Consul

async def main():
    used, unused = Consul(port=int(sys.argv[1])), Consul(port=int(sys.argv[1]))
    await used.kv.get("good")
    pid = os.fork()
    if pid == 0:
        for _ in range(2):
            try:
                await used.kv.get("good")
            except RuntimeError as error:
                print("refused:", error, flush=True)
        await used.close()
        os._exit(0)
    os.waitpid(pid, 0)
    await used.kv.get("good")
    await used.close()
    await unused.close()
    print("done")

task.react(lambda _: defer.ensureDeferred(main()))
"""

FORKS_FIRST = """
import os, sys
from twisted.internet import defer, task
from consul.twisted import Consul

client = Consul(port=int(sys.argv[1]))
pid = os.fork()
if pid:
    _, status = os.waitpid(pid, 0)
    assert status == 0

async def main():
    async with client:
        await client.kv.get("good")

task.react(lambda _: defer.ensureDeferred(main()))
"""


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forks(faults: FaultServer) -> None:
    def script(code: str) -> str:
        command = [sys.executable, "-c", code, str(faults.port)]
        ran = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=30)
        return ran.stdout.decode()

    refused, again, done = script(FORKS).splitlines()
    assert refused == again
    assert refused.startswith("refused: the reactor was in use before the fork: ")
    assert done == "done"
    assert len(faults.connections) == 1
    script(FORKS_FIRST)


def test_with_names_the_right_statement() -> None:
    with pytest.raises(TypeError, match="use `async with`"), Consul():
        pass


def test_nothing_is_logged_for_a_connection(run: Run, faults: FaultServer) -> None:
    from twisted.logger import globalLogPublisher

    seen: list[object] = []
    globalLogPublisher.addObserver(seen.append)

    async def main() -> None:
        for _ in range(2):
            async with Consul(port=faults.port, retry=False, timeout=30) as client:
                assert (await client.kv.get("good"))[0] == 7
                faults.script.append(Fault(b""))
                with pytest.raises(ConnectionFailed):
                    await client.kv.get("good")

    try:
        run(main)
    finally:
        globalLogPublisher.removeObserver(seen.append)
    assert len(faults.connections) == 2
    assert seen == []


def test_a_busy_reactor_does_not_take_what_came_for_an_answer(
    run: Run, faults: FaultServer
) -> None:
    async def main() -> None:
        async with Consul(port=faults.port, retry=False, timeout=30) as client:
            assert (await client.kv.get("good"))[0] == 7
            stray = answer("408 Request Time-out", b"", "Connection: close")
            faults.connections[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            faults.connections[0].sendall(stray)
            # The reactor has no chance to receive it.
            time.sleep(0.05)
            assert (await client.kv.get("good"))[0] == 7
            assert len(faults.connections) == 2

    run(main)
