"""What only the Tornado flavour does."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.agent import Agent
from tests.faults import FAULT, GOOD, Fault, FaultServer, http
from tests.flavours import LATE, needs

needs("tornado")

from tornado import gen  # noqa: E402
from tornado.concurrent import is_future  # noqa: E402
from tornado.httpclient import AsyncHTTPClient  # noqa: E402
from tornado.ioloop import IOLoop  # noqa: E402

from consul import (  # noqa: E402
    ClientError,
    Closed,
    ConnectionFailed,
    RateLimited,
    Timeout,
    TLSError,
)
from consul.tornado import Consul  # noqa: E402


def run(function: Any) -> None:
    loop = IOLoop(make_current=False)
    try:
        loop.run_sync(function)
    finally:
        loop.close()


def happens(condition: Callable[[], object]) -> bool:
    """Whether *condition* comes true before long."""
    end = time.monotonic() + LATE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture
def faults() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def test_yield(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port)

    @gen.coroutine
    def main() -> Generator[Any, Any, None]:
        assert (yield client.kv.put(prefix, "x"))
        _, pair = yield client.kv.get(prefix)
        assert pair["Value"] == b"x"
        both = yield [client.kv.get(prefix), client.status.leader()]
        assert both[0].data == pair

    @gen.coroutine
    def close() -> Generator[Any, Any, None]:
        yield client.close()
        yield client.close()
        with pytest.raises(RuntimeError, match="closed"):
            yield client.kv.get(prefix)

    run(main)
    run(main)
    run(close)


def test_a_call_starts_before_it_is_awaited(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
            index = (await client.kv.get(prefix)).index
            query = client.kv.get(prefix, index=index, wait="30s")
            assert is_future(query)
            await gen.sleep(0.2)
            await other.kv.put(prefix, "x")
            done, _ = await asyncio.wait([query], timeout=10)
            assert done
            assert query.result().data["Value"] == b"x"

    run(main)


def test_blocking_queries_do_not_starve_a_plain_call(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client:
            index = (await client.kv.get(prefix)).index
            queries = [client.kv.get(prefix, index=index, wait="60s") for _ in range(100)]
            await gen.sleep(0.2)
            await gen.with_timeout(IOLoop.current().time() + 10, client.status.leader())
            assert not any(query.done() for query in queries)
            await client.kv.put(prefix, "x")
            await gen.multi(queries)

    run(main)


def test_with_names_the_right_statement() -> None:
    with pytest.raises(TypeError, match="use `async with`"), Consul():
        pass


def test_a_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="cannot use a proxy"):
        Consul(proxy="http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    with pytest.raises(ValueError, match="trust_env=False"):
        Consul("agent.example")
    Consul("agent.example", trust_env=False)


def test_many_calls_share_a_connection(faults: FaultServer) -> None:
    async def main() -> None:
        async with Consul(port=faults.port) as client:
            for _ in range(20):
                assert (await client.kv.get("good")).data["Value"] == b"good"
                assert await client.kv.put("good", "x")
        assert len(faults.connections) == 1

    run(main)


@pytest.mark.parametrize("advance", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_chunks_and_what_is_said_in_advance(faults: FaultServer, advance: bytes) -> None:
    chunks = advance + b"HTTP/1.1 200 OK\r\nX-Consul-Index: 3\r\n"
    chunks += b"Transfer-Encoding: chunked\r\n\r\n"
    chunks += b"1\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (GOOD[:1], len(GOOD) - 1, GOOD[1:])
    faults.fault = Fault(chunks[:40], "keep", chunks[40:60])

    async def main() -> None:
        async with Consul(port=faults.port) as client:
            faults.fault = Fault(chunks, "keep")
            for _ in range(2):
                index, pair = await client.kv.get("fault")
                assert index == 3
                assert pair["Value"] == b"good"
        assert len(faults.connections) == (2 if advance else 1)

    run(main)


@pytest.mark.parametrize("field", ["Connection: close", "X-Repeated: 1"])
def test_a_body_that_ends_with_the_connection(faults: FaultServer, field: str) -> None:
    faults.fault = Fault(f"HTTP/1.1 200 OK\r\n{field}\r\nx-repeated: 2\r\n\r\n".encode() + GOOD)
    seen: list[Any] = []

    async def main() -> None:
        async with Consul(port=faults.port, retry=False, on_response=seen.append) as client:
            assert (await client.kv.get("fault")).data["Value"] == b"good"
            faults.fault = faults.fault._replace(then="reset")
            with pytest.raises(ConnectionFailed, match="reset"):
                await client.kv.get("fault")

    run(main)
    repeated = seen[0].response.headers["x-repeated"]
    assert repeated == ("2" if "close" in field else "1, 2")


@pytest.mark.parametrize("status", ["HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\nConnection: close"])
def test_a_connection_that_the_server_ends_is_not_kept(faults: FaultServer, status: str) -> None:
    answer = http("200 OK", GOOD).replace(b"HTTP/1.1 200 OK", status.encode())
    faults.fault = Fault(answer, "keep")

    async def main() -> None:
        async with Consul(port=faults.port, retry=False) as client:
            for _ in range(2):
                assert (await client.kv.get("fault")).data["Value"] == b"good"
        assert len(faults.connections) == 2

    run(main)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", b"HTTP\r\n\r\n"])
def test_what_is_not_http(faults: FaultServer, answer: bytes) -> None:
    faults.fault = Fault(answer, "keep")

    async def main() -> None:
        async with Consul(port=faults.port, retry=False) as client:
            with pytest.raises(ConnectionFailed, match="Tornado cannot read the answer") as caught:
                await client.kv.get("fault")
            assert caught.value.sent is True
            assert caught.value.__cause__ is not None

    run(main)


def test_an_answer_before_the_request_is_sent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http("413 Payload Too Large", b"too large"))
        await reader.read(1)
        left.set()
        await asyncio.sleep(0.5)
        writer.transport.abort()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with Consul(port=server.sockets[0].getsockname()[1], timeout=60) as client:
            began = time.monotonic()
            with pytest.raises(ClientError, match="413"):
                await client.kv.put("key", b"x" * 2**25)
            assert time.monotonic() - began < LATE
        server.close()
        await gen.sleep(0.6)

    left = threading.Event()
    run(main)
    assert left.is_set()


@pytest.mark.parametrize("sent", [b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"\0"])
def test_what_nobody_asked_for_ends_an_idle_connection(faults: FaultServer, sent: bytes) -> None:
    async def main() -> None:
        async with Consul(port=faults.port, retry=False) as client:
            await client.kv.get("good")
            faults.connections[0].sendall(sent)
            await gen.sleep(0.1)
            assert (await client.kv.get("good")).data["Value"] == b"good"
            faults.fault = Fault(http("200 OK", GOOD) + sent, "keep")
            await client.kv.get("fault")
            assert (await client.kv.get("good")).data["Value"] == b"good"
        assert len(faults.connections) == 3

    run(main)


def test_an_idle_connection_that_is_closed_is_not_used_again(faults: FaultServer) -> None:
    async def main() -> None:
        async with Consul(port=faults.port, retry=False) as client:
            await gen.multi([client.kv.get("good") for _ in range(10)])
            faults.hang_up()
            await gen.sleep(0.1)
            assert await client.kv.put("good", "x")
        assert len(faults.connections) == 11

    run(main)


def test_cancelling_closes_the_connection_at_once(faults: FaultServer) -> None:
    faults.fault = Fault(b"", "hang")

    async def main() -> None:
        client = Consul(port=faults.port)
        calls = [client.kv.get("fault"), asyncio.ensure_future(client.kv.get("fault"))]
        waiting = asyncio.ensure_future(asyncio.wait_for(client.kv.get("fault"), 60))
        assert await asyncio.to_thread(happens, lambda: len(faults.requests) == 3)
        for call in (*calls, waiting):
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert await asyncio.to_thread(happens, lambda: len(faults.left) == 3)
        await client.kv.get("good")
        await client.close()

    run(main)


def test_cancelling_while_it_connects(faults: FaultServer) -> None:
    async def main() -> None:
        async with Consul(port=faults.port, scheme="https", verify=False) as client:
            call = client.kv.get("good")
            assert await asyncio.to_thread(happens, lambda: faults.connections)
            await gen.sleep(0.2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(happens, lambda: faults.left)

    run(main)


def test_two_loops(faults: FaultServer) -> None:
    client = Consul(port=faults.port)
    first, second = IOLoop(make_current=False), IOLoop(make_current=False)
    for _ in range(2):
        for loop in (first, second):
            loop.run_sync(lambda: client.kv.get("good"))
    assert len(faults.connections) == 2
    first.close()
    run(lambda: client.kv.get("good"))
    second.run_sync(lambda: client.kv.get("good"))
    assert len(faults.connections) == 3
    second.run_sync(client.close)
    second.close()


def test_two_loops_in_threads(faults: FaultServer) -> None:
    client = Consul(port=faults.port)
    faults.fault = Fault(b"", "hang")
    errors: list[BaseException] = []

    async def poll() -> None:
        try:
            await client.kv.get("fault")
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, args=(poll,))
    thread.start()
    assert happens(lambda: faults.requests)
    run(client.close)
    thread.join(10)
    assert [type(error) for error in errors] == [Closed]


def test_asyncio_run_leaves_nothing_open(faults: FaultServer) -> None:
    client = Consul(port=faults.port)

    async def main() -> None:
        await client.kv.get("good")

    asyncio.run(main())
    assert happens(lambda: faults.connections[0].fileno() == -1)
    asyncio.run(main())
    assert len(faults.connections) == 2


def test_a_trickling_server_is_ended_by_the_deadline(faults: FaultServer) -> None:
    faults.fault = Fault(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", "hang", b"x" * 99)

    async def main() -> None:
        async with Consul(port=faults.port, timeout=0.5) as client:
            await client.kv.get("good")
            began = time.monotonic()
            with pytest.raises(Timeout, match=r"0\.5 s") as caught:
                await client.kv.get("fault")
            assert 0.4 < time.monotonic() - began < LATE
            assert caught.value.__cause__ is not None

    run(main)


def test_no_handshake_in_time(faults: FaultServer) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"scheme": "https", "verify": False, "timeout": (0.3, 60)}
        async with Consul(port=faults.port, **options) as client:
            with pytest.raises(Timeout):
                await client.kv.get("good")

    run(main)


def test_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "consul.sock"
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            heads.append(head.decode())
            writer.write(http("200 OK", GOOD))
            if len(heads) == 2:
                break
        writer.close()

    async def main() -> None:
        async with Consul(f"unix://{path}", retry=False) as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.kv.get("good")
            assert caught.value.sent is False
            assert isinstance(caught.value.__cause__, FileNotFoundError)
            listener = await asyncio.start_unix_server(serve, path)
            for _ in range(2):
                assert (await client.kv.get("good")).data["Value"] == b"good"
            listener.close()
        assert "\r\nHost: localhost\r\n" in heads[0]

    run(main)


@pytest.mark.parametrize("stage", ["answer", "handshake"])
def test_close_with_a_call_open(faults: FaultServer, stage: str) -> None:
    faults.fault = Fault(b"", "hang")
    options: dict[str, Any] = {"scheme": "https", "verify": False} if stage != "answer" else {}

    async def main() -> None:
        client = Consul(port=faults.port, retry=False, **options)
        call = client.kv.get("fault", index=1)
        assert await asyncio.to_thread(happens, lambda: faults.connections)
        await gen.sleep(0.2)
        await client.close()
        with pytest.raises(ConnectionFailed) as caught:
            await call
        assert caught.value.sent is (stage == "answer")
        assert caught.value.__cause__ is not None
        assert await asyncio.to_thread(happens, lambda: faults.left)
        with pytest.raises(RuntimeError, match="closed"):
            await client.kv.get("good")

    run(main)


def test_refused_is_not_sent() -> None:
    async def main() -> None:
        async with Consul(port=1, retry=False) as client:
            with pytest.raises(ConnectionFailed, match="refused") as caught:
                await client.kv.put("key", "value")
            assert caught.value.sent is False

    run(main)


def test_a_client_without_a_certificate_is_a_tls_error() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("agent.example").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    options: dict[str, Any] = {"scheme": "https", "verify": trust, "server_name": "agent.example"}

    async def main(server: FaultServer) -> None:
        async with Consul(port=server.port, **options) as client:
            with pytest.raises(TLSError):
                await client.kv.get("good")
            # More than one where the alert was lost with the connection, and the call repeated.
            refused = len(server.connections)
            authority.issue_cert("client.example").configure_cert(trust)
            for _ in range(2):
                assert (await client.kv.get("good")).data["Value"] == b"good"
            assert len(server.connections) == refused + 1

    with FaultServer(context) as server:
        run(lambda: main(server))


def test_max_polls(faults: FaultServer) -> None:
    faults.fault = Fault(b"", "hang")

    async def main() -> None:
        async with Consul(port=faults.port, max_polls=2, retry=False, timeout=(None, 5)) as client:
            polls = [client.kv.get("fault", index=1, wait="30s") for _ in range(5)]
            assert await asyncio.to_thread(happens, lambda: len(faults.requests) >= 2)
            await gen.sleep(0.1)
            assert len(faults.requests) == 2
            polls[2].cancel()
            polls[0].cancel()
            await client.kv.get("good")
            assert await asyncio.to_thread(happens, lambda: len(faults.requests) >= 4)
            await gen.sleep(0.1)
            assert faults.paths().count(f"{FAULT}?index=1&wait=30s") <= 3
            assert len(faults.requests) == 4
            for poll in polls:
                poll.cancel()
            await asyncio.wait(polls)

    run(main)


def test_a_session_is_used_and_not_closed(faults: FaultServer) -> None:
    async def main() -> None:
        session = AsyncHTTPClient(force_instance=True)
        async with Consul(port=faults.port, session=session, retry=False, timeout=0.5) as client:
            assert (await client.kv.get("good")).data["Value"] == b"good"
            assert await client.kv.put("good", "")
            faults.fault = Fault(b"", "hang")
            with pytest.raises(Timeout):
                await client.kv.get("fault")
            faults.fault = Fault(b"")
            with pytest.raises(ConnectionFailed) as caught:
                await client.kv.get("fault")
            assert caught.value.sent is True
        async with Consul(port=1, session=session, retry=False) as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.kv.put("good", "")
            assert caught.value.sent is False
        await session.fetch(f"http://127.0.0.1:{faults.port}/v1/kv/good")
        session.close()

    run(main)


def test_the_address_may_be_assigned(faults: FaultServer) -> None:
    async def main() -> None:
        async with Consul(port=faults.port) as client:
            await client.kv.get("good")
            with FaultServer() as other:
                client.http.base_uri = f"http://127.0.0.1:{other.port}/prefix"
                await client.kv.get("good")
                assert other.paths() == ["/prefix/v1/kv/good"]
                assert happens(lambda: faults.connections[0].fileno() == -1)

    run(main)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_leaves_the_connections_to_the_parent(faults: FaultServer) -> None:
    client = Consul(port=faults.port)
    loop = IOLoop(make_current=False)
    loop.run_sync(lambda: client.kv.get("good"))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with pytest.raises(RuntimeError, match="before the fork"):
                loop.run_sync(lambda: client.kv.get("good"))
            run(lambda: client.kv.get("good"))
            run(client.close)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    loop.run_sync(lambda: client.kv.get("good"))
    assert len(faults.connections) == 2
    loop.run_sync(client.close)
    loop.close()
    assert happens(lambda: faults.connections[0].fileno() == -1)


@pytest.mark.parametrize("fault", [Fault(b"", "hang"), None])
def test_a_loop_that_ends_before_the_call(faults: FaultServer, fault: Fault | None) -> None:
    faults.fault = fault or faults.fault
    options: dict[str, Any] = {} if fault else {"scheme": "https", "verify": False}

    async def main() -> None:
        client = Consul(port=faults.port, max_polls=1, **options)
        begun = [client.kv.get("fault", index=1) for _ in range(2)]
        assert await asyncio.to_thread(happens, lambda: faults.connections)
        await gen.sleep(0.1)
        assert not begun[0].done()

    run(main)
    # Whatever is said of what was left is an error.
    gc.collect()
    assert happens(lambda: faults.left)


def test_a_host_with_several_addresses(
    faults: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two:
        async def resolve(self, host: str, port: int) -> list[tuple[int, Any]]:
            return [(socket.AF_INET, ("127.0.0.1", each)) for each in (1, port)]

    monkeypatch.setattr("consul.transport.tornado.connections.Resolver", Two)

    async def main() -> None:
        async with Consul("agent.example", faults.port, trust_env=False, retry=False) as client:
            assert (await client.kv.get("good")).data["Value"] == b"good"
        async with Consul("agent.example", 1, trust_env=False, retry=False) as client:
            with pytest.raises(ConnectionFailed, match="refused") as caught:
                await client.kv.get("good")
            assert caught.value.sent is False

    run(main)


def test_an_answer_before_the_question() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http("429 Too Many Requests", b"too many", "Connection: close"))
        writer.write_eof()
        await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with Consul(port=port, retry=False) as client:
            for _ in range(10):
                with pytest.raises(RateLimited):
                    await client.kv.get("good")
        server.close()
        await gen.sleep(0.1)

    run(main)


def test_a_host_that_does_not_exist() -> None:
    async def main() -> None:
        async with Consul("nowhere.invalid", trust_env=False, retry=False) as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.kv.get("good")
            assert caught.value.sent is False
            assert isinstance(caught.value.__cause__, socket.gaierror)

    run(main)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\ntrue\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n0\r\nA: x\r\n\r\n",
    ],
    ids=["chunk extension", "trailer"],
)
def test_http_that_tornado_cannot_read(faults: FaultServer, answer: bytes) -> None:
    faults.fault = Fault(answer, "keep")

    async def main() -> None:
        async with Consul(port=faults.port, retry=False, timeout=30) as client:
            # It is HTTP, so the message does not deny that.
            with pytest.raises(ConnectionFailed, match="Tornado cannot read the answer"):
                await client.kv.get("fault")
            assert (await client.kv.get("good")).index == 7

    run(main)
