"""Clients in processes that were forked off, as gunicorn and multiprocessing do it.

The forking happens in scripts: pytest's own process may have a reactor in a thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import FaultServer

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

HEAD = """
import os, signal, sys, threading, traceback, warnings
# Python 3.12 and later warn of any fork of a process that has threads; that is what is tested.
warnings.filterwarnings("ignore", ".*multi-?threaded.*fork", DeprecationWarning)
from consul.FLAVOUR import Consul
port, prefix = int(sys.argv[1]), sys.argv[2]

def value(answer):
    return answer.result(30) if hasattr(answer, "result") else answer

def child(function):
    pid = os.fork()
    if pid:
        return pid
    # A child that hangs ends by itself.
    signal.alarm(30)
    try:
        function()
        sys.stderr.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)

def ended(*pids):
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def own(client, name, count=200):
    for number in range(count):
        key = f"{prefix}/{name}/{number}"
        pair = value(client.kv.get(key))[1]
        assert (pair["Key"], pair["Value"]) == (key, key.encode()), pair

def write(client, name, count=200):
    for number in range(count):
        key = f"{prefix}/{name}/{number}"
        assert value(client.kv.put(key, key))
"""

BLOCKING = {
    "prefork": """
with Consul(port=port) as client:
    for name in "pab":
        write(client, name)
    children = [child(lambda name=name: own(client, name)) for name in "ab"]
    own(client, "p")
    ended(*children)
    own(client, "p", 10)
    # A child of a child, one that makes no call, and one that closes what it was given.
    def parent():
        own(client, "a", 5)
        ended(child(lambda: own(client, "b", 5)), child(client.close))
        own(client, "a", 5)
    ended(child(parent), child(lambda: None), child(client.close))
    own(client, "p", 10)
""",
    "multiprocessing": """
import multiprocessing
client = Consul(port=port)
write(client, "m", 40)
context = multiprocessing.get_context("fork")
jobs = [context.Process(target=own, args=(client, "m", 40)) for _ in range(3)]
for job in jobs:
    job.start()
own(client, "m", 40)
for job in jobs:
    job.join(30)
    assert job.exitcode == 0
client.close()
""",
    "preload": """
# Made and used when the application is loaded, then in threads of each worker at once.
sys.setswitchinterval(1e-5)
client = Consul(port=port)
write(client, "w", 20)
def worker():
    start = threading.Barrier(8)
    failed = []
    def handle():
        start.wait()
        try:
            own(client, "w", 20)
        except BaseException:
            failed.append(traceback.format_exc())
    threads = [threading.Thread(target=handle) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
for _ in range(10):
    ended(child(worker), child(worker))
own(client, "w", 20)
client.close()
""",
    "a watch": """
import consul
client = Consul(port=port)
watch = client.watch(client.kv.get, f"{prefix}/x")
assert value(watch.next())[1] is None
def forked():
    try:
        value(watch.next(timeout=5))
    except consul.Closed as error:
        assert "belongs to the process that was forked" in str(error)
    else:
        raise AssertionError("a forked watch has answered")
    # It can have one of its own.
    with client.watch(client.kv.get, f"{prefix}/x") as own:
        assert value(own.next(timeout=30))[1] is None
ended(child(forked))
value(client.kv.put(f"{prefix}/x", "y"))
assert value(watch.next(timeout=30))[1]["Value"] == b"y"
value(watch.close())
client.close()
""",
    "a lock and a registration": """
import consul
client = Consul(port=port)
lock = client.lock(f"{prefix}/lock")
service = client.registration(f"fork-{prefix.replace('/', '-')}", port=80)
assert value(lock.acquire())
value(service.start())
def forked():
    assert not lock.held and lock.lost.is_set() and not service.registered
    try:
        value(lock.release())
    except consul.Closed as error:
        assert "belongs to the process that was forked" in str(error)
    else:
        raise AssertionError("the lock of another process was released")
    value(service.close())
    assert value(lock.acquire(timeout=0)) is False
ended(child(forked))
assert lock.held and service.registered
assert value(lock.holder()).session == lock.session
assert value(lock.release()) is True
value(service.close())
client.close()
""",
    "inside calls": """
client = Consul(port=port, max_polls=3)
write(client, "i", 10)
index = value(client.kv.get(f"{prefix}/i/0"))[0]
stop, failed = threading.Event(), []
def busy(call):
    while not stop.is_set():
        try:
            call()
        except BaseException:
            failed.append(traceback.format_exc())
calls = [lambda: own(client, "i", 10)] * 4
calls += [lambda: value(client.kv.get(f"{prefix}/i/0", index=index, wait="50ms"))] * 4
threads = [threading.Thread(target=busy, args=(call,)) for call in calls]
for thread in threads:
    thread.start()
def again():
    own(client, "i", 10)
    assert value(client.kv.get(f"{prefix}/i/0", index=index, wait="20ms"))[1]
for _ in range(15):
    ended(child(again), child(again))
stop.set()
for thread in threads:
    thread.join()
assert not failed, failed[0]
client.close()
""",
}

LOOPS = {
    "aio": """
import asyncio
client = Consul(port=port)
async def main(times=3):
    for _ in range(times):
        assert (await client.kv.get("good"))[0] == 7
def used():
    asyncio.run(main())
asyncio.run(main())
async def fork_inside():
    await main()
    def inside():
        # The loop of the parent seems to run here, too.
        asyncio.events._set_running_loop(None)
        used()
    ended(child(inside))
    await main()
asyncio.run(fork_inside())
ended(child(used), child(used))
asyncio.run(main())
""",
    "tornado": """
from tornado.ioloop import IOLoop
client = Consul(port=port)
async def main(times=3):
    for _ in range(times):
        assert (await client.kv.get("good"))[0] == 7
def used():
    loop = IOLoop(make_current=False)
    loop.run_sync(main)
    loop.run_sync(client.close)
    loop.close()
loop = IOLoop(make_current=False)
loop.run_sync(main)
ended(child(used), child(used))
loop.run_sync(main)
loop.run_sync(client.close)
""",
    "twisted": """
from twisted.internet import defer, task
client, unused = Consul(port=port), Consul(port=port)
async def main():
    assert (await client.kv.get("good"))[0] == 7
    def refused():
        try:
            outcome = client.kv.get("good")
            errors = []
            outcome.addErrback(lambda failure: errors.append(failure.value))
            error = errors[0]
        except RuntimeError as raised:
            error = raised
        assert type(error) is RuntimeError, error
        assert "fork" in str(error), error
    ended(child(refused), child(refused))
    assert (await client.kv.get("good"))[0] == 7
    await client.close()
task.react(lambda reactor: defer.ensureDeferred(main()))
""",
}


def python(flavour, code, port, prefix):
    """Run a script for which each warning is an error."""
    head = HEAD.replace("FLAVOUR", flavour)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + code, str(port), prefix],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == ""


@pytest.mark.behaviour("Fork", "A client is used in the parent and in its children at once")
@pytest.mark.parametrize("flavour", ["std", "threads"], indirect=True)
@pytest.mark.parametrize("way", BLOCKING)
def test_fork(flavour, agent, prefix, way):
    python(flavour.name, BLOCKING[way], agent.port, prefix)


@pytest.mark.behaviour(
    "Fork",
    "A client is used in the parent and in its children at once",
    refused={"twisted": "a reactor cannot be used after a fork; the child is told so"},
)
@pytest.mark.parametrize("flavour", ["aio", "tornado", "twisted"], indirect=True)
def test_fork_of_a_loop(flavour, prefix):
    with FaultServer() as server:
        python(flavour.name, LOOPS[flavour.name], server.port, prefix)
        assert server.requests
