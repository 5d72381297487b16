"""`close()` at awkward moments: it ends every call, and cancels what has not begun."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from concurrent.futures import CancelledError

import pytest

import consul as package
from consul.core.tls import TLS
from tests.faults import Fault, FaultServer
from tests.network.together import raw, together

#: How a call ends whose client is closed.
ENDS = (package.ConnectionFailed, package.Closed, CancelledError)


@pytest.fixture
def faults():
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        yield server


@pytest.mark.behaviour("Lifecycle", "Closing ends calls whose connection is just being made")
def test_close_while_connections_are_made(make_client, flavour, faults):
    chance = random.Random(4)
    for _ in range(25):
        plain = raw(make_client(port=faults.port, timeout=20, retry=False))
        delay = chance.random() * 0.004
        *calls, closed = together(
            flavour,
            *[(0.002, lambda plain=plain: plain.kv.get("fault", index=7, wait="60s"))] * 4,
            (delay, plain.close),
        )
        assert closed.error is None
        for outcome in calls:
            assert isinstance(outcome.error, ENDS), outcome
            # Far below the time of the call, on a machine that is not idle.
            assert outcome.seconds < 10, outcome


@pytest.mark.behaviour("Lifecycle", "Closing cancels what has not begun")
@pytest.mark.parametrize("flavour", ["threads"], indirect=True)
def test_close_always_cancels_what_is_queued(flavour, faults):
    for _ in range(100):
        client = flavour.module.Consul(port=faults.port, workers=1)
        before = len(faults.requests)
        running = client.kv.get("fault")
        queued = [client.kv.get("fault") for _ in range(3)]
        while len(faults.requests) == before:
            time.sleep(0.0005)
        client.close()
        for future in queued:
            with pytest.raises(CancelledError):
                future.result(20)
        with pytest.raises((package.ConnectionFailed, package.Closed)):
            running.result(20)
        assert len(faults.requests) == before + 1


@pytest.mark.behaviour("Lifecycle", "Closing cancels what has not begun")
@pytest.mark.parametrize("flavour", ["threads"], indirect=True)
def test_calls_are_made_while_another_thread_closes(flavour, faults):
    for _ in range(30):
        client = flavour.module.Consul(port=faults.port, workers=2)
        closing = threading.Timer(0.002, client.close)
        closing.start()
        futures = []
        try:
            for _ in range(3000):
                futures.append(client.kv.get("good"))
        except package.Closed:
            pass
        closing.join()
        for future in futures:
            with contextlib.suppress(CancelledError, package.ConnectionFailed, package.Closed):
                assert future.result(20)[0] == 7


@pytest.mark.behaviour("Lifecycle", "A call that is ended by closing raises Closed")
def test_what_a_call_raises_that_is_ended(make_client, flavour, faults):
    plain = raw(make_client(port=faults.port, retry=False))
    read, write, closed = together(
        flavour,
        (0, lambda: plain.kv.get("fault", index=7, wait="60s")),
        (0, lambda: plain.kv.get("fault")),
        (lambda: len(faults.requests) == 2, plain.close),
    )
    assert closed.error is None
    for outcome in (read, write):
        assert isinstance(outcome.error, package.Closed), outcome
        # As before there was that class.
        assert isinstance(outcome.error, package.ConnectionFailed)
        assert "is closed" in str(outcome.error)


@pytest.mark.behaviour("Lifecycle", "Closing ends a pause before a repeat")
def test_close_in_a_pause(make_client, flavour):
    answer = b"HTTP/1.1 503 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
    with FaultServer() as server:
        server.fault = Fault(answer, "keep")
        plain = raw(make_client(port=server.port, retry=package.Retry(limit=50)))
        call, closed = together(
            flavour,
            (0, lambda: plain.kv.get("fault")),
            (lambda: server.requests, plain.close),
        )
        assert closed.error is None
        assert isinstance(call.error, (package.Closed, package.RateLimited)), call
        assert call.seconds < 20
        assert len(server.requests) == 1


@pytest.mark.behaviour("Lifecycle", "Nothing is sent after the close")
@pytest.mark.parametrize("flavour", ["aio", "tornado"], indirect=True)
def test_close_while_a_hook_waits(make_client, flavour, faults):
    begun = []

    async def hook(exchange):
        begun.append(exchange)
        await asyncio.sleep(0.3)

    plain = raw(make_client(port=faults.port, on_request=hook))
    call, closed = together(
        flavour, (0, lambda: plain.kv.put("good", "1")), (lambda: begun, plain.close)
    )
    assert closed.error is None
    assert isinstance(call.error, package.Closed), call
    assert faults.requests == []


@pytest.mark.parametrize("flavour", ["std", "threads"], indirect=True)
def test_close_while_the_context_of_tls_is_made(make_client, flavour, faults, monkeypatch):
    loading, go_on = threading.Event(), threading.Event()
    context = TLS.context

    def slowly(settings):
        loading.set()
        assert go_on.wait(30)
        return context(settings)

    monkeypatch.setattr(TLS, "context", slowly)
    options = {"scheme": "https", "verify": False, "timeout": 60}
    client = flavour.module.Consul(port=faults.port, **options)
    ended = []

    def call():
        try:
            flavour.call(client.kv.get, "fault")
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert loading.wait(30)
    client.close()
    go_on.set()
    thread.join(30)
    assert [type(error).__name__ for error in ended] in (["Closed"], ["CancelledError"])
    assert faults.requests == []
