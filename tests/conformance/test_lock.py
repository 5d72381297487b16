"""Locks and kept sessions on real servers, in every flavour."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from consul import InvalidSession, LockConflict, LockLost, LockNotAcquired, NotReady
from tests.agent import Agent
from tests.flavours import LATE, PATIENCE

FLAGS = 0x2DDCCBC058A50C18


@pytest.fixture
def key(prefix):
    return f"{prefix}/.lock"


def after(seconds, function, *args):
    timer = threading.Timer(seconds, function, args)
    timer.start()
    return timer


def sessions(other, name):
    """The sessions of the lock *name*."""
    return [each for each in other.session.list().data if name in each["Name"]]


def no_tasks(consul):
    return consul._target.http._tasks == set()


def test_taken_and_given_back(consul, other, key):
    lock = consul.lock(key, "me")
    assert lock.held is False
    with pytest.raises(NotReady):
        lock.fencing  # noqa: B018
    assert lock.acquire() is True
    pair = other.kv.get(key).data
    assert (pair["Flags"], pair["Value"], pair["Session"]) == (FLAGS, b"me", lock.session)
    assert lock.fencing == pair["ModifyIndex"]
    assert lock.held is True
    assert lock.holder() == (lock.session, b"me")
    assert lock.lost.is_set() is False
    assert lock.lost.wait(timeout=0.01) is False
    (session,) = sessions(other, key)
    assert (session["TTL"], session["Behavior"]) == ("15s", "release")
    with pytest.raises(LockConflict):
        lock.acquire(timeout=0)
    assert consul.lock(key).destroy() is False
    assert lock.release() is True
    assert lock.release() is False
    assert lock.held is False
    assert "Session" not in other.kv.get(key).data
    assert sessions(other, key) == []
    assert no_tasks(consul)
    assert lock.destroy() is True
    assert other.kv.get(key).data is None


def test_who_waits_is_woken(consul, other, key):
    held = other.lock(key)
    held.acquire()
    lock = consul.lock(key)
    began = time.monotonic()
    assert lock.acquire(timeout=0) is False
    assert lock.acquire(timeout=0.3) is False
    assert 0.3 <= time.monotonic() - began < LATE
    assert len(sessions(other, key)) == 1
    assert no_tasks(consul)
    after(0.3, held.release)
    assert lock.acquire(timeout=LATE) is True
    assert lock.release() is True
    assert sessions(other, key) == []


async def in_block(lock, harm):
    async with lock:
        assert lock.held
        harm()
        assert await lock.lost.wait(LATE)
    return "not raised"


def test_a_block_whose_lock_is_lost(flavour, consul, other, key):
    lock = consul.lock(key, lock_delay=0.001, timeout=LATE)._target
    with pytest.raises(LockLost, match="its key was deleted"):  # noqa: PT012
        if flavour.awaits:
            flavour.call(in_block, lock, lambda: other.kv.delete(key))
        else:
            with lock:
                other.kv.delete(key)
                waiting = lock.lost.wait(LATE)
                assert waiting is True or waiting.result(LATE) is True
    assert sessions(other, key) == []
    assert no_tasks(consul)


async def entered(lock):
    async with lock:
        pass


def test_a_block_that_is_not_entered(flavour, consul, other, key):
    with other.lock(key):
        lock = consul.lock(key, timeout=0.2)._target
        with pytest.raises(LockNotAcquired, match=r"not free within 0\.2 s"):  # noqa: PT012
            if flavour.awaits:
                flavour.call(entered, lock)
            else:
                with lock:
                    pass
        assert len(sessions(other, key)) == 1
    assert no_tasks(consul)


def test_the_wrong_kind_of_block(flavour, consul, key):
    lock = consul.lock(key)._target
    if flavour.awaits:
        with pytest.raises(TypeError, match="use async with"), lock:
            pass
    else:
        with pytest.raises(TypeError, match="use with"):
            lock.__aenter__().send(None)


def test_a_session_ended_by_hand(consul, other, key):
    lock = consul.lock(key, lock_delay="2s")
    lock.acquire()
    other.session.destroy(lock.session)
    ended = time.monotonic()
    assert lock.lost.wait(timeout=LATE) is True
    assert lock.held is False
    # It is free after the lock-delay, and not before.
    assert lock.acquire(timeout=0) is False
    assert lock.acquire(timeout=LATE) is True
    assert time.monotonic() - ended > 1.9
    lock.release()
    assert sessions(other, key) == []


def test_a_key_that_is_no_lock(consul, other, key):
    other.kv.put(key, "precious")
    for method in ("acquire", "destroy", "holder"):
        with pytest.raises(LockConflict, match="is no lock: it has the flags 0x0"):
            getattr(consul.lock(key), method)()
    assert other.kv.get(key).data["Value"] == b"precious"
    assert no_tasks(consul)


def test_a_kept_session(consul, other, key):
    keeper = consul.session_keeper(10, key, behavior="delete", node_checks=[], lock_delay=0.001)
    with pytest.raises(NotReady):
        keeper.id  # noqa: B018
    identity = keeper.start()
    assert keeper.id == identity == keeper.start()
    (session,) = sessions(other, key)
    assert (session["ID"], session["TTL"], session["Behavior"]) == (identity, "10s", "delete")
    assert not session["NodeChecks"]
    lock = consul.lock(key, session=keeper._target)
    assert lock.acquire(timeout=0) is True
    assert lock.session == identity
    with pytest.raises(LockConflict, match="with the same session"):
        consul.lock(key, session=identity).acquire()
    assert lock.release() is True
    assert keeper.held is True
    other.session.destroy(identity)
    # Noticed at the next renewal.
    assert keeper.lost.wait(timeout=LATE) is True
    with pytest.raises(InvalidSession):
        lock.acquire(timeout=0)
    keeper.close()
    assert no_tasks(consul)


def test_a_session_of_a_former_process(consul, other, key):
    identity = other.session.create(ttl=10, name=key)
    other.kv.put(key, "x", flags=FLAGS, acquire=identity)
    index = other.kv.get(key).data["ModifyIndex"]
    lock = consul.lock(key, session=identity)
    assert lock.acquire(timeout=0) is True
    assert (lock.session, lock.fencing) == (identity, index)
    assert lock.release() is True
    assert other.session.destroy(identity)
    with pytest.raises(InvalidSession):
        lock.acquire(timeout=0)


def test_what_close_ends(make_client, other, key, agent):
    consul = make_client(port=agent.port)
    keeper = consul.session_keeper(10, key)
    keeper.start()
    lock = consul.lock(key)
    lock.acquire()
    consul.close()
    assert not lock.held
    assert not keeper.held
    assert sessions(other, key) == []
    # There is no lock-delay.
    assert other.lock(key).acquire(timeout=0) is True


def test_an_agent_that_is_restarted(server, make_client, key):
    """The session is in the store of the server, and the lock survives with it."""
    with Agent(server, persistent=True) as agent:
        consul = make_client(port=agent.port)
        lock = consul.lock(key, ttl=10, node_checks=[])
        assert lock.acquire(timeout=LATE) is True
        session = lock.session
        agent.kill()
        agent.start()
        assert lock.held
        assert lock.lost.wait(timeout=4) is False
        assert lock.holder() == (session, None)
        assert lock.release() is True


def test_once_in_a_while(consul, other, prefix):
    called = []
    assert consul.run_once(prefix, lambda: called.append(1), "1h") is True
    assert consul.run_once(prefix, lambda: called.append(2), "1h") is False
    assert other.run_once(prefix, lambda: called.append(3), "1h") is False
    assert consul.run_once(prefix, lambda: called.append(4), "1ms") is True
    assert called == [1, 4]
    with other.lock(f"{prefix}/.lock"):
        assert consul.run_once(prefix, lambda: called.append(5), "1ms") is False
    assert sessions(other, prefix) == []
    assert no_tasks(consul)


HOLDER = """
import sys, consul
client = consul.Consul(port=int(sys.argv[1]))
lock = client.lock(sys.argv[2], ttl=10, lock_delay=0.001)
lock.acquire()
print("held", flush=True)
for line in sys.stdin:
    print(lock.held, lock.lost.is_set(), lock.release(), flush=True)
"""


def test_a_holder_that_is_stopped(agent, other, key):
    """SIGSTOP, past its TTL: another one has the lock, and the first one knows when it goes on."""
    command = [sys.executable, "-c", HOLDER, str(agent.port), key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            process.send_signal(signal.SIGSTOP)
            with other.lock(key, timeout=PATIENCE) as lock:
                process.send_signal(signal.SIGCONT)
                process.stdin.write("go on\n")
                process.stdin.flush()
                assert process.stdout.readline() == "False True False\n"
                assert lock.held
        finally:
            process.kill()
