"""Making, closing and interrupting clients, in every flavour."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

import consul as package
from tests.faults import Fault, FaultServer
from tests.flavours import LATE
from tests.network.together import raw, together, values

ROOT = Path(__file__).parents[2]
LOOPLESS = ("std", "threads")


@pytest.fixture
def faults():
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        yield server


def python(code, *args):
    """The output of a script for which each warning is an error, a forgotten socket included."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    # What is raised in a destructor is printed only.
    assert "Error" not in done.stderr, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.behaviour("Lifecycle", "A client can be made at import time, outside any loop")
def test_made_anywhere(flavour, faults):
    before = threading.active_count()
    made = []
    thread = threading.Thread(target=lambda: made.append(flavour.module.Consul(port=faults.port)))
    thread.start()
    thread.join()
    assert threading.active_count() == before
    assert faults.connections == []
    assert flavour.call(made[0].kv.get, "good")[0] == 7
    flavour.call(made[0].close)
    flavour.module.Consul()


@pytest.mark.behaviour("Lifecycle", "Closing twice, or before any use, does nothing")
def test_close_twice(make_client, faults):
    client = make_client(port=faults.port)
    client.close()
    client.close()
    used = make_client(port=faults.port)
    used.kv.get("good")
    used.close()
    used.close()


@pytest.mark.behaviour(
    "Lifecycle", "A call after the close is a RuntimeError that names the client"
)
def test_use_after_close(make_client, flavour, faults):
    client = make_client(port=faults.port)
    assert client.kv.get("good")[0] == 7
    client.close()
    for call in (
        lambda: client.kv.get("good"),
        lambda: client.kv.put("good", "1"),
        lambda: client.kv.get("good", index=7),
        lambda: client.wait_for_leader(1),
    ):
        with pytest.raises(RuntimeError, match=rf"consul\.{flavour.name}\..*closed"):
            call()
    assert len(faults.requests) == 1


@pytest.mark.behaviour("Lifecycle", "with and async with close; the wrong one names the right one")
def test_statements(flavour, faults):
    client = flavour.module.Consul(port=faults.port)

    async def use():
        async with client as entered:
            assert entered is client
            value = client.kv.get("good")
            return await value if inspect.isawaitable(value) else value

    if flavour.name in LOOPLESS:
        with pytest.raises(TypeError, match="use `with`"):
            asyncio.run(use())
        with client as entered:
            assert entered is client
            assert flavour.call(client.kv.get, "good")[0] == 7
    else:
        with pytest.raises(TypeError, match="use `async with`"), client:
            pass
        assert flavour.call(_deferred(flavour, use))[0] == 7
    with pytest.raises(RuntimeError, match="closed"):
        flavour.call(client.kv.get, "good")


def _deferred(flavour, function):
    """*function*, whose coroutine Twisted takes only as a Deferred."""
    if flavour.name != "twisted":
        return function
    from twisted.internet import defer

    return lambda: defer.ensureDeferred(function())


@pytest.mark.behaviour("Lifecycle", "Closing ends an open blocking query at once")
def test_close_with_an_open_query(make_client, flavour, faults):
    plain = raw(make_client(port=faults.port))
    query, plan, closed = together(
        flavour,
        (0, lambda: plain.kv.get("fault", index=7, wait="60s")),
        (0, lambda: plain.kv.get("fault")),
        (lambda: len(faults.requests) == 2, plain.close),
    )
    assert closed.error is None
    assert closed.seconds < LATE
    for outcome in (query, plan):
        assert isinstance(outcome.error, (package.ConnectionFailed, RuntimeError)), outcome
        assert outcome.seconds < LATE
    assert len(faults.requests) == 2, "repeated although the client is closed"


@pytest.mark.behaviour("Lifecycle", "Closing ends an open blocking query at once")
def test_close_while_queries_wait_for_a_slot(make_client, flavour, faults):
    plain = raw(make_client(port=faults.port, max_polls=1))
    *queries, closed, late = together(
        flavour,
        *[(0, lambda: plain.kv.get("fault", index=7, wait="60s"))] * 3,
        (lambda: faults.requests, plain.close),
        (lambda: faults.left, lambda: len(faults.requests)),
    )
    assert closed.error is None
    for outcome in queries:
        # A future that has not begun is cancelled.
        kinds = (package.ConnectionFailed, RuntimeError, CancelledError)
        assert isinstance(outcome.error, kinds), outcome
        assert outcome.seconds < LATE
    assert late.value == 1, "a query was sent after the close"


@pytest.mark.behaviour("Lifecycle", "Closing ends a TLS handshake at once")
def test_close_during_a_handshake(make_client, flavour, faults):
    if flavour.name == "aio":
        pytest.skip("aiohttp gives up a handshake when its time is over, and no sooner")
    plain = raw(make_client(port=faults.port, scheme="https", verify=False, timeout=60))
    call, closed = together(
        flavour, (0, lambda: plain.kv.get("good")), (lambda: faults.greeted, plain.close)
    )
    assert closed.error is None
    assert isinstance(call.error, (package.ConnectionFailed, RuntimeError)), call
    assert call.seconds < LATE


@pytest.mark.behaviour("Lifecycle", "Closing lets go of connections and threads")
def test_nothing_leaks(make_client, flavour, faults):
    make_client(port=faults.port).kv.get("good")
    gc.collect()
    before = threading.active_count() - len(faults._threads)
    for _ in range(5):
        plain = raw(make_client(port=faults.port))
        values(together(flavour, *[(0, lambda plain=plain: plain.kv.get("good"))] * 5))
        flavour.call(plain.close)
    until = time.monotonic() + LATE
    while time.monotonic() < until:
        flavour.call(lambda: None)
        open_ones = [one for one in faults._threads if one.is_alive()]
        # Threads that look up names are the loop's.
        ours = threading.active_count() - len(open_ones)
        few = flavour.name not in LOOPLESS or ours <= before + 2
        # The first client's connection, and the thread that accepts.
        if len(open_ones) <= 2 and few:
            break
        time.sleep(0.05)
    assert len(open_ones) <= 2
    assert few


USES = {
    "std": """
from consul import Consul
with Consul(port=port) as client:
    assert client.kv.get("good")[0] == 7
other = Consul(port=port)
assert other.kv.get("good")[0] == 7
other.close()
""",
    "threads": """
from consul.threads import Consul
with Consul(port=port) as client:
    assert client.kv.get("good").result(9)[0] == 7
    assert [client.kv.get("good") for _ in range(9)][-1].result(9)[0] == 7
""",
    "aio": """
import asyncio
from consul.aio import Consul
client = Consul(port=port)
async def main():
    async with client:
        assert (await client.kv.get("good"))[0] == 7
asyncio.run(main())
""",
    "tornado": """
from tornado.ioloop import IOLoop
from consul.tornado import Consul
client = Consul(port=port)
async def main():
    async with client:
        assert (await client.kv.get("good"))[0] == 7
# Making it the current one looks for an earlier one, of which Python 3.13 warns.
IOLoop(make_current=False).run_sync(main)
""",
    "twisted": """
from twisted.internet import defer, task
from consul.twisted import Consul
client = Consul(port=port)
async def main():
    async with client:
        assert (await client.kv.get("good"))[0] == 7
task.react(lambda reactor: defer.ensureDeferred(main()))
""",
}
HEAD = "import gc, sys\nport = int(sys.argv[1])\n"
TAIL = "\ngc.collect()\n"


@pytest.mark.behaviour("Lifecycle", "A client that was closed leaves no ResourceWarning")
def test_no_warning(flavour, faults):
    python(HEAD + USES[flavour.name] + TAIL, faults.port)
    assert faults.requests


@pytest.mark.behaviour("Lifecycle", "One client serves two loops, and each loop's end closes it")
def test_two_loops_without_a_close(flavour, faults):
    if flavour.name not in ("aio", "tornado"):
        pytest.skip("it has no loops, or, in Twisted, one reactor")
    code = f"""
import asyncio
from consul.{flavour.name} import Consul
client = Consul(port=port)
async def main():
    assert (await client.kv.get("good"))[0] == 7
    assert (await asyncio.gather(*(client.kv.get("good") for _ in range(3))))[2][0] == 7
asyncio.run(main())
asyncio.run(main())
"""
    python(HEAD + code + TAIL, faults.port)
    assert len(faults.requests) == 8


INTERRUPTED = """
import signal, time
from consul import Consul
client = Consul(port=port)
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
for _ in range(2):
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    began = time.monotonic()
    try:
        client.kv.get("fault", index=7, wait="60s")
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - began < 15)
    assert client.kv.get("good")[0] == 7
    assert client.kv.put("good", "1") is True
client.close()
"""


@pytest.mark.parametrize("flavour", ["std"], indirect=True)
@pytest.mark.behaviour("Lifecycle", "A call that is interrupted or cancelled ends at once")
@pytest.mark.parametrize("polls", ["", ", max_polls=1"], ids=["any", "max_polls"])
def test_ctrl_c(flavour, faults, polls):
    code = INTERRUPTED.replace("port=port", f"port=port{polls}")
    assert python(HEAD + code + TAIL, faults.port) == "interrupted True\n" * 2
    assert len(faults.left) == 2


@pytest.mark.behaviour("Lifecycle", "A call that is interrupted or cancelled ends at once")
@pytest.mark.parametrize("flavour", ["threads", "aio", "tornado", "twisted"], indirect=True)
@pytest.mark.parametrize("options", [{}, {"max_polls": 1}], ids=["any", "max_polls"])
def test_cancelled_call(make_client, flavour, faults, options):
    plain = raw(make_client(port=faults.port, **options))
    calls = []

    def start():
        query = plain.kv.get("fault", index=7, wait="60s")
        if inspect.iscoroutine(query):
            query = asyncio.ensure_future(query)
        calls.append(query)
        return query

    query, cancelled, good, again = together(
        flavour,
        (0, start),
        (lambda: faults.requests, lambda: calls[0].cancel()),
        # The connection is closed.
        (lambda: faults.left, lambda: plain.kv.get("good")),
        (lambda: faults.left, lambda: plain.kv.get("good", index=6, wait="1s")),
    )
    assert type(query.error).__name__ == "CancelledError"
    assert query.seconds < LATE
    assert (cancelled.error, good.error, again.error) == (None, None, None)
    assert len(faults.left) == 1
