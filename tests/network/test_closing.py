"""`close()` at awkward moments: it ends every call, and cancels what has not begun."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from concurrent.futures import CancelledError

import pytest

import consul as package
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
