"""Watches of real servers, in every flavour."""

from __future__ import annotations

import functools
import threading
import time

import pytest

from consul import ACLPermissionDenied, BadRequest, NotReady, ServerError, Timeout
from tests.agent import Agent, free_ports
from tests.flavours import LATE


@pytest.fixture
def key(prefix):
    return f"{prefix}/k"


def after(seconds, function, *args):
    timer = threading.Timer(seconds, function, args)
    timer.start()
    return timer


def value(answer):
    return None if answer[1] is None else answer[1]["Value"]


def test_the_present_state_then_each_change(consul, other, key):
    watch = consul.watch(consul.kv.get, key)
    try:
        assert value(watch.next(timeout=LATE)) is None
        after(0.2, other.kv.put, key, "a")
        assert value(watch.next(timeout=LATE)) == b"a"
        after(0.2, other.kv.delete, key)
        assert value(watch.next(timeout=LATE)) is None
        # Nothing has changed.
        other.kv.put(f"{key}-2", "b")
        with pytest.raises(Timeout, match="no change of GET /v1/kv/"):
            watch.next(timeout=0.5)
        assert watch.error is None
    finally:
        watch.close()
    assert watch.next(timeout=LATE) is None


async def looped(watch, most):
    found = []
    async with watch:
        async for answer in watch:
            found.append(value(answer))
            if len(found) == most:
                break
    return found


def test_in_a_loop(flavour, consul, other, key):
    other.kv.put(key, "a")
    watch = consul.watch(consul.kv.get, key)._target
    after(0.3, other.kv.put, key, "b")
    if flavour.awaits:
        found = flavour.call(looped, watch, 2)
    else:
        found = []
        with watch:
            for answer in watch:
                found.append(value(answer))
                if len(found) == 2:
                    break
    assert found == [b"a", b"b"]
    assert consul._target.http._tasks == set()


def test_a_service_and_its_health(consul, other, prefix):
    watch = consul.watch(consul.health.service, prefix, passing=True)
    try:
        assert watch.next(timeout=LATE)[1] == []
        other.agent.service.register(prefix, check={"TTL": "60s"})
        after(0.2, other.agent.check.ttl_pass, f"service:{prefix}")
        (found,) = watch.next(timeout=LATE)[1]
        assert found["Service"]["ID"] == prefix
        after(0.2, other.agent.service.deregister, prefix)
        assert watch.next(timeout=LATE)[1] == []
    finally:
        watch.close()


def test_what_is_read_by_its_hash(consul, other, prefix):
    other.agent.service.register(prefix, tags=["a"])
    watch = consul.watch(consul.agent.service.get, prefix)
    try:
        assert watch.next(timeout=LATE)["Tags"] == ["a"]
        after(0.2, functools.partial(other.agent.service.register, prefix, tags=["b"]))
        assert watch.next(timeout=LATE)["Tags"] == ["b"]
    finally:
        watch.close()
        other.agent.service.deregister(prefix)


def test_events(consul, other, prefix):
    watch = consul.watch(consul.event.list, prefix)
    try:
        assert watch.next(timeout=LATE)[1] == []
        for payload in ("one", "two"):
            after(0.2, other.event.fire, prefix, payload)
            assert watch.next(timeout=LATE)[1][-1]["Payload"] == payload.encode()
    finally:
        watch.close()


def test_a_watched_value(flavour, consul, other, key):
    watched = consul.watched(consul.kv.get, key)
    target = watched._target
    assert watched.wait(timeout=LATE) is None
    seen = []
    flavour.call(target.on_change, seen.append)
    after(0.2, other.kv.put, key, "a")
    found = watched.wait_until(lambda pair: pair is not None, timeout=LATE)
    assert found["Value"] == b"a"
    assert flavour.call(lambda: target.value) == found
    assert flavour.call(lambda: target.age) < LATE
    end = time.monotonic() + LATE
    while not seen and time.monotonic() < end:
        with pytest.raises(Timeout):
            watched.wait_until(lambda pair: False, timeout=0.05)
    assert seen == [found]
    watched.close()
    assert consul._target.http._tasks == set()


def test_what_is_raised_at_once(consul, acl_client, prefix):
    watch = consul.watch(consul.health.state, "any", filter="Name ==")
    # 1.8 answers a wrong filter with 500.
    with pytest.raises((BadRequest, ServerError), match="boolean expression"):
        watch.next(timeout=LATE)
    with pytest.raises(ValueError, match="read must be one that can wait"):
        consul.watch(consul.kv.put, prefix, "value")
    with pytest.raises(TypeError, match="unexpected keyword argument 'recursive'"):
        consul.watch(consul.kv.get, prefix, recursive=True)
    client = acl_client("00000000-0000-4000-8000-000000000000")
    watch = client.watch(client.kv.get, prefix)
    with pytest.raises(ACLPermissionDenied):
        watch.next(timeout=LATE)


def test_with_and_for_of_the_other_kind(flavour, consul, key):
    watch = consul.watch(consul.kv.get, key)._target
    if flavour.awaits:
        with pytest.raises(TypeError, match="use async with"):
            watch.__enter__()
        with pytest.raises(TypeError, match="use async for"):
            iter(watch)
    else:
        with pytest.raises(TypeError, match="use for"):
            watch.__aiter__()
        with pytest.raises(TypeError, match="use with"):
            watch.__aenter__().send(None)


def test_an_agent_that_is_restarted(server, make_client, key):
    with Agent(server, persistent=True) as agent:
        client = make_client(port=agent.port)
        heard = []
        watch = client.watch(client.kv.get, key, on_error=heard.append)
        try:
            client.kv.put(key, "a")
            assert value(watch.next(timeout=LATE)) == b"a"
            agent.kill()
            with pytest.raises(Timeout):
                watch.next(timeout=1.5)
            assert watch.error is not None
            assert heard
            agent.start()
            client.wait_for_leader(timeout=60)
            began = time.monotonic()
            client.kv.put(key, "b")
            # It says the same as before, and is not told again.
            assert value(watch.next(timeout=LATE)) == b"b"
            assert time.monotonic() - began < LATE
            assert watch.error is None
        finally:
            watch.close()


def test_before_the_first_answer(flavour, make_client, key):
    (port,) = free_ports(1)
    client = make_client(port=port)
    watched = client.watched(client.kv.get, key)
    with pytest.raises(NotReady):
        flavour.call(lambda: watched._target.value)
    watched.close()
