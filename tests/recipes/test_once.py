"""Functions that are called once in a while, in a world without a server."""

from __future__ import annotations

import asyncio
import itertools

import pytest

import consul
from consul.recipes import once

KEY = "jobs/clean"


@pytest.fixture(autouse=True)
def _wall(world, monkeypatch):
    monkeypatch.setattr(once, "wall", lambda: 1e9 + world.now)


def test_one_of_many_once_in_a_while(world):
    async def main():
        called = []

        async def function():
            called.append(world.now)
            await asyncio.sleep(1)

        async def hourly(client):
            for _ in range(50):
                await client.run_once(KEY, function, "1h")
                await asyncio.sleep(world.chance.uniform(0, 600))

        clients = [world.client() for _ in range(5)]
        await asyncio.gather(*map(hourly, clients))
        gaps = [later - sooner for sooner, later in itertools.pairwise(called)]
        assert len(gaps) >= 3
        assert all(3600 <= gap < 4300 for gap in gaps)
        assert world.model.sessions == {}

    world.run(main())


def test_what_counts(world):
    async def main():
        client = world.client()

        def fails():
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await client.run_once(KEY, fails, 60)
        # It does not count.
        assert await client.run_once(KEY, lambda: None, 60) is True
        assert await client.run_once(KEY, fails, 60) is False
        await asyncio.sleep(61)
        assert await client.run_once(KEY, lambda: None, 60) is True
        # Of a clock that is ahead a little, and much.
        await client.kv.put(KEY, f'{{"Called": {1e9 + world.now + 50}}}', flags=once.FLAGS)
        assert await client.run_once(KEY, fails, 60) is False
        await client.kv.put(KEY, f'{{"Called": {1e9 + world.now + 5000}}}', flags=once.FLAGS)
        assert await client.run_once(KEY, lambda: None, 60) is True
        async with client.lock(f"{KEY}/.lock"):
            await asyncio.sleep(61)
            assert await world.client().run_once(KEY, fails, 60) is False

    world.run(main())


def test_what_is_something_else(world):
    async def main():
        client = world.client()
        for value, flags in [("x", 0), ("x", once.FLAGS), ("{}", once.FLAGS)]:
            await client.kv.put(KEY, value, flags=flags)
            with pytest.raises(consul.LockConflict, match="is used for something else"):
                await client.run_once(KEY, lambda: None, 60)
        assert world.model.sessions == {}

    world.run(main())


def test_a_lock_that_was_lost_meanwhile(world):
    async def main():
        client = world.client()

        async def function():
            await client.kv.delete(f"{KEY}/.lock")

        with pytest.raises(consul.LockLost, match="while the function ran"):
            await client.run_once(KEY, function, 60)
        assert KEY not in world.model.keys
        assert world.model.sessions == {}

    world.run(main())


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("", len, 60), ValueError, "key must not be empty"),
        ((KEY, 3, 60), TypeError, "function must be callable"),
        ((KEY, len, 0), ValueError, "every must be above 0"),
        ((KEY, len, "often"), ValueError, "every must be a duration"),
    ],
)
def test_wrong_arguments(world, arguments, error, text):
    with pytest.raises(error, match=text):
        world.client().run_once(*arguments)
