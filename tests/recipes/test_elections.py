"""Elections in a world without a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

import consul
from consul.recipes.elections import Leadership
from tests.recipes.storm import KEY, NOTHING, TTL, Storm, left_over


def test_campaign_and_resign(world):
    async def main():
        client, other = world.client(), world.client()
        one, two = client.election(KEY, "one"), other.election(KEY, "two", ttl=TTL)
        assert not one.held
        for name in ("lost", "fencing"):
            with pytest.raises(consul.NotReady):
                getattr(one, name)
        assert await one.leader() is None
        assert await one.campaign()
        assert one.held
        assert await two.leader() == b"one"
        assert not await two.campaign(timeout=0)
        assert not await two.campaign(timeout=3)
        waiting = asyncio.create_task(two.campaign())
        await asyncio.sleep(1)
        assert await one.resign()
        assert await waiting
        assert two.fencing > one.fencing
        assert await one.leader() == b"two"
        world.model.end_session(world.model.keys[KEY]["Session"])
        assert await two.lost.wait(TTL)
        assert not two.held
        assert not await two.resign()
        assert not await one.resign()
        assert left_over(world, client, other) == NOTHING
        await asyncio.sleep(15)
        async with one:
            assert one.held

    world.run(main())


def test_who_leads_is_observed(world):
    async def main():
        client = world.client()
        seen = []

        async def observe():
            async with client.election(KEY, "x").observe() as leaders:
                async for leader in leaders:
                    seen.append(leader)

        task = asyncio.create_task(observe())
        await asyncio.sleep(1)
        for value in ("one", "one", ""):
            async with world.client().election(KEY, value):
                await asyncio.sleep(1)
                # What the leader writes later is no other leader.
                session = world.model.keys[KEY]["Session"]
                flags = 0x2DDCCBC058A50C18
                await client.kv.put(KEY, f"{value}!", flags=flags, acquire=session)
                await asyncio.sleep(1)
            await asyncio.sleep(1)
        assert seen == [None, b"one", None, b"one", None, b"", None]
        await client.kv.put(KEY, "precious")
        with pytest.raises(consul.LockConflict):
            await task
        leaders = client.election("other", "x").observe()
        assert await leaders.next() is None
        with pytest.raises(consul.Timeout):
            await leaders.next(timeout=2)
        await leaders.close()

    world.run(main())


def test_gain_and_loss_are_told(world):
    told = []

    def note(name):
        async def call(leadership):
            assert isinstance(leadership, Leadership)
            told.append((name, leadership.held))

        return call

    async def main():
        client = world.client()
        election = client.election(
            KEY, "x", lock_delay=0.001, on_gain=note("gain"), on_loss=note("loss")
        )
        await election.campaign()
        await asyncio.sleep(0.1)
        assert told == [("gain", True)]
        await election.resign()
        await asyncio.sleep(0.1)
        assert told == [("gain", True), ("loss", False)]
        await election.campaign()
        await client.kv.delete(KEY)
        await asyncio.sleep(0.1)
        assert told[2:] == [("gain", True), ("loss", False)]
        await election.resign()
        await election.campaign()
        await client.close()
        assert told[4:] == [("gain", True), ("loss", False)]

    world.run(main())


def test_work_is_done_once(world):
    async def main():
        client = world.client()
        election = client.election(KEY, "x")

        async def work(leadership):
            assert leadership.held
            assert election.held
            return leadership.fencing

        assert await election.run(work) == election.fencing
        with pytest.raises(ZeroDivisionError):
            await election.run(lambda leadership: 1 / 0)
        with pytest.raises(TypeError, match="work must be callable"):
            await election.run(3)
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_work_is_cancelled_where_the_leadership_is_lost(world):
    async def main():
        client = world.client()
        election = client.election(KEY, "x", lock_delay=0.001)
        begun, ended = [], []

        async def work(leadership):
            begun.append(leadership)
            try:
                if len(begun) < 3:
                    await asyncio.sleep(1000)
            finally:
                # It may take its time, and is waited for.
                await asyncio.sleep(5)
                ended.append((leadership.held, election.held))
            return "done"

        running = asyncio.create_task(election.run(work))
        for _ in range(2):
            await asyncio.sleep(20)
            await client.kv.delete(KEY)
        assert await running == "done"
        assert ended == [(False, False), (False, False), (True, True)]
        # Who is cancelled ends the work, and then resigns.
        begun.clear()
        running = asyncio.create_task(election.run(work))
        await asyncio.sleep(20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended[3:] == [(True, True)]
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_a_hundred_candidates(world):
    leading, turns = [], []

    async def main():
        clients = [world.client() for _ in range(100)]

        async def compete(place, client):
            async def work(leadership):
                leading.append(place)
                assert leading == [place]
                await asyncio.sleep(0.1)
                leading.remove(place)

            await client.election(KEY, str(place)).run(work)
            turns.append(place)

        began = world.now
        await asyncio.gather(*(compete(*each) for each in enumerate(clients)))
        assert sorted(turns) == list(range(100))
        # One after the other, without pauses.
        assert world.now - began < 100 * 0.15
        assert left_over(world, *clients) == NOTHING

    world.run(main())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"key": ""}, ValueError, "key must not be empty"),
        ({"value": 3}, TypeError, "value must be str, bytes or None"),
        ({"on_gain": 3}, TypeError, "on_gain must be callable"),
        ({"on_loss": 3}, TypeError, "on_loss must be callable"),
        ({"session": "x", "ttl": 10}, ValueError, "session and ttl exclude each other"),
    ],
)
def test_wrong_options(world, options, error, text):
    with pytest.raises(error, match=text):
        world.client().election(**{"key": KEY, "value": "x", **options})


class ElectionStorm(Storm):
    """Each leads until it has worked long enough."""

    def __init__(self, seed, session="own"):
        super().__init__(seed, session)
        #: How many work at the same time, by their own view.
        self.working = 0

    async def compete(self, place):
        client = self.clients[place]
        election = client.election(KEY, str(place), ttl=TTL)
        self.locks.append(election)
        while self.turns[place] < self.ROUNDS:
            await asyncio.sleep(self.chance.uniform(0, 2))
            with contextlib.suppress(consul.ConsulException):
                await election.run(lambda leadership: self.lead(place, leadership))
                self.turns[place] += 1

    async def lead(self, place, leadership):
        self.look()
        for _ in range(self.chance.randint(1, 4)):
            await asyncio.sleep(self.chance.uniform(0, 4))
            await self.clients[place].http.running.wait()
            if not leadership.held:
                # It is cancelled.
                await asyncio.Event().wait()


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 100, 50)])
def test_a_storm(caplog, seeds):
    caplog.set_level(logging.CRITICAL, "consul")
    for seed in seeds:
        ElectionStorm.of(seed, "own")
