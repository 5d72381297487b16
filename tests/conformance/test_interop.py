"""Programs over Consul's Go client and ``consul lock`` exclude us, and we exclude them."""

from __future__ import annotations

import time

import pytest

from tests.flavours import LATE
from tests.holder import ended, holder, said, started


@pytest.fixture
def address(agent):
    return f"127.0.0.1:{agent.port}"


def locked(address, server, prefix, *options, command="cat"):
    """A process of ``consul lock`` that holds it until its input ends."""
    given = (f"-http-addr={address}", "-pass-stdin", *options, prefix)
    return started(server, "lock", *given, f"echo held; {command}")


def test_a_lock_of_a_go_program(consul, address, prefix):
    key = f"{prefix}/k"
    lock = consul.lock(key, "py")
    with started(holder(), address, "lock", key) as process:
        assert said(process) == "held"
        assert lock.acquire(timeout=0) is False
        assert lock.holder().value == b"go"
        assert ended(process) == "released"
    assert lock.acquire(timeout=LATE) is True
    with started(holder(), address, "lock", key) as process:
        assert said(process) == "not held"
    assert lock.held is True
    assert lock.release() is True
    with started(holder(), address, "lock", key) as process:
        assert said(process) == "held"


def test_a_semaphore_of_a_go_program(consul, address, prefix):
    ours = consul.semaphore(prefix, 2, "py")
    third = consul.semaphore(prefix, 2)
    with started(holder(), address, "semaphore", prefix, 2) as process:
        assert said(process) == "held"
        assert ours.acquire(timeout=LATE) is True
        assert sorted(each.value for each in ours.holders()) == [b"go", b"py"]
        assert third.acquire(timeout=0) is False
        with started(holder(), address, "semaphore", prefix, 2) as another:
            assert said(another) == "not held"
        assert ended(process) == "released"
    assert third.acquire(timeout=LATE) is True
    assert ours.release() is True
    with started(holder(), address, "semaphore", prefix, 2) as process:
        assert said(process) == "held"
        assert ours.acquire(timeout=0) is False
        assert ended(process) == "released"
    assert third.release() is True
    with started(holder(), address, "semaphore", prefix, 3) as process:
        assert "conflict" in said(process)


def test_consul_lock(consul, address, server, prefix):
    lock = consul.lock(f"{prefix}/.lock")
    with locked(address, server, prefix) as process:
        assert said(process) == "held"
        assert lock.acquire(timeout=0) is False
        assert ended(process) == ""
    # It deletes the key, where nobody else has it.
    assert lock.acquire(timeout=LATE) is True
    began = time.monotonic()
    with locked(address, server, prefix, "-timeout=500ms") as process:
        assert "held" not in ended(process).splitlines()
        assert process.returncode == 1
    assert time.monotonic() - began < LATE
    with locked(address, server, prefix) as process:
        time.sleep(0.3)
        assert lock.release() is True
        assert said(process) == "held"
        assert ended(process) == ""


def test_consul_lock_of_two(consul, address, server, prefix):
    semaphore = consul.semaphore(prefix, 2)
    with (
        locked(address, server, prefix, "-n=2") as one,
        locked(address, server, prefix, "-n=2") as two,
    ):
        assert said(one) == said(two) == "held"
        assert semaphore.acquire(timeout=0) is False
        assert ended(one) == ""
        assert semaphore.acquire(timeout=LATE) is True
        with locked(address, server, prefix, "-n=2", "-timeout=500ms") as third:
            assert "held" not in ended(third).splitlines()
        assert ended(two) == ""
    assert semaphore.release() is True
    # The last one of theirs leaves the key to us.
    assert semaphore.destroy() is True
