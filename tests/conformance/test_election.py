"""Elections on real servers, in every flavour."""

from __future__ import annotations

import threading
import time

import pytest

from consul import LockConflict
from tests.flavours import LATE


def no_tasks(consul):
    return consul._target.http._tasks == set()


def test_campaign_and_resign(consul, other, prefix):
    election = consul.election(prefix, "me")
    rival = other.election(prefix, "rival")
    assert election.leader() is None
    assert rival.campaign() is True
    assert election.held is False
    assert election.campaign(timeout=0) is False
    assert election.leader() == b"rival"
    leaders = consul.election(prefix, "x").observe()
    assert leaders.next(timeout=LATE) == b"rival"
    timer = threading.Timer(0.3, rival.resign)
    timer.start()
    assert election.campaign(timeout=LATE) is True
    timer.join()
    assert election.held is True
    assert election.fencing > rival.fencing
    assert rival.leader() == b"me"
    # The newest state is told; that of no leader was too short perhaps.
    found = leaders.next(timeout=LATE)
    assert (leaders.next(timeout=LATE) if found is None else found) == b"me"
    leaders.close()
    assert election.resign() is True
    assert election.resign() is False
    assert no_tasks(consul)
    other.kv.put(prefix, "precious")
    with pytest.raises(LockConflict):
        election.campaign()


def test_work(flavour, consul, other, prefix):
    told, terms = [], []
    election = consul.election(
        prefix,
        "me",
        lock_delay=0.001,
        on_gain=lambda leadership: told.append("gain"),
        on_loss=lambda leadership: told.append("loss"),
    )

    def harm():
        time.sleep(0.3)
        other.kv.delete(prefix)

    async def awaited(leadership):
        terms.append(leadership.fencing)
        if len(terms) < 3:
            threading.Thread(target=harm).start()
            # It is cancelled.
            assert await leadership.lost.wait(LATE)
            while True:
                index, _ = await consul._target.kv.get(prefix)
                await consul._target.kv.get(prefix, index=index, wait="60s")
        return "done"

    def direct(leadership):
        terms.append(leadership.fencing)
        if len(terms) < 3:
            threading.Thread(target=harm).start()
            waiting = leadership.lost.wait(LATE)
            assert waiting is True or waiting.result(LATE) is True
            assert not leadership.held
        return "done"

    work = awaited if flavour.awaits else direct
    assert election.run(work) == "done"
    assert terms == sorted(set(terms))
    assert len(terms) == 3
    end = time.monotonic() + LATE
    while told != ["gain", "loss"] * 3 and time.monotonic() < end:
        # An event loop has to run for it.
        election.leader()
    assert told == ["gain", "loss"] * 3
    assert election.leader() is None
    assert no_tasks(consul)

    def wrong(leadership):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        election.run(wrong)
    assert election.leader() is None


def test_a_semaphore(consul, other, prefix):
    one, two = consul.semaphore(prefix, 2, "one"), consul.semaphore(f"{prefix}/", 2, "two")
    assert one.acquire() is True
    assert two.acquire(timeout=0) is True
    third = other.semaphore(prefix, 2)
    assert third.acquire(timeout=0.2) is False
    assert sorted(one.holders()) == sorted([(one.session, b"one"), (two.session, b"two")])
    with pytest.raises(LockConflict, match="has the limit 2, not 3"):
        consul.semaphore(prefix, 3).acquire()
    other.session.destroy(two.session)
    assert two.lost.wait(timeout=LATE) is True
    assert third.acquire(timeout=LATE) is True
    assert two.release() is False
    assert one.release() is True
    third.release()
    assert one.destroy() is True
    assert other.kv.get(prefix, recurse=True).data is None
    assert no_tasks(consul)
