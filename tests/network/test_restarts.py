"""A loop of blocking queries, while the index of the agent falls: no value is missed for long.

The index of an agent that lost its data starts anew, and a snapshot takes it back.  A query that
waits for a higher index then sleeps through all changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import threading
import time
from http.client import HTTPException

import pytest

import consul as package
from consul import Retry
from tests.agent import Agent
from tests.cluster import Cluster
from tests.network.together import raw
from tools import servers

NEWEST = pytest.mark.parametrize(
    "server", [servers.newest_version()], indirect=True, ids=servers.dotted
)
TWO = pytest.mark.parametrize("flavour", ["std", "aio"], indirect=True)
#: Seconds within which a value has to be seen, on a machine that does other things as well.
SOON = 10


def put(agent, key, value):
    """Put it by means of nobody else's, once the agent takes it."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError, HTTPException):
            if agent.request("PUT", f"/v1/kv/{key}", value.encode()) == (200, b"true"):
                return
        time.sleep(0.02)
    raise AssertionError("the agent takes no write")


class Poll:
    """Polls a key by the documented rules, in a thread of its own, and notes what it saw."""

    def __init__(self, flavour, client, key):
        self.flavour, self.client, self.key = flavour, client, key
        self.seen = []
        self.failed = []
        self.calls = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def _poll(self):
        index = None
        while not self._ended:
            try:
                answer = self.client.kv.get(self.key, index=index, wait="20s")
                found, pair = await answer if inspect.isawaitable(answer) else answer
            except package.ConsulException as error:
                if self._ended:
                    return
                self.failed.append(error)
                index = None
                await self._pause(0.05)
                continue
            self.calls += 1
            # The rules: a fallen index, or none, starts anew.
            index = None if not found or (index is not None and found < index) else found
            with self._changed:
                self.seen.append(None if pair is None else pair["Value"].decode())
                self._changed.notify_all()

    async def _pause(self, seconds):
        if self.flavour.name == "aio":
            await asyncio.sleep(seconds)
        else:
            time.sleep(seconds)

    def _run(self):
        if self.flavour.name == "aio":
            asyncio.run(self._whole())
        else:
            with contextlib.suppress(StopIteration):
                self._poll().send(None)

    async def _whole(self):
        await self._poll()
        await self.client.close()

    def wait_for(self, value):
        """Seconds until *value* is the last one that was seen."""
        began = time.monotonic()
        with self._changed:
            assert self._changed.wait_for(lambda: self.seen[-1:] == [value], 60), self.seen[-3:]
        return time.monotonic() - began

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended = True

    def join(self):
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def own_agent(server):
    with Agent(server) as agent:
        yield agent


@pytest.mark.behaviour("Retries", "A poll that is repeated sees what is put after a restart")
@TWO
@NEWEST
def test_an_agent_that_lost_its_data(flavour, make_client, own_agent, prefix):
    for number in range(30):
        put(own_agent, f"{prefix}/{number}", "filler")
    put(own_agent, prefix, "before")
    client = raw(make_client(port=own_agent.port, retry=Retry(40, longest=0.2, connect=True)))
    with Poll(flavour, client, prefix) as poll:
        poll.wait_for("before")
        # It waits for a change by now, or soon.
        time.sleep(0.3)
        own_agent.kill()
        time.sleep(0.3)
        # An agent that is not persistent begins with nothing.
        own_agent.start()
        put(own_agent, prefix, "after")
        assert poll.wait_for("after") < SOON
        put(own_agent, prefix, "end")
        assert poll.wait_for("end") < SOON
        assert poll.failed == [], "the policy sits it out"
        poll._ended = True
        put(own_agent, prefix, "wake")
        poll.join()


def restart(agent, chance):
    """Lose the data, or keep it."""
    agent.kill()
    time.sleep(chance.random() * 0.2)
    agent.start()


def restore(agent, snapshot):
    status, body = agent.request("PUT", "/v1/snapshot", snapshot)
    assert status == 200, body


@pytest.mark.behaviour("Retries", "A poll misses no last value, whatever becomes of the index")
@TWO
@NEWEST
@pytest.mark.parametrize("retry", [True, "connect", False], ids=["default", "connect", "none"])
def test_whatever_becomes_of_the_index(flavour, make_client, own_agent, prefix, retry):
    chance = random.Random(f"{flavour.name} {retry}")
    policy = Retry(40, longest=0.2, connect=True) if retry == "connect" else retry
    client = raw(make_client(port=own_agent.port, retry=policy))
    put(own_agent, prefix, "first")
    status, snapshot = own_agent.request("GET", "/v1/snapshot")
    assert status == 200
    with Poll(flavour, client, prefix) as poll:
        poll.wait_for("first")
        for number, event in enumerate(chance.sample(["puts", "restart", "restore", "restore"], 4)):
            time.sleep(chance.random() * 0.1)
            if event == "restart":
                restart(own_agent, chance)
            else:
                for filler in range(chance.randrange(1, 40)):
                    put(own_agent, f"{prefix}/{filler}", "filler")
            if event == "restore":
                restore(own_agent, snapshot)
            put(own_agent, prefix, f"value {number}")
            assert poll.wait_for(f"value {number}") < SOON, event
        poll._ended = True
        put(own_agent, prefix, "wake")
        poll.join()


@pytest.fixture(scope="module")
def cluster(server):
    with Cluster(server) as cluster:
        yield cluster


@pytest.mark.behaviour("Retries", "A poll misses no last value, whatever becomes of the index")
@TWO
@NEWEST
def test_a_leader_that_is_lost(flavour, make_client, cluster, prefix):
    leader = cluster.leader()
    other = next(each for each in cluster.servers if each is not leader)
    client = raw(make_client(port=other.port, retry=Retry(40, longest=0.2, connect=True)))
    put(other, prefix, "before")
    with Poll(flavour, client, prefix) as poll:
        poll.wait_for("before")
        leader.kill()
        try:
            put(other, prefix, "after")
            assert poll.wait_for("after") < SOON
        finally:
            leader.start()
            cluster.wait_whole()
        put(other, prefix, "end")
        assert poll.wait_for("end") < SOON
        poll._ended = True
        put(other, prefix, "wake")
        poll.join()
